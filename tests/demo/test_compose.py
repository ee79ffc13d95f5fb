"""docker-compose.yaml: pinned, health-checked, bound to this machine, and without a secret in it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
EXAMPLE = dict(
    line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")
)
# $$ is a dollar for the container's shell; what remains is a variable of compose.
# ${NAME:?message}: must be set, and not to nothing; ${NAME?message}: must be set.
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:?\?[^}]*)?\}")
VARIABLES: list[tuple[str, str]] = VARIABLE.findall(TEXT.replace("$$", ""))
MAY_BE_EMPTY = {"STRIPE_ACCOUNT_ID"}  # the simulator, and Stripe too where the key is not restricted, tell it
SECRETS = {name for name in EXAMPLE if name.endswith(("_KEY", "_PASSWORD", "_SECRET"))}
RUNS_ONCE = {"airflow-init"}


def test_the_services_are_those_of_the_stack() -> None:
    assert set(SERVICES) == {
        "metadata-postgres",
        "warehouse-postgres",
        "airflow-init",
        "api-server",
        "scheduler",
        "dag-processor",
        "simulator",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.fullmatch(r"[a-z-]+:\d+\.\d+(\.\d+)?", SERVICES[name]["image"])


def test_the_image_is_built_from_a_pinned_one_and_not_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("FROM ")] == ["FROM apache/airflow:3.3.2-python3.12"]
    assert [line for line in lines if line.startswith("USER ")][-1] == "USER airflow"


def test_the_image_has_the_airflow_that_is_pinned() -> None:
    pinned = re.search(r"^apache-airflow==(\S+)", (ROOT / "requirements-airflow.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    assert f"apache/airflow:{pinned[1]}-" in (ROOT / "Dockerfile").read_text()


def test_all_that_the_image_copies_is_sent_to_the_engine() -> None:
    copied = re.findall(r"^COPY --\S+ (\S+) ", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert len(copied) == 5
    assert [name for name in copied if f"!{name}" not in ignore] == []


@pytest.mark.parametrize("name", sorted(set(SERVICES) - RUNS_ONCE))
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:")


@pytest.mark.parametrize("name", ["airflow-init", "api-server", "scheduler", "dag-processor", "simulator"])
def test_our_containers_do_not_run_as_root(name: str) -> None:
    assert SERVICES[name]["user"].split(":")[0] not in ("0", "root")


def test_every_variable_is_in_the_example_and_none_is_there_in_vain() -> None:
    assert {name for name, _ in VARIABLES} == set(EXAMPLE)


def test_every_variable_is_required_with_a_message() -> None:
    marks = {name: "?" if name in MAY_BE_EMPTY else ":?" for name in EXAMPLE}
    assert [name for name, message in VARIABLES if not message.startswith(f"{marks[name]}set {name}")] == []


def test_what_may_be_empty_is_empty_in_the_example() -> None:
    assert {name: EXAMPLE[name] for name in MAY_BE_EMPTY} == dict.fromkeys(MAY_BE_EMPTY, "")


@pytest.mark.parametrize("account_id", ["", "acct_1A2b"])
def test_both_connections_are_json_with_the_values_of_the_environment(account_id: str) -> None:
    values = {
        "STRIPE_API_KEY": "rk_test_abc",
        "STRIPE_API_BASE": EXAMPLE["STRIPE_API_BASE"],
        "STRIPE_ACCOUNT_ID": account_id,
        "WAREHOUSE_PASSWORD": "0a1b",
    }
    environment = SERVICES["scheduler"]["environment"]
    stripe, warehouse = (
        json.loads(VARIABLE.sub(lambda match: values[match[1]], environment[f"AIRFLOW_CONN_{name}"]))
        for name in ("STRIPE_DEFAULT", "WAREHOUSE")
    )
    assert stripe == {
        "conn_type": "generic",
        "password": "rk_test_abc",
        "host": "https://api.stripe.com",
        "extra": {"account_id": account_id},
    }
    assert warehouse == {
        "conn_type": "postgres",
        "host": "warehouse-postgres",
        "port": 5432,
        "schema": "warehouse",
        "login": "tallyhouse",
        "password": "0a1b",
    }


def further_connections() -> dict[str, str]:
    """What .env.stripe.example shows how to write: name -> value."""
    text = (ROOT / ".env.stripe.example").read_text()
    return dict(re.findall(r"^# (AIRFLOW_\w+)='(.*)'$", text, re.MULTILINE))


def test_where_tasks_run_and_nowhere_else_any_number_of_further_accounts_is_known() -> None:
    given = {name: service["env_file"] for name, service in SERVICES.items() if service.get("env_file")}
    assert given == {"scheduler": [{"path": ".env.stripe", "required": False}]}


@pytest.mark.parametrize(
    ("secret", "holders"),
    [
        ("STRIPE_API_KEY", {"scheduler", "simulator"}),
        ("WAREHOUSE_PASSWORD", {"scheduler", "warehouse-postgres"}),
        ("WAREHOUSE_ADMIN_PASSWORD", {"warehouse-postgres"}),
        ("AIRFLOW_ADMIN_PASSWORD", {"airflow-init"}),
    ],
)
def test_a_secret_is_given_to_who_needs_it_alone(secret: str, holders: set[str]) -> None:
    assert {name for name, service in SERVICES.items() if f"${{{secret}:" in json.dumps(service)} == holders


def test_a_further_account_is_a_connection_like_the_first() -> None:
    connections = {name: json.loads(value) for name, value in further_connections().items() if "_CONN_" in name}
    assert len(connections) >= 2
    assert all(name.startswith("AIRFLOW_CONN_STRIPE_") for name in connections)
    for connection in connections.values():
        assert connection.keys() == {"conn_type", "password", "extra"}
        assert (connection["conn_type"], connection["extra"].keys()) == ("generic", {"account_id"})


def test_a_further_account_does_not_replace_the_first() -> None:
    for name, service in SERVICES.items():
        if service.get("env_file"):
            assert further_connections().keys() & service["environment"].keys() == set(), name


def test_the_variable_that_names_all_connections_may_stand_beside_them() -> None:
    named = further_connections()["AIRFLOW_VAR_TALLYHOUSE_STRIPE_CONNECTIONS"].split(", ")
    assert named[:2] == ["stripe_default", "stripe_shop"]


@pytest.mark.parametrize("name", [".env", ".env.stripe"])
def test_what_holds_secrets_is_not_committed(name: str) -> None:
    assert name in (ROOT / ".gitignore").read_text().splitlines()


def test_the_example_has_no_secret_filled_in() -> None:
    assert len(SECRETS) >= 6
    assert {name: EXAMPLE[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")


def test_every_volume_that_is_used_is_declared() -> None:
    declared = set(yaml.safe_load(TEXT)["volumes"])
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    # a folder or a file of the host is none
    assert {name for name in used if not name.startswith(("${", "./"))} == declared


def test_the_warehouse_is_made_by_a_file_that_is_there_and_airflows_login_is_not_its_superuser() -> None:
    service = SERVICES["warehouse-postgres"]
    (made_by,) = (volume.split(":") for volume in service["volumes"] if volume.startswith("./"))
    assert made_by[1:] == ["/docker-entrypoint-initdb.d/warehouse.sql", "ro"]
    assert (ROOT / made_by[0]).is_file()
    assert "POSTGRES_USER" not in service["environment"]


def test_the_simulator_is_part_of_the_demo_profile_only() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"simulator"}
    assert SERVICES["simulator"]["profiles"] == ["demo"]
