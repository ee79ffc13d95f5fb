"""Recorded Stripe data, which the project does not carry: who tests without it is told, and no change lands without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import find_fixtures

ROOT = Path(__file__).resolve().parents[1]


def test_the_folder_that_is_named_is_used(tmp_path: Path) -> None:
    assert find_fixtures({"TALLYHOUSE_FIXTURES": str(tmp_path), "CI": "true"}) == tmp_path


def test_without_a_folder_a_test_is_skipped() -> None:
    with pytest.raises(pytest.skip.Exception, match="TALLYHOUSE_FIXTURES is not set"):
        find_fixtures({})


def test_without_a_folder_a_test_fails_where_nothing_may_be_skipped() -> None:
    with pytest.raises(pytest.fail.Exception, match="TALLYHOUSE_FIXTURES is not set"):
        find_fixtures({"CI": "true"})


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}], ids=["at home", "CI"])
def test_a_folder_that_is_not_there_is_an_error_everywhere(environment: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="there is no such folder"):
        find_fixtures({**environment, "TALLYHOUSE_FIXTURES": str(tmp_path / "none")})


def test_what_runs_before_a_change_lands_says_that_nothing_may_be_skipped(tmp_path: Path) -> None:
    (tmp_path / "make").write_text('#!/bin/sh\necho "$@: CI=$CI"\n')
    (tmp_path / "make").chmod(0o755)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    told = subprocess.run([ROOT / ".ci" / "run"], env=environment, capture_output=True, text=True, check=True).stdout
    assert "test: CI=true" in told.splitlines()


ENDS = """
def test_it_needs_recorded_data(fixtures_folder):
    raise AssertionError

def test_it_has_found_something_out(report):
    assert report("example.txt", "what it is").read_text() == "what it is\\n"
"""


def test_what_is_skipped_and_what_was_found_out_stands_at_the_end_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "test_ends.py").write_text(ENDS)
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "TALLYHOUSE_FIXTURES")}
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "-p", "tests.conftest", "-n", "1"]
    told = subprocess.run([*command, tmp_path], env=environment, cwd=ROOT, capture_output=True, text=True).stdout
    (ROOT / ".local" / "reports" / "example.txt").unlink()
    assert "TALLYHOUSE_FIXTURES is not set" in told
    assert "report: .local/reports/example.txt" in told.splitlines()
    assert "1 passed, 1 skipped" in told
