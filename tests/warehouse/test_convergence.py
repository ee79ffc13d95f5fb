"""The property that all rests on: dims and facts are a function of the set of raw rows, in whatever order they come."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT, Version, empty_warehouse, moment, stage, table_rows

START = moment("2026-03-01T00:00:00")
# Few seconds and few objects, so that ties, late rows and rows after a deletion are the rule.
seconds = st.integers(0, 6)
orders = st.integers(-3, 0)
few = st.integers(1, 2)
# Long before the events, so that there is a past to be told.
SUBSCRIBED = int(START.timestamp()) - 90 * 86_400
ACCOUNTS = ["acct_test", "acct_other"]
amounts = st.sampled_from([0, 700, 2900, 9900])


def epoch(at: datetime) -> int:
    return int(at.timestamp())


def reference(prefix: str) -> st.SearchStrategy[str]:
    return st.builds("{}_{}".format, st.just(prefix), few)


customers = st.fixed_dictionaries(
    {
        "object": st.just("customer"),
        "id": reference("cus"),
        "email": st.sampled_from(["a@example.com", "b@example.com"]),
        "delinquent": st.booleans(),
        "created": st.just(epoch(START)),
    }
)
items = st.lists(
    st.fixed_dictionaries(
        {
            "id": reference("si"),
            "quantity": few,
            "price": st.fixed_dictionaries(
                {"id": reference("price"), "unit_amount": amounts, "currency": st.just("usd")}
            ),
        }
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda item: item["id"],
)
subscriptions = st.fixed_dictionaries(
    {
        "object": st.just("subscription"),
        # an item belongs to one subscription for ever
        "id": st.just("sub_1"),
        "customer": reference("cus"),
        "status": st.sampled_from(["trialing", "active", "past_due", "canceled"]),
        "created": st.just(SUBSCRIBED),
        "trial_start": st.just(SUBSCRIBED),
        "trial_end": st.just(SUBSCRIBED + 86_400),
        "ended_at": st.sampled_from([None, epoch(START)]),
        "items": st.fixed_dictionaries({"data": items, "has_more": st.booleans()}),
    }
)


def refunds_of(number: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, Any]]:
    """Refunds of a charge; a refund belongs to one charge for ever."""
    return number.flatmap(
        lambda n: st.fixed_dictionaries(
            {
                "object": st.just("refund"),
                "id": st.just(f"re_{n}"),
                "charge": st.just(f"ch_{n}"),
                "amount": amounts,
                "currency": st.just("usd"),
                "status": st.sampled_from(["pending", "succeeded", "failed"]),
                "created": st.just(epoch(START)),
            }
        )
    )


refunds = refunds_of(few)
charges = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("charge"),
            "id": st.just(f"ch_{n}"),
            "customer": reference("cus"),
            "amount": amounts,
            "currency": st.just("usd"),
            "status": st.sampled_from(["pending", "succeeded", "failed"]),
            "payment_method": reference("pm"),
            "payment_method_details": st.fixed_dictionaries(
                {
                    "type": st.just("card"),
                    "card": st.fixed_dictionaries({"last4": st.sampled_from(["4242", "0005"])}),
                }
            ),
            "captured": st.booleans(),
            # two charges of one second do not show one card in two states
            "created": st.just(epoch(START) + n),
            "refunds": st.fixed_dictionaries({"data": st.lists(refunds_of(st.just(n)), max_size=1)}),
        }
    )
)
payment_methods = st.fixed_dictionaries(
    {
        "object": st.just("payment_method"),
        "id": reference("pm"),
        "type": st.just("card"),
        "card": st.fixed_dictionaries({"last4": st.sampled_from(["4242", "0005"])}),
        "customer": reference("cus"),
        "created": st.just(epoch(START)),
    }
)
products = st.fixed_dictionaries(
    {
        "object": st.just("product"),
        "id": reference("prod"),
        "name": st.sampled_from(["Basic", "Starter"]),
        "active": st.booleans(),
        "created": st.just(epoch(START)),
    }
)
prices = st.fixed_dictionaries(
    {
        "object": st.just("price"),
        "id": reference("price"),
        "product": reference("prod"),
        "unit_amount_decimal": st.sampled_from(["2900", "0.25"]),
        "currency": st.just("usd"),
        "active": st.booleans(),
        "created": st.just(epoch(START)),
    }
)
cards = st.fixed_dictionaries(
    {
        "object": st.sampled_from(["card", "source"]),
        "id": reference("pm"),
        "brand": st.sampled_from(["Visa", "MasterCard"]),
        "customer": reference("cus"),
    }
)
lines = st.fixed_dictionaries(
    {
        "id": reference("il"),
        "type": st.sampled_from(["subscription", "invoiceitem"]),
        "amount": st.sampled_from([-700, 0, 700, 2900]),
        "quantity": few,
        "currency": st.just("usd"),
        "price": st.fixed_dictionaries({"id": reference("price")}),
        # none, one of those that the subscription has, or one that only invoices tell of
        "subscription_item": st.sampled_from([None, "si_1", "si_2", "si_3"]),
        "proration": st.booleans(),
        "period": st.integers(0, 91).map(
            lambda day: {"start": SUBSCRIBED + day * 86_400, "end": SUBSCRIBED + (day + 30) * 86_400}
        ),
    }
)
# When an invoice was made, and for which subscription, never changes.
invoices = few.flatmap(
    lambda n: st.fixed_dictionaries(
        {
            "object": st.just("invoice"),
            "id": st.just(f"in_{n}"),
            "customer": reference("cus"),
            "subscription": st.just("sub_1"),
            "total": amounts,
            "currency": st.just("usd"),
            "status": st.sampled_from(["draft", "open", "paid"]),
            "billing_reason": st.sampled_from(["subscription_create", "subscription_cycle"]),
            "attempt_count": st.integers(0, 2),
            "status_transitions": st.sampled_from(
                [None, {"finalized_at": SUBSCRIBED + 100_000, "paid_at": SUBSCRIBED + 200_000}]
            ),
            "created": st.just(SUBSCRIBED + n * 40 * 86_400),
            "period_start": st.just(SUBSCRIBED + n * 10 * 86_400),
            "lines": st.fixed_dictionaries({"data": st.lists(lines, max_size=2, unique_by=lambda line: line["id"])}),
        }
    )
)
verbs = {
    "customer": ["created", "updated", "deleted"],
    "subscription": ["created", "updated", "deleted"],
    "refund": ["created", "updated"],
    "charge": ["succeeded", "updated", "refunded"],
    "payment_method": ["attached", "updated"],
    "invoice": ["created", "finalized", "paid", "deleted"],
    "product": ["created", "updated", "deleted"],
    "price": ["created", "updated", "deleted"],
    "card": ["created", "updated", "deleted"],
    "source": ["created", "updated", "deleted"],
}


# What Stripe answers with a stub once it is deleted.
STUBS = {"customer", "product", "price", "invoice", "card"}


KINDS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "customer": customers,
    "subscription": subscriptions,
    "refund": refunds,
    "charge": charges,
    "payment_method": payment_methods,
    "invoice": invoices,
    "product": products,
    "price": prices,
    "card": cards,
}


@st.composite
def versions(draw: st.DrawFn, kinds: Sequence[str] = tuple(KINDS)) -> Version:
    body: dict[str, Any] = draw(st.one_of(*(KINDS[kind] for kind in kinds)))
    at = START + timedelta(seconds=draw(seconds))
    account = draw(st.sampled_from(ACCOUNTS))
    verb = draw(st.sampled_from([None, *verbs[body["object"]]]))
    if verb is None:
        if body["object"] in STUBS and draw(st.booleans()):
            body = {"object": body["object"], "id": body["id"], "deleted": True}
        observed_at = at + timedelta(microseconds=draw(st.integers(0, 999_999)))
        return Version(observed_at, None, body, account_id=account)
    prefix = {"subscription": "customer.subscription", "card": "customer.source", "source": "customer.source"}.get(
        body["object"], body["object"]
    )
    # what it says of the state before may be right or wrong
    said = {key: body[key] for key in ("email", "status", "name", "items") if key in body}
    return Version(at, f"{prefix}.{verb}", body, draw(orders), previous_attributes=said, account_id=account)


def distinct(version: Version) -> tuple[Any, ...]:
    """In Stripe a place in a second's listing holds one event, and one observation of an object one state."""
    if version.event_type is None:
        return (version.account_id, version.at, version.body["object"], version.body["id"])
    return (version.account_id, version.at, version.listing_order)


