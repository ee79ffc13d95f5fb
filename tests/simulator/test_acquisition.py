"""Installs and spend of the simulated company: they fit its customers, never change, and the files tell all of them."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.__main__ import main
from simulator.acquisition import LEAD, Acquisition
from simulator.balance import exchange_rate
from simulator.books_acquisition import AcquisitionBooks
from simulator.channels import EXPONENTS
from simulator.clock import format_instant, parse_instant
from simulator.company import Company
from simulator.files import files_of, write_files
from simulator.instance import simulator_thread
from simulator.periods import DAY

FOUNDED = int(parse_instant("2026-01-01T00:00:00Z"))
NOW = FOUNDED + 120 * DAY


def make_company() -> Company:
    return Company(7, FOUNDED, customers=150, months=4)


@pytest.fixture(scope="module")
def company() -> Company:
    made = make_company()
    made.ensure(NOW)
    return made


@pytest.fixture(scope="module")
def acquisition(company: Company) -> Acquisition:
    return Acquisition(company)


def rows_of(files: dict[str, str], prefix: str) -> list[dict[str, str]]:
    return [row for name, text in files.items() if name.startswith(prefix) for row in csv.DictReader(io.StringIO(text))]


def test_every_customer_has_installed_before_joining(company: Company, acquisition: Acquisition) -> None:
    first: dict[str, int] = {}
    for install in acquisition.installs(NOW):
        first.setdefault(install.user_id, install.at)
    joined = [h.states[0] for h in company.objects["customer"].histories if h.created < NOW]
    assert len(joined) > 100
    for customer in joined:
        assert 0 < customer.created - first[customer.metadata["user_id"]] <= LEAD


def test_some_never_join_some_install_twice_on_a_day_and_every_channel_and_system_has_some(
    acquisition: Acquisition,
) -> None:
    installs = acquisition.installs(NOW)
    assert {one.os_name for one in installs} == {"Android", "iOS", "Windows"}
    assert len({one.channel.name for one in installs}) == 6
    assert any(one.user_id.startswith("visitor_") for one in installs)
    assert max(Counter((one.user_id, one.at // DAY) for one in installs).values()) == 2
    assert len({one.install_id for one in installs}) == len(installs)


def test_going_on_never_changes_the_past(acquisition: Acquisition) -> None:
    young = Acquisition(make_company())
    earlier = FOUNDED + 50 * DAY
    assert young.installs(earlier) == [one for one in acquisition.installs(NOW) if one.at < earlier]
    last = format_instant(earlier)[:10]
    assert young.spend(earlier) == [one for one in acquisition.spend(NOW) if one.day < last]


def test_spend_is_of_days_that_are_over(acquisition: Acquisition) -> None:
    days = {one.day for one in acquisition.spend(NOW - 1)}
    assert max(days) == format_instant(NOW - 2 * DAY)[:10]
    assert len(days) > 100
    assert {one.channel.currency for one in acquisition.spend(NOW)} == set(EXPONENTS)


def test_files_tell_all_of_it_in_major_units(acquisition: Acquisition) -> None:
    files = files_of(acquisition, NOW)
    assert [row["install_id"] for row in rows_of(files, "installs/")] == [
        one.install_id for one in acquisition.installs(NOW)
    ]
    spent: Counter[str] = Counter()
    for row in rows_of(files, "ad_spend/"):
        spent[row["currency"].lower()] += int(Decimal(row["spend"]).scaleb(EXPONENTS[row["currency"].lower()]))
    booked: Counter[str] = Counter()
    for one in acquisition.spend(NOW):
        booked[one.channel.currency] += one.amount
    assert spent == booked
    assert {row["channel_name"] for row in rows_of(files, "channels.csv")} >= {"organic", "search_ads"}
    assert len(rows_of(files, "clients.csv")) > 10


def test_rates_are_of_every_day_that_is_over_and_those_of_the_market(acquisition: Acquisition) -> None:
    rows = rows_of(files_of(acquisition, NOW - 1), "fx_rates/")
    assert [row["date"] for row in rows] == [format_instant(FOUNDED + n * DAY)[:10] for n in range(119)]
    assert {(row["from_currency"], row["to_currency"]) for row in rows} == {("EUR", "USD")}
    assert [Decimal(row["rate"]) for row in rows] == [exchange_rate("eur", FOUNDED // DAY + n) for n in range(119)]


def test_files_of_months_that_are_over_never_change(acquisition: Acquisition, tmp_path: Path) -> None:
    assert write_files(acquisition, NOW, tmp_path) == len(files_of(acquisition, NOW))
    assert write_files(acquisition, NOW, tmp_path) == 0
    before = {path.name: path.read_text() for path in (tmp_path / "installs").iterdir()}
    write_files(acquisition, NOW + DAY, tmp_path)
    after = {path.name: path.read_text() for path in (tmp_path / "installs").iterdir()}
    changed = {name for name, text in before.items() if after[name] != text}
    assert len(changed) <= 1
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".csv"] * len(
        list(tmp_path.rglob("*.csv"))
    )


def test_the_books_have_every_user_and_all_that_was_spent_and_paid(company: Company, acquisition: Acquisition) -> None:
    rows = AcquisitionBooks(company).by_channel(NOW)
    users = {(row["channel"], row["month"]): row["users"] for row in rows}
    assert sum(users.values()) == len({one.user_id for one in acquisition.installs(NOW)})
    assert sum(row["spend_minor"] for row in rows) == sum(one.amount for one in acquisition.spend(NOW))
    charges = [history.state_before(NOW) for history in company.objects["charge"].histories]
    gross: Counter[str] = Counter()
    for charge in charges:
        if charge is not None and charge.is_paid:
            gross[charge.currency] += charge.amount
    net: Counter[str] = Counter()
    for row in rows:
        net[row["currency"]] += sum(row["revenue_minor"])
    assert net.keys() == gross.keys() | set(EXPONENTS)
    # what was refunded or disputed is off, and no more
    assert all(0.7 * gross[currency] < net[currency] <= gross[currency] for currency in gross)


def test_the_books_leave_out_the_money_of_customers_that_are_named(company: Company) -> None:
    charge = company.objects["charge"].histories[0].states[-1]
    books = AcquisitionBooks(company)

    def total(rows: list[dict[str, Any]]) -> int:
        return sum(sum(row["revenue_minor"]) for row in rows if row["currency"] == charge.currency)

    assert total(books.by_channel(NOW, [charge.customer])) < total(books.by_channel(NOW))


def test_files_and_books_are_served_as_of_an_instant() -> None:
    now = format_instant(NOW)
    with simulator_thread(now=now, founded=format_instant(FOUNDED), customers=60, months=4) as url:
        earlier = {"until": format_instant(FOUNDED + 40 * DAY)}
        names = set(httpx.get(f"{url}/_sim/files", params=earlier).json())
        assert {"channels.csv", "installs/2026-02.csv", "ad_spend/2026-01.csv", "fx_rates/2026-02.csv"} <= names
        assert "installs/2026-03.csv" not in names
        months = {row["month"] for row in httpx.get(f"{url}/_sim/books/acquisition", params=earlier).json()}
        assert months == {"2026-01", "2026-02"}


def test_the_command_writes_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--customers", "20", "--months", "2", "--now", "2026-03-01T00:00:00Z"]
    assert main(["files", str(tmp_path), *options]) == 0
    assert "files of installs, ad spend and rates written to" in capsys.readouterr().out
    assert (tmp_path / "installs" / "2026-01.csv").exists()


def test_the_command_needs_a_folder_to_write_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["files"]) == 2
    assert "python -m simulator files <folder>" in capsys.readouterr().err
