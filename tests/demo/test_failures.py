"""What is shown of a failed task: the end of its log, readable."""

import json
from pathlib import Path

from demo.airflow_api import DagRun, TaskInstance
from demo.failures import failed_tasks, readable

RUN = DagRun("warehouse", "asset_triggered__2026-11-22T10:00:00+00:00_x", "failed", None, None, None)
LOG = [
    {"timestamp": "2026-11-22T10:01:02.5Z", "level": "info", "event": "::group::Pre Execute"},
    {"timestamp": "2026-11-22T10:01:03.5Z", "level": "info", "event": "Executing: select 1"},
    {
        "timestamp": "2026-11-22T10:01:04.5Z",
        "level": "error",
        "event": "Task failed with exception",
        "error_detail": [
            {
                "exc_type": "UndefinedTable",
                "exc_value": 'relation "dwh.none" does not exist\nLINE 1: select',
                "frames": [{"filename": "sql.py", "lineno": 7, "name": "execute"}],
            }
        ],
    },
]


def _task(task_id: str, state: str, *, map_index: int = -1, try_number: int = 1) -> TaskInstance:
    return TaskInstance(RUN.dag_id, RUN.run_id, task_id, map_index, try_number, state)


def test_a_log_line_becomes_time_level_and_text() -> None:
    assert readable([json.dumps(LOG[1])]) == ["10:01:03 info     Executing: select 1"]


def test_an_exception_shows_its_place_and_every_line_of_its_message() -> None:
    assert readable([json.dumps(LOG[2])])[1:] == [
        "    sql.py:7 in execute",
        'UndefinedTable: relation "dwh.none" does not exist',
        "LINE 1: select",
    ]


def test_folding_marks_are_left_out_and_plain_lines_kept() -> None:
    assert readable([json.dumps(LOG[0]), "Killed", "[1]"]) == ["Killed", "[1]"]


def test_only_tasks_that_failed_by_themselves_are_shown_with_their_last_try(tmp_path: Path) -> None:
    folder = tmp_path / f"dag_id={RUN.dag_id}" / f"run_id={RUN.run_id}" / "task_id=charge_fact"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text("first try\n")
    (folder / "attempt=2.log").write_text("\n".join(map(json.dumps, LOG)))
    tasks = [
        _task("charge_fact", "failed", try_number=2),
        _task("transaction_fact", "upstream_failed"),
        _task("date_dim", "success"),
    ]
    (failure,) = failed_tasks(RUN, tasks, tmp_path)
    assert failure.log_path == folder / "attempt=2.log"
    assert failure.lines[0] == "10:01:03 info     Executing: select 1"


def test_a_mapped_task_has_its_own_log(tmp_path: Path) -> None:
    folder = tmp_path / f"dag_id={RUN.dag_id}" / f"run_id={RUN.run_id}" / "task_id=stage" / "map_index=3"
    folder.mkdir(parents=True)
    (folder / "attempt=1.log").write_text("cut\n")
    (failure,) = failed_tasks(RUN, [_task("stage", "failed", map_index=3)], tmp_path)
    assert failure.lines == ("cut",)


def test_a_task_that_died_before_it_logged_is_shown_without_a_log(tmp_path: Path) -> None:
    (failure,) = failed_tasks(RUN, [_task("stage", "failed")], tmp_path)
    assert (failure.log_path, failure.lines) == (None, ())
