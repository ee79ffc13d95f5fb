"""One company's numbers in a warehouse, and Airflow's real api-server with the page over them; a real browser."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from demo import airflow_config
from simulator.account import DEFAULT_KEY
from simulator.app import serve_accounts
from simulator.clock import Clock
from simulator.company import Company
from simulator.instance import make_accounts
from simulator.server import listen, serve_in_thread
from tallyhouse.warehouse import refresh_marts
from tests.conftest import ROOT, SQL_ROOT, PostgresServer
from tests.end_to_end.pipeline import Pipeline

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOUNDED = datetime(2025, 7, 15, tzinfo=UTC)
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND_KEY = f"{DEFAULT_KEY}_2"
ENDED = "2026-03-10T12:05:00+00:00"
RUNS = [
    ("marts", "asset_triggered__1", "success", ENDED, []),
    ("warehouse", "asset_triggered__2", "success", ENDED, []),
    ("stripe_events", "scheduled__1", "success", "2026-03-10T11:05:00+00:00", []),
    ("stripe_events", "scheduled__2", "failed", ENDED, [("stage_events", 2), ("stage_events", 1), ("report_gaps", -1)]),
]
"""(DAG, run, state, end, failed tasks with their map indexes): what Airflow knows. marts made the checks in its run."""

FACTS = (
    ("transaction_fact", "occurred_at"),
    ("balance_transaction_fact", "created_at"),
    ("charge_fact", "created_at"),
    ("customer_payment_fact", "day"),
)
"""(Table, column): the facts that payments make, and when."""

PASSWORD = "a password of the tests"
START_SECONDS = 120


@pytest.fixture(scope="package")
def loaded(serving: "Serving", postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Connection string of a warehouse that has read eight months of two accounts, their installs and spend."""
    conninfo = serving.warehouse
    companies = [Company(seed, int(FOUNDED.timestamp()), customers, 8) for seed, customers in ((7, 70), (8, 40))]
    accounts = make_accounts(companies, [DEFAULT_KEY, SECOND_KEY], 0, None, None, is_connected=False)
    with serve_in_thread(serve_accounts(accounts, Clock(NOW.timestamp(), frozen=True))) as url:
        pipelines = [Pipeline(conninfo, url, key) for key in (DEFAULT_KEY, SECOND_KEY)]
        for pipeline in pipelines:
            pipeline.events()
            pipeline.backfill(FOUNDED)
        pipelines[0].files(tmp_path_factory.mktemp("files"))
        pipelines[0].load()
        pipelines[0].reconcile()
    with psycopg.connect(conninfo) as connection:
        connection.execute("update ops.check_result set run_id = 'asset_triggered__1'")
    serving.wait()
    return conninfo


@pytest.fixture
def copy(postgres: PostgresServer, loaded: str) -> Iterator[str]:
    """A copy of the loaded warehouse, to break things in."""
    conninfo = postgres.clone_database(loaded)
    yield conninfo
    postgres.drop_database(conninfo)


@pytest.fixture(scope="package")
def uneven(postgres: PostgresServer, loaded: str) -> Iterator[str]:
    """A copy in which one account, the second by name, was read until 20 January, the dinar has no rate, and in
    December nobody paid in euros, nor did a payment fail."""
    conninfo = postgres.clone_database(loaded)
    with psycopg.connect(conninfo) as connection:
        (account,) = connection.execute("select max(account_id) from mart.currency_span").fetchone() or ()
        late = {"account": account, "through": datetime(2026, 1, 20, tzinfo=UTC)}
        connection.execute("update ops.watermark set through = %(through)s where account_id = %(account)s", late)
        for table, at in FACTS:
            name, column = sql.Identifier("dwh", table), sql.Identifier(at)
            of_account = sql.SQL("delete from {} where account_id = %(account)s and {} >= %(through)s")
            connection.execute(of_account.format(name, column), late)
            in_december = sql.SQL("delete from {} where currency = 'eur' and {} >= '2025-12-01' and {} < '2026-01-01'")
            connection.execute(in_december.format(name, column, column))
        connection.execute("delete from dwh.fx_rate_fact where 'kwd' in (from_currency, to_currency)")
        connection.commit()
        refresh_marts(connection, SQL_ROOT)
    yield conninfo
    postgres.drop_database(conninfo)


