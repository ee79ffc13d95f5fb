"""What the marts and the ledger of money say, and what the company's own books say, in the same form."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import psycopg

from tests.end_to_end.pipeline import Pipeline

MONTHLY = """
    select
        currency, to_char(month, 'YYYY-MM') as month, active_customers, new_customers, retained_customers,
        returning_customers, revenue_minor::bigint, payments
    from mart.customer_activity_monthly
    where active_customers > 0 and account_id = %s
"""
CHURNED = """
    select currency, to_char(month, 'YYYY-MM'), churned_customers
    from mart.customer_activity_monthly
    where is_complete and account_id = %s
"""
REVENUE = """
    select
        currency, to_char(day, 'YYYY-MM'), sum(refunded_minor)::bigint, sum(disputed_minor)::bigint,
        sum(net_minor)::bigint
    from mart.revenue_daily
    where account_id = %s
    group by 1, 2
"""
CUSTOMERS = """
    select
        customer_id, currency, payments, revenue_minor::bigint, refunded_minor::bigint, disputed_minor::bigint,
        first_paid_at, last_paid_at
    from mart.customer_lifetime_value
    where account_id = %s
"""

RENEWALS = """
    select
        price_id, to_char(cohort_month, 'YYYY-MM'), renewal, billed_subscriptions, renewed_subscriptions,
        started_subscriptions, renewal_rate, is_complete
    from mart.renewal_cohort_by_plan
"""


def rows(conninfo: str, query: str, parameters: list[Any] | None = None) -> set[tuple[Any, ...]]:
    """The answer of the warehouse; every row of it must be another."""
    with psycopg.connect(conninfo) as connection:
        found = connection.execute(query, parameters).fetchall()
    assert len(set(found)) == len(found)
    return set(found)


def books(
    url: str, name: str, until: datetime | None = None, account_id: str | None = None, **options: str
) -> list[dict[str, Any]]:
    """One of the company's books, as of `until` (exclusive)."""
    params = {**options, "until": until.isoformat()} if until else dict(options)
    if account_id is not None:
        params["account"] = account_id
    answer = httpx.get(f"{url}/_sim/books/{name}", params=params, timeout=60)
    answer.raise_for_status()
    return answer.json()


def assert_marts_equal_books(pipeline: Pipeline, until: datetime | None = None, account_id: str | None = None) -> None:
    """To the cent and the customer, by currency and month; of the key's own account unless another is named."""
    account_id = account_id or pipeline.account().account_id
    monthly = books(pipeline.api_base, "monthly", until, account_id)
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
    assert rows(pipeline.conninfo, MONTHLY, [account_id]) == activity
    assert rows(pipeline.conninfo, CHURNED, [account_id]) <= {
        (row["currency"], row["month"], row["churned_customers"]) for row in monthly
    }
    assert rows(pipeline.conninfo, REVENUE, [account_id]) == {
        (
            row["currency"],
            row["month"],
            row["refunds_minor"],
            row["disputes_minor"],
            row["revenue_minor"] - row["refunds_minor"] - row["disputes_minor"],
        )
        for row in monthly
        if row["revenue_minor"] or row["refunds_minor"] or row["disputes_minor"]
    }
    assert rows(pipeline.conninfo, CUSTOMERS, [account_id]) == {
        (
            row["id"],
            row["currency"],
            row["payments"],
            row["revenue_minor"],
            row["refunded_minor"],
            row["disputes_minor"],
            datetime.fromisoformat(row["first_paid_at"]),
            datetime.fromisoformat(row["last_paid_at"]),
        )
        for row in books(pipeline.api_base, "customers", until, account_id)
        if row["payments"]
    }


def assert_renewals_equal_books(pipeline: Pipeline) -> int:
    """Who was billed for a renewal and paid it, by plan, month of start and number; how many such rows there are."""
    listed = {
        (row["price"], row["month"], row["renewal"]): (row["subscriptions"], row["paid"])
        for row in books(pipeline.api_base, "plans/renewals")
    }
    started = {key[:2]: count for key, (count, _) in listed.items() if key[2] == 0}
    billed = {key: value for key, value in listed.items() if key[2] > 0}
    found = rows(pipeline.conninfo, RENEWALS)
    assert {row[:3]: row[3:5] for row in found if row[3]} == billed
    assert {row[:2] for row in found} == started.keys()
    assert all(row[5] == started[row[:2]] for row in found)
    assert all(abs(row[6] - Decimal(row[4]) / row[5]) < Decimal("1e-9") for row in found)
    assert {is_complete for *_, is_complete in found} == {False, True}
    return len(billed)
