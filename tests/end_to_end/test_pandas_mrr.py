"""MRR of every day computed a second time: in pandas, straight from raw, with nothing of the warehouse's SQL."""

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import pandas as pd
import psycopg
import pytest

from tests.end_to_end.conftest import WATCHED_NOW
from tests.end_to_end.pipeline import Pipeline
from tests.end_to_end.raw_frames import read_versions, whole

DAY = 86_400
ROUNDING = Fraction(1, 10**6)
"""Minor units. The ledger keeps ten decimals of each item; here are exact fractions."""
PERIODS = {"year": 1, "month": 12, "week": 52, "day": 365}
"""In a year."""
BUCKETS = ["mrr", "paused", "trial"]
AMOUNTS = ["opening", "new", "reactivation", "expansion", "contraction", "churn", "held_change", "mrr", "held"]
COUNTS = ["paying", "subscribers", "new_customers", "reactivated_customers", "churned_customers"]
MRR_DAILY = """
    select
        currency, to_char(day, 'YYYY-MM-DD'), opening_mrr_minor, new_minor, reactivation_minor, expansion_minor,
        contraction_minor, churn_minor, held_change_minor, mrr_minor, held_minor, paying_customers, subscribers,
        new_customers, reactivated_customers, churned_customers
    from mart.mrr_daily
"""
Document = dict[str, Any]
Worth = tuple[Fraction, Fraction, Fraction]
"""MRR, what is paused, what is in a trial: minor units a month."""


class Catalog(NamedTuple):
    """What documents of subscriptions name and do not tell, by id."""

    coupons: dict[str, Document]
    discounts: dict[str, Document]
    tiers: dict[str, list[Document]]
    items: dict[str, list[Document]]
    """All items of a subscription of which events show the first ones only."""


@pytest.fixture(scope="module")
def versions(read_as_it_came: Pipeline) -> pd.DataFrame:
    """Every version of what MRR depends on."""
    return read_versions(read_as_it_came.conninfo, ["subscription", "customer", "discount", "coupon", "price"])


def read_catalog(versions: pd.DataFrame) -> Catalog:
    newest = versions.groupby(["kind", "id"])["body"].last()
    prices = versions[(versions["kind"] == "price") & versions["body"].map(lambda body: bool(body.get("tiers")))]
    return Catalog(
        coupons=newest["coupon"].to_dict(),
        discounts=newest["discount"].to_dict(),
        tiers=prices.groupby("id")["body"].last().map(lambda body: body["tiers"]).to_dict(),
        items=whole(versions, "subscription", "items").map(lambda body: body["items"]["data"]).to_dict(),
    )


