"""What the summary says, read from the warehouse: raw counts, customers, revenue, retention, checks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from demo import summary_depth, summary_growth

MOST_EXAMPLES = 3

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class KindCount:
    """Rows of one kind of object: events about it, and observations of it in lists."""

    kind: str
    events: int
    objects: int


@dataclass(frozen=True)
class CurrencyRow:
    """One currency: all its time, then its last complete month (None when there is none).

    Amounts are in minor units; `exponent` is the number of decimals of the major unit. Rates are 0..1.
    """

    currency: str
    exponent: int
    charges: int
    gross_minor: Decimal
    refunded_minor: Decimal
    net_minor: Decimal
    month: date | None
    active_customers: int | None
    churn_rate: Decimal | None
    arpu_minor: Decimal | None
    ltv_minor: Decimal | None


@dataclass(frozen=True)
class RetentionCell:
    """Of a cohort's customers, how many paid `months_since` months after their first payment."""

    cohort_month: date
    months_since: int
    cohort_customers: int
    active_customers: int
    is_complete: bool


@dataclass(frozen=True)
class CheckRow:
    """The latest result of one check.

    `failing` and `allowed` are sums over the rows that it returned; `sample` are some of these rows, those first
    that exceed what is allowed. A row that stands for several has its own `failing` and `allowed`.
    """

    name: str
    status: str
    failing: int
    allowed: int
    sample: Sequence[dict[str, Any]] = ()


@dataclass(frozen=True)
class Summary:
    """Everything the summary shows, of the account that was loaded last."""

    account_id: str
    livemode: bool
    kinds: Sequence[KindCount]
    rejected: int
    customers: int
    deleted_customers: int
    paying_customers: int
    currencies: Sequence[CurrencyRow]
    retention: Sequence[RetentionCell]
    checks: Sequence[CheckRow]
    depth: summary_depth.Depth
    growth: summary_growth.Growth


def read(connection: Connection) -> Summary | None:
    """Reads the summary in one transaction; None when nothing has ever been loaded."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        account = connection.execute(
            "select account_id, livemode from ops.batch where account_id is not null order by committed_at desc limit 1"
        ).fetchone()
        if account is None:
            return None
        everyone = connection.execute(
            """
            select count(*) filter (where deleted_at is null), count(*) filter (where deleted_at is not null)
            from dwh.customer_dim
            where account_id = %s and livemode = %s and is_current
            """,
            account,
        ).fetchone() or (0, 0)
        paying = _number(
            connection,
            """
            select count(distinct customer_id) from mart.customer_lifetime_value
            where account_id = %s and livemode = %s and payments > 0
            """,
            account,
        )
        rejected = _number(
            connection, "select count(*) from raw.rejected where account_id = %s and livemode = %s", account
        )
        return Summary(
            account_id=account[0],
            livemode=account[1],
            kinds=_kinds(connection, account),
            rejected=rejected,
            customers=everyone[0],
            deleted_customers=everyone[1],
            paying_customers=paying,
            currencies=_currencies(connection, account),
            retention=_retention(connection, account),
            checks=_checks(connection),
            depth=summary_depth.read(connection, *account),
            growth=summary_growth.read(connection, *account),
        )


def _number(connection: Connection, query: Any, account: tuple[Any, ...]) -> int:
    row = connection.execute(query, account).fetchone()
    return int(row[0]) if row else 0


def _kinds(connection: Connection, account: tuple[Any, ...]) -> list[KindCount]:
    rows = connection.execute(
        """
        with event as (
            select object_type, count(*) as events
            from raw.event where account_id = %s and livemode = %s group by object_type
        ),

        object as (
            select object_type, count(*) as objects
            from raw.object where account_id = %s and livemode = %s group by object_type
        )

        select
            coalesce(event.object_type, object.object_type),
            coalesce(events, 0),
            coalesce(objects, 0)
        from event
        full join object on event.object_type = object.object_type
        order by coalesce(events, 0) + coalesce(objects, 0) desc, 1
        """,
        [*account, *account],
    )
    return [KindCount(*row) for row in rows]


def _currencies(connection: Connection, account: tuple[Any, ...]) -> list[CurrencyRow]:
    rows = connection.execute(
        """
        with total as (
            select
                currency,
                sum(charges)::bigint as charges,
                sum(gross_minor)::numeric as gross_minor,
                sum(refunded_minor)::numeric as refunded_minor,
                sum(net_minor)::numeric as net_minor
            from mart.revenue_daily
            where account_id = %s and livemode = %s
            group by currency
        ),

        latest as (
            select distinct on (currency)
                currency, month, active_customers, churn_rate, arpu_minor, ltv_minor
            from mart.arpu_churn_ltv_monthly
            where account_id = %s and livemode = %s and is_complete
            order by currency, month desc
        )

        select
            total.currency, coalesce(currency_dim.exponent, 2), total.charges, total.gross_minor,
            total.refunded_minor, total.net_minor, latest.month, latest.active_customers,
            latest.churn_rate, latest.arpu_minor, latest.ltv_minor
        from total
        left join latest on total.currency = latest.currency
        left join dwh.currency_dim on total.currency = currency_dim.currency
        order by total.charges desc, total.currency
        """,
        [*account, *account],
    )
    return [CurrencyRow(*row) for row in rows]


def _retention(connection: Connection, account: tuple[Any, ...]) -> list[RetentionCell]:
    # Numbers of customers may be added over currencies, amounts may not.
    rows = connection.execute(
        """
        with size as (
            select cohort_month, sum(cohort_customers) as customers
            from (
                select distinct currency, cohort_month, cohort_customers
                from mart.payment_cohort_monthly
                where account_id = %s and livemode = %s
            ) as cohort
            group by cohort_month
        )

        select
            retention.cohort_month, retention.months_since, min(size.customers)::bigint,
            sum(retention.active_customers)::bigint, bool_and(retention.is_complete)
        from mart.payment_cohort_monthly as retention
        inner join size on retention.cohort_month = size.cohort_month
        where retention.account_id = %s and retention.livemode = %s
        group by retention.cohort_month, retention.months_since
        order by retention.cohort_month, retention.months_since
        """,
        [*account, *account],
    )
    return [RetentionCell(*row) for row in rows]


def _checks(connection: Connection) -> list[CheckRow]:
    rows = connection.execute(
        """
        select distinct on (check_name) check_name, status, failing_count, threshold, sample
        from ops.check_result
        order by check_name, checked_at desc, check_result_id desc
        """
    )
    return [
        CheckRow(name, status, failing, allowed, sorted(sample, key=_is_tolerated)[:MOST_EXAMPLES])
        for name, status, failing, allowed, sample in rows
    ]


def _is_tolerated(row: dict[str, Any]) -> bool:
    return bool(row.get("failing", 1) <= row.get("allowed", 0))