histories = st.lists(versions(), min_size=2, max_size=14, unique_by=distinct)
# Mostly subscriptions and their invoices: their pasts depend on one another.
subscribed = st.lists(versions(["subscription", "invoice", "price"]), min_size=3, max_size=12, unique_by=distinct)


def load(
    connection: psycopg.Connection, history: list[Version], shuffler: random.Random
) -> dict[str, list[tuple[Any, ...]]]:
    """Loads the history shuffled, with repeats, in batches of any size, some applied together; returns dwh."""
    empty_warehouse(connection)
    rows = history + shuffler.sample(history, shuffler.randint(0, len(history)))
    shuffler.shuffle(rows)
    while rows:
        size = shuffler.randint(1, len(rows))
        batch, rows = rows[:size], rows[size:]
        stage(connection, batch)
        if shuffler.random() < 0.6:
            apply_models(connection, SQL_ROOT)
    apply_models(connection, SQL_ROOT)
    contradictions = connection.execute("select t::text from ops.event_order_contradiction as t order by 1").fetchall()
    return {**table_rows(connection, "dwh"), "event_order_contradiction": contradictions}


@pytest.fixture
def make_connection(each_warehouse: str) -> Callable[[], psycopg.Connection]:
    # one connection for all examples: hypothesis runs them inside one call of the test
    opened = psycopg.connect(each_warehouse)
    return lambda: opened


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(history=st.one_of(histories, subscribed), seed=st.integers(0, 2**32))
def test_any_order_repetition_and_split_gives_the_same_tables(
    make_connection: Callable[[], psycopg.Connection], history: list[Version], seed: int
) -> None:
    connection = make_connection()
    shuffler = random.Random(seed)
    first = load(connection, history, shuffler)
    second = load(connection, history, shuffler)
    assert first == second
    connection.commit()
    assert [change for change in rebuild(connection, SQL_ROOT) if change.removed or change.added] == []
    checks = [check for check in read_checks(SQL_ROOT) if check.layer != "mart"]
    # orphans and contradictions are the rule in these histories; every other rule must hold
    rules = [check for check in checks if check.name not in ("fact_dimensions_exist", "event_order_holds")]
    require_passed(run_checks(connection, rules, "test"))