def states(versions: pd.DataFrame) -> pd.DataFrame:
    """Each subscription's and its customer's documents as each day ends on which either changed."""
    subscriptions = versions[versions["kind"] == "subscription"].rename(columns={"body": "subscription"})
    subscriptions["customer_id"] = subscriptions["subscription"].map(lambda body: body["customer"])
    owners = subscriptions[["id", "customer_id"]].drop_duplicates()
    customers = versions[versions["kind"] == "customer"].rename(columns={"body": "customer", "id": "customer_id"})
    # what a customer says of itself is older than what a subscription says of the same second: both count as it ends
    both = pd.concat([subscriptions, customers.merge(owners, on="customer_id")])
    both = both.assign(day=both["at"] // DAY).sort_values(["at", "place"], kind="stable")
    both[["subscription", "customer"]] = both.groupby("id")[["subscription", "customer"]].ffill()
    ends = both.groupby(["id", "day"], as_index=False).last()
    return ends[ends["subscription"].notna()]


def cost(item: Document, catalog: Catalog) -> Fraction:
    """What an item costs for one of its periods: by the unit, in packages, or by tiers."""
    price, quantity = item["price"], item["quantity"]
    if price["tiers_mode"] is None:
        packages = price["transform_quantity"]
        units = quantity if packages is None else -(-quantity // packages["divide_by"])
        return units * Fraction(price["unit_amount_decimal"])
    left, below, total = quantity, 0, Fraction(0)
    for tier in catalog.tiers[price["id"]]:
        each, flat = Fraction(tier["unit_amount_decimal"]), Fraction(tier["flat_amount_decimal"] or 0)
        is_last = tier["up_to"] is None or quantity <= tier["up_to"]
        if price["tiers_mode"] == "volume":
            if is_last:
                return quantity * each + flat
            continue
        inside = left if is_last else tier["up_to"] - below
        total += inside * each + flat
        left, below = left - inside, tier["up_to"]
        if is_last:
            break
    return total


def coupon_of(discount: Document | str, catalog: Catalog) -> Document:
    body = catalog.discounts[discount] if isinstance(discount, str) else discount
    coupon = body["source"]["coupon"] if "source" in body else body["coupon"]
    return catalog.coupons[coupon] if isinstance(coupon, str) else coupon


def reduced(costs: list[Fraction], items: list[Document], shared: list[Any], catalog: Catalog) -> list[Fraction]:
    """The costs less the discounts for ever: percentages first, then amounts, by the shares of what is left."""
    own = [([at], coupon_of(each, catalog)) for at, item in enumerate(items) for each in item["discounts"]]
    found = own + [(list(range(len(items))), coupon_of(each, catalog)) for each in shared]
    forever = [pair for pair in found if pair[1]["duration"] == "forever"]
    left = list(costs)
    for places, coupon in sorted(forever, key=lambda pair: pair[1]["percent_off"] is None):
        there = sum(left[at] for at in places)
        if coupon["percent_off"] is not None:
            share = Fraction(coupon["percent_off"]) / 100
        else:
            share = min(Fraction(coupon["amount_off"]) / there, Fraction(1)) if there else Fraction(0)
        for at in places:
            left[at] -= left[at] * share
    return left


def worth(subscription: Document, customer: Document | None, catalog: Catalog) -> Worth:
    """What a subscription is worth a month, in the bucket that its state puts it into."""
    status = subscription["status"]
    is_paused = status == "paused" or subscription["pause_collection"] is not None
    bucket = {"trialing": 2, "paused": 1, "active": int(is_paused), "past_due": int(is_paused)}.get(status)
    if bucket is None:
        return Fraction(0), Fraction(0), Fraction(0)
    items = subscription["items"]["data"]
    if subscription["items"]["has_more"]:
        shown = {item["id"] for item in items}
        items = items + [item for item in catalog.items[subscription["id"]] if item["id"] not in shown]
    items = [item for item in items if item["price"]["recurring"]["usage_type"] == "licensed"]
    whole_discount = customer["discount"] if customer is not None else None
    shared = subscription["discounts"] or ([whole_discount] if whole_discount else [])
    amount = Fraction(0)
    left = reduced([cost(item, catalog) for item in items], items, shared, catalog)
    for item, rest in zip(items, left, strict=True):
        recurring = item["price"]["recurring"]
        amount += rest * Fraction(PERIODS[recurring["interval"]], 12 * recurring["interval_count"])
    found = [Fraction(0)] * 3
    found[bucket] = amount
    return found[0], found[1], found[2]


def held_after(
    day: pd.DataFrame, paid: dict[str, Fraction], potential: dict[str, Fraction], held: dict[str, Fraction]
) -> None:
    """Brings what is held of each subscription of one customer to the end of a day; `day`: a row for each that changed.

    What left MRR and is parked since is held. What a subscription was that ended is held in others that begin on the
    day, free at first, in the order of their ids, but for what the rest grew by. What is parked otherwise is not held.
    """
    rows = day.sort_values("id").to_dict("records")
    grown = {row["id"]: row["paused"] + row["trial"] for row in rows}
    own = {row["id"]: max(min(-row["mrr"], grown[row["id"]]), Fraction(0)) for row in rows}
    net = sum(row["mrr"] + own[row["id"]] for row in rows)
    begun = {name for name in grown if not paid[name] and not potential[name]}
    ended = Fraction(0)
    for row in rows:
        name = row["id"]
        potential[name] += grown[name]
        if paid[name] + row["mrr"] == 0 and potential[name] == 0:
            ended += paid[name]
        paid[name] += row["mrr"]
    rest = min(ended, max(-net, Fraction(0)))
    for name in grown:
        other = min(potential[name], rest) if name in begun else Fraction(0)
        rest -= other
        held[name] = min(potential[name], held[name] + own[name] + other)


def moved(changes: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """What each day was for one customer in one currency; `changes`: a row a day and subscription, with BUCKETS."""
    mrr = held = Fraction(0)
    paid: dict[str, Fraction] = defaultdict(Fraction)
    potential: dict[str, Fraction] = defaultdict(Fraction)
    held_of: dict[str, Fraction] = defaultdict(Fraction)
    has_paid = False
    for day, own in changes.groupby("day"):
        held_after(own, paid, potential, held_of)
        change, now_held = own["mrr"].sum(), sum(held_of.values(), Fraction(0))
        before, after = mrr + held, mrr + change + now_held
        if before == after:
            kind = None
        elif before == 0:
            kind = "reactivation" if has_paid else "new"
        elif after == 0:
            kind = "churn"
        else:
            kind = "expansion" if after > before else "contraction"
        yield {
            "currency": own["currency"].iat[0],
            "day": day,
            "kind": kind,
            "amount": abs(after - before),
            "change": change,
            "held_change": now_held - held,
            "paying": int(mrr + change > 0) - int(mrr > 0),
        }
        mrr, held = mrr + change, now_held
        has_paid = has_paid or mrr > 0


def days_of(moves: pd.DataFrame) -> pd.DataFrame:
    """AMOUNTS and COUNTS of every day since the first, of the moves of one currency."""
    amounts = moves.pivot_table(index="day", columns="kind", values="amount", aggfunc="sum")
    times = moves.pivot_table(index="day", columns="kind", values="amount", aggfunc="size")
    sums = moves.groupby("day")[["change", "held_change", "paying"]].sum()
    every = range(sums.index.min(), int(WATCHED_NOW.timestamp()) // DAY + 1)
    kinds = ["new", "reactivation", "expansion", "contraction", "churn"]
    table = sums.join(amounts).reindex(columns=[*sums.columns, *kinds], index=every).fillna(0)
    times = times.reindex(columns=kinds, index=every).fillna(0).astype(int)
    table["mrr"], table["held"] = table["change"].cumsum(), table["held_change"].cumsum()
    table["opening"] = table["mrr"] - table["change"]
    table["paying"] = table["paying"].cumsum()
    table["subscribers"] = (times["new"] + times["reactivation"] - times["churn"]).cumsum()
    table["new_customers"], table["reactivated_customers"] = times["new"], times["reactivation"]
    table["churned_customers"] = times["churn"]
    table.index = pd.to_datetime(table.index * DAY, unit="s").strftime("%Y-%m-%d")
    return table[AMOUNTS + COUNTS]


def test_mrr_daily(read_as_it_came: Pipeline, versions: pd.DataFrame) -> None:
    catalog = read_catalog(versions)
    ends = states(versions)
    values = [
        worth(subscription, customer if isinstance(customer, dict) else None, catalog)
        for subscription, customer in zip(ends["subscription"], ends["customer"], strict=True)
    ]
    ends[BUCKETS] = pd.DataFrame(values, columns=BUCKETS, index=ends.index)
    before = ends.groupby("id")[BUCKETS].shift().fillna(Fraction(0))
    ends[BUCKETS] = ends[BUCKETS] - before
    ends["currency"] = ends["subscription"].map(lambda body: body["currency"])
    moves = pd.DataFrame([move for _, own in ends.groupby(["currency", "customer_id"]) for move in moved(own)])
    moves = moves[(moves["change"] != 0) | (moves["held_change"] != 0)]
    expected = {
        (currency, day): tuple(row)
        for currency, own in moves.groupby("currency")
        for day, *row in days_of(own).itertuples()
    }
    with psycopg.connect(read_as_it_came.conninfo) as connection:
        found = {row[:2]: row[2:] for row in connection.execute(MRR_DAILY).fetchall()}
    assert found.keys() == expected.keys()
    assert len(expected) > 1500
    wrong = {
        key: (row, expected[key])
        for key, row in found.items()
        if row[len(AMOUNTS) :] != expected[key][len(AMOUNTS) :]
        or any(
            abs(Fraction(ours) - theirs) > ROUNDING
            for ours, theirs in zip(row[: len(AMOUNTS)], expected[key], strict=False)
        )
    }
    assert wrong == {}
    kinds = set(moves["kind"].dropna())
    assert kinds == {"new", "reactivation", "expansion", "contraction", "churn"}
    assert any(moves["held_change"] != 0)
