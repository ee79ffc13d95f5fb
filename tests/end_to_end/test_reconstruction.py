"""History from before the events, rebuilt from lists, against what reading every event since the founding gives."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import SQL_ROOT, PostgresServer
from tests.end_to_end.conftest import WATCHED_FOUNDED, WATCHED_NOW
from tests.end_to_end.pipeline import Pipeline

METRICS = SQL_ROOT.parents[1] / "docs" / "metrics.md"

# Stripe keeps events for 30 days: before that the late warehouse knows lists only.
EVENTS_FROM = WATCHED_NOW - timedelta(days=30)
MONTHS = [datetime(2025 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, 18)]

STATUSES = """
    select subscription_id, at, status
    from dwh.subscription_dim
    inner join unnest(%s::timestamptz[]) as month (at) on valid_from <= at and coalesce(valid_to, 'infinity') > at
"""
ITEMS = """
    select
        subscription_item_id, at, subscription_id, price_id, quantity, unit_amount_minor, interval_unit,
        interval_count, product_id, currency
    from dwh.subscription_item_dim
    inner join unnest(%s::timestamptz[]) as month (at)
        on valid_from <= at and coalesce(valid_to, 'infinity') > at and coalesce(deleted_at, 'infinity') > at
"""


def states(conninfo: str, query: str) -> dict[tuple[str, datetime], tuple[Any, ...]]:
    """(id, start of a month) -> the rest of the row."""
    with psycopg.connect(conninfo) as connection:
        return {(row[0], row[1].astimezone(UTC)): row[2:] for row in connection.execute(query, [MONTHS])}


@pytest.fixture(scope="module")
def warehouses(read_as_it_came: Pipeline, postgres: PostgresServer) -> Iterator[tuple[str, str]]:
    """(one that read all events as they came, one that began at the end): both of the same company."""
    late = postgres.create_warehouse()
    begun = Pipeline(late, read_as_it_came.api_base)
    begun.events(timedelta(days=31))
    begun.load()
    begun.backfill(WATCHED_FOUNDED)
    # lists leave out what lives by a test clock: its invoices name it
    begun.enrich()
    yield read_as_it_came.conninfo, late
    postgres.drop_database(late)


def differences(
    warehouses: tuple[str, str], query: str
) -> tuple[int, dict[tuple[str, datetime], tuple[tuple[Any, ...], tuple[Any, ...]]]]:
    """How many (object, month) both know, and those of which the late warehouse says something else."""
    always, late = (states(conninfo, query) for conninfo in warehouses)
    assert always.keys() == late.keys()
    return len(always), {key: (always[key], late[key]) for key in always if always[key] != late[key]}


def test_statuses_differ_only_where_a_subscription_was_left_unpaid_or_paused(warehouses: tuple[str, str]) -> None:
    compared, found = differences(warehouses, STATUSES)
    assert compared > 400
    # Nothing that remains says when Stripe gave up retrying: until its end such a subscription shows as past due.
    # Nor does anything tell of a pause that was over before the first event.
    assert set(found.values()) <= {(("unpaid",), ("past_due",)), (("paused",), ("active",))}
    assert len(found) <= compared // 100


def test_items_differ_only_where_no_invoice_has_told_of_a_change_yet(warehouses: tuple[str, str]) -> None:
    compared, found = differences(warehouses, ITEMS)
    assert compared > 450
    assert len(found) <= compared // 50
    with psycopg.connect(warehouses[1]) as connection:
        for (item_id, _), (true, told) in found.items():
            price_id, quantity = true[1:3]
            # it is on the next invoice, which on a yearly plan may be a year away
            lines = connection.execute(
                "select 1 from dwh.invoice_line_fact "
                "where subscription_item_id = %s and price_id = %s and quantity = %s",
                [item_id, price_id, quantity],
            ).fetchall()
            assert lines == []
            assert told[4:6] == ("year", 1)


def test_a_past_that_was_rebuilt_says_so(warehouses: tuple[str, str]) -> None:
    always, late = warehouses
    count = """
        select
            count(*) filter (where is_reconstructed and valid_from >= observed_from),
            count(*) filter (where not is_reconstructed and valid_from < observed_from - interval '2 seconds'),
            count(*) filter (where is_reconstructed)
        from dwh.{}
    """
    for table in ("subscription_dim", "subscription_item_dim"):
        with psycopg.connect(late) as connection:
            row = connection.execute(sql.SQL(count).format(sql.SQL(table))).fetchone()
        assert row is not None
        assert row[:2] == (0, 0)
        assert row[2] > 100
        with psycopg.connect(always) as connection:
            row = connection.execute(sql.SQL(count).format(sql.SQL(table))).fetchone()
        assert row is not None
        assert row[2] == 0


MRR = """
    select customer_id || currency, at, sum(mrr_change_minor)
    from dwh.mrr_change_fact
    inner join unnest(%s::timestamptz[]) as month (at) on changed_at < at
    group by customer_id, currency, at
