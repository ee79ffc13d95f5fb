"""The property that all rests on: dims and facts are a function of the set of raw rows, in whatever order they come."""

import random
from collections.abc import Callable
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
# As far apart as staging places the events of one second.
orders = st.integers(-3, 0).map(lambda place: place * 2**32)
few = st.integers(1, 2)
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
        "balance": st.sampled_from([0, -500]),
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
        "currency": st.sampled_from(["usd", "eur"]),
        "discounts": st.lists(reference("di") | st.fixed_dictionaries({"id": reference("di")}), max_size=1),
        "created": st.just(epoch(START)),
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
            "amount_refunded": amounts,
            "balance_transaction": reference("txn"),
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
        "billing_scheme": st.sampled_from(["per_unit", "tiered"]),
        "tiers": st.none() | st.just([{"up_to": None, "unit_amount": 1}]),
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
invoices = st.fixed_dictionaries(
    {
        "object": st.just("invoice"),
        "id": reference("in"),
        "customer": reference("cus"),
        "total": amounts,
        "currency": st.just("usd"),
        "status": st.sampled_from(["draft", "open", "paid"]),
        "created": st.just(epoch(START)),
        "lines": st.fixed_dictionaries(
            {
                "data": st.lists(
                    st.fixed_dictionaries({"id": reference("il"), "amount": amounts, "currency": st.just("usd")}),
                    max_size=2,
                    unique_by=lambda line: line["id"],
                ),
                "has_more": st.booleans(),
            }
        ),
    }
)
balance_transactions = st.fixed_dictionaries({"object": st.just("balance_transaction"), "id": reference("txn")})
discounts = st.fixed_dictionaries({"object": st.just("discount"), "id": reference("di")})
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
    "balance_transaction": [],
    "discount": ["created", "updated"],
}


@st.composite
def versions(draw: st.DrawFn) -> Version:
    body: dict[str, Any] = draw(
        st.one_of(
            customers,
            subscriptions,
            refunds,
            charges,
            payment_methods,
            invoices,
            products,
            prices,
            cards,
            balance_transactions,
            discounts,
        )
    )
    at = START + timedelta(seconds=draw(seconds))
    verb = draw(st.sampled_from([None, *verbs[body["object"]]]))
    if verb is None:
        return Version(at + timedelta(microseconds=draw(st.integers(0, 999_999))), None, body)
    prefix = {
        "subscription": "customer.subscription",
        "card": "customer.source",
        "source": "customer.source",
        "discount": "customer.discount",
    }.get(body["object"], body["object"])
    return Version(at, f"{prefix}.{verb}", body, draw(orders))


def distinct(version: Version) -> tuple[Any, ...]:
    """In Stripe a place in a second's listing holds one event, and one observation of an object one state."""
    if version.event_type is None:
        return (version.at, version.body["object"], version.body["id"])
    return (version.at, version.listing_order)


histories = st.lists(versions(), min_size=2, max_size=14, unique_by=distinct)


def load(
    connection: psycopg.Connection, history: list[Version], shuffler: random.Random
) -> dict[str, list[tuple[Any, ...]]]:
    """Loads the history shuffled, with repeats, in batches of any size, some together; returns dwh and the queue."""
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
    queues = {name: rows for name, rows in table_rows(connection, "ops").items() if name == "enrichment"}
    return {**table_rows(connection, "dwh"), **queues}


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
@given(history=histories, seed=st.integers(0, 2**32))
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
    # orphans are the rule in these histories; every other rule must hold
    checks = [check for check in read_checks(SQL_ROOT) if check.layer == "dwh"]
    rules = [check for check in checks if check.name != "fact_dimensions_exist"]
    require_passed(run_checks(connection, rules, "test"))
