"""MRR by hand: every rule on a customer of its own, and the books' figures against one another."""

from collections import defaultdict
from fractions import Fraction

import httpx
import pytest

from simulator.agreement import Agreement, Choice
from simulator.books import Books
from simulator.company import Company
from simulator.mrr import RecurringRevenue
from simulator.offers import CALLS, CONTACTS, FLEET, MESSAGES, TEAM
from tests.simulator.conftest import FOUNDED, NOW
from tests.simulator.living import begins, grant_of, live, trialist
from tests.simulator.scripted import Scripted, at

DAY = 86_400


def mrr(company: Company, when: str) -> Fraction:
    rows = RecurringRevenue(company).by_currency(at(when))
    return sum((Fraction(row["mrr_minor"]) for row in rows), Fraction(0))


def paused(company: Company, when: str) -> Fraction:
    rows = RecurringRevenue(company).by_currency(at(when))
    return sum((Fraction(row["paused_minor"]) for row in rows), Fraction(0))


@pytest.mark.parametrize(
    ("sku", "quantity", "cadence", "expected"),
    [
        ("starter", 1, "month", Fraction(2900)),
        ("starter", 1, "year", Fraction(29_000, 12)),
        ("starter", 1, "quarter", Fraction(7830, 3)),
        ("starter", 1, "week", Fraction(870 * 52, 12)),
        ("starter", 1, "day", Fraction(145 * 365, 12)),
        (TEAM, 30, "month", Fraction(8500 + 18_000 + 9000)),
        (FLEET, 51, "month", Fraction(25_400)),
        (MESSAGES, 1001, "month", Fraction(1400)),
        (CONTACTS, 4001, "month", Fraction(4001, 2)),
    ],
)
def test_price_in_a_month(sku: str, quantity: int, cadence: str, expected: Fraction) -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", (sku, quantity), cadence=cadence))
    assert mrr(company, "2026-01-11T00:00:00Z") == expected


def test_it_begins_after_the_second_in_which_the_subscription_is_active() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("starter", 1)))
    assert mrr(company, "2026-01-10T00:00:00Z") == 0
    assert mrr(company, "2026-01-10T00:00:01Z") == 2900


def test_metered_usage_is_not_in_it() -> None:
    company = live(lambda script: begins(script, "2026-01-10T00:00:00Z", ("starter", 1), (CALLS, None)))
    assert mrr(company, "2026-03-11T00:00:00Z") == 2900


def test_only_discounts_for_ever_are_subtracted() -> None:
    company = live(lambda s: begins(s, "2026-01-10T00:00:00Z", ("pro", 1), grants=("spring", "rebate", "partner")))
    assert mrr(company, "2026-01-11T00:00:00Z") == 9900 - 990 - 500


def test_amount_off_is_by_the_cycle_of_the_subscription() -> None:
    company = live(lambda s: begins(s, "2026-01-10T00:00:00Z", ("pro", 1), cadence="year", grants=("rebate",)))
    assert mrr(company, "2026-01-11T00:00:00Z") == Fraction(99_000 - 500, 12)


def test_discount_of_a_customer_counts_from_when_it_is_given_until_it_is_taken() -> None:
    def script_of(script: Scripted) -> None:
        discounts = script.billing.discounts
        begins(script, "2026-01-10T00:00:00Z", ("pro", 1))
        script.do("2026-01-20T00:00:00Z", lambda m: discounts.grant_customer(m, grant_of(script, "partner", m)))
        script.do("2026-03-20T00:00:00Z", lambda m: discounts.take_away_customer(m, script.ledger.request()))

    company = live(script_of)
    days = ("2026-01-20", "2026-01-21", "2026-03-20", "2026-03-21")
    assert [mrr(company, f"{day}T00:00:00Z") for day in days] == [9900, 8910, 8910, 9900]


