"""All marts of a large business: how long a refresh takes, and how little of the bases an hourly run makes anew.

`python -m bench.marts [--customers 1000000 --charges 10000000 --months 24]`. The rows are made in SQL, straight into
dwh: customers join evenly over the months in three currencies on twenty plans; a fifth changes plans, two fifths
leave, and some of those come back; each pays about monthly. Memory is the most that the database's own process held,
what it shares with others included.
"""

import argparse
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from rich.console import Console
from rich.table import Table

from bench.warehouse import SQL_ROOT, bench_warehouse
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, mart_upstream, refresh_statement

END = datetime(2026, 6, 30, 12, tzinfo=UTC)

# One life a customer: when it joined, on which plan; when it changed, left and came back, if it did.
LIVES = """
    create table public.life as
    select
        n,
        'cus_' || n as customer_id,
        'sub_' || n as subscription_id,
        (array['usd', 'eur', 'jpy'])[1 + n %% 3] as currency,
        n %% 20 as plan,
        joined.at as joined_at,
        case when n %% 5 = 0 then joined.at + (%(end)s - joined.at) * 0.3 end as changed_at,
        case when n %% 5 in (1, 2) then joined.at + (%(end)s - joined.at) * 0.6 end as left_at,
        case when n %% 10 = 1 then joined.at + (%(end)s - joined.at) * 0.8 end as back_at
    from generate_series(1, %(customers)s) as n
    cross join lateral (
        select %(end)s - (n::numeric / %(customers)s) * %(months)s * interval '30 days' as at offset 0
    ) as joined
"""

CHANGES = """
    insert into dwh.mrr_change_fact
    select
        'acct_bench', true, 'si_' || life.n, 'price_' || step.plan, step.at, staging.date_sk(step.at),
        life.subscription_id, life.customer_id, 'prod_' || step.plan, life.currency, step.change, step.after, 0, 0, 0,
        0, null, step.was_mrr, false
    from public.life
    cross join lateral (
        values
        (plan, joined_at, 1000.0 * (1 + plan), 1000.0 * (1 + plan), false),
        (plan, changed_at, -1000.0 * (1 + plan), 0, true),
        (plan + 1, changed_at, 1000.0 * (2 + plan), 1000.0 * (2 + plan), true),
        (plan, left_at, -1000.0 * (1 + plan), 0, true),
        (plan, back_at, 1000.0 * (1 + plan), 1000.0 * (1 + plan), true)
    ) as step (plan, at, change, after, was_mrr)
    where step.at is not null
"""

SUBSCRIPTIONS = """
    insert into dwh.subscription_dim (
        account_id, livemode, subscription_id, subscription_sk, customer_id, status, currency, cancellation_reason,
        discounts, created_at, valid_from, valid_to, is_current, is_reconstructed
    )
    select
        'acct_bench', true, subscription_id, n * 2 + number, customer_id, status, currency,
        case when status = 'canceled' then (array['cancellation_requested', 'payment_failed'])[1 + n % 2] end, '[]',
        joined_at, valid_from, valid_to, valid_to is null, false
    from public.life
    cross join lateral (
        values (0, 'active', joined_at, left_at), (1, 'canceled', left_at, null)
    ) as stretch (number, status, valid_from, valid_to)
    where valid_from is not null
"""

PAYMENTS = """
    insert into dwh.transaction_fact (
        account_id, livemode, transaction_type, source_id, date_sk, charge_id, customer_id, currency, amount_minor,
        occurred_at
    )
    select
        'acct_bench', true, 'charge', 'ch_' || n || '_' || number, staging.date_sk(at), 'ch_' || n || '_' || number,
        customer_id, currency, 1000 * (1 + plan), at
    from public.life
    cross join lateral generate_series(1, %(each)s) as number
    cross join lateral (
        select joined_at + (coalesce(left_at, %(end)s) - joined_at) * (number::numeric / %(each)s) as at offset 0
    ) as paid
"""


