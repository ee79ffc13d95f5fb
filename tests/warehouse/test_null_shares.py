"""No column that one API version fills is empty in another, unless null_reasons.yaml says why.

The report itself: `pytest tests/warehouse/test_null_shares.py -s`.
"""

from pathlib import Path

import psycopg
import pytest
import yaml

from tests.warehouse.null_shares import Column, read_columns, render

REASONS = Path(__file__).with_name("null_reasons.yaml")


@pytest.fixture
def columns(fixtures_folder: Path, warehouse: str) -> list[Column]:
    with psycopg.connect(warehouse) as connection:
        return read_columns(connection, fixtures_folder / "recorded-objects")


def test_a_column_that_one_version_fills_is_empty_in_another_for_a_reason_only(columns: list[Column]) -> None:
    print(render(columns))
    found = {
        (f"{column.reading}.{column.name}", version)
        for column in columns
        if column.is_ever_filled
        for version in column.empty_versions
    }
    reasons = {
        (name, str(version)): reason  # YAML takes some for dates
        for name, entry in yaml.safe_load(REASONS.read_text()).items()
        for version in entry["empty_in"]
        for reason in [entry["because"]]
    }
    assert all(len(reason) > 10 for reason in reasons.values())
    assert found - set(reasons) == set(), "empty in that version only: a path that moved, or a reason to write down"
    assert set(reasons) - found == set(), "no longer empty: the reason is not needed any more"


def test_every_kind_that_was_recorded_in_each_version_is_read(columns: list[Column]) -> None:
    assert {len(column.counts) for column in columns if column.reading == "invoice"} == {4}
    assert len({column.reading for column in columns}) >= 15