def test_a_whole_discount_brings_it_to_nothing_and_back() -> None:
    def script_of(script: Scripted) -> None:
        def give(agreement: Agreement) -> None:
            discounts = script.billing.discounts
            script.do("2026-02-01T00:00:00Z", lambda m: discounts.grant(m, agreement, grant_of(script, "friend", m)))
            script.do(
                "2026-03-01T00:00:00Z",
                lambda m: discounts.take_away(m, agreement, agreement.state.discounts[0]),
            )

        begins(script, "2026-01-10T00:00:00Z", ("pro", 1), then=give)

    company = live(script_of)
    assert [mrr(company, f"2026-0{month}-02T00:00:00Z") for month in (2, 3)] == [0, 9900]


def test_what_is_paused_is_counted_apart() -> None:
    def script_of(script: Scripted) -> None:
        def pause(agreement: Agreement) -> None:
            until = at("2026-03-20T00:00:00Z")
            script.do("2026-01-20T00:00:00Z", lambda m: script.changes.pause(m, agreement, "void", until))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=pause)

    company = live(script_of)
    assert (mrr(company, "2026-02-01T00:00:00Z"), paused(company, "2026-02-01T00:00:00Z")) == (0, 2900)
    assert (mrr(company, "2026-04-01T00:00:00Z"), paused(company, "2026-04-01T00:00:00Z")) == (2900, 0)


def test_free_time_of_who_paid_is_held_and_a_trial_of_who_did_not_is_not() -> None:
    def script_of(script: Scripted) -> None:
        def give(agreement: Agreement) -> None:
            script.do("2026-01-20T00:00:00Z", lambda moment: script.changes.give_free_time(moment, agreement, 20))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=give)

    for company, held in ((live(script_of), [2900]), (live(lambda script: trialist(script, lambda a: None)), [])):
        until = at("2026-01-22T00:00:00Z")
        assert mrr(company, "2026-01-22T00:00:00Z") == 0
        found = [amount for amount in Books(company).movements.held(until).values() if amount]
        assert found == held


def test_trial_counts_nowhere_and_once_ended_without_a_card_as_paused() -> None:
    company = live(lambda script: trialist(script, lambda agreement: None))
    assert (mrr(company, "2026-01-15T00:00:00Z"), paused(company, "2026-01-15T00:00:00Z")) == (0, 0)
    assert (mrr(company, "2026-02-15T00:00:00Z"), paused(company, "2026-02-15T00:00:00Z")) == (0, 2900)


def test_change_of_quantity_counts_at_once() -> None:
    def script_of(script: Scripted) -> None:
        def change(agreement: Agreement) -> None:
            def grow(moment: int) -> None:
                script.changes.change_item(moment, agreement, 0, Choice(script.price("business", "month", moment), 5))

            script.do("2026-01-20T00:00:00Z", grow)

        begins(script, "2026-01-10T00:00:00Z", ("business", 2), then=change)

    company = live(script_of)
    assert [mrr(company, f"2026-01-{day}T00:00:00Z") for day in (20, 21)] == [3800, 9500]


def test_every_day_ends_with_the_sum_of_all_customers(company: Company) -> None:
    books = RecurringRevenue(company)
    rows = {(row["day"], row["currency"]): row for row in books.daily(FOUNDED, NOW)}
    assert len(rows) == 4 * 195
    for day, end in (("2026-02-28", "2026-03-01"), ("2026-06-30", "2026-07-01"), ("2026-07-14", "2026-07-15")):
        total: dict[str, Fraction] = defaultdict(Fraction)
        for (currency, _), value in books.by_customer(at(f"{end}T00:00:00Z")).items():
            total[currency] += value
        for row in books.by_currency(at(f"{end}T00:00:00Z")):
            assert Fraction(row["mrr_minor"]) == total[row["currency"]]
            assert rows[day, row["currency"]]["mrr_minor"] == row["mrr_minor"]
            assert rows[day, row["currency"]]["paused_minor"] == row["paused_minor"]


def test_part_of_the_days_is_the_same_as_in_the_whole(company: Company) -> None:
    books = RecurringRevenue(company)
    whole = [row for row in books.daily(FOUNDED, NOW) if "2026-03-10" <= row["day"] < "2026-03-20"]
    assert books.daily(at("2026-03-10T00:00:00Z"), at("2026-03-20T12:00:00Z")) == whole
    assert books.daily(at("2026-03-10T12:00:00Z"), at("2026-03-11T12:00:00Z")) == []


