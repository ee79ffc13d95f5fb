"""Stripe's worked examples of its metrics that take many customers; those of one or a few are golden cases.

Source of the examples: Stripe's documentation of its billing analytics.
"""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.documents import subscribed
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

pytestmark = pytest.mark.either_version

JANUARY = moment("2026-01-10T00:00:00")
FEBRUARY = moment("2026-02-10T00:00:00")
MARCH = moment("2026-03-10T00:00:00")
MONTHLY, YEARLY = "month", "year"


def published(
    connection: psycopg.Connection, versions: list[Version], through: datetime, query: str
) -> list[tuple[Any, ...]]:
    """What a mart answers after these versions were loaded, all checks passed."""
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', %s) "
        "on conflict do nothing",
        [ACCOUNT, through],
    )
    connection.commit()
    stage(connection, versions)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    require_passed(run_checks(connection, [c for c in read_checks(SQL_ROOT) if c.name.startswith("mrr_")], "test"))
    return connection.execute(query).fetchall()  # type: ignore[arg-type]  # written in this file


def test_100_at_100_a_month_and_50_at_600_a_year_are_12_500_of_mrr(connection: psycopg.Connection) -> None:
    versions = [v for n in range(100) for v in subscribed(n, 10_000, MONTHLY, JANUARY)]
    versions += [v for n in range(100, 150) for v in subscribed(n, 60_000, YEARLY, JANUARY)]
    query = "select mrr_minor, arr_minor, paying_customers from mart.mrr_daily order by day desc limit 1"
    assert published(connection, versions, FEBRUARY, query) == [(1_250_000, 15_000_000, 150)]


def test_one_at_120_a_year_and_one_at_25_a_month_cancel_and_35_is_churned(connection: psycopg.Connection) -> None:
    versions = subscribed(1, 12_000, YEARLY, JANUARY, until=FEBRUARY)
    versions += subscribed(2, 2_500, MONTHLY, JANUARY, until=FEBRUARY)
    query = "select churn_minor from mart.mrr_movement_monthly where month = '2026-02-01'"
    assert published(connection, versions, MARCH, query) == [(3_500,)]


def test_1000_active_100_new_and_100_churned_is_a_churn_of_9_1_percent(connection: psycopg.Connection) -> None:
    versions = [
        v
        for n in range(1000)
        for v in subscribed(n, 10_000, MONTHLY, JANUARY, until=FEBRUARY + timedelta(days=2) if n < 100 else None)
    ]
    versions += [v for n in range(1000, 1100) for v in subscribed(n, 10_000, MONTHLY, FEBRUARY)]
    query = "select churn_rate from mart.subscriber_churn_monthly where month = '2026-02-01'"
    ((rate,),) = published(connection, versions, MARCH, query)
    assert float(rate) == pytest.approx(100 / 1100)


def test_50_000_of_mrr_from_100_is_an_arpu_of_500_and_with_10_of_110_gone_a_value_of_5500(
    connection: psycopg.Connection,
) -> None:
    versions = [
        v for n in range(110) for v in subscribed(n, 50_000, MONTHLY, JANUARY, until=FEBRUARY if n < 10 else None)
    ]
    query = "select arpu_minor, ltv_minor from mart.subscriber_churn_monthly where month = '2026-02-01'"
    ((arpu, value),) = published(connection, versions, MARCH, query)
    assert (arpu, round(value, 6)) == (50_000, 550_000)


def trial(number: int, paid_at: datetime | None) -> list[Version]:
    """Two weeks on trial from January 10 on; then active, with an invoice of 29 dollars that is paid then, or open."""
    ends = JANUARY + timedelta(days=14)
    span = {"trial_start": int(JANUARY.timestamp()), "trial_end": int(ends.timestamp())}
    (began,) = subscribed(number, 2_900, MONTHLY, JANUARY)
    body = {**began.body, **span}
    invoice = {"object": "invoice", "id": f"in_{number}", "subscription": body["id"], "customer": body["customer"]}
    invoice |= {"currency": "usd", "total": 2_900, "billing_reason": "subscription_cycle"}
    invoice |= {"created": span["trial_end"], "status": "paid" if paid_at else "open"}
    invoice["status_transitions"] = {"paid_at": paid_at and int(paid_at.timestamp())}
    return [
        Version(JANUARY, "customer.subscription.created", {**body, "status": "trialing"}),
        Version(ends, "customer.subscription.updated", body),
        Version(paid_at or ends, "invoice.paid" if paid_at else "invoice.finalized", invoice),
    ]


