"""The ledger of the Stripe balance, payouts and disputes against the company's own books."""

from datetime import datetime

from tests.end_to_end.books import assert_marts_equal_books, books, rows
from tests.end_to_end.pipeline import Pipeline

BALANCE = """
    select
        currency, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD'), balance_transaction_type, count(*),
        sum(amount_minor)::bigint, sum(fee_minor)::bigint, sum(net_minor)::bigint
    from dwh.balance_transaction_fact
    group by 1, 2, 3
"""
PAYOUTS = """
    select payout_id, currency, created_at, to_char(arrival_at at time zone 'UTC', 'YYYY-MM-DD'), status, amount_minor
    from dwh.payout_fact
"""
# What leaves the balance with a payout, its own transaction, is the sum of those that it pays out.
PAID_OUT = """
    select payout.payout_id, -movement.net_minor
    from dwh.payout_fact as payout
    inner join dwh.balance_transaction_fact as movement
        on
            payout.account_id = movement.account_id
            and payout.livemode = movement.livemode
            and payout.balance_transaction_id = movement.balance_transaction_id
"""


def test_events_were_in_both_shapes_and_money_in_every_kind_of_currency(settled: Pipeline) -> None:
    versions = rows(settled.conninfo, "select distinct api_version from raw.event")
    assert versions == {("2024-06-20",), ("2026-10-28.endive",)}
    exponents = """
        select distinct currency_dim.exponent
        from dwh.charge_fact
        inner join dwh.currency_dim using (currency)
        where charge_fact.amount_captured_minor > 0
    """
    assert rows(settled.conninfo, exponents) == {(0,), (2,), (3,)}


def test_marts_with_disputes_equal_the_books(settled: Pipeline) -> None:
    assert_marts_equal_books(settled)
    assert sum(row["disputes_minor"] != 0 for row in books(settled.api_base, "monthly")) >= 3
    assert sum(row["disputes_minor"] != 0 for row in books(settled.api_base, "customers")) >= 3


def test_balance_transactions_equal_the_books_by_currency_day_and_type(settled: Pipeline) -> None:
    expected = {
        (
            row["currency"],
            row["day"],
            row["type"],
            row["transactions"],
            row["amount_minor"],
            row["fee_minor"],
            row["net_minor"],
        )
        for row in books(settled.api_base, "balance")
    }
    assert {row[2] for row in expected} >= {"charge", "refund", "adjustment", "payout", "stripe_fee", "transfer"}
    assert rows(settled.conninfo, BALANCE) == expected


def test_payouts_equal_the_books_and_each_is_the_sum_of_what_it_pays_out(settled: Pipeline) -> None:
    listed = books(settled.api_base, "payouts")
    assert len(listed) > 100
    assert rows(settled.conninfo, PAYOUTS) == {
        (
            row["id"],
            row["currency"],
            datetime.fromisoformat(row["created_at"]),
            row["arrival_date"],
            row["status"],
            row["amount_minor"],
        )
        for row in listed
    }
    assert rows(settled.conninfo, PAID_OUT) == {(row["id"], row["transactions_net_minor"]) for row in listed}
