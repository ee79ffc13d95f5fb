"""The property that all rests on: dims and facts are a function of the set of raw rows, in whatever order they come."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.objects import MODELS, Model
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, apply_released, release_batches
from tests.warehouse.file_histories import files
from tests.warehouse.histories import histories, subscribed
from tests.warehouse.raw_rows import (
    SQL_ROOT,
    StoredRow,
    Version,
    empty_warehouse,
    moment,
    stage,
    stage_rows,
    table_rows,
)
from tests.warehouse.recurring_histories import COUPONS, OWNERS, policies, price, recurring

RECORDS = {model.name for model in MODELS if model.schema == "ops"}
SELLING = (
    *("product_dim", "price_dim", "coupon_dim", "customer_dim", "subscription_dim", "subscription_item_dim"),
    *("discount_dim", "invoice_fact", "invoice_line_fact", "mrr_change_fact", "mrr_movement_fact"),
)
"""What MRR rests on."""
MRR_RULE = "mrr_equals_subscriptions"


def load(
    connection: psycopg.Connection,
    history: list[Version | StoredRow],
    shuffler: random.Random,
    models: Sequence[Model] = MODELS,
) -> dict[str, list[tuple[Any, ...]]]:
    """Loads the history shuffled, with repeats, in batches of any size, some together; returns dwh and the records."""
    empty_warehouse(connection)
    rows = history + shuffler.sample(history, shuffler.randint(0, len(history)))
    shuffler.shuffle(rows)
    while rows:
        size = shuffler.randint(1, len(rows))
        batch, rows = rows[:size], rows[size:]
        stage_all(connection, batch)
        if shuffler.random() < 0.6:
            apply_models(connection, SQL_ROOT, models)
    apply_models(connection, SQL_ROOT, models)
    return tables(connection)


def tables(connection: psycopg.Connection) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of dwh and of the records."""
    records = {name: rows for name, rows in table_rows(connection, "ops").items() if name in RECORDS}
    return {**table_rows(connection, "dwh"), **records}


@pytest.fixture
def make_connection(each_warehouse: str) -> Callable[[], psycopg.Connection]:
    # one connection for all examples: hypothesis runs them inside one call of the test
    opened = psycopg.connect(each_warehouse)
    return lambda: opened