AMOUNTS = ("change_minor", "held_minor", "churn_minor", "new_minor", "reactivation_minor")


def test_plans_add_up_to_their_currency_and_days_to_their_month(company: Company) -> None:
    books = Books(company)
    monthly = {(row["currency"], row["month"]): row for row in books.movements.monthly(NOW)}
    assert len(monthly) > 20
    for rows in (books.subscribers.plans(NOW), books.movements.daily(NOW)):
        total: dict[tuple[str, str], dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for row in rows:
            for name in AMOUNTS:
                total[row["currency"], (row.get("month") or row["day"])[:7]][name] += Fraction(row[name])
        assert {key: dict(amounts) for key, amounts in total.items()} == {
            key: {name: Fraction(row[name]) for name in AMOUNTS} for key, row in monthly.items()
        }


def test_who_left_is_everybody_who_churned(company: Company) -> None:
    books = Books(company)
    left = {(row["currency"], row["month"]): row for row in books.subscribers.churn(NOW)}
    kinds = ("voluntary", "involuntary", "other")
    churned = {
        (row["currency"], row["month"]): row["churn_customers"]
        for row in books.movements.monthly(NOW)
        if row["churn_customers"]
    }
    assert {key: sum(row[f"{kind}_customers"] for kind in kinds) for key, row in left.items()} == churned
    assert {key: sum(row["reasons"].values()) for key, row in left.items()} == churned
    assert sum(churned.values()) > 10


def test_a_change_of_plans_takes_from_one_and_adds_to_another() -> None:
    def script_of(script: Scripted) -> None:
        def change(agreement: Agreement) -> None:
            price = script.price("pro", "month", at("2026-02-05T00:00:00Z"))
            script.do("2026-02-05T00:00:00Z", lambda m: script.changes.change_item(m, agreement, 0, Choice(price, 1)))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), then=change)

    rows = Books(live(script_of)).subscribers.plans(at("2026-03-01T00:00:00Z"))
    february = {row["change_minor"]: row for row in rows if row["month"] == "2026-02"}
    assert {change: row["paying_change"] for change, row in february.items()} == {"-2900": -1, "9900": 1}
    assert (february["-2900"]["contraction_minor"], february["9900"]["expansion_minor"]) == ("2900", "9900")


def test_what_is_paused_is_each_plans_share_and_neither_lost_nor_won() -> None:
    def script_of(script: Scripted) -> None:
        def pause(agreement: Agreement) -> None:
            script.do("2026-02-05T00:00:00Z", lambda m: script.changes.pause(m, agreement, "void", None))

        begins(script, "2026-01-10T00:00:00Z", ("starter", 1), ("storage", 2), then=pause)

    rows = Books(live(script_of)).subscribers.plans(at("2026-03-01T00:00:00Z"))
    february = [row for row in rows if row["month"] == "2026-02"]
    assert len(february) == 2
    for row in february:
        assert Fraction(row["held_minor"]) == -Fraction(row["change_minor"]) > 0
        assert (row["churn_minor"], row["contraction_minor"], row["paying_change"]) == ("0", "0", -1)


def test_endpoints_tell_the_same_as_the_monthly_books(api: httpx.Client) -> None:
    monthly = {r["currency"]: r for r in api.get("/_sim/books/monthly").json() if r["month"] == "2026-07"}
    now = api.get("/_sim/books/mrr").json()
    customers = api.get("/_sim/books/mrr/customers").json()
    assert len(now) == 4
    for row in now:
        assert float(Fraction(row["mrr_minor"])) == pytest.approx(float(monthly[row["currency"]]["mrr_minor"]))
        assert row["customers"] == monthly[row["currency"]]["paying_customers"]
        of_currency = [Fraction(r["mrr_minor"]) for r in customers if r["currency"] == row["currency"]]
        assert sum(of_currency) == Fraction(row["mrr_minor"])
    days = api.get("/_sim/books/mrr/daily", params={"from": "2026-07-01T00:00:00Z"}).json()
    assert {row["day"] for row in days} == {f"2026-07-{day:02d}" for day in range(1, 15)}
