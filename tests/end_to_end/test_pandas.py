"""Marts of money computed a second time: in pandas, straight from raw, with nothing of the warehouse's SQL."""

from fractions import Fraction
from typing import Any

import pandas as pd
import psycopg
import pytest

from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.raw_frames import latest, read_versions, whole

KINDS = ["balance_transaction", "charge", "dispute", "invoice", "refund", "subscription"]


@pytest.fixture(scope="module")
def versions(settled: Pipeline) -> pd.DataFrame:
    """Every version of every object that these marts count."""
    return read_versions(settled.conninfo, KINDS)


def month_of(seconds: pd.Series) -> pd.Series:
    return pd.to_datetime(seconds, unit="s").dt.strftime("%Y-%m")


def day_of(seconds: pd.Series) -> pd.Series:
    return pd.to_datetime(seconds, unit="s").dt.strftime("%Y-%m-%d")


def mart(settled: Pipeline, query: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(settled.conninfo) as connection:
        return set(connection.execute(query).fetchall())


def test_customer_activity_monthly(settled: Pipeline, versions: pd.DataFrame) -> None:
    charges = latest(versions, "charge")
    paid = charges[charges["paid"] & charges["customer"].notna()].assign(month=lambda c: month_of(c["created"]))
    months = sorted(paid["month"].unique())
    position = {
        month: number for number, month in enumerate(pd.period_range(months[0], months[-1], freq="M").astype(str))
    }
    active = paid.groupby(["currency", "customer", "month"])["amount"].agg(["size", "sum"]).reset_index()
    active["number"] = active["month"].map(position)
    active = active.sort_values("number")
    before = active.groupby(["currency", "customer"])["number"].shift()
    active["is_new"] = before.isna()
    active["is_retained"] = before == active["number"] - 1
    active["is_returning"] = before < active["number"] - 1
    counts = active.groupby(["currency", "month"]).agg(
        active=("customer", "size"),
        new=("is_new", "sum"),
        retained=("is_retained", "sum"),
        returning=("is_returning", "sum"),
        payments=("size", "sum"),
        revenue=("sum", "sum"),
    )
    expected = {
        (*key, *(int(value) for value in row)) for key, row in zip(counts.index, counts.to_numpy(), strict=True)
    }
    assert len(expected) > 20
    found = mart(
        settled,
        """
        select
            currency, to_char(month, 'YYYY-MM'), active_customers, new_customers, retained_customers,
            returning_customers, payments, revenue_minor::bigint
        from mart.customer_activity_monthly
        where active_customers > 0
        """,
    )
    assert found == expected


def subscription_of(invoice: dict[str, Any]) -> str | None:
    """The subscription that an invoice bills, in either shape."""
    details = (invoice.get("parent") or {}).get("subscription_details") or {}
    return details.get("subscription") or invoice.get("subscription")


def price_of(line: dict[str, Any]) -> str:
    """The price of a line, in either shape."""
    return line["price"]["id"] if "price" in line else line["pricing"]["price_details"]["price"]


def test_renewal_cohort_by_plan(settled: Pipeline, versions: pd.DataFrame) -> None:
    subscriptions = latest(versions, "subscription")
    shown, billed = whole(versions, "subscription", "items"), whole(versions, "invoice", "lines")
    invoices = latest(versions, "invoice")
    invoices["bills"] = [subscription_of(body) for body in invoices.to_dict("records")]
    cycles = invoices[invoices["billing_reason"] == "subscription_cycle"]
    # most were first shown after they had changed: what they began with is on their first invoice, but for metered use
    first = invoices[invoices["billing_reason"] == "subscription_create"].set_index("bills")["id"]
    expected: dict[tuple[str, str, int], list[int]] = {}
    for subscription in subscriptions.to_dict("records"):
        if subscription["status"] in ("incomplete", "incomplete_expired"):
            continue
        name = subscription["id"]
        ended = subscription["ended_at"] if pd.notna(subscription["ended_at"]) else None
        begun_with = billed[first[name]]["lines"]["data"]
        # its own dates are those of its newest trial, which may be free time for who had paid
        trial_ends = [line["period"]["end"] for line in begun_with if line["description"].startswith("Trial period")]
        over = cycles["created"].isin([*trial_ends, ended])
        own = cycles[(cycles["bills"] == name) & ~over].sort_values("created")
        month = month_of(pd.Series([subscription["created"]]))[0]
        prices = {price_of(line) for line in begun_with} | {
            item["price"]["id"]
            for item in shown[name]["items"]["data"]
            if item["price"]["recurring"]["usage_type"] == "metered"
        }
        for price in prices:
            for number, status in enumerate(own["status"], start=1):
                cell = expected.setdefault((price, month, number), [0, 0])
                cell[0] += 1
                cell[1] += status == "paid"
    found = mart(
        settled,
        """
        select price_id, to_char(cohort_month, 'YYYY-MM'), renewal, billed_subscriptions, renewed_subscriptions
        from mart.renewal_cohort_by_plan
        where billed_subscriptions > 0
        """,
    )
    assert len(expected) > 300
    assert found == {(*key, *cell) for key, cell in expected.items()}


def test_revenue_daily(settled: Pipeline, versions: pd.DataFrame) -> None:
    charges, refunds = latest(versions, "charge"), latest(versions, "refund")
    moves = latest(versions, "balance_transaction")
    paid = charges[charges["paid"]]
    gross = paid.groupby(["currency", day_of(paid["created"])])["amount"].sum().to_dict()
    kept = refunds[refunds["status"] != "failed"]
    refunded = kept.groupby(["currency", day_of(kept["created"])])["amount"].sum().to_dict()
    # what a dispute took is in the balance, in its currency: back into that of the payment, to the whole unit
    owners = {
        key: body["currency"]
        for kind in ("charge", "refund", "dispute")
        for key, body in latest(versions, kind).to_dict("index").items()
    }
    fees: dict[tuple[str, str], Fraction] = {}
    disputed: dict[tuple[str, str], int] = {}
    disputes = latest(versions, "dispute")
    for move in moves.assign(day=day_of(moves["created"])).to_dict("records"):
        rate = Fraction(str(move["exchange_rate"])) if pd.notna(move["exchange_rate"]) else None
        currency = owners[move["source"]] if rate is not None else move["currency"]
        fee = Fraction(int(move["fee"]) - (int(move["amount"]) if move["type"] == "stripe_fee" else 0)) / (rate or 1)
        if fee:
            fees[currency, move["day"]] = fees.get((currency, move["day"]), Fraction(0)) + fee
        if move["source"] in disputes.index:
            sign = 1 if move["amount"] < 0 else -1
            amount = sign * int(disputes.loc[move["source"], "amount"])
            disputed[currency, move["day"]] = disputed.get((currency, move["day"]), 0) + amount
    days = gross.keys() | refunded.keys() | fees.keys() | disputed.keys()
    assert len(days) > 250
    found = {
        row[:2]: row[2:]
        for row in mart(
            settled,
            """
            select
                currency, to_char(day, 'YYYY-MM-DD'), gross_minor, refunded_minor, disputed_minor, net_minor, fees_minor
            from mart.revenue_daily
            """,
        )
    }
    assert found.keys() == days
    for day, (gross_minor, refunded_minor, disputed_minor, net_minor, fees_minor) in found.items():
        assert gross_minor == gross.get(day, 0)
        assert refunded_minor == refunded.get(day, 0)
        assert disputed_minor == disputed.get(day, 0)
        assert net_minor == gross_minor - refunded_minor - disputed_minor
        assert abs(Fraction(fees_minor) - fees.get(day, Fraction(0))) < Fraction(1, 10**8)
