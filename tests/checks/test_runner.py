"""How checks are read, run, judged and kept."""

import json
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse.checks import (
    SAMPLE_ROWS,
    CheckResult,
    ChecksFailedError,
    OvertakenError,
    read_checks,
    require_passed,
    run_checks,
)
from tallyhouse.errors import TallyhouseError
from tallyhouse.warehouse import read_load_state, release_batches
from tests.conftest import SQL_ROOT
from tests.waiting import until

NUMBERS = "select n as number from generate_series(1, {}) as n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    return tmp_path


def write(folder: Path, name: str, header: str, query: str = "select 1 as one") -> None:
    (folder / "checks" / f"{name}.sql").write_text(f"{header}\n{query}\n")


def run(connection: psycopg.Connection, folder: Path, run_id: str = "run 1") -> list[CheckResult]:
    return run_checks(connection, read_checks(folder), run_id)


def test_a_check_is_its_file_s_name_rule_and_layer(folder: Path) -> None:
    write(folder, "b_second", "/* Check: another. Layer: mart. */")
    write(folder, "a_first", "/* Check: none may, i.e. no row. Layer: dwh. */")
    first, second = read_checks(folder)
    assert (first.name, first.rule, first.layer) == ("a_first", "none may, i.e. no row", "dwh")
    assert (second.name, second.rule, second.layer) == ("b_second", "another", "mart")
    assert "select 1 as one" in second.query


@pytest.mark.parametrize(
    "header",
    [
        "",
        "-- Check: a line comment. Layer: dwh.",
        "/* Check: without a layer. */",
        "/* Layer: dwh. Check: the wrong way round. */",
        "\n/* Check: not on the first line. Layer: dwh. */",
        "/* Check: two layers. Layer: dwh, mart. */",
    ],
)
def test_a_header_that_cannot_be_read_is_an_error_that_names_the_file(header: str, folder: Path) -> None:
    write(folder, "odd", header)
    with pytest.raises(TallyhouseError, match=r"odd\.sql must begin with /\* Check: <rule>\. Layer: <layer>\. \*/"):
        read_checks(folder)


def test_the_project_s_checks_belong_to_the_layers_that_are_checked() -> None:
    assert {check.layer for check in read_checks(SQL_ROOT)} == {"load", "dwh", "mart"}


@pytest.mark.parametrize(
    ("rows", "status", "failing", "allowed"),
    [
        ([], "passed", 0, 0),
        ([(None, None)], "failed", 1, 0),
        ([(3, 3)], "warned", 3, 3),
        ([(4, 3)], "failed", 4, 3),
        ([(1, 9), (2, 1)], "failed", 3, 10),
        ([(0, 0), (5, 5)], "warned", 5, 5),
    ],
)
def test_a_row_that_exceeds_what_it_allows_fails_the_check(
    rows: list[tuple[int | None, int | None]],
    status: str,
    failing: int,
    allowed: int,
    folder: Path,
    warehouse: str,
) -> None:
    values = ", ".join(f"({json.dumps(found)}::int, {json.dumps(tolerated)}::int)" for found, tolerated in rows)
    query = f"select * from (values {values or '(0, 0)'}) as r (failing, allowed) where {bool(rows)}"
    write(folder, "numbers", "/* Check: few. Layer: dwh. */", query)
    with psycopg.connect(warehouse) as connection:
        (result,) = run(connection, folder)
    assert (result.status, result.failing, result.allowed) == (status, failing, allowed)
    assert len(result.sample) == len(rows)


def test_a_row_that_does_not_count_is_one_failure_and_none_is_allowed(folder: Path, warehouse: str) -> None:
    write(folder, "plain", "/* Check: none. Layer: dwh. */", NUMBERS.format(2))
    with psycopg.connect(warehouse) as connection:
        (result,) = run(connection, folder)
    assert (result.status, result.failing, result.allowed) == ("failed", 2, 0)


def test_the_sample_is_the_first_rows_and_the_count_is_of_all(folder: Path, warehouse: str) -> None:
    write(folder, "many", "/* Check: none. Layer: dwh. */", NUMBERS.format(50))
    with psycopg.connect(warehouse) as connection:
        (result,) = run(connection, folder)
    assert SAMPLE_ROWS == 20
    assert result.failing == 50
    assert [row["number"] for row in result.sample] == list(range(1, 21))


