"""What was done, in numbers for a metrics system: from the ledger, in which each batch and load is on record."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from tallyhouse.rows import only_row, only_value


@dataclass(frozen=True)
class Measure:
    """One number. `is_level`: it is what holds now, and not to be added to what was told before."""

    name: str
    value: float
    is_level: bool = False


@dataclass(frozen=True)
class Applied:
    """What a model wrote in its last transaction; `seconds` on the server's clock."""

    batches: int
    objects: int
    rows: int
    seconds: float

    def describe(self, model: str) -> str:
        """One line for a log."""
        rate = self.rows / self.seconds if self.seconds else 0.0
        return (
            f"{model}: {self.batches:,} batches, {self.objects:,} objects, {self.rows:,} rows in {self.seconds:.1f} s, "
            f"{rate:,.0f} rows/s"
        )


def claim_staged(connection: psycopg.Connection) -> list[Measure]:
    """Rows staged by source (events, list, enrichment, file, ...), requests, and those answered 429.

    Of the batches that nobody has told of; they count as told from now on, also those of a run that was killed.
    """
    with connection.transaction():
        found = connection.execute(
            """
            with told as (
                update ops.batch set measured_at = clock_timestamp()
                where batch_id in (select batch_id from ops.batch where measured_at is null for update skip locked)
                returning split_part(source, ':', 1) as source, new_count, call_count, throttled_count
            )

            select source, sum(new_count)::bigint, sum(call_count)::bigint, sum(throttled_count)::bigint
            from told
            group by source
            order by source
            """
        ).fetchall()
    return [
        *(Measure(f"staged.{source}", rows) for source, rows, _, _ in found),
        Measure("api_calls", sum(calls for _, _, calls, _ in found)),
        Measure("api_throttled", sum(throttled for _, _, _, throttled in found)),
    ]


def reaches(connection: psycopg.Connection) -> list[Measure]:
    """How far events were read, by account and mode: in seconds since 1970, and in seconds behind now.

    The former stays right when nobody sends it any more: whoever watches subtracts it from the clock.
    """
    with connection.transaction():
        found = connection.execute(
            "select account_id, livemode, extract(epoch from through)::float8, "
            "extract(epoch from clock_timestamp() - through)::float8 "
            "from ops.watermark where stream = 'events' order by 1, 2"
        ).fetchall()
    measures = []
    for account_id, livemode, through, lag in found:
        owner = f"{account_id}.{'live' if livemode else 'test'}"
        measures.append(Measure(f"data_through_seconds.{owner}", through, is_level=True))
        measures.append(Measure(f"lag_seconds.{owner}", lag, is_level=True))
    return measures


def last_applied(connection: psycopg.Connection, model: str) -> Applied:
    """What a model did when it ran last."""
    with connection.transaction():
        row = only_row(
            connection,
            """
            select
                count(a.batch_id),
                coalesce(max(a.object_count), 0),
                coalesce(max(a.row_count), 0),
                coalesce(extract(epoch from max(a.applied_at) - max(r.began_at)), 0)::float8
            from ops.last_run as r
            left join ops.batch_applied as a on r.relation = a.model and r.began_at <= a.applied_at
            where r.relation = %s
            """,
            [model],
        )
    return Applied(*row)


def count_rows(connection: psycopg.Connection, relation: str) -> int:
    """Rows of a relation, `schema.name`."""
    counted = sql.SQL("select count(*) from {}").format(sql.Identifier(*relation.split(".")))
    with connection.transaction():
        count: int = only_value(connection, counted)
        return count


def describe_run(connection: psycopg.Connection, run_id: str) -> str:
    """All that a run has committed, in one line for a log."""
    with connection.transaction():
        row = only_row(
            connection,
            """
            select
                count(*),
                coalesce(sum(row_count), 0)::bigint,
                coalesce(sum(new_count), 0)::bigint,
                coalesce(sum(rejected_count), 0)::bigint,
                coalesce(sum(call_count), 0)::bigint,
                coalesce(sum(throttled_count), 0)::bigint,
                coalesce(sum(byte_count), 0)::float8,
                coalesce(extract(epoch from max(committed_at) - min(started_at)), 0)::float8
            from ops.batch
            where run_id = %s
            """,
            [run_id],
        )
    batches, rows, new, rejected, calls, throttled, size, seconds = row
    rate = f", {calls / seconds:.1f} calls/s, {rows / seconds:,.0f} rows/s" if seconds else ""
    return (
        f"this run: {batches:,} batches, {rows:,} rows: {new:,} new, {rejected:,} rejected, {size / 1e6:,.1f} MB in "
        f"{calls:,} API calls ({throttled:,} throttled), {seconds:.1f} s{rate}"
    )
