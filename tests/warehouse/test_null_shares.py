"""No column that one API version fills is empty in another, unless null_reasons.yaml says why.

The report itself is a file, which pytest names at its end.
"""

from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from tallyhouse.objects import OBJECTS
from tests.conftest import PostgresServer, Report
from tests.warehouse.null_shares import Column, read_columns, render

REASONS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("null_reasons.yaml").read_text())


@pytest.fixture(scope="module")
def columns(fixtures_folder: Path, postgres: PostgresServer) -> list[Column]:
    conninfo = postgres.create_warehouse()
    with psycopg.connect(conninfo) as connection:
        found = read_columns(connection, fixtures_folder)
    postgres.drop_database(conninfo)
    return found


def test_a_column_that_one_version_fills_is_empty_in_another_for_a_reason_only(columns: list[Column]) -> None:
    found = {
        (f"{column.reading}.{column.name}", version)
        for column in columns
        if column.is_ever_filled
        for version in column.empty_versions
    }
    reasons = [
        (name, str(version))  # YAML takes some for dates
        for entry in REASONS["empty"]
        for name in entry["columns"]
        for version in entry["empty_in"]
    ]
    assert all(len(entry["because"]) > 10 for entry in REASONS["empty"])
    assert found - set(reasons) == set(), "empty in that version only: a path that moved, or a reason to write down"
    assert set(reasons) - found == set(), "no longer empty: the reason is not needed any more"
    assert len(reasons) == len(set(reasons)), "one reason is enough"


def test_every_kind_was_recorded_in_each_version_but_those_that_are_named(columns: list[Column]) -> None:
    recorded = {(column.reading, version) for column in columns for version in column.counts}
    versions = {version for _, version in recorded}
    missing = {(item.reading, version) for item in OBJECTS for version in versions} - recorded
    named = {(reading, str(version)) for reading, those in REASONS["not_recorded"].items() for version in those}
    assert missing - named == set(), "nothing of that kind is read any more: lost, or a line of not_recorded"
    assert named - missing == set(), "recorded after all: strike it from not_recorded"
    assert {"2015-10-01", "2020-08-27", "2024-06-20", "2025-03-31.basil", "2025-10-29.clover"} <= versions


def test_the_report_shows_every_column(columns: list[Column], report: Report) -> None:
    text = render(columns)
    report("null-shares.txt", text)
    shown = {line.split()[0] for line in text.splitlines()[1:]}
    assert shown == {f"{column.reading}.{column.name}" for column in columns}