def kept(warehouse: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(warehouse) as connection:
        return connection.execute(
            """
            select check_name, layer, run_id, status, failing_count, threshold, jsonb_array_length(sample)
            from ops.check_result order by check_result_id
            """
        ).fetchall()


def test_every_result_of_every_run_is_kept(folder: Path, warehouse: str) -> None:
    write(folder, "bad", "/* Check: none. Layer: dwh. */", NUMBERS.format(30))
    write(folder, "warns", "/* Check: few. Layer: mart. */", "select 2 as failing, 3 as allowed")
    with psycopg.connect(warehouse) as connection:
        run(connection, folder)
        run(connection, folder, "run 2")
    assert kept(warehouse) == [
        ("bad", "dwh", "run 1", "failed", 30, 0, 20),
        ("warns", "mart", "run 1", "warned", 2, 3, 1),
        ("bad", "dwh", "run 2", "failed", 30, 0, 20),
        ("warns", "mart", "run 2", "warned", 2, 3, 1),
    ]


def test_a_check_whose_sql_is_wrong_is_an_error_and_keeps_nothing(folder: Path, warehouse: str) -> None:
    write(folder, "a_fine", "/* Check: none. Layer: dwh. */", NUMBERS.format(0))
    write(folder, "wrong", "/* Check: none. Layer: dwh. */", "select * from dwh.no_such_fact")
    with psycopg.connect(warehouse) as connection, pytest.raises(psycopg.errors.UndefinedTable, match="no_such_fact"):
        run(connection, folder)
    assert kept(warehouse) == []


def test_all_checks_of_a_run_see_one_moment(folder: Path, warehouse: str) -> None:
    count = "select count(*) as batches from ops.batch having count(*) > 0"
    with psycopg.connect(warehouse) as connection, psycopg.connect(warehouse) as writer:
        writer.execute("lock table ops.watermark")  # holds the second check up
        write(folder, "a_first", "/* Check: none. Layer: dwh. */", count)
        write(folder, "b_second", "/* Check: none. Layer: dwh. */", "select 1 from ops.watermark")
        write(folder, "c_third", "/* Check: none. Layer: dwh. */", count)
        results: list[CheckResult] = []
        thread = threading.Thread(target=lambda: results.extend(run(connection, folder)))
        thread.start()
        with psycopg.connect(warehouse) as watcher:
            waiting = "select count(*) from pg_locks where not granted and relation = 'ops.watermark'::regclass"
            watcher.autocommit = True
            until(lambda: watcher.execute(waiting).fetchone() != (0,))
        writer.execute(
            "insert into ops.batch (account_id, livemode, source, run_id, started_at) "
            "values ('acct_test', false, 'events', 'meanwhile', now())"
        )
        writer.commit()
        thread.join()
    assert [result.status for result in results] == ["passed", "passed", "passed"]


def test_the_error_names_each_failed_rule_with_its_first_rows_and_what_to_do(folder: Path, warehouse: str) -> None:
    write(folder, "one", "/* Check: no numbers at all. Layer: dwh. */", NUMBERS.format(9))
    write(folder, "two", "/* Check: nothing. Layer: dwh. */", "select 'ch_1' as charge_id")
    write(folder, "zero", "/* Check: fine. Layer: dwh. */", NUMBERS.format(0))
    with psycopg.connect(warehouse) as connection:
        results = run(connection, folder)
    with pytest.raises(ChecksFailedError) as raised:
        require_passed(results)
    message = str(raised.value)
    assert "2 of 3 checks failed" in message
    assert "ops.check_result" in message
    assert "clear this task" in message
    assert "no numbers at all (9 found, 0 allowed)" in message
    assert "{'charge_id': 'ch_1'}" in message
    assert "{'number': 5}" in message
    assert "{'number': 6}" not in message
    assert "zero" not in message


def test_warnings_do_not_fail_the_run(folder: Path, warehouse: str) -> None:
    write(folder, "few", "/* Check: few. Layer: dwh. */", "select 2 as failing, 3 as allowed")
    with psycopg.connect(warehouse) as connection:
        results = run(connection, folder)
    require_passed(results)
    assert results[0].describe() == "WARNED  few: few (2 found, 3 allowed)\n        {'allowed': 3, 'failing': 2}"


def test_nothing_is_checked_when_more_was_loaded_since(good: psycopg.Connection, folder: Path) -> None:
    write(folder, "some", "/* Check: none. Layer: mart. */", "select 1 as one where false")
    checks = read_checks(folder)
    state = read_load_state(good)
    assert not state.is_partial
    assert [result.status for result in run_checks(good, checks, "run 1", state.mark)] == ["passed"]
    good.execute(
        "insert into ops.batch (account_id, livemode, source, run_id, started_at) "
        "values ('acct_test', false, 'events', 'more', now())"
    )
    good.commit()
    assert read_load_state(good) == state
    release_batches(good)
    assert read_load_state(good).is_partial
    with pytest.raises(OvertakenError, match="the run that follows that load checks it"):
        run_checks(good, checks, "run 2", state.mark)
    assert good.execute("select count(*) from ops.check_result where run_id = 'run 2'").fetchone() == (0,)
