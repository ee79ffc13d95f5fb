"""Who was subscribed to what at a moment: across a trial, a pause, a change of plan, a gap, and a deletion."""

from typing import Any

import psycopg
import pytest

from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage

pytestmark = pytest.mark.either_version

CREATED, UPDATED, DELETED = (f"customer.subscription.{what}" for what in ("created", "updated", "deleted"))
CUSTOMER = {"object": "customer", "id": "cus_1", "metadata": {"user_id": "user_7"}}


def subscription(subscription_id: str, began: str, status: str, price: str = "pro", **changes: Any) -> dict[str, Any]:
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    item = {
        "id": f"si_{subscription_id}",
        "quantity": 2,
        "created": int(moment(began).timestamp()),
        "price": {"id": price, "product": "prod_1", "currency": "usd", "unit_amount": 1000, "recurring": recurring},
    }
    return {
        "object": "subscription",
        "id": subscription_id,
        "customer": "cus_1",
        "currency": "usd",
        "status": status,
        "created": int(moment(began).timestamp()),
        "items": {"data": [item], "has_more": False},
        **changes,
    }


@pytest.fixture
def life(connection: psycopg.Connection) -> psycopg.Connection:
    """A trial in January, pro from the 15th, max from March, a pause in April, the end in May, and back in July."""
    began = "2026-01-01"
    paused = {"pause_collection": {"behavior": "void"}}
    told = [
        (began, CREATED, subscription("sub_1", began, "trialing")),
        ("2026-01-15", UPDATED, subscription("sub_1", began, "active")),
        ("2026-03-01", UPDATED, subscription("sub_1", began, "past_due", "max")),
        ("2026-04-01", UPDATED, subscription("sub_1", began, "active", "max", **paused)),
        ("2026-05-01", DELETED, subscription("sub_1", began, "canceled", "max")),
        ("2026-07-01", CREATED, subscription("sub_2", "2026-07-01", "active")),
    ]
    stage(connection, [Version(moment(began), "customer.created", CUSTOMER)])
    stage(connection, [Version(moment(at), event, body) for at, event, body in told])
    apply_models(connection, SQL_ROOT)
    return connection


@pytest.mark.parametrize(
    ("at", "plan", "is_paying"),
    [
        ("2025-12-31T23:59:59", None, False),
        ("2026-01-01T00:00:00", "pro", False),
        ("2026-01-14T23:59:59", "pro", False),
        ("2026-01-15T00:00:00", "pro", True),
        ("2026-02-28T23:59:59", "pro", True),
        ("2026-03-01T00:00:00", "max", True),
        ("2026-04-10T00:00:00", "max", False),
        ("2026-05-01T00:00:00", None, False),
        ("2026-06-30T23:59:59", None, False),
        ("2026-07-01T00:00:00", "pro", True),
    ],
)
def test_the_plan_and_whether_it_was_paid_for(
    at: str, plan: str | None, is_paying: bool, life: psycopg.Connection
) -> None:
    found = life.execute(
        "select user_id, price_id, quantity, currency, is_paying from dwh.subscribed_at(%s)", [moment(at)]
    ).fetchall()
    assert found == ([] if plan is None else [("user_7", plan, 2, "usd", is_paying)])
    assert life.execute("select dwh.is_subscribed('user_7', %s)", [moment(at)]).fetchone() == (is_paying,)
    assert life.execute("select dwh.is_subscribed('user_8', %s)", [moment(at)]).fetchone() == (False,)


def test_a_plan_that_costs_nothing_is_subscribed_to_and_not_paid_for(connection: psycopg.Connection) -> None:
    free = subscription("sub_1", "2026-01-01", "active")
    free["items"]["data"][0]["price"]["unit_amount"] = 0
    stage(connection, [Version(moment("2026-01-01"), "customer.created", CUSTOMER)])
    stage(connection, [Version(moment("2026-01-01"), CREATED, free)])
    apply_models(connection, SQL_ROOT)
    found = connection.execute("select status, mrr_minor, is_paying from dwh.subscribed_at('2026-02-01Z')").fetchall()
    assert found == [("active", 0, False)]
    assert connection.execute("select dwh.is_subscribed('user_7', '2026-02-01Z')").fetchone() == (False,)


def test_all_items_of_a_subscription_that_pays_for_one_are_those_of_a_payer(connection: psycopg.Connection) -> None:
    both = subscription("sub_1", "2026-01-01", "active")
    (item,) = both["items"]["data"]
    both["items"]["data"].append({**item, "id": "si_free", "price": {**item["price"], "id": "free", "unit_amount": 0}})
    stage(connection, [Version(moment("2026-01-01"), CREATED, both)])
    apply_models(connection, SQL_ROOT)
    found = connection.execute(
        "select price_id, mrr_minor, is_paying from dwh.subscribed_at('2026-02-01Z') order by 1"
    ).fetchall()
    assert found == [("free", 0, True), ("pro", 2000, True)]


def test_only_the_modes_that_marts_show_are_shown(life: psycopg.Connection) -> None:
    at = moment("2026-02-01")
    life.execute("update ops.policy set value = 'live' where name = 'reported_modes'")
    assert life.execute("select * from dwh.subscribed_at(%s)", [at]).fetchall() == []
    assert life.execute("select dwh.is_subscribed('user_7', %s)", [at]).fetchone() == (False,)


def test_who_pays_by_the_policy_of_statuses_is_subscribed(connection: psycopg.Connection) -> None:
    connection.execute("update ops.policy set value = 'active,past_due,incomplete' where name = 'mrr_statuses'")
    stage(connection, [Version(moment("2026-01-01"), "customer.created", CUSTOMER)])
    began = "2026-01-01"
    stage(connection, [Version(moment(began), CREATED, subscription("sub_1", began, "incomplete"))])
    connection.commit()
    apply_models(connection, SQL_ROOT)
    query = "select status, mrr_minor, is_paying from dwh.subscribed_at('2026-02-01Z')"
    assert connection.execute(query).fetchall() == [("incomplete", 2000, True)]
    assert connection.execute("select dwh.is_subscribed('user_7', '2026-02-01Z')").fetchone() == (True,)