class Business:
    """A warehouse that holds nothing but what the marts read."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def fill(self, customers: int, charges: int, months: int) -> None:
        """Makes the rows; every customer is one whom the ledger of MRR has just changed."""
        parameters = {"end": END, "customers": customers, "months": months, "each": max(1, charges // customers)}
        with self.connection.transaction():
            self.connection.execute(
                "insert into ops.batch (account_id, livemode, source, run_id, started_at, asked_to, row_count) "
                "values ('acct_bench', true, 'events', 'bench', now(), %s, 1)",
                [END],
            )
            self.connection.execute(
                "insert into ops.watermark (account_id, livemode, stream, through) "
                "values ('acct_bench', true, 'events', %s)",
                [END],
            )
            self.connection.execute(
                "insert into ops.batch_applied (model, batch_id, object_count, row_count) "
                "select model, batch_id, 0, 0 from unnest(%s::text[]) as model cross join ops.batch",
                [[model.name for model in MODELS]],
            )
            for statement in (LIVES, CHANGES, SUBSCRIPTIONS, PAYMENTS):
                self.connection.execute(statement, parameters if "%(" in statement else None)
        self.connection.execute("analyze")
        self.connection.commit()

    def follow(self, customers: int | None = None) -> float:
        """Seconds in which the base of movements follows the ledger, for that many customers, or for all."""
        with self.connection.transaction():
            self.connection.execute(
                "insert into ops.changed_customer select 'mrr_change_fact', 'acct_bench', true, customer_id "
                "from public.life order by hashtext(customer_id) limit %s",
                [customers],
            )
        began = time.perf_counter()
        apply_models(self.connection, SQL_ROOT, [model for model in MODELS if model.name == "mrr_movement_fact"])
        return time.perf_counter() - began

    def refresh(self, mart: str) -> float:
        """Seconds of one refresh, readers undisturbed."""
        began = time.perf_counter()
        with self.connection.transaction():
            self.connection.execute(sql.SQL(refresh_statement(mart)))
        return time.perf_counter() - began

    def count(self, relation: str) -> int:
        """Rows of a relation."""
        query = sql.SQL("select count(*) from {}").format(sql.Identifier(*relation.split(".")))
        row = self.connection.execute(query).fetchone()
        self.connection.commit()
        return row[0] if row else 0

    def peak_megabytes(self) -> float:
        """The most memory that the connection's process has held."""
        status = Path(f"/proc/{self.connection.info.backend_pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0


def main() -> None:
    """Runs the bench and prints its tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--charges", type=int, default=10_000_000)
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--changed", type=int, default=5_000, help="customers whom an hourly run changes")
    arguments = parser.parse_args()
    console = Console()
    with bench_warehouse() as conninfo, psycopg.connect(conninfo) as connection:
        business = Business(connection)
        business.fill(arguments.customers, arguments.charges, arguments.months)
        payments, changes = business.count("dwh.transaction_fact"), business.count("dwh.mrr_change_fact")
        console.print(f"{arguments.customers:,} customers, {payments:,} payments, {changes:,} changes of MRR")
        whole = business.follow()
        connection.execute("analyze dwh.mrr_movement_fact")
        connection.commit()
        marts = list(mart_upstream(SQL_ROOT))
        first = {mart: business.refresh(mart) for mart in marts}
        hourly = business.follow(arguments.changed)
        again = {mart: business.refresh(mart) for mart in marts}
        rows = {mart: business.count(f"mart.{mart}") for mart in marts}
        peak = business.peak_megabytes()

    table = Table(title="Refresh of the marts, seconds")
    for column in ("mart", "rows", "first", "after an hourly run"):
        table.add_column(column, justify="left" if column == "mart" else "right")
    for mart in sorted(marts, key=lambda name: -again[name]):
        table.add_row(mart, f"{rows[mart]:,}", f"{first[mart]:.1f}", f"{again[mart]:.1f}")
    table.add_row("all", "", f"{sum(first.values()):.1f}", f"{sum(again.values()):.1f}")
    console.print(table)
    console.print(
        f"mrr_movement_fact: {whole:.1f} s for all customers, {hourly:.2f} s for {arguments.changed:,} of them "
        f"({hourly / whole:.3f}); memory at most {peak:,.0f} MB"
    )


if __name__ == "__main__":
    main()
