"""The marts against the company's own books, to the cent and the customer, per currency and month."""

from datetime import datetime
from typing import Any

import httpx
import psycopg
import pytest

from tallyhouse.rebuild import rebuild
from tests.conftest import SQL_ROOT
from tests.end_to_end.conftest import FOUNDED
from tests.end_to_end.pipeline import Pipeline

MONTHLY = """
    select
        currency, to_char(month, 'YYYY-MM') as month, active_customers, new_customers, retained_customers,
        returning_customers, revenue_minor::bigint, payments
    from mart.customer_activity_monthly
    where active_customers > 0
"""
CHURNED = """
    select currency, to_char(month, 'YYYY-MM'), churned_customers
    from mart.customer_activity_monthly
    where is_complete
"""
REFUNDS = """
    select currency, to_char(day, 'YYYY-MM'), sum(refunded_minor)::bigint, sum(net_minor)::bigint
    from mart.revenue_daily
    group by 1, 2
"""
CUSTOMERS = """
    select customer_id, currency, payments, revenue_minor::bigint, refunded_minor::bigint, first_paid_at, last_paid_at
    from mart.customer_lifetime_value
"""


def rows(conninfo: str, query: str) -> set[tuple[Any, ...]]:
    with psycopg.connect(conninfo) as connection:
        return set(connection.execute(query).fetchall())


def books(url: str, name: str, until: datetime | None = None) -> list[dict[str, Any]]:
    params = {"until": until.isoformat()} if until else {}
    answer = httpx.get(f"{url}/_sim/books/{name}", params=params, timeout=60)
    answer.raise_for_status()
    return answer.json()


def assert_marts_equal_books(pipeline: Pipeline, until: datetime | None = None) -> None:
    monthly = books(pipeline.api_base, "monthly", until)
    activity = {
        (
            row["currency"],
            row["month"],
            row["active_customers"],
            row["new_customers"],
            row["retained_customers"],
            row["returning_customers"],
            row["revenue_minor"],
            row["charges"],
        )
        for row in monthly
        if row["active_customers"]
    }
    assert {row[0] for row in activity} >= {"usd", "eur", "jpy"}
    assert rows(pipeline.conninfo, MONTHLY) == activity
    churned = rows(pipeline.conninfo, CHURNED)
    assert len(churned) > 20
    assert churned <= {(row["currency"], row["month"], row["churned_customers"]) for row in monthly}
    assert rows(pipeline.conninfo, REFUNDS) == {
        (row["currency"], row["month"], row["refunds_minor"], row["revenue_minor"] - row["refunds_minor"])
        for row in monthly
        if row["revenue_minor"] or row["refunds_minor"]
    }
    assert rows(pipeline.conninfo, CUSTOMERS) == {
        (
            row["id"],
            row["currency"],
            row["payments"],
            row["revenue_minor"],
            row["refunded_minor"],
            datetime.fromisoformat(row["first_paid_at"]),
            datetime.fromisoformat(row["last_paid_at"]),
        )
        for row in books(pipeline.api_base, "customers", until)
        if row["payments"]
    }


@pytest.mark.parametrize("events_first", [True, False], ids=["events first", "backfill first"])
def test_marts_equal_the_books_now_and_as_time_goes_on(warehouse: str, company_url: str, events_first: bool) -> None:
    pipeline = Pipeline(warehouse, company_url)
    founded = datetime.fromisoformat(FOUNDED)
    if events_first:
        pipeline.events()
        pipeline.backfill(founded)
    else:
        pipeline.backfill(founded)
        pipeline.events()
    pipeline.load()
    assert_marts_equal_books(pipeline)

    # time goes on, and events alone must carry it
    for days in (1, 25):
        httpx.post(f"{company_url}/_sim/clock", json={"advance_seconds": days * 86_400}).raise_for_status()
        pipeline.events()
        pipeline.load()
        assert_marts_equal_books(pipeline, until=pipeline.watermark())

    # and all of it follows from raw
    with psycopg.connect(warehouse) as connection:
        assert [change.describe() for change in rebuild(connection, SQL_ROOT) if change.removed or change.added] == []
