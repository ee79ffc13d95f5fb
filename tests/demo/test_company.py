"""The simulated company stays the same from one demo to the next."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.company import command, load_or_found
from demo.errors import DemoError

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_a_new_company_was_founded_as_many_months_ago_as_asked(tmp_path: Path) -> None:
    company = load_or_found(tmp_path / "s.json", seed=7, customers=2000, months=18, now=NOW)
    assert company.founded == "2025-05-22T00:00:00Z"


def test_a_founding_day_that_its_month_lacks_is_the_months_last(tmp_path: Path) -> None:
    now = datetime(2026, 8, 31, tzinfo=UTC)
    company = load_or_found(tmp_path / "s.json", seed=7, customers=1, months=6, now=now)
    assert company.founded == "2026-02-28T00:00:00Z"


def test_a_second_demo_goes_on_with_the_same_company(tmp_path: Path) -> None:
    path = tmp_path / ".local" / "simulator.json"
    first = load_or_found(path, seed=7, customers=2000, months=18, now=NOW)
    later = datetime(2027, 2, 1, tzinfo=UTC)
    assert load_or_found(path, seed=8, customers=5, months=2, now=later) == first


def test_a_damaged_file_is_named_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "simulator.json"
    path.write_text('{"seed": 7')
    with pytest.raises(DemoError, match=r"simulator\.json.*make clean"):
        load_or_found(path, seed=7, customers=1, months=1, now=NOW)


def test_the_command_carries_all_that_determines_the_company(tmp_path: Path) -> None:
    company = load_or_found(tmp_path / "s.json", seed=7, customers=30, months=18, now=NOW)
    words = command(company, host="127.0.0.1", port=8123, api_key="sk_test_tallyhouse")
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--host": "127.0.0.1",
        "--port": "8123",
        "--api-key": "sk_test_tallyhouse",
        "--seed": "7",
        "--customers": "30",
        "--months": "18",
        "--founded": "2025-05-22T00:00:00Z",
        "--rate-limit": "100",
    }