def test_of_100_trials_that_ended_15_were_converted_and_that_is_15_percent(connection: psycopg.Connection) -> None:
    # 15 paid within 30 days, 5 later than that, 80 never
    versions = [
        version
        for number in range(100)
        for version in trial(number, FEBRUARY if number < 15 else MARCH if number < 20 else None)
    ]
    query = "select basis, trials, converted_trials, conversion_rate from mart.trial_conversion_monthly order by 1"
    found = published(connection, versions, moment("2026-03-20T00:00:00"), query)
    assert [(*row[:3], float(row[3])) for row in found] == [("ended", 100, 15, 0.15), ("started", 100, 15, 0.15)]
    # and all 100 of them are MRR
    paying = connection.execute("select paying_customers from mart.mrr_daily order by day desc limit 1").fetchall()
    assert paying == [(100,)]


def test_a_cohort_of_100_that_keeps_90_percent_each_month(connection: psycopg.Connection) -> None:
    kept = [100, 90, 81, 73, 66, 59]
    versions = []
    for n in range(100):
        left = next((month for month, customers in enumerate(kept) if n >= customers), None)
        until = None if left is None else moment(f"2026-{left + 1:02d}-15T00:00:00")
        versions += subscribed(n, 10_000, MONTHLY, JANUARY, until=until)
    query = "select active_customers from mart.cohort_retention_monthly order by months_since"
    found = published(connection, versions, moment("2026-06-20T00:00:00"), query)
    assert [customers for (customers,) in found] == kept


def test_a_year_at_100_is_833_33_cents_a_month_for_each_and_the_sum_is_right_to_the_cent(
    connection: psycopg.Connection,
) -> None:
    versions = [v for n in range(1200) for v in subscribed(n, 10_000, YEARLY, JANUARY)]
    query = "select round(mrr_minor, 2) from mart.mrr_daily order by day desc limit 1"
    assert published(connection, versions, FEBRUARY, query) == [(1_000_000,)]


def grown(number: int, before: int, *steps: tuple[str, int]) -> list[Version]:
    """A monthly subscription since January that costs other amounts from some days on."""
    versions = subscribed(number, before, MONTHLY, JANUARY)
    body = versions[0].body
    for day, amount in steps:
        item = body["items"]["data"][0]
        price = {**item["price"], "id": f"price_{amount}", "unit_amount": amount}
        items = {"data": [{**item, "price": price}], "has_more": False}
        versions.append(Version(moment(day), "customer.subscription.updated", {**body, "items": items}))
    return versions


def test_an_opening_of_1000_that_moved_by_100_50_40_and_60_closes_at_1045_when_fx_took_5(
    connection: psycopg.Connection,
) -> None:
    connection.execute("update ops.policy set value = 'usd' where name = 'reporting_currency'")
    connection.commit()
    rate = {"from_currency": "eur", "to_currency": "usd"}
    rates = [{"date": "2026-01-10", "rate": "1"} | rate, {"date": "2026-02-20", "rate": "0.99"} | rate]
    stage_rows(connection, [StoredRow(MARCH, "fx_rate", payload, line) for line, payload in enumerate(rates, 2)])
    versions = [
        *subscribed(1, 50_000, MONTHLY, JANUARY, currency="eur"),
        *grown(2, 44_000, ("2026-02-11", 49_000), ("2026-02-12", 45_000)),
        *subscribed(3, 6_000, MONTHLY, JANUARY, until=FEBRUARY),
        *subscribed(4, 10_000, MONTHLY, FEBRUARY),
    ]
    query = """
        select currency, opening_mrr_minor, new_minor, expansion_minor, contraction_minor, churn_minor, fx_minor,
            closing_mrr_minor
        from mart.mrr_movement_reporting_monthly where month = '2026-02-01'
    """
    assert published(connection, versions, MARCH, query) == [
        ("usd", 100_000, 10_000, 5_000, 4_000, 6_000, -500, 104_500)
    ]


