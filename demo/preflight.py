"""Whether the servers that the demo does not start itself can be used, asked before anything is started."""

import time
from collections.abc import Callable
from contextlib import closing

import psycopg

from demo.errors import DemoError
from demo.processes import Child
from tallyhouse import roles
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import StripeUnavailableError, TallyhouseError

CONNECTION = "stripe_default"

LEAST_POSTGRES = 160000


def check_warehouse(url: str) -> None:
    """DemoError unless the server answers, is PostgreSQL 16 or later, and lets us create schemas and roles there."""
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            encoding = connection.info.parameter_status("server_encoding")
            version = connection.info.server_version
            database = connection.info.dbname
            row = connection.execute("select has_database_privilege(current_database(), 'CREATE')").fetchone()
            makes_roles = connection.execute(
                "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"
            ).fetchone()
            missing = roles.missing_statements(connection)
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
    if missing and makes_roles != (True,):
        raise DemoError(
            f"The user of WAREHOUSE_URL may not create roles, and database {database} needs some. Have somebody who "
            f"may run this once there: {'; '.join(missing)};"
        )


def check_stripe(api_base: str, api_key: str, account_id: str | None) -> Account:
    """The account that the key reads; `account_id` names it where the key may not ask.

    DemoError when the API does not answer, or does not accept the key, or does not say which account it is.
    """
    with closing(_client(api_base, api_key, account_id, max_attempts=2)) as client:
        try:
            return client.account()
        except TallyhouseError as error:
            raise DemoError(
                f"{error} (The demo makes connection {CONNECTION} of STRIPE_API_KEY, STRIPE_API_BASE and "
                "STRIPE_ACCOUNT_ID: set these.)"
            ) from error


def wait_for_simulator(
    child: Child, api_base: str, api_key: str, *, note: Callable[[str], None], timeout: float = 180
) -> Account:
    """The simulated account, as soon as the simulator serves it.

    DemoError with its log when it ends or is too slow.
    """
    deadline = time.monotonic() + timeout
    with closing(_client(api_base, api_key, None, max_attempts=1)) as client:
        while time.monotonic() < deadline:
            child.check_alive()
            try:
                return client.account()
            except StripeUnavailableError:
                note("generating the company")
            time.sleep(0.2)
    raise child.failure(f"The simulator at {api_base} does not serve after {timeout:.0f} s.")


def _client(api_base: str, api_key: str, account_id: str | None, max_attempts: int) -> StripeClient:
    return StripeClient(
        api_key,
        api_base=api_base,
        account_id=account_id,
        connection=CONNECTION,
        max_attempts=max_attempts,
        timeout=(5, 20),
    )