@pytest.fixture
def connection_of_newest(warehouse: str) -> Iterator[psycopg.Connection]:
    """A warehouse on the newest PostgreSQL, emptied by each load."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@pytest.mark.either_version
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(history=st.one_of(histories, subscribed), rows=files, seed=st.integers(0, 2**32))
def test_any_order_repetition_and_split_gives_the_same_tables(
    make_connection: Callable[[], psycopg.Connection], history: list[Version], rows: list[StoredRow], seed: int
) -> None:
    connection = make_connection()
    shuffler = random.Random(seed)
    first = load(connection, [*history, *rows], shuffler)
    second = load(connection, [*history, *rows], shuffler)
    assert first == second
    connection.commit()
    # of all examples some: a rebuild takes longer than all else here
    if seed % 4 == 0:
        assert [change for change in rebuild(connection, SQL_ROOT) if change.removed or change.added] == []
    assert_rules_hold(connection)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(history=st.one_of(histories, subscribed, recurring), rows=files, seed=st.integers(0, 2**32))
def test_what_is_staged_while_models_run_is_seen_by_none_of_them(
    connection_of_newest: psycopg.Connection, history: list[Version], rows: list[StoredRow], seed: int
) -> None:
    connection = connection_of_newest
    shuffler = random.Random(seed)
    everything = [*history, *rows]
    shuffler.shuffle(everything)
    kept = shuffler.randint(0, len(everything))
    before = shuffler.randint(0, len(MODELS) - 1)
    alone, disturbed = load_and_stage(connection, everything[:kept], everything[kept:], before)
    assert disturbed == alone
    connection.commit()
    assert_rules_hold(connection)


def load_and_stage(
    connection: psycopg.Connection,
    loaded: Sequence[Version | StoredRow],
    coming: Sequence[Version | StoredRow],
    before: int = 0,
) -> list[dict[str, list[tuple[Any, ...]]]]:
    """The tables after a load, alone and with more staged before the model of that place in MODELS."""
    found = []
    for meanwhile in ([], coming):
        empty_warehouse(connection)
        stage_all(connection, loaded)
        release_batches(connection)
        apply_released(connection, SQL_ROOT, MODELS[:before])
        stage_all(connection, meanwhile)
        apply_released(connection, SQL_ROOT, MODELS[before:])
        found.append(tables(connection))
        connection.commit()
    return found


def stage_all(connection: psycopg.Connection, rows: Sequence[Version | StoredRow]) -> None:
    """Commits versions as one batch, and each row of a file as one."""
    stage(connection, [row for row in rows if isinstance(row, Version)])
    for row in rows:
        if isinstance(row, StoredRow):
            stage_rows(connection, [row])


AT = moment("2026-03-01T00:00:00")
PRO = {"id": "pro", "currency": "usd", "unit_amount": 10000, "recurring": {"interval": "month"}}
ACTIVE: dict[str, Any] = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active"}
ACTIVE |= {"currency": "usd", "items": {"data": [{"id": "si_1", "quantity": 1, "price": PRO}]}}
INSTALL = {"user_id": "u", "install_id": "i", "installed_at": "2026-03-01", "os_name": "iOS", "channel_name": "search"}
CHARGED = {"object": "charge", "id": "ch_1", "currency": "usd", "amount": 100, "balance_transaction": "txn_1"}
SEEN_IN_RAW: dict[str, tuple[Version | StoredRow, Version | StoredRow]] = {
    "an older state of an object": (
        Version(AT, "customer.subscription.updated", ACTIVE),
        Version(AT - timedelta(days=9), "customer.subscription.created", {**ACTIVE, "status": "trialing"}),
    ),
    "the event that told of a change": (
        Version(AT, "customer.subscription.updated", ACTIVE),
        Version(AT, "customer.subscription.updated", ACTIVE, listing_order=1),
    ),
    "an update after an event": (
        Version(AT, "customer.subscription.created", ACTIVE),
        Version(AT, "customer.subscription.updated", ACTIVE, 1, previous_attributes={"status": "trialing"}),
    ),
    "an event before an update": (
        Version(AT, "customer.subscription.updated", ACTIVE, previous_attributes={"status": "trialing"}),
        Version(AT - timedelta(days=9), "customer.subscription.created", ACTIVE),
    ),
    "the latest of some files": (
        StoredRow(AT, "install", INSTALL, sha256="0"),
        StoredRow(AT, "install", {**INSTALL, "os_name": "Android"}, sha256="1"),
    ),
    "an object that is named": (
        Version(AT, "charge.succeeded", CHARGED),
        Version(AT, None, {"object": "balance_transaction", "id": "txn_1", "currency": "usd", "amount": 100}),
    ),
}
"""What is loaded, and what comes meanwhile: one for each place that reads the raw layer beyond what is pending."""


@pytest.mark.parametrize("name", SEEN_IN_RAW)
def test_each_that_reads_the_raw_layer_passes_over_what_is_staged_while_models_run(
    name: str, connection_of_newest: psycopg.Connection
) -> None:
    connection = connection_of_newest
    loaded, coming = SEEN_IN_RAW[name]
    alone, disturbed = load_and_stage(connection, [loaded], [coming])
    assert disturbed == alone
    apply_models(connection, SQL_ROOT)
    assert tables(connection) != alone


def test_what_is_staged_already_is_awaited_and_not_asked_for(connection_of_newest: psycopg.Connection) -> None:
    connection = connection_of_newest
    loaded, coming = SEEN_IN_RAW["an object that is named"]
    wishes = "select kind, object_id from ops.enrichment_awaited where kind = 'balance_transaction'"
    asked = "select kind, object_id from ops.enrichment_open where kind = 'balance_transaction'"
    stage_all(connection, [loaded])
    apply_models(connection, SQL_ROOT)
    assert connection.execute(asked).fetchall() == [("balance_transaction", "txn_1")]
    stage_all(connection, [coming])
    assert connection.execute(wishes).fetchall() == [("balance_transaction", "txn_1")]
    assert connection.execute(asked).fetchall() == []
    connection.commit()
    apply_models(connection, SQL_ROOT)
    assert connection.execute(wishes).fetchall() == []


def test_a_discount_that_is_staged_while_models_run_is_awaited_and_counts_with_the_next_load(
    connection_of_newest: psycopg.Connection,
) -> None:
    connection = connection_of_newest
    began = moment("2026-03-01T00:00:00")
    sold = {"id": "si_1", "quantity": 1, "price": price("price_unit", is_whole=False), "discounts": []}
    subscription: dict[str, Any] = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active"}
    subscription |= {"currency": "usd", "items": {"data": [sold], "has_more": False}, "discounts": ["di_whole"]}
    subscription |= {"created": int(began.timestamp())}
    whole = {"object": "coupon", "id": "co_ever", **COUPONS["co_ever"]}
    discount = {"object": "discount", "id": "di_whole", "source": {"coupon": whole}, **OWNERS["di_whole"]}
    rules = [check for check in read_checks(SQL_ROOT) if check.name in ("mrr_discounts_known", MRR_RULE)]

    def statuses() -> tuple[dict[str, str], object]:
        connection.commit()
        found = {result.check.name: result.status for result in run_checks(connection, rules, "test")}
        with connection.transaction():
            worth = connection.execute("select sum(mrr_change_minor) from dwh.mrr_change_fact").fetchone()
        assert worth is not None
        return found, worth[0]

    stage(connection, [Version(began, "customer.subscription.created", subscription)])
    release_batches(connection)
    stage(connection, [Version(began, "customer.discount.created", discount), Version(began, None, whole)])
    apply_released(connection, SQL_ROOT)
    assert statuses() == ({"mrr_discounts_known": "warned", MRR_RULE: "passed"}, 2900)
    apply_models(connection, SQL_ROOT)
    assert statuses() == ({"mrr_discounts_known": "passed", MRR_RULE: "passed"}, 2610)


def assert_rules_hold(connection: psycopg.Connection) -> None:
    checks = [check for check in read_checks(SQL_ROOT) if check.layer != "mart"]
    # orphans, contradictions and discounts without a coupon are the rule in these histories; every other rule must hold
    usual = {"fact_dimensions_exist", "event_order_holds", "mrr_discounts_known"}
    rules = [check for check in checks if check.name not in usual]
    require_passed(run_checks(connection, rules, "test"))


def test_a_discount_counts_by_each_coupon_that_it_had_in_whatever_order_they_come(
    connection_of_newest: psycopg.Connection,
) -> None:
    connection = connection_of_newest
    selling = [model for model in MODELS if model.name in SELLING]
    price = {"id": "pro", "currency": "usd", "unit_amount": 10000, "recurring": {"interval": "month"}}
    item = {"id": "si_1", "quantity": 1, "price": price}
    discount: dict[str, Any] = {"object": "discount", "id": "di_1", "customer": "cus_1"}
    subscription = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "currency": "usd"}
    subscription |= {"status": "active", "items": {"data": [item]}}
    batches = [
        [
            Version(
                moment("2026-01-01"), "customer.created", {"object": "customer", "id": "cus_1", "discount": discount}
            ),
            Version(moment("2026-01-01"), "customer.subscription.created", subscription),
        ],
        [
            Version(moment(f"2026-0{month}-01"), event, {**discount, "source": {"coupon": coupon}})
            for month, event, coupon in (
                (2, "customer.discount.created", "TEN"),
                (3, "customer.discount.updated", "THIRTY"),
            )
        ],
        # an old coupon, that the discount has no more
        [
            Version(
                moment("2026-01-01"), None, {"object": "coupon", "id": "TEN", "percent_off": 10, "duration": "forever"}
            )
        ],
        [
            Version(
                moment("2026-01-01"),
                None,
                {"object": "coupon", "id": "THIRTY", "percent_off": 30, "duration": "forever"},
            )
        ],
    ]
    rest, told, old, new = batches
    for order in ((rest, told, old, new), (rest, told, new, old), (old, told, new, rest), (told, new, rest, old)):
        empty_warehouse(connection)
        for batch in order:
            stage(connection, batch)
            apply_models(connection, SQL_ROOT, selling)
        with connection.transaction():
            found = connection.execute(
                "select extract(month from changed_at)::int, mrr_after_minor from dwh.mrr_change_fact order by 1"
            ).fetchall()
            assert found == [(1, 9000), (3, 7000)]


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(history=recurring, chosen=policies, seed=st.integers(0, 2**32))
def test_mrr_is_the_same_in_any_order_repetition_and_split_with_any_discounts_tiers_pauses_and_policies(
    connection_of_newest: psycopg.Connection, history: list[Version], chosen: dict[str, str], seed: int
) -> None:
    connection = connection_of_newest
    for name, value in chosen.items():
        connection.execute("update ops.policy set value = %s where name = %s", [value, name])
    connection.commit()
    shuffler = random.Random(seed)
    # the other models have nothing to do here, and take their time
    selling = [model for model in MODELS if model.name in SELLING]
    first = load(connection, [*history], shuffler, selling)
    assert load(connection, [*history], shuffler, selling) == first
    connection.commit()
    apply_models(connection, SQL_ROOT)
    if seed % 4 == 0:
        assert [change for change in rebuild(connection, SQL_ROOT) if change.removed or change.added] == []
    assert_rules_hold(connection)


def test_a_trial_that_two_invoices_tell_of_is_told_in_every_order(connection_of_newest: psycopg.Connection) -> None:
    connection = connection_of_newest
    listed = moment("2026-06-01T00:00:00")

    def invoice(name: str, start: int, end: int, amount: int) -> Version:
        line: dict[str, Any] = {"type": "subscription", "id": f"il_{name}", "amount": amount, "quantity": 1}
        line |= {"price": {"id": "price_unit"}, "subscription": "sub_1", "subscription_item": "si_1"}
        line |= {"period": {"start": int(day(start).timestamp()), "end": int(day(end).timestamp())}}
        body: dict[str, Any] = {"object": "invoice", "id": f"in_{name}", "subscription": "sub_1", "status": "paid"}
        body |= {"created": int(day(start).timestamp()), "lines": {"data": [line], "has_more": False}}
        return Version(listed, None, body)

    sold = {"id": "si_1", "quantity": 1, "price": price("price_unit", is_whole=False), "discounts": []}
    subscription: dict[str, Any] = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active"}
    subscription |= {"created": int(day(1).timestamp()), "currency": "usd", "items": {"data": [sold]}}
    history = [Version(listed, None, subscription), invoice("free", 1, 15, 0), invoice("paid", 15, 29, 2900)]
    selling = [model for model in MODELS if model.name in SELLING]
    for order in itertools.permutations(history):
        empty_warehouse(connection)
        for version in order:
            stage(connection, [version])
            apply_models(connection, SQL_ROOT, selling)
        with connection.transaction():
            found = connection.execute(
                "select extract(day from changed_at at time zone 'UTC')::int, mrr_change_minor, trial_change_minor "
                "from dwh.mrr_change_fact order by 1"
            ).fetchall()
        assert found == [(1, 0, 2900), (15, 2900, -2900)]


def day(number: int) -> datetime:
    return moment(f"2026-03-{number:02d}T00:00:00")


def test_a_subscription_with_tiers_discounts_and_a_pause_is_worth_the_same_in_every_order(
    connection_of_newest: psycopg.Connection,
) -> None:
    connection = connection_of_newest
    connection.execute("update ops.policy set value = 'yes' where name = 'subtract_repeating'")
    connection.commit()
    began = int(day(1).timestamp())

    def discount(name: str, coupon: str, days: int | None) -> dict[str, Any]:
        whole = {"object": "coupon", "id": coupon, **COUPONS[coupon]}
        end = days and began + days * 86_400
        told = {"object": "discount", "id": name, "start": began, "end": end, "source": {"coupon": whole}}
        return told | OWNERS[name]

    sold = [
        {"id": "si_1", "quantity": 7, "price": price("price_volume", is_whole=False), "discounts": ["di_item"]},
        {"id": "si_2", "quantity": 7, "price": price("price_graduated", is_whole=False), "discounts": []},
    ]
    subscription: dict[str, Any] = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active"}
    subscription |= {"created": began, "currency": "usd", "items": {"data": sold, "has_more": False}}
    subscription |= {"discounts": ["di_whole"]}
    paused = {**subscription, "pause_collection": {"behavior": "void"}}
    history: list[Version | StoredRow] = [
        Version(day(1), "customer.subscription.created", subscription),
        Version(day(1), "customer.discount.created", discount("di_item", "co_months", 10), -(2**32)),
        Version(day(1), "customer.discount.created", discount("di_whole", "co_ever", None), -2 * 2**32),
        Version(day(5), None, price("price_volume", is_whole=True)),
        Version(day(5), None, price("price_graduated", is_whole=True)),
        Version(day(20), "customer.subscription.updated", paused),
        Version(day(25), "customer.subscription.updated", subscription),
    ]
    # volume: 7 x 500 + 200, half of it for ten days; graduated, by the year: (5 x 700 + 1000 + 2 x 500 + 200) / 12;
    # a tenth off both
    volume, graduated = Decimal(3700) * 9 / 10, Decimal("427.5")
    expected = [
        (1, volume / 2 + graduated, 0),
        (11, volume / 2, 0),
        (20, -volume - graduated, volume + graduated),
        (25, volume + graduated, -volume - graduated),
    ]
    for seed in range(5):
        load(connection, history, random.Random(seed), [model for model in MODELS if model.name in SELLING])
        with connection.transaction():
            found = connection.execute(
                "select extract(day from changed_at at time zone 'UTC')::int, sum(mrr_change_minor), "
                "sum(paused_change_minor) from dwh.mrr_change_fact group by 1 order by 1"
            ).fetchall()
        assert found == expected


@pytest.mark.parametrize("first", ["subscription", "discount"])
def test_a_discount_is_not_asked_for_when_its_own_event_comes_before_or_after_the_subscription(
    first: str, connection: psycopg.Connection
) -> None:
    at = moment("2026-03-01T00:00:00")
    subscription = {"object": "subscription", "id": "sub_1", "discounts": ["di_1"], "items": {"data": [{"id": "si_1"}]}}
    discount = {"object": "discount", "id": "di_1", "subscription": "sub_1", "coupon": "co_1"}
    history = [
        Version(at, "customer.subscription.updated", subscription),
        Version(at, "customer.discount.created", discount, 1),
    ]
    for version in sorted(history, key=lambda version: version.body["object"] != first):
        stage(connection, [version])
        apply_models(connection, SQL_ROOT)
    wanted = "select object_id from ops.enrichment where kind = 'subscription_discounts'"
    assert connection.execute(wanted).fetchall() == []


def test_links_are_those_of_the_last_version_that_tells_any_in_whatever_order_it_comes(
    connection: psycopg.Connection,
) -> None:
    body = {"object": "invoice", "id": "in_1", "currency": "usd"}
    told = [{"charge": "ch_1", "payment_intent": "pi_1"}, {"charge": "ch_2"}, {}, {}]
    history = [
        Version(moment(f"2026-03-0{day}T00:00:00"), "invoice.updated", {**body, **links})
        for day, links in enumerate(told, start=1)
    ]
    invoice_fact = [model for model in MODELS if model.name == "invoice_fact"]
    for order in itertools.permutations(history):
        empty_warehouse(connection)
        # the last two together: which one tells must not matter inside a batch either
        for batch in ([order[0]], [order[1]], [*order[2:]]):
            stage(connection, batch)
            apply_models(connection, SQL_ROOT, invoice_fact)
        found = connection.execute(
            "select charge_id, payment_intent_id, extract(day from links_at)::int, extract(day from version_at)::int "
            "from dwh.invoice_fact"
        ).fetchall()
        assert found == [("ch_2", None, 2, 4)]


def payments(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    with connection.transaction():
        return connection.execute("select customer_id, day::text, payments from dwh.customer_payment_fact").fetchall()


def test_payments_follow_a_charge_that_becomes_another_customers(connection: psycopg.Connection) -> None:
    charge: dict[str, Any] = {"object": "charge", "id": "ch_1", "currency": "usd", "amount": 1000}
    charge["status"] = "succeeded"
    charge["created"] = int(moment("2026-03-01T00:00:00").timestamp())
    found = []
    for customer in ("cus_1", "cus_2"):
        at = moment(f"2026-03-0{customer[-1]}T00:00:00")
        stage(connection, [Version(at, "charge.updated", {**charge, "customer": customer})])
        apply_models(connection, SQL_ROOT)
        found += payments(connection)
    assert found == [("cus_1", "2026-03-01", 1), ("cus_2", "2026-03-01", 1)]


def test_another_reporting_time_zone_moves_the_days_of_payments_with_the_next_load(
    connection: psycopg.Connection,
) -> None:
    at = moment("2026-03-01T00:30:00")
    charge: dict[str, Any] = {"object": "charge", "id": "ch_1", "currency": "usd", "amount": 1000}
    charge["status"] = "succeeded"
    charge |= {"customer": "cus_1", "created": int(at.timestamp())}
    stage(connection, [Version(at, "charge.succeeded", charge)])
    apply_models(connection, SQL_ROOT)
    connection.execute("update ops.policy set value = 'America/New_York' where name = 'reporting_timezone'")
    connection.commit()
    apply_models(connection, SQL_ROOT)
    assert payments(connection) == [("cus_1", "2026-02-28", 1)]


@pytest.mark.parametrize("kind", ["price", "plan"])
def test_the_past_of_items_is_the_same_whenever_their_price_changes(kind: str, connection: psycopg.Connection) -> None:
    at = moment("2026-03-01T00:00:00")
    began = int(at.timestamp()) - 90 * 86_400
    recurring = {"interval": "month", "usage_type": "licensed"}
    price = {"object": kind, "id": "price_1", "currency": "usd", "unit_amount": 2900, "recurring": recurring}
    line = {
        "id": "il_1",
        "type": "subscription",
        "subscription_item": "si_1",
        "price": {"id": "price_1"},
        "amount": 700,
        "period": {"start": began, "end": began + 86_400},
    }
    invoice = {"object": "invoice", "id": "in_1", "subscription": "sub_1", "created": began, "lines": {"data": [line]}}
    item = {"id": "si_1", "price": {"id": "price_2"}}
    subscription = {"object": "subscription", "id": "sub_1", "created": began, "items": {"data": [item]}}
    batches = [
        [Version(at, None, subscription), Version(at, None, invoice)],
        [Version(at, None, price)],
        # the interval is known already: what else the price says counts too
        [Version(at, f"{kind}.updated", {**price, "product": "prod_1"})],
    ]
    found = []
    for order in itertools.permutations(batches):
        empty_warehouse(connection)
        for batch in order:
            stage(connection, batch)
            apply_models(connection, SQL_ROOT)
        found.append(table_rows(connection, "dwh")["subscription_item_dim"])
    assert "price_1,prod_1,usd,month,licensed,2900" in str(found[0])
    assert all(rows == found[0] for rows in found)
