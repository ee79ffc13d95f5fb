"""Erases one person on request: out of the raw layer, then dims and facts. Money, times, states and links stay."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg

from tallyhouse import erasure_record, redaction, warehouse
from tallyhouse.erasure_list import Owner, find_owners, put_on_list
from tallyhouse.erasure_record import Request
from tallyhouse.errors import TallyhouseError
from tallyhouse.ledger import require_idle
from tallyhouse.rebuild import drop_left_over

# Values that the pipeline quoted in its own books.
_QUOTES = {
    "ops.check_result": """
        with quoted as (
            -- each string of each sample once: there are many results, and few of them have any
            select c.check_result_id, word.value #>> '{}' as word
            from ops.check_result as c
            cross join lateral jsonb_path_query(c.sample, '$.** ? (@.type() == "string")') as word (value)
            where c.sample <> '[]'
        )
        update ops.check_result as c set sample = '[]'
        where c.check_result_id in (
            select q.check_result_id
            from quoted as q
            inner join ops.erased_object as o on q.word = o.object_id
            where o.erasure_id = any(%(ids)s)
        )
    """,
    "ops.enrichment": """
        update ops.enrichment as e set last_error = null
        from ops.erased_object as o
        where o.erasure_id = any(%(ids)s) and e.last_error is not null
            and (e.account_id, e.livemode, e.object_id) = (o.account_id, o.livemode, o.object_id)
    """,
}
_MARTS_OF_USERS = """
select c.relname
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid
where c.relnamespace = 'mart'::regnamespace and c.relkind = 'm' and a.attname = 'user_id' and not a.attisdropped
"""
_SHOWN = 50


@dataclass(frozen=True)
class Found:
    """What an erasure would redact: rows by table, of those that hold any.

    `who`: id of the customer or payment, or hash of the user. `owners`: (account, livemode) that have the customer.
    `others`: what they have in common -> ids of customers, and of guests' payments, that are not erased and may be the
    same person's. `days`: those (UTC) of which events told of the person's charges.
    """

    who: str
    owners: tuple[Owner, ...]
    rows: Mapping[str, int]
    others: Mapping[str, list[str]]
    days: Sequence[date]

    @property
    def documents(self) -> int:
        """How many of the rows are documents of Stripe's, in the raw layer."""
        return sum(self.rows.get(table, 0) for table in ("raw.event", "raw.object"))

    def describe(self) -> str:
        """One line for a log."""
        return _described(self.rows)

    def describe_days(self) -> str:
        """One line: which exported files tell of the person, since these stay."""
        if not self.days:
            return "No exported charge_source has a charge of the person."
        return (
            f"Exported charge_source of {len(self.days)} days (UTC) may tell of the person: export them again after "
            f"the erasure, or delete them: {', '.join(map(str, self.days))}"
        )

    def describe_others(self) -> list[str]:
        """A line for each thing that others have in common with the person."""
        return [
            f"{why}: {len(ids):,} more, which stay unless you erase them too: {', '.join(ids[:_SHOWN])}"
            + (", ..." if len(ids) > _SHOWN else "")
            for why, ids in self.others.items()
        ]


@dataclass(frozen=True)
class Erased:
    """What was redacted: rows by table, of those that held any. `erasure_ids`: of ops.erasure, one for each mode."""

    erasure_ids: tuple[int, ...]
    rows: Mapping[str, int]

    def describe(self) -> str:
        """One line for a log."""
        return _described(self.rows)


def count(connection: psycopg.Connection, request: Request) -> Found:
    """What `erase` would redact, and who else may be the same person. Changes nothing. Errors as of `erase`."""
    require_idle(connection)
    with connection.transaction(force_rollback=True):
        owners = find_owners(connection, request)
        ids = put_on_list(connection, request, owners, None)
        counted = redaction.count(connection)
        rows = _add_up(connection, ids, counted.rows)
        others = _others(connection, request, owners)
        return Found(erasure_record.who(connection, request), tuple(owners), rows, others, counted.days)


