"""That the cost of a load follows its batch: how far back histories are read, and what is analyzed."""

import json
from typing import Any

import psycopg

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, release_batches
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage

CUSTOMER_DIM = [model for model in MODELS if model.name == "customer_dim"]


SELLING = {"coupon_dim", "customer_dim", "price_dim", "discount_dim", "subscription_dim", "subscription_item_dim"}
SELLING |= {"invoice_fact", "invoice_line_fact", "mrr_change_fact"}
MRR_MODELS = [model for model in MODELS if model.name in SELLING]


def customer(day: str, email: str, verb: str = "updated") -> Version:
    return Version(moment(f"{day}T00:00:00"), f"customer.{verb}", {"object": "customer", "id": "cus_1", "email": email})


def emails(connection: psycopg.Connection, *batches: list[Version]) -> list[tuple[Any, ...]]:
    for batch in batches:
        stage(connection, batch)
        apply_models(connection, SQL_ROOT, CUSTOMER_DIM)
    with connection.transaction():
        return connection.execute("select email, is_current from dwh.customer_dim order by valid_from").fetchall()


def test_versions_before_the_first_one_that_came_with_them_join_the_history(connection: psycopg.Connection) -> None:
    newer = [customer("2026-03-05", "c")]
    older = [customer("2025-11-05", "a", "created")]
    between = [customer("2026-01-05", "b")]
    assert emails(connection, newer, older, between) == [("a", False), ("b", False), ("c", True)]


def test_an_object_that_a_model_has_is_read_from_its_first_version_on(connection: psycopg.Connection) -> None:
    emails(connection, [customer("2025-11-05", "a", "created"), customer("2026-01-05", "b")])
    stage(connection, [customer("2026-03-05", "c")])
    release_batches(connection)
    with connection.transaction():
        connection.execute("select ops.begin_model('customer_dim', touching => '{customer}')")
        assert connection.execute("select since from touched").fetchall() == [(moment("2026-03-05T00:00:00"),)]
        connection.execute("select ops.bound_touched('customer_id')")
        assert connection.execute("select since from touched").fetchall() == [(moment("2025-11-05T00:00:00"),)]


def test_months_before_an_object_are_not_looked_into(connection: psycopg.Connection) -> None:
    emails(connection, [customer("2025-11-05", "a"), customer("2026-01-05", "b"), customer("2026-03-05", "c")])
    connection.execute("create temp table wanted as select %s::timestamptz as since", [moment("2026-01-01T00:00:00")])
    row = connection.execute(
        """
        explain (analyze, format json)
        select version.*
        from wanted
        cross join lateral staging.versions_of_object(%s, false, 'customer', 'cus_1', wanted.since) as version
        """,
        [ACCOUNT],
    ).fetchone()
    assert row is not None
    executions: dict[str, int] = {}
    nodes = [json.loads(row[0])[0]["Plan"] if isinstance(row[0], str) else row[0][0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        executions[node.get("Relation Name", "")] = node["Actual Loops"]
    read = {month: executions[month] for month in ("event_y2025m11", "event_y2026m01", "event_y2026m03")}
    assert read == {"event_y2025m11": 0, "event_y2026m01": 1, "event_y2026m03": 1}


def test_a_queue_that_grows_has_its_own_table_analyzed_and_no_other(connection: psycopg.Connection) -> None:
    connection.execute("create table public.bystander as select 1 as number")
    connection.commit()
    with connection.transaction():
        connection.execute("select ops.begin_model('enrichment')")
        connection.execute("select ops.end_model(0, 1000000)")
    analyzed = connection.execute(
        "select relname from pg_class where relname in ('bystander', 'enrichment') and reltuples >= 0"
    ).fetchall()
    assert analyzed == [("enrichment",)]


MADE_AT = int(moment("2026-01-01").timestamp())
COUPON = {"object": "coupon", "id": "co_1", "percent_off": 10, "duration": "forever", "created": MADE_AT}


def sold(number: int) -> list[Version]:
    """A subscription with a discount by the coupon, and its discount."""
    discount = {"object": "discount", "id": f"di_{number}", "customer": "cus_1", "subscription": f"sub_{number}"}
    price = {"id": "pro", "currency": "usd", "unit_amount": 10_000, "recurring": {"interval": "month"}}
    body = {"object": "subscription", "id": f"sub_{number}", "customer": "cus_1", "currency": "usd"}
    body |= {"status": "active", "created": MADE_AT, "discounts": [f"di_{number}"]}
    body |= {"items": {"data": [{"id": f"si_{number}", "created": MADE_AT, "quantity": 1, "price": price}]}}
    return [
        Version(moment("2026-01-01"), "customer.subscription.created", body, number),
        Version(moment("2026-01-01"), "customer.discount.created", discount | {"source": {"coupon": "co_1"}}, number),
    ]


def revalued(connection: psycopg.Connection, batch: list[Version]) -> tuple[int, int]:
    """How many subscriptions a batch has valued anew, and their MRR after it."""
    batch_id = stage(connection, batch)
    apply_models(connection, SQL_ROOT, MRR_MODELS)
    with connection.transaction():
        row = connection.execute(
            "select (select object_count from ops.batch_applied where model = 'mrr_change_fact' and batch_id = %s), "
            "sum(mrr_change_minor)::int from dwh.mrr_change_fact",
            [batch_id],
        ).fetchone()
    assert row is not None
    return row


def test_a_coupon_is_followed_to_who_has_it_only_when_it_tells_what_was_not_known(
    connection: psycopg.Connection,
) -> None:
    def coupon(day: str, event: str | None, **more: Any) -> list[Version]:
        return [Version(moment(day), event, {**COUPON, **more})]

    assert revalued(connection, [*sold(1), *sold(2), *coupon("2026-01-01", "coupon.created")]) == (2, 18_000)
    assert revalued(connection, coupon("2026-02-01", "coupon.updated", name="Ten", times_redeemed=2)) == (0, 18_000)
    # as a list shows a coupon for everything, and one that nobody may use any more
    assert revalued(connection, coupon("2026-02-02", None, valid=False)) == (0, 18_000)
    elsewhere = {"applies_to": {"products": ["prod_else"]}}
    assert revalued(connection, coupon("2026-02-03", None, **elsewhere)) == (2, 20_000)
    assert revalued(connection, coupon("2026-02-04", None, times_redeemed=3, **elsewhere)) == (0, 20_000)
    assert revalued(connection, coupon("2026-02-05", "coupon.deleted")) == (0, 20_000)
    # another life of the name, which may be that of a discount that is to come
    anew = {"percent_off": 50, "created": int(moment("2026-03-01").timestamp())}
    assert revalued(connection, coupon("2026-03-01", "coupon.created", **anew)) == (2, 20_000)
