"""Whether the servers that the demo does not start itself can be used, asked before anything is started."""

import time
from collections.abc import Callable

import httpx
import psycopg

from demo.errors import DemoError
from demo.processes import Child
from demo.settings import STRIPE_API_BASE

LEAST_POSTGRES = 160000


def check_warehouse(url: str) -> None:
    """DemoError unless the server answers, is PostgreSQL 16 or later, and lets us create schemas there."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            encoding = connection.info.parameter_status("server_encoding")
            version = connection.info.server_version
            database = connection.info.dbname
            row = connection.execute("select has_database_privilege(current_database(), 'CREATE')").fetchone()
    except psycopg.Error as error:
        raise DemoError(
            f"The warehouse that WAREHOUSE_URL names cannot be reached: {str(error).strip()}. "
            "Check host, port, database, user and password."
        ) from None
    if version < LEAST_POSTGRES:
        raise DemoError(
            f"The warehouse that WAREHOUSE_URL names is PostgreSQL {version // 10000}; 16 or later is needed."
        )
    if encoding != "UTF8":
        raise DemoError(f"Database {database} of WAREHOUSE_URL has encoding {encoding}; Stripe's data needs UTF8.")
    if row != (True,):
        raise DemoError(
            f"The user of WAREHOUSE_URL may not create schemas in database {database}. "
            f"As its owner: grant create on database {database} to that user."
        )


def check_stripe(api_base: str, api_key: str, account_id: str | None) -> str:
    """The account's id: the given one, or what the API says.

    DemoError when the API does not answer, or does not accept the key, or when nobody says which account it is.
    """
    try:
        answer = httpx.get(f"{api_base}/v1/account", headers={"Authorization": f"Bearer {api_key}"}, timeout=20)
    except httpx.HTTPError as error:
        raise DemoError(
            f"{api_base} does not answer ({type(error).__name__}: {error}). "
            + (
                "Check the network and its proxy settings."
                if api_base == STRIPE_API_BASE
                else "Start the server that STRIPE_API_BASE names, or unset it to use the simulator."
            )
        ) from None
    if answer.status_code == 401:
        raise DemoError(
            f"{api_base} does not accept the key of STRIPE_API_KEY (it ends in ...{api_key[-4:]}). "
            "Make a restricted key in Stripe's dashboard under Developers > API keys."
        )
    found = account_id or _account_id(answer)
    if found is None:
        raise DemoError(
            f"{api_base} does not tell a restricted key which account it belongs to: set STRIPE_ACCOUNT_ID to the "
            "account's id (acct_..., in Stripe's dashboard under Settings > Business > Account details)."
        )
    return found


def wait_for_simulator(
    child: Child, api_base: str, api_key: str, *, note: Callable[[str], None], timeout: float = 180
) -> str | None:
    """The account's id, as soon as the simulator serves it.

    DemoError with its log when it ends or is too slow.
    """
    begun = time.monotonic()
    while time.monotonic() - begun < timeout:
        child.check_alive()
        try:
            answer = httpx.get(
                f"{api_base}/v1/account",
                headers={"Authorization": f"Bearer {api_key}"},
                timeout=5,
                trust_env=False,  # a proxy does not know this machine's own servers
            )
            if answer.status_code == 200:
                return _account_id(answer)
            note(f"it answers {answer.status_code}")
        except httpx.HTTPError:
            note("generating the company")
        time.sleep(0.2)
    raise child.failure(f"The simulator at {api_base} does not serve after {timeout:.0f} s.")


def _account_id(answer: httpx.Response) -> str | None:
    try:
        found = answer.json().get("id")
    except (ValueError, AttributeError):
        return None
    return found if answer.status_code == 200 and isinstance(found, str) else None
