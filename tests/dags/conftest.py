"""Airflow inside the test process: configured before it is imported, with a metadata database of its own.

Its variables and its hold on logging end with this folder's tests, so that other tests see none of it.
"""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from demo import airflow_config
from demo.company import write_files
from simulator.app import DEFAULT_KEY
from simulator.instance import simulator_thread
from simulator.server import serve_in_thread
from tests.conftest import ROOT, PostgresServer
from tests.dags.answers import Answerer
from tests.dags.runs import Dags, FirstLoad

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

NOW = "2026-10-01T00:00:00Z"
COMPANY = {"now": NOW, "customers": 40, "months": 4, "seed": 54}


def libpq_parameters(conninfo: str) -> dict[str, str]:
    """The parameters of a connection string, as the demo's configuration takes them."""
    found = psycopg.conninfo.conninfo_to_dict(conninfo)
    return {"port": "5432"} | {name: str(value) for name, value in found.items()}


@pytest.fixture(scope="package")
def airflow_environment(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Airflow, ready to run tasks; yields the connection string of its metadata database."""
    home = tmp_path_factory.mktemp("airflow")
    metadata = postgres.create_database()
    login = airflow_config.load_or_make_secrets(home)
    variables = airflow_config.environment(
        root=ROOT,
        home=home,
        port=1,  # nothing listens: tasks run in this process
        metadata_url=airflow_config.sqlalchemy_url(libpq_parameters(metadata)),
        login=login,
        passwords_file=airflow_config.write_login(home, login),
        connections={},
    )
    root_logger = logging.getLogger()
    handlers, level = list(root_logger.handlers), root_logger.level
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
            patch.delenv(name)  # of whoever runs the tests
        for name, value in variables.items():
            patch.setenv(name, value)
        from airflow import settings
        from airflow.utils import db

        db.initdb()
        yield metadata
        settings.dispose_orm(do_log=False)
    root_logger.handlers[:] = handlers
    root_logger.setLevel(level)
    postgres.drop_database(metadata)


@pytest.fixture(scope="package")
def dag_bag(airflow_environment: str) -> "DagBag":
    """The project's DAGs, parsed and recorded in the metadata database once."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    bundles = DagBundlesManager()
    bundles.sync_bundles_to_db()
    (bundle,) = bundles.get_all_dag_bundles()
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, bundle.version)
    return bag


@pytest.fixture
def stripe_url() -> Iterator[str]:
    """A small company behind real HTTP, its clock stopped; each test has its own."""
    with simulator_thread(**COMPANY) as url:
        yield url


def connect(patch: pytest.MonkeyPatch, warehouse: str, stripe_url: str) -> None:
    """Gives Airflow its connections to a warehouse and to a company."""
    to_warehouse = airflow_config.warehouse_connection(libpq_parameters(warehouse))
    to_stripe = airflow_config.stripe_connection(DEFAULT_KEY, stripe_url, {"requests_per_second": 1000})
    patch.setenv("AIRFLOW_CONN_WAREHOUSE", to_warehouse)
    patch.setenv("AIRFLOW_CONN_STRIPE_DEFAULT", to_stripe)


@pytest.fixture(scope="package")
def dag_files_by_id(dag_bag: "DagBag") -> dict[str, str]:
    """Id -> file of each of the project's DAGs."""
    return {dag.dag_id: dag.fileloc for dag in dag_bag.dags.values()}


@pytest.fixture
def dags(
    airflow_environment: str,
    dag_files_by_id: dict[str, str],
    warehouse: str,
    stripe_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Dags:
    """The DAGs, with connections to a fresh warehouse and to the company."""
    connect(monkeypatch, warehouse, stripe_url)
    return Dags(dag_files_by_id, airflow_environment, warehouse)


@pytest.fixture(scope="package")
def first_load(
    airflow_environment: str,
    dag_files_by_id: dict[str, str],
    postgres: PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FirstLoad]:
    """Every DAG of a new user's data, run once; to look at, and to be cloned."""
    files = tmp_path_factory.mktemp("files")
    conninfo = postgres.create_warehouse()
    with simulator_thread(**COMPANY) as url, pytest.MonkeyPatch.context() as patch:
        connect(patch, conninfo, url)
        write_files(url, files)
        patch.setenv("AIRFLOW_VAR_TALLYHOUSE_ACQUISITION_PATH", str(files))
        dags = Dags(dag_files_by_id, airflow_environment, conninfo)
        assert dags.run("acquisition").state == "success"
        runs = dags.run_all()
    yield FirstLoad(conninfo, runs)
    postgres.drop_database(conninfo)


@pytest.fixture
def loaded_dags(
    airflow_environment: str,
    dag_files_by_id: dict[str, str],
    first_load: FirstLoad,
    postgres: PostgresServer,
    stripe_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Dags]:
    """The DAGs, with connections to the company, and to a warehouse that has read all of it: that of `first_load`."""
    conninfo = postgres.clone_database(first_load.warehouse)
    connect(monkeypatch, conninfo, stripe_url)
    yield Dags(dag_files_by_id, airflow_environment, conninfo)
    postgres.drop_database(conninfo)


@pytest.fixture(scope="package")
def answerer(airflow_environment: str) -> Iterator[Answerer]:
    """Somebody who is logged in to Airflow's real api-server."""
    from airflow.api_fastapi.app import create_app

    login = airflow_config.load_or_make_secrets(Path(os.environ["AIRFLOW_HOME"]))
    with serve_in_thread(create_app(apps="core")) as url, httpx.Client(base_url=url, timeout=30) as api:
        name = {"username": airflow_config.USER, "password": login.password}
        token = api.post("/auth/token", json=name).raise_for_status().json()["access_token"]
        api.headers["Authorization"] = f"Bearer {token}"
        yield Answerer(api, airflow_config.USER)


@pytest.fixture
def sim(stripe_url: str) -> Callable[..., dict]:
    """Posts to one of the simulator's own endpoints, for example sim("clock", advance_seconds=60)."""

    def post(endpoint: str, **body: object) -> dict:
        answer = httpx.post(f"{stripe_url}/_sim/{endpoint}", json=body)
        answer.raise_for_status()
        return answer.json()

    return post


@pytest.fixture
def dag_files() -> list[Path]:
    """The files of the folder dags/."""
    return sorted((ROOT / "dags").glob("*.py"))