"""


Pair = tuple[Decimal, Decimal]
"""(what is true, what was told)."""


def mrr_of_customers(warehouses: tuple[str, str]) -> list[Pair]:
    """MRR of each customer as each month begins."""
    always, late = (states(conninfo, MRR) for conninfo in warehouses)
    nothing = (Decimal(0),)
    return [(always.get(key, nothing)[0], late.get(key, nothing)[0]) for key in always.keys() | late.keys()]


def share_of(pairs: Iterable[Pair]) -> float:
    """What differs, over all there is."""
    listed = [*pairs]
    return float(sum(abs(true - told) for true, told in listed) / sum(abs(true) for true, _ in listed))


def test_mrr_of_the_past_differs_for_few_customers_and_by_little(warehouses: tuple[str, str]) -> None:
    pairs = mrr_of_customers(warehouses)
    assert len(pairs) > 600
    assert len([pair for pair in pairs if pair[0] != pair[1]]) <= len(pairs) // 20
    assert share_of(pairs) <= 0.05


LEDGER = """
    select
        subscription_id, subscription_item_id, price_id, changed_at::date, sum(mrr_change_minor),
        sum(paused_change_minor), sum(trial_change_minor)
    from dwh.mrr_change_fact
    group by subscription_id, subscription_item_id, price_id, changed_at::date
    having sum(mrr_change_minor) <> 0 or sum(paused_change_minor) <> 0 or sum(trial_change_minor) <> 0
"""
# What nothing that remains tells: that a subscription was paused or left unpaid before the first event ...
UNTOLD_STATES = """
    select subscription_id
    from dwh.subscription_dim
    where (status in ('paused', 'unpaid') or pause_behavior is not null) and valid_from < %(events_from)s
"""
# ... a change on a yearly plan, until an invoice charges it ...
UNBILLED_CHANGES = """
    select subscription_id
    from dwh.subscription_item_dim
    where interval_unit = 'year'
    group by subscription_id, subscription_item_id
    having count(distinct (price_id, quantity)) > 1
"""
# ... and discounts that were over by then, or had another coupon before.
GONE_DISCOUNTS = """
    select s.subscription_id
    from dwh.subscription_dim as s
    inner join dwh.discount_dim as d using (account_id, livemode, customer_id)
    inner join dwh.coupon_dim as k
        on d.account_id = k.account_id and d.livemode = k.livemode and k.coupon_id = any(d.coupon_ids)
    where
        k.duration = 'forever'
        and (d.subscription_id is null or d.subscription_id = s.subscription_id)
        and (d.deleted_at < %(events_from)s or cardinality(d.coupon_ids) > 1)