def erase(connection: psycopg.Connection, request: Request, approved_by: str | None = None) -> Erased:
    """Redacts all that the raw layer has of the customer, in one transaction, and puts it on the list of the erased.

    What Stripe sends of it from now on is redacted before it is seen. Dims and facts follow with `follow`. A second
    call of the same run does nothing. `approved_by`: for the record, None where nobody was asked. Raises
    TallyhouseError when no account has the customer, or several have, when it is a payment that is no guest's, or a
    user who is a customer, or whom no file names.
    """
    require_idle(connection)
    with connection.transaction():
        drop_left_over(connection, waits=False)
    with connection.transaction():
        # Batches take it shared as they end: each is either committed and will be found, or sees the list.
        redaction.lock(connection)
        ids = put_on_list(connection, request, find_owners(connection, request), approved_by)
        if not ids:
            return _done(connection, request)
        rows = _add_up(connection, ids, redaction.redact(connection, request.run_id))
        connection.execute(
            "update ops.erasure set row_counts = %s where erasure_id = any(%s)",
            [json.dumps(rows), ids],
        )
        return Erased(tuple(ids), rows)


def reject(connection: psycopg.Connection, request: Request, rejected_by: str | None) -> None:
    """Records that somebody has rejected the erasure, and changes nothing else. Errors as of `erase`.

    Of a run that was asked several times the last answer counts; TallyhouseError when it has erased before.
    """
    require_idle(connection)
    with connection.transaction():
        for account_id, livemode in find_owners(connection, request):
            erasure_record.reject(connection, request, account_id, livemode, rejected_by)


def follow(connection: psycopg.Connection, sql_root: Path, erasure_ids: Sequence[int]) -> None:
    """Lets dims and facts follow, and makes sure that they did; TallyhouseError where something personal is left.

    The views of mart that show users follow, too: the others show nobody. A rebuild that goes on may have read what
    is gone by now: it is waited for.
    """
    require_idle(connection)
    with connection.transaction():
        drop_left_over(connection, waits=True)
    warehouse.load_alone(connection, sql_root)
    with connection.transaction():
        showing_users = [name for (name,) in connection.execute(_MARTS_OF_USERS)]
    warehouse.refresh_marts(connection, sql_root, showing_users)
    with connection.transaction():
        left = redaction.sum_rows(
            connection.execute(
                "select p.relation, p.row_count from unnest(%s::bigint[]) as e (id) "
                "cross join lateral ops.personal_rows(e.id) as p",
                [list(erasure_ids)],
            ).fetchall()
        )
        found = {table: rows for table, rows in left.items() if rows}
        if found:
            raise TallyhouseError(
                f"Something personal is left in {found} (rows by table) although the raw layer holds nothing more of "
                "it. Run warehouse_rebuild, and then this task again; if that does not help, a model reads what "
                "ops.is_kept keeps."
            )
        connection.execute(
            "update ops.erasure set verified_at = clock_timestamp() where erasure_id = any(%s)",
            [list(erasure_ids)],
        )


def _done(connection: psycopg.Connection, request: Request) -> Erased:
    """What this run has erased before."""
    done = connection.execute(
        "select erasure_id, row_counts from ops.erasure where run_id = %s order by 1", [request.run_id]
    ).fetchall()
    counts = redaction.sum_rows((table, number) for _, rows in done for table, number in rows.items())
    return Erased(tuple(erasure_id for erasure_id, _ in done), counts)


def _add_up(connection: psycopg.Connection, ids: Sequence[int], raw: Mapping[str, int]) -> dict[str, int]:
    """The rows of the raw layer, of what the pipeline quoted, which goes, and of what dims and facts still hold."""
    rows = [*raw.items()]
    for table, statement in _QUOTES.items():
        rows.append((table, connection.execute(statement, {"ids": ids}).rowcount))
    held = connection.execute(
        "select p.relation, p.row_count from unnest(%s::bigint[]) as e (id) "
        "cross join lateral ops.personal_rows(e.id, %s) as p",
        # marts follow of their own: nobody has to wait for them
        [ids, [*raw, "mart"]],
    ).fetchall()
    return {table: number for table, number in redaction.sum_rows([*rows, *held]).items() if number}


def _others(connection: psycopg.Connection, request: Request, owners: Sequence[Owner]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for account_id, livemode in owners:
        rows = connection.execute(
            "select why, object_id from ops.same_person(%s, %s, %s) order by 1, 2",
            [account_id, livemode, request.customer_id],
        )
        for why, object_id in rows:
            found.setdefault(why, []).append(object_id)
    return found


def _described(rows: Mapping[str, int]) -> str:
    parts = [f"{table} {number:,}" for table, number in rows.items()]
    return f"rows that hold something of the person: {', '.join(parts) or 'none'}"
