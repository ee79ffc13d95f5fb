"""Airflow's configuration: known to Airflow, bound to this machine, kept between runs."""

import importlib.util
import json
import stat
from pathlib import Path

import pytest
import yaml
from sqlalchemy.engine import make_url

from demo import airflow_config
from demo.run import child_environment, past_proxies


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    login = airflow_config.load_or_make_secrets(tmp_path)
    return airflow_config.environment(
        root=Path("/project"),
        home=tmp_path,
        port=8081,
        metadata_url="postgresql+psycopg://u@/airflow",
        login=login,
        passwords_file=airflow_config.write_login(tmp_path, login),
        connections={"warehouse": "{}"},
    )


def test_every_option_is_one_that_this_airflow_knows(environment: dict[str, str]) -> None:
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    file = Path(next(iter(spec.submodule_search_locations))) / "config_templates" / "config.yml"
    known = {
        f"AIRFLOW__{section}__{option}".upper()
        for section, body in yaml.safe_load(file.read_text()).items()
        for option in body["options"]
    }
    unknown = {name for name in environment if name.startswith("AIRFLOW__")} - known
    assert not unknown


def test_the_api_server_listens_on_this_machine_only(environment: dict[str, str]) -> None:
    assert environment["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert environment["AIRFLOW__API__PORT"] == "8081"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:8081/execution/"


def test_the_login_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first = airflow_config.load_or_make_secrets(tmp_path)
    path = airflow_config.write_login(tmp_path, first)
    assert airflow_config.load_or_make_secrets(tmp_path) == first
    assert json.loads(path.read_text()) == {"admin": first.password}
    for file in (path, tmp_path / "secrets.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_two_stacks_have_different_secrets(tmp_path: Path) -> None:
    one, other = (airflow_config.load_or_make_secrets(tmp_path / name) for name in ("a", "b"))
    assert not set(one.__dict__.values()) & set(other.__dict__.values())


def test_a_socket_folder_survives_sqlalchemys_url() -> None:
    parameters = {"host": "/var/a b/pg", "port": "5432", "user": "postgres", "dbname": "airflow"}
    url = make_url(airflow_config.sqlalchemy_url(parameters))
    assert (url.drivername, url.username, url.database) == ("postgresql+psycopg", "postgres", "airflow")
    assert dict(url.query) == {"host": "/var/a b/pg", "port": "5432"}


def test_a_warehouse_connection_carries_every_part_of_the_url() -> None:
    parameters = {
        "host": "db.example.com",
        "port": "6432",
        "user": "me",
        "password": 's"p',
        "dbname": "books",
        "sslmode": "require",
    }
    assert json.loads(airflow_config.warehouse_connection(parameters)) == {
        "conn_type": "postgres",
        "host": "db.example.com",
        "port": 6432,
        "login": "me",
        "password": 's"p',
        "schema": "books",
        "extra": {"sslmode": "require"},
    }


def test_the_stripe_connection_has_the_key_as_password_and_the_api_as_host() -> None:
    connection = json.loads(airflow_config.stripe_connection("sk_test_tallyhouse", "http://127.0.0.1:8123"))
    assert connection["password"] == "sk_test_tallyhouse"
    assert connection["host"] == "http://127.0.0.1:8123"
    assert connection["conn_type"] == "generic"


def test_children_get_neither_another_airflows_settings_nor_our_secrets() -> None:
    inherited = {
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "STRIPE_API_KEY": "rk_live_x",
        "WAREHOUSE_URL": "postgresql://me:secret@host/db",
        "LANG": "C.UTF-8",
    }
    env = child_environment(inherited, {"AIRFLOW_HOME": "/ours"})
    assert env["AIRFLOW_HOME"] == "/ours"
    assert env["LANG"] == "C.UTF-8"
    assert not {"AIRFLOW__CORE__EXECUTOR", "STRIPE_API_KEY", "WAREHOUSE_URL"} & set(env)


def test_this_machine_is_reached_past_a_proxy() -> None:
    assert past_proxies({"NO_PROXY": "intranet"}) == {
        "NO_PROXY": "intranet,127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
