"""The DAG acquisition: files of a folder to the warehouse, green without a folder, and red for a bad row."""

from pathlib import Path

import pytest

from tallyhouse.errors import RejectedRowsError, TallyhouseError
from tests.dags.runs import Dags, Run

VARIABLE = "AIRFLOW_VAR_TALLYHOUSE_ACQUISITION_PATH"
INSTALLS = """user_id,install_id,installed_at,os_name,channel_name
u1,i1,2026-01-02T03:04:05Z,iOS,search
u2,i2,2026-01-03T03:04:05Z,Android,social
"""
USERS = "select user_id from dwh.user_first_install_fact order by 1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the Variable names, as an object store's URL."""
    monkeypatch.setenv(VARIABLE, f"file://{tmp_path}")
    return tmp_path


def assert_green(run: Run) -> None:
    assert (run.state, run.errors) == ("success", {})


def test_without_a_folder_it_is_green_and_says_so(
    dags: Dags, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with caplog.at_level("INFO"):
        run = dags.run("acquisition")
    assert_green(run)
    assert run.state_of("publish_staged") == "skipped"
    assert "No folder is configured" in caplog.text
    assert "tallyhouse_acquisition_path" in caplog.text


def test_files_are_loaded_once_and_the_warehouse_follows(dags: Dags, folder: Path) -> None:
    (folder / "installs").mkdir()
    (folder / "installs" / "january.csv").write_text(INSTALLS)
    first, second = dags.run("acquisition"), dags.run("acquisition")
    assert_green(first)
    assert dags.published(first) == ["files_staged"]
    assert_green(second)
    assert second.state_of("publish_staged") == "skipped"
    assert_green(dags.run("warehouse"))
    assert dags.rows(USERS) == [("u1",), ("u2",)]


def test_a_bad_row_makes_the_run_red_once_after_the_good_ones_are_in(dags: Dags, folder: Path) -> None:
    (folder / "installs.csv").write_text(INSTALLS + "u3,i3,never,iOS,search\n")
    red, green = dags.run("acquisition"), dags.run("acquisition")
    assert red.state == "failed"
    assert red.not_successful == {"report_rejects": ["failed"]}
    assert isinstance(red.errors["report_rejects"], RejectedRowsError)
    assert "file:installs.csv line 4" in str(red.errors["report_rejects"])
    assert dags.published(red) == ["files_staged"]
    assert_green(green)
    assert_green(dags.run("warehouse"))
    assert dags.rows(USERS) == [("u1",), ("u2",)]


def test_a_folder_that_is_not_there_fails_at_once(dags: Dags, folder: Path) -> None:
    folder.rmdir()
    run = dags.run("acquisition")
    assert run.state == "failed"
    assert type(run.errors["load_files"]) is TallyhouseError
    assert run.tries["load_files"] == [1]