def test_the_movements_of_a_month_lead_from_its_opening_to_its_closing_mrr(connection: psycopg.Connection) -> None:
    versions = [
        *grown(1, 94_000, ("2026-02-11", 99_000), ("2026-02-12", 95_000)),
        *subscribed(2, 6_000, MONTHLY, JANUARY, until=FEBRUARY),
        *subscribed(3, 10_000, MONTHLY, FEBRUARY),
    ]
    query = """
        select opening_mrr_minor, new_minor, expansion_minor, contraction_minor, churn_minor, closing_mrr_minor
        from mart.mrr_movement_monthly where month = '2026-02-01'
    """
    assert published(connection, versions, MARCH, query) == [(100_000, 10_000, 5_000, 4_000, 6_000, 105_000)]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("mrr_statuses", "active,past_due,trialing", 20_000), ("churn_moment", "cancel_request", 0)],
)
def test_a_policy_that_changes_is_followed_by_the_next_load(
    name: str, value: str, expected: int, connection: psycopg.Connection
) -> None:
    versions = subscribed(1, 10_000, MONTHLY, JANUARY) + subscribed(2, 10_000, MONTHLY, JANUARY)
    versions[0].body["cancel_at_period_end"] = True
    versions[1].body["status"] = "trialing"
    query = "select coalesce(sum(mrr_minor), 0) from mart.mrr_daily where day = '2026-02-09'"
    assert published(connection, versions, FEBRUARY, query) == [(10_000,)]
    connection.execute("update ops.policy set value = %s where name = %s", [value, name])
    connection.commit()
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    assert connection.execute(query).fetchall() == [(expected,)]


def test_metered_use_becomes_mrr_by_a_policy_with_the_next_load_and_its_next_invoice(
    connection: psycopg.Connection,
) -> None:
    (used,) = subscribed(1, 5, MONTHLY, JANUARY)
    used.body["items"]["data"][0]["price"]["recurring"]["usage_type"] = "metered"
    query = "select coalesce(sum(mrr_minor), 0) from mart.mrr_daily where day = '2026-02-09'"
    assert published(connection, [used, billed_use(used, "in_1", 700, JANUARY)], FEBRUARY, query) == [(0,)]
    connection.execute("update ops.policy set value = 'last_invoice' where name = 'metered'")
    connection.commit()
    assert published(connection, [], FEBRUARY, query) == [(700,)]
    assert published(connection, [billed_use(used, "in_2", 900, moment("2026-02-05T00:00:00"))], FEBRUARY, query) == [
        (900,)
    ]


def billed_use(subscription: Version, invoice_id: str, amount: int, at: datetime) -> Version:
    """The invoice that bills what was used of a subscription's only item."""
    item = subscription.body["items"]["data"][0]
    line = {
        "id": f"il_{invoice_id}",
        "amount": amount,
        "currency": "usd",
        "quantity": amount // 5,
        "subscription": subscription.body["id"],
        "subscription_item": item["id"],
        "price": item["price"],
    }
    body = {
        "object": "invoice",
        "id": invoice_id,
        "customer": subscription.body["customer"],
        "subscription": subscription.body["id"],
        "status": "paid",
        "currency": "usd",
        "created": int(at.timestamp()),
        "lines": {"has_more": False, "data": [line]},
    }
    return Version(at, "invoice.paid", body)


def test_a_policy_with_a_word_that_nobody_knows_is_refused(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update ops.policy set value = 'maybe' where name = 'paused_counts'")