"""


def found(conninfo: str, query: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as connection:
        return set(connection.execute(query, {"events_from": EVENTS_FROM}).fetchall())


def explained_by(always: str) -> set[str]:
    """Subscriptions of which the past can differ."""
    return {row[0] for query in (UNTOLD_STATES, UNBILLED_CHANGES, GONE_DISCOUNTS) for row in found(always, query)}


def test_mrr_of_a_subscription_is_exact_on_every_day_unless_a_pause_a_discount_or_a_yearly_plan_explains_it(
    warehouses: tuple[str, str],
) -> None:
    always, late = warehouses
    explained = explained_by(always)
    true, told = found(always, LEDGER), found(late, LEDGER)
    differing = {row[0] for row in true ^ told}
    assert differing <= explained
    assert len({row[0] for row in true} - explained) > 100
    # each of the three does explain something
    for query in (UNTOLD_STATES, UNBILLED_CHANGES, GONE_DISCOUNTS):
        assert differing & {row[0] for row in found(always, query)}


RENEWALS = """
    select price_id, cohort_month, renewal, started_subscriptions, billed_subscriptions, renewed_subscriptions
    from mart.renewal_cohort_by_plan
"""


def test_renewals_of_the_past_are_exact(warehouses: tuple[str, str]) -> None:
    # they are counted from invoices, which lists show as they are
    always, late = (found(conninfo, RENEWALS) for conninfo in warehouses)
    assert late == always
    assert len(late) > 1000


MOVED = """
    select
        currency || month, 'only', new_minor, reactivation_minor, expansion_minor, contraction_minor, churn_minor,
        closing_mrr_minor, new_customers, reactivated_customers, churned_customers
    from mart.mrr_movement_monthly
"""
COHORTS = """
    select currency || cohort_month, month::text, cohort_customers, active_customers, mrr_minor
    from mart.cohort_retention_monthly
"""


def shares(warehouses: tuple[str, str], query: str) -> list[float]:
    """For each figure: what differs, over all there is."""
    always, late = ({row[:2]: row[2:] for row in found(conninfo, query)} for conninfo in warehouses)
    nothing = (0,) * len(next(iter(always.values())))
    pairs = [(always.get(key, nothing), late.get(key, nothing)) for key in always.keys() | late.keys()]
    return [share_of((true[at], told[at]) for true, told in pairs) for at in range(len(nothing))]


def test_movements_of_the_past_differ_within_bounds(warehouses: tuple[str, str]) -> None:
    began, *amounts, closing, new, back, left = shares(warehouses, MOVED)
    assert closing < 0.05
    # a movement that is told in another month differs in two
    assert max(began, new) < 0.15
    assert max(*amounts, back, left) < 0.35


def test_cohorts_of_the_past_differ_within_bounds(warehouses: tuple[str, str]) -> None:
    size, active, mrr = shares(warehouses, COHORTS)
    assert max(size, active, mrr) < 0.12


def percent(*shares: float) -> str:
    return "; ".join(f"{100 * share:.1f} %" for share in shares)


def test_the_documentation_gives_these_figures(warehouses: tuple[str, str]) -> None:
    always, _ = warehouses
    subscriptions = {row[0] for row in found(always, LEDGER)}
    pairs = mrr_of_customers(warehouses)
    wrong = [pair for pair in pairs if pair[0] != pair[1]]
    began, back_minor, more, less, lost, closing, new, back, left = shares(warehouses, MOVED)
    others = (back_minor, more, less, lost, back, left)
    text = re.sub(r"\s+", " ", METRICS.read_text())
    for told in (
        f"{len(subscriptions - explained_by(always))} of {len(subscriptions)} subscriptions had none of the four",
        f"| MRR, by customer and month | {percent(share_of(pairs))} ({len(wrong)} of {len(pairs)} differ) |",
        f"| closing MRR, by currency and month | {percent(closing)} |",
        f"| new MRR; new customers | {percent(began, new)} |",
        "| expansion, contraction, churn, reactivation; customers who left or came back | "
        f"{100 * min(others):.0f} % to {100 * max(others):.0f} % |",
        f"| cohorts: size, customers, MRR | {percent(*shares(warehouses, COHORTS))} |",
    ):
        assert told in text
