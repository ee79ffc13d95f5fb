"""docker-compose.yaml: pinned, health-checked, bound to this machine, and without a secret in it."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi.middleware.wsgi import WSGIMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
EXAMPLE = dict(
    line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and not line.startswith("#")
)
# ${NAME:?message}: must be set, and not to nothing; ${NAME?message}: must be set. $$ is a dollar for a shell inside.
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:?\?[^}]*)?\}")
VARIABLES: list[tuple[str, str]] = VARIABLE.findall(TEXT.replace("$$", ""))
MAY_BE_EMPTY = {"STRIPE_ACCOUNT_ID"}  # the simulator, and Stripe too where the key is not restricted, tell it
SECRETS = {name for name in EXAMPLE if name.endswith(("_KEY", "_PASSWORD", "_SECRET"))}
FILLED = EXAMPLE | {name: f"{name.lower()}-0a1b" for name in SECRETS} | {"STRIPE_ACCOUNT_ID": "acct_1A2b"}


def resolve(values: dict[str, str]) -> dict[str, Any]:
    """The file as compose reads it: anchors merged, variables put in."""
    text = TEXT.replace("$$", "\0")
    return yaml.safe_load(VARIABLE.sub(lambda match: values[match[1]], text).replace("\0", "$"))  # type: ignore[no-any-return]


SERVICES: dict[str, dict[str, Any]] = resolve(FILLED)["services"]
AIRFLOW = {"airflow-init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
OURS = {*AIRFLOW, "simulator"}
RUNS_ONCE = {"airflow-init"}


def conditions(name: str) -> dict[str, str]:
    """What a service waits for, of which other."""
    return {other: on["condition"] for other, on in SERVICES[name].get("depends_on", {}).items()}


def holders(secret: str) -> set[str]:
    """The services to which compose gives a secret."""
    return {name for name, service in SERVICES.items() if FILLED[secret] in json.dumps(service)}


def test_the_services_are_those_of_the_stack() -> None:
    assert set(SERVICES) == {*OURS, "metadata-postgres", "warehouse-postgres", "redis"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_a_full_version(name: str) -> None:
    assert re.fullmatch(r"[a-z-]+:\d+\.\d+(\.\d+)?(-alpine)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - RUNS_ONCE))
def test_every_service_that_stays_has_a_health_check(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_what_runs_once_is_not_started_again_and_is_waited_for() -> None:
    assert {name for name, service in SERVICES.items() if service["restart"] == "no"} == RUNS_ONCE
    waiting = {name for name in SERVICES if "airflow-init" in conditions(name)}
    assert waiting == {"api-server", "scheduler", "dag-processor", "triggerer"}
    assert {conditions(name)["airflow-init"] for name in waiting} == {"service_completed_successfully"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_until_those_that_it_needs_are_healthy(name: str) -> None:
    for other, condition in conditions(name).items():
        expected = "service_completed_successfully" if other in RUNS_ONCE else "service_healthy"
        assert condition == expected
        # a service of a profile would not be there
        assert "profiles" not in SERVICES[other]


def test_every_server_that_a_service_is_told_of_is_waited_for() -> None:
    names = re.compile(r"(?:@|://|\"host\": \")([a-z-]+)(?=[:\"])")
    reached = {name: set(names.findall(json.dumps(SERVICES[name].get("environment", {})))) for name in AIRFLOW}
    # \" in JSON within JSON
    reached["worker"] |= {"warehouse-postgres"}
    for name, others in reached.items():
        # the page of the api-server says so when the warehouse is away; Stripe and the execution API may come later
        optional = {"warehouse-postgres"} if name == "api-server" else set()
        missing = (others & set(SERVICES)) - set(conditions(name)) - optional - {name, "api-server"}
        assert missing == set(), name
    assert "api-server" in conditions("worker")


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_only_airflow_and_the_warehouse_are_published() -> None:
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {"api-server", "warehouse-postgres"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].split(":")[0] not in ("0", "root")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


def test_every_variable_is_in_the_example_and_none_is_there_in_vain() -> None:
    assert {name for name, _ in VARIABLES} == set(EXAMPLE)


def test_every_variable_is_required_with_a_message() -> None:
    marks = {name: "?" if name in MAY_BE_EMPTY else ":?" for name in EXAMPLE}
    assert [name for name, message in VARIABLES if not message.startswith(f"{marks[name]}set {name}")] == []


def test_what_may_be_empty_is_empty_in_the_example() -> None:
    assert {name: EXAMPLE[name] for name in MAY_BE_EMPTY} == dict.fromkeys(MAY_BE_EMPTY, "")


def test_the_example_has_no_secret_filled_in() -> None:
    assert len(SECRETS) >= 9
    assert {name: EXAMPLE[name] for name in SECRETS} == dict.fromkeys(SECRETS, "")


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        ("STRIPE_API_KEY", {"worker", "simulator"}),
        ("WAREHOUSE_PASSWORD", {"worker", "warehouse-postgres"}),
        ("WAREHOUSE_ANALYST_PASSWORD", {"api-server", "warehouse-postgres"}),
        ("WAREHOUSE_ADMIN_PASSWORD", {"warehouse-postgres"}),
        ("METADATA_PASSWORD", {"metadata-postgres", *AIRFLOW} - {"worker"}),
        ("AIRFLOW_FERNET_KEY", AIRFLOW - {"worker"}),
        ("AIRFLOW_JWT_SECRET", AIRFLOW - {"worker"}),
        ("AIRFLOW_API_SECRET_KEY", AIRFLOW),
        ("REDIS_PASSWORD", {"redis", "scheduler", "worker"}),
        ("AIRFLOW_ADMIN_PASSWORD", {"airflow-init"}),
    ],
)
def test_a_secret_is_given_to_who_needs_it_alone(secret: str, expected: set[str]) -> None:
    assert holders(secret) == expected


def test_every_secret_has_its_holders_written_down() -> None:
    (mark,) = (mark for mark in test_a_secret_is_given_to_who_needs_it_alone.pytestmark)  # type: ignore[attr-defined]
    assert {secret for secret, _ in mark.args[1]} == SECRETS


@pytest.mark.parametrize("account_id", ["", "acct_1A2b"])
def test_the_connections_of_tasks_are_json_with_the_values_of_the_environment(account_id: str) -> None:
    environment = resolve(FILLED | {"STRIPE_ACCOUNT_ID": account_id})["services"]["worker"]["environment"]
    assert json.loads(environment["AIRFLOW_CONN_STRIPE_DEFAULT"]) == {
        "conn_type": "generic",
        "password": FILLED["STRIPE_API_KEY"],
        "host": "https://api.stripe.com",
        "extra": {"account_id": account_id},
    }
    assert json.loads(environment["AIRFLOW_CONN_WAREHOUSE"]) == {
        "conn_type": "postgres",
        "host": "warehouse-postgres",
        "port": 5432,
        "schema": "warehouse",
        "login": "tallyhouse",
        "password": FILLED["WAREHOUSE_PASSWORD"],
    }


def test_the_revenue_page_logs_in_as_one_who_may_only_read() -> None:
    environment = SERVICES["api-server"]["environment"]
    page = json.loads(environment["AIRFLOW_CONN_WAREHOUSE_PAGE"])
    assert (page["login"], page["password"]) == ("analyst", FILLED["WAREHOUSE_ANALYST_PASSWORD"])
    assert "AIRFLOW_CONN_WAREHOUSE" not in environment


def readers(file: str) -> set[str]:
    """The services that read a file of variables, if it is there."""
    given = {"path": file, "required": False}
    return {name for name, service in SERVICES.items() if given in service.get("env_file", [])}


def further_connections(name: str = ".env.stripe.example") -> dict[str, str]:
    """What an example shows how to write: name -> value."""
    text = (ROOT / name).read_text()
    return dict(re.findall(r"^# (AIRFLOW_\w+)='(.*)'$", text, re.MULTILINE))


def test_where_tasks_run_and_nowhere_else_any_number_of_further_accounts_is_known() -> None:
    assert readers(".env.stripe") == {"worker"}


def test_a_further_account_is_a_connection_like_the_first() -> None:
    connections = {name: json.loads(value) for name, value in further_connections().items() if "_CONN_" in name}
    assert len(connections) >= 2
    assert all(name.startswith("AIRFLOW_CONN_STRIPE_") for name in connections)
    for connection in connections.values():
        assert connection.keys() == {"conn_type", "password", "extra"}
        assert (connection["conn_type"], connection["extra"].keys()) == ("generic", {"account_id"})


def test_a_further_account_does_not_replace_the_first() -> None:
    assert further_connections().keys() & SERVICES["worker"]["environment"].keys() == set()


def test_the_variable_that_names_all_connections_may_stand_beside_them() -> None:
    named = further_connections()["AIRFLOW_VAR_TALLYHOUSE_STRIPE_CONNECTIONS"].split(", ")
    assert named[:2] == ["stripe_default", "stripe_shop"]


def test_whoever_tells_of_a_failure_knows_whom_to_tell() -> None:
    # of a task that fails, of one that was killed, of a run that is late
    assert readers(".env.alerts") == {"worker", "dag-processor", "triggerer"}


def test_whom_to_tell_is_named_as_the_code_looks_for_it() -> None:
    named = further_connections(".env.alerts.example")
    # read, since its import would be Airflow's too
    looked_for = dict(
        re.findall(r'^(ALERT_\w+) = "(\w+)"', (ROOT / "plugins/tallyhouse/settings.py").read_text(), re.MULTILINE)
    )
    assert looked_for.keys() == {"ALERT_EMAILS", "ALERT_SLACK"}
    variables = {f"AIRFLOW_VAR_{name.upper()}" for name in looked_for.values()}
    connections = {name: json.loads(value) for name, value in named.items() if "_CONN_" in name}
    assert named.keys() - connections.keys() == variables
    slack = named[f"AIRFLOW_VAR_{looked_for['ALERT_SLACK'].upper()}"]
    assert connections.keys() == {"AIRFLOW_CONN_SMTP_DEFAULT", f"AIRFLOW_CONN_{slack.upper()}"}
    assert [connection["conn_type"] for connection in connections.values()] == ["smtp", "slackwebhook"]


def test_the_word_of_a_proxy_counts_from_the_addresses_that_are_named_and_of_nobody_else_at_first() -> None:
    service = SERVICES["api-server"]
    assert service["command"].split() == ["api-server", "--proxy-headers"]
    assert service["environment"]["FORWARDED_ALLOW_IPS"] == EXAMPLE["FORWARDED_ALLOW_IPS"] == "127.0.0.1"
    # which would believe whoever asks, wherever from
    assert not [name for name in service["environment"] if "PROXY_FIX" in name]


@pytest.mark.parametrize(("client", "scheme"), [("172.18.0.1", "https"), ("172.18.0.9", "http")])
def test_what_the_proxy_says_of_its_scheme_reaches_the_pages_that_log_people_in(client: str, scheme: str) -> None:
    def login(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        """As the pages of the FAB provider are served: WSGI, below ASGI."""
        start("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.url_scheme"].encode()]

    # as uvicorn wraps what it serves when it is told of proxies
    app = ProxyHeadersMiddleware(WSGIMiddleware(login), trusted_hosts="172.18.0.1")  # type: ignore[arg-type]

    async def ask() -> str:
        transport = httpx.ASGITransport(app=app, client=(client, 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as asking:
            answer = await asking.get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"})
            return answer.text

    assert asyncio.run(ask()) == scheme


@pytest.mark.parametrize("name", [".env", ".env.stripe", ".env.alerts"])
def test_what_holds_secrets_is_not_committed(name: str) -> None:
    assert name in (ROOT / ".gitignore").read_text().splitlines()


def test_every_volume_that_is_used_is_declared() -> None:
    declared = set(resolve(FILLED)["volumes"])
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    # a folder or a file of the host is none
    assert {name for name in used if not name.startswith("./")} == declared


def test_whatever_keeps_data_keeps_it_in_a_volume() -> None:
    kept = {name: service["volumes"][0].split(":")[1] for name, service in SERVICES.items() if "volumes" in service}
    data = {"metadata-postgres": "/var/lib/postgresql", "warehouse-postgres": "/var/lib/postgresql", "redis": "/data"}
    assert kept == data | dict.fromkeys(AIRFLOW - RUNS_ONCE, "/opt/airflow/logs")


def test_the_warehouse_is_made_by_a_file_that_is_there_and_airflows_login_is_not_its_superuser() -> None:
    service = SERVICES["warehouse-postgres"]
    (made_by,) = (volume.split(":") for volume in service["volumes"] if volume.startswith("./"))
    assert made_by[1:] == ["/docker-entrypoint-initdb.d/warehouse.sql", "ro"]
    read = set(re.findall(r"\\getenv \w+ (\w+)", (ROOT / made_by[0]).read_text()))
    assert read == set(service["environment"]) - {"POSTGRES_PASSWORD"}
    assert "POSTGRES_USER" not in service["environment"]


def test_both_databases_are_of_a_version_that_is_tested() -> None:
    images = {SERVICES[name]["image"] for name in ("metadata-postgres", "warehouse-postgres")}
    assert {image.split(":")[1].split(".")[0] for image in images} <= {"16", "18"}


def test_the_simulator_is_part_of_the_demo_profile_only() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"simulator"}
    assert SERVICES["simulator"]["profiles"] == ["demo"]