@pytest.fixture
def connect(loaded: str) -> Callable[[], AbstractContextManager[psycopg.Connection]]:
    """How the library opens a connection to the loaded warehouse."""
    return lambda: closing(psycopg.connect(loaded))


@dataclass
class Serving:
    """The api-server: its process, address, and the warehouse that its connection leads to."""

    process: subprocess.Popen[bytes]
    url: str
    warehouse: str
    log: Path

    def wait(self) -> None:
        """Returns when it answers; AssertionError with its log when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                httpx.get(f"{self.url}/revenue/", timeout=5)
                return
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def token(self, user: str) -> str:
        """What a user who logs in gets."""
        answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": PASSWORD}, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@pytest.fixture(scope="package")
def serving(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Airflow's api-server with the plugin, starting; ready once `loaded` is."""
    home = tmp_path_factory.mktemp("airflow")
    metadata, warehouse = postgres.create_database(), postgres.create_warehouse()
    # bound here, and handed on: nobody else gets the port meanwhile
    bound = listen("127.0.0.1", 0)
    port = bound.getsockname()[1]
    login = airflow_config.load_or_make_secrets(home)
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"reader": PASSWORD, "guest": PASSWORD}))
    variables = airflow_config.environment(
        root=ROOT,
        home=home,
        port=port,
        metadata_url=airflow_config.sqlalchemy_url(_parameters(metadata)),
        login=login,
        passwords_file=passwords,
        connections={"warehouse": airflow_config.warehouse_connection(_parameters(warehouse))},
    )
    # one who may read everything, and one who may log in and no more
    variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = "reader:viewer,guest:"
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT / "plugins"), str(ROOT)])
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    log = home / "api-server.log"
    command = [sys.executable, "-m", "tests.revenue_page.serving_process", str(bound.fileno()), json.dumps(RUNS)]
    with bound, log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=own | variables, stdout=output, stderr=output, pass_fds=[bound.fileno()]
        )
    yield Serving(process, f"http://127.0.0.1:{port}", warehouse, log)
    process.terminate()
    process.wait(30)
    for conninfo in (metadata, warehouse):
        postgres.drop_database(conninfo)


@pytest.fixture(scope="package")
def site(serving: Serving, loaded: str) -> Serving:
    """The api-server, ready, over the loaded warehouse."""
    return serving


@pytest.fixture(scope="package")
def reader(site: Serving) -> Iterator[httpx.Client]:
    """A client that is logged in as one who may read."""
    headers = {"Authorization": f"Bearer {site.token('reader')}"}
    with httpx.Client(base_url=site.url, headers=headers, timeout=60) as client:
        yield client


def find_browser(environment: Mapping[str, str]) -> str:
    """The Chromium to drive. Without one the test is skipped, but where CI is set it fails."""
    names = ("chromium", "chromium-browser", "google-chrome")
    for found in (shutil.which(name, path=environment.get("PATH")) for name in names):
        if found:
            return found
    missing = "no chromium is installed (Debian, Ubuntu: apt install chromium), and the page is tested in a browser"
    if environment.get("CI"):
        pytest.fail(f"{missing}; where CI is set no test is skipped")
    pytest.skip(missing)


@pytest.fixture(scope="package")
def browser() -> Iterator["Browser"]:
    """A real browser."""
    path = find_browser(os.environ)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # as root, in a container, it cannot put itself into a sandbox
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@contextmanager
def rows_of(conninfo: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Asks a warehouse as its owner."""
    with psycopg.connect(conninfo) as connection:
        yield lambda query, *parameters: connection.execute(query, parameters).fetchall()


@pytest.fixture
def asking(loaded: str) -> Iterator[Callable[..., list[tuple[Any, ...]]]]:
    """Asks the loaded warehouse as its owner, of what the marts themselves say."""
    with rows_of(loaded) as ask:
        yield ask


def _parameters(conninfo: str) -> dict[str, str]:
    return {"port": "5432"} | {name: str(value) for name, value in conninfo_to_dict(conninfo).items()}
