"""Binary COPY: values arrive as they were, and a refused row costs only itself."""

from datetime import UTC, datetime

import psycopg
import pytest

from tallyhouse import copy_rows as fields

COPY = "copy target from stdin (format binary)"


@pytest.fixture
def target(each_warehouse: str) -> psycopg.Connection:
    conn = psycopg.connect(each_warehouse, autocommit=True)
    conn.execute("create table target (name text, flag boolean, big bigint, at timestamptz, body jsonb)")
    return conn


def row(name: str | None, body: bytes = b"{}") -> bytes:
    return (
        fields.row_head(5)
        + fields.text(name)
        + fields.boolean(name is not None)
        + fields.bigint(-(2**40))
        + fields.timestamptz(1_772_366_400)
        + fields.jsonb(body)
    )


def test_values_arrive_as_they_were(target: psycopg.Connection) -> None:
    body = '{"a": "tab\\t, \\\\N, é, 😀"}'.encode()
    assert fields.copy_rows(target, COPY, [row("tab\t\\N é 😀", body), row(None)]) == {}
    at = datetime.fromtimestamp(1_772_366_400, UTC)
    assert target.execute("select * from target order by name").fetchall() == [
        ("tab\t\\N é 😀", True, -(2**40), at, {"a": "tab\t, \\N, é, 😀"}),
        (None, False, -(2**40), at, {}),
    ]


@pytest.mark.parametrize("bad", [{0}, {99}, {3, 4, 50}, set(range(100))], ids=str)
def test_refused_rows_are_left_out_and_named(bad: set[int], target: psycopg.Connection) -> None:
    rows = [row(f"r{n:03}", b'"\\u0000"' if n in bad else b"{}") for n in range(100)]
    refused = fields.copy_rows(target, COPY, rows)
    assert set(refused) == bad
    assert all("PostgreSQL refuses it" in reason for reason in refused.values())
    stored = {name for (name,) in target.execute("select name from target").fetchall()}
    assert stored == {f"r{n:03}" for n in range(100) if n not in bad}


def test_rows_larger_than_a_block_arrive(target: psycopg.Connection) -> None:
    rows = [row(str(n), b'"' + b"x" * 400_000 + b'"') for n in range(5)]
    assert fields.copy_rows(target, COPY, rows) == {}
    assert target.execute("select sum(length(body #>> '{}')) from target").fetchone() == (2_000_000,)


def test_other_errors_are_raised(target: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        fields.copy_rows(target, "copy nowhere from stdin (format binary)", [row("a")])
