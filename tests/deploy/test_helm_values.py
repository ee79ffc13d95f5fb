"""docs/helm-values.yaml: what the chart knows, no secret, and the image and connections of the compose file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "helm-values.yaml").read_text())
CHART: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("chart_1_22_0.yaml").read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"]
GUIDE = (ROOT / "docs" / "deploy.md").read_text()
FREE = {"config", "workers.celery.resources.requests", "workers.celery.resources.limits"}
"""What the chart hands on as it is: Airflow's configuration, and amounts of Kubernetes' resources."""


def sections(value: dict[str, Any], path: str = ".") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each mapping with its dotted path, but for those that the chart hands on."""
    if path not in FREE:
        yield path, value
        for name, inner in value.items():
            if isinstance(inner, dict):
                yield from sections(inner, name if path == "." else f"{path}.{name}")


def secrets(value: Any) -> Iterator[tuple[str, str]]:
    """Every secret that is named with a key, as (secret, key)."""
    if isinstance(value, dict):
        if "secretKeyRef" in value:
            yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
        if "secretName" in value:
            yield value["secretName"], value["secretKey"]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from secrets(inner)


@pytest.mark.parametrize("path", [path for path, _ in sections(VALUES)])
def test_every_value_is_one_that_the_chart_knows(path: str) -> None:
    value = dict(sections(VALUES))[path]
    assert [name for name in value if name not in CHART[path]] == []


def test_the_image_is_the_one_that_compose_builds() -> None:
    image = VALUES["images"]["airflow"]
    assert f"{image['repository'].split('/')[-1]}:{image['tag']}" == COMPOSE["worker"]["image"]
    assert VALUES["airflowVersion"] == image["tag"]
    assert VALUES["executor"] == COMPOSE["scheduler"]["environment"]["AIRFLOW__CORE__EXECUTOR"]


def test_the_chart_makes_no_user_with_a_known_password_and_no_database() -> None:
    assert VALUES["createUserJob"]["enabled"] is False
    assert VALUES["postgresql"]["enabled"] is False
    assert "password" not in VALUES["redis"]


def test_every_pod_runs_as_somebody_else_than_root() -> None:
    assert VALUES["securityContexts"]["pod"]["runAsNonRoot"] is True
    assert f"{VALUES['securityContexts']['pod']['runAsUser']}:0" == COMPOSE["worker"]["user"]


def test_tasks_and_the_page_have_the_connections_that_compose_gives_them() -> None:
    def connections(names: Any) -> set[str]:
        return {name for name in names if name.startswith("AIRFLOW_CONN_")}

    given = {"worker": VALUES["workers"]["celery"]["env"], "api-server": VALUES["apiServer"]["env"]}
    for service, variables in given.items():
        found = {variable["name"] for variable in variables}
        assert connections(found) == connections(COMPOSE[service]["environment"]), service


def test_every_process_knows_whom_to_tell_if_the_secret_is_there() -> None:
    given = yaml.safe_load(VALUES["extraEnvFrom"])
    assert given == [{"secretRef": {"name": "tallyhouse-alerts", "optional": True}}]
    assert "`tallyhouse-alerts`, with the variables of `.env.alerts.example`" in GUIDE


def test_the_api_server_is_started_as_by_compose() -> None:
    assert VALUES["apiServer"]["args"][-1] == f"exec airflow {COMPOSE['api-server']['command']}"
    assert "FORWARDED_ALLOW_IPS" in {variable["name"] for variable in VALUES["apiServer"]["env"]}


def test_each_secret_is_explained_in_the_guide_with_its_key() -> None:
    named = set(secrets(VALUES))
    named |= {(name, "connection") for name in VALUES["data"].values()}
    named |= {(VALUES["fernetKeySecretName"], "fernet-key"), (VALUES["apiSecretKeySecretName"], "api-secret-key")}
    named |= {(VALUES["jwtSecretName"], "jwt-secret"), (VALUES["redis"]["passwordSecretName"], "password")}
    assert len(named) == 10
    assert [found for found in sorted(named) if f"| `{found[0]}` | `{found[1]}` |" not in GUIDE] == []
