"""The image: built from a pinned one with pinned packages, of files that are there; what it is told to run, it can."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import AskAirflow

ROOT = Path(__file__).resolve().parents[2]
LINES = (ROOT / "Dockerfile").read_text().splitlines()
COPIED = [line.split()[2:] for line in LINES if line.startswith("COPY --chown=airflow:root ")]
LOCK = (ROOT / "requirements-image.txt").read_text()
SERVICES = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def pinned(name: str, lock: str = LOCK) -> str:
    """The version of a package in a compiled file."""
    found = re.search(rf"^{re.escape(name)}==(\S+)", lock, re.MULTILINE)
    assert found is not None, name
    return found[1]


def airflow_commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of Airflow that a service or its health check runs, as (service, arguments)."""
    for name, service in OURS.items():
        if "entrypoint" not in service:
            yield name, shlex.split(service["command"])
        elif "airflow " in service["command"][0]:
            for line in service["command"][0].replace("\\\n", "").replace("$$", "$").splitlines():
                yield name, shlex.split(line)[1:]
        check = service.get("healthcheck", {}).get("test", [])
        if check[1:2] == ["airflow"]:
            yield name, check[2:]


COMMANDS = list(airflow_commands())


def test_the_image_is_built_from_a_pinned_one_and_not_as_root() -> None:
    assert [line for line in LINES if line.startswith("FROM ")] == ["FROM apache/airflow:slim-3.3.2-python3.12"]
    assert [line for line in LINES if line.startswith("USER ")][-1] == "USER airflow"


def test_the_image_has_the_airflow_that_is_pinned_everywhere() -> None:
    version = pinned("apache-airflow")
    assert f"apache/airflow:slim-{version}-" in (ROOT / "Dockerfile").read_text()
    assert {service["image"] for service in OURS.values()} == {f"tallyhouse-airflow:{version}"}
    assert pinned("apache-airflow", (ROOT / "requirements-airflow.txt").read_text()) == version


def test_all_that_the_image_copies_is_there_and_sent_to_the_engine() -> None:
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    assert len(COPIED) == len([line for line in LINES if line.startswith("COPY ")]) == 5
    assert [source for source, _ in COPIED if not (ROOT / source).exists() or f"!{source}" not in ignore] == []


def test_every_package_of_the_image_is_pinned() -> None:
    assert "pip install --no-cache-dir -r /opt/tallyhouse/requirements-image.txt" in (ROOT / "Dockerfile").read_text()
    packages = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]
    assert len(packages) > 150
    assert [line for line in packages if not re.match(r"[\w.\[\],-]+==[\w.+]+( ; |$)", line)] == []


def test_tasks_go_to_workers_by_packages_that_fit_together() -> None:
    assert SERVICES["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert pinned("redis")
    # 5.6.3 has lost what version 3.26 of the provider imports from it
    assert pinned("apache-airflow-providers-celery").startswith("3.26.")
    assert tuple(int(part) for part in pinned("celery").split(".")) < (5, 6, 3)


def test_users_are_kept_by_the_provider_whose_auth_manager_is_named() -> None:
    module = SERVICES["api-server"]["environment"]["AIRFLOW__CORE__AUTH_MANAGER"].split(".")
    assert module[:3] == ["airflow", "providers", "fab"]
    assert pinned("apache-airflow-providers-fab")


@pytest.mark.parametrize(("service", "arguments"), COMMANDS, ids=[" ".join(found[1][:3]) for found in COMMANDS])
def test_every_command_is_one_of_this_airflow(service: str, arguments: list[str], ask_airflow: AskAirflow) -> None:
    groups = {"celery": "apache-airflow-providers-celery", "users": "apache-airflow-providers-fab"}
    if arguments[0] in groups:
        # the provider brings the command: the image has it, and it says so
        assert pinned(groups[arguments[0]])
        return
    assert ask_airflow("command", arguments), service


def test_commands_of_every_kind_are_looked_at() -> None:
    started = {" ".join(word for word in arguments[:2] if not word.startswith("-")) for _, arguments in COMMANDS}
    processes = {"api-server", "scheduler", "dag-processor", "triggerer", "celery worker"}
    assert started == processes | {"db migrate", "users create", "jobs check"}


def test_a_job_that_is_checked_is_of_a_kind_that_runs(ask_airflow: AskAirflow) -> None:
    kinds = {name: arguments[3] for name, arguments in COMMANDS if arguments[:2] == ["jobs", "check"]}
    runners = {
        "dag-processor": "airflow.jobs.dag_processor_job_runner.DagProcessorJobRunner",
        "triggerer": "airflow.jobs.triggerer_job_runner.TriggererJobRunner",
    }
    assert kinds.keys() == runners.keys()
    for name, path in runners.items():
        assert kinds[name] == ask_airflow("job_type", path)


def test_the_simulator_knows_the_options_that_it_is_given() -> None:
    given = set(re.findall(r"--[a-z-]+", SERVICES["simulator"]["command"][0]))
    known = (ROOT / "simulator" / "__main__.py").read_text()
    assert given
    assert [option for option in given if f'"{option}"' not in known] == []
