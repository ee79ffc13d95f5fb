"""Erases one person on request: out of the raw layer, then dims and facts. Money, times, states and links stay."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tallyhouse import erasure_record, redaction, warehouse
from tallyhouse.erasure_record import Request
from tallyhouse.errors import TallyhouseError
from tallyhouse.ledger import require_idle
from tallyhouse.rebuild import drop_left_over

GUESTS = ("charge", "checkout.session")
"""Kinds of payments that may have no customer: of a guest, one of these stands for the person."""

# The raw layer, for a customer or payment that is known; and what names one of which no document ever came.
_OWNERS = """
select distinct known.account_id, known.livemode
from (
    select account_id, livemode from raw.event where object_type = any(%(kinds)s) and object_id = %(customer)s
    union all
    select account_id, livemode from raw.object where object_type = any(%(kinds)s) and object_id = %(customer)s
    union all
    select account_id, livemode from dwh.charge_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.payment_intent_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.payment_method_dim where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.invoice_fact where customer_id = %(customer)s
    union all
    select account_id, livemode from dwh.subscription_dim where customer_id = %(customer)s
) as known
where %(account)s::text is null or known.account_id = %(account)s
order by 1, 2
"""
_CUSTOMER_OF_GUEST = """
select ops.owner_of(version.body)
from unnest(%(guests)s::text[]) as guest (kind)
cross join lateral staging.versions_of_object(%(account)s, %(livemode)s, guest.kind, %(customer)s) as version
where ops.owner_of(version.body) is not null
limit 1
"""
# When it was created: nothing that was made before names it.
_SINCE = """
select min(least(ops.made_at(body -> 'created'), version_at))
from unnest(%(kinds)s::text[]) as root (kind)
cross join lateral staging.versions_of_object(%(account)s, %(livemode)s, root.kind, %(customer)s)
where ops.made_at(body -> 'created') is not null
"""
# Values that the pipeline quoted in its own books.
_QUOTES = {
    "ops.check_result": """
        update ops.check_result as c set sample = '[]'
        where exists (
            select from ops.erased_object as o
            where o.erasure_id = any(%(ids)s) and c.sample::text like '%%' || to_jsonb(o.object_id)::text || '%%'
        )
    """,
    "ops.enrichment": """
        update ops.enrichment as e set last_error = null
        from ops.erased_object as o
        where o.erasure_id = any(%(ids)s) and e.last_error is not null
            and (e.account_id, e.livemode, e.object_id) = (o.account_id, o.livemode, o.object_id)
    """,
}
_SHOWN = 50


@dataclass(frozen=True)
class Found:
    """What an erasure would redact: rows by table, of those that hold any.

    `owners`: (account, livemode) that have the customer. `others`: what they have in common -> ids of customers, and
    of guests' payments, that are not erased and may be the same person's.
    """

    owners: tuple[tuple[str, bool], ...]
    rows: Mapping[str, int]
    others: Mapping[str, list[str]]

    @property
    def documents(self) -> int:
        """How many of the rows are documents of Stripe's, in the raw layer."""
        return sum(self.rows.get(table, 0) for table in ("raw.event", "raw.object"))

    def describe(self) -> str:
        """One line for a log."""
        return _described(self.rows)

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
        owners = _owners(connection, request)
        ids = _list(connection, request, owners, None)
        rows = _add_up(connection, ids, redaction.count(connection))
        return Found(tuple(owners), rows, _others(connection, request, owners))


def erase(connection: psycopg.Connection, request: Request, approved_by: str | None = None) -> Erased:
    """Redacts all that the raw layer has of the customer, in one transaction, and puts it on the list of the erased.

    What Stripe sends of it from now on is redacted before it is seen. Dims and facts follow with `follow`. A second
    call of the same run does nothing. `approved_by`: for the record, None where nobody was asked. Raises
    TallyhouseError when no account has the customer, or several have, or when it is a payment that is no guest's.
    """
    require_idle(connection)
    with connection.transaction():
        drop_left_over(connection, waits=False)
    with connection.transaction():
        # Batches take it shared as they end: each is either committed and will be found, or sees the list.
        redaction.lock(connection)
        ids = _list(connection, request, _owners(connection, request), approved_by)
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
        for account_id, livemode in _owners(connection, request):
            erasure_record.reject(connection, request, account_id, livemode, rejected_by)


def follow(connection: psycopg.Connection, sql_root: Path, erasure_ids: Sequence[int]) -> None:
    """Lets dims and facts follow, and makes sure that they did; TallyhouseError where something personal is left.

    A rebuild that goes on may have read what is gone by now: it is waited for.
    """
    require_idle(connection)
    with connection.transaction():
        drop_left_over(connection, waits=True)
    warehouse.apply_models(connection, sql_root)
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
        "cross join lateral ops.personal_rows(e.id) as p where p.relation <> all(%s)",
        [ids, [*raw]],
    ).fetchall()
    return {table: number for table, number in redaction.sum_rows([*rows, *held]).items() if number}


def _others(
    connection: psycopg.Connection, request: Request, owners: Sequence[tuple[str, bool]]
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for account_id, livemode in owners:
        rows = connection.execute(
            "select why, object_id from ops.same_person(%s, %s, %s) order by 1, 2",
            [account_id, livemode, request.customer_id],
        )
        for why, object_id in rows:
            found.setdefault(why, []).append(object_id)
    return found


def _owners(connection: psycopg.Connection, request: Request) -> list[tuple[str, bool]]:
    """The account, and the modes of it, that have the customer."""
    owners = connection.execute(
        _OWNERS,
        {"customer": request.customer_id, "account": request.account_id, "kinds": ["customer", *GUESTS]},
    ).fetchall()
    accounts = sorted({account_id for account_id, _ in owners})
    if not accounts:
        known = connection.execute("select distinct account_id from ops.batch where account_id is not null").fetchall()
        where = f"account {request.account_id}" if request.account_id else "any account"
        raise TallyhouseError(
            f"The warehouse has no customer {request.customer_id} of {where}, nor a guest's charge or checkout session "
            f"of that id, and nothing was changed. Its accounts are "
            f"{', '.join(sorted(row[0] for row in known)) or 'none yet'}; a customer's id is in Stripe's dashboard, "
            "and begins with cus_."
        )
    if len(accounts) > 1:
        raise TallyhouseError(
            f"Several accounts have a customer {request.customer_id}: {', '.join(accounts)}. Name one of them in the "
            "form; nothing was changed."
        )
    for account_id, livemode in owners:
        row = connection.execute(
            _CUSTOMER_OF_GUEST,
            {"customer": request.customer_id, "account": account_id, "livemode": livemode, "guests": [*GUESTS]},
        ).fetchone()
        if row:
            raise TallyhouseError(
                f"{request.customer_id} is a payment of customer {row[0]}, and no guest's: erase that customer. "
                "Nothing was changed."
            )
    return owners


def _list(
    connection: psycopg.Connection, request: Request, owners: Sequence[tuple[str, bool]], approved_by: str | None
) -> list[int]:
    """Puts the customer on the list, in each account and mode; the ids of these erasures, none when done before."""
    listed = (_list_one(connection, request, *owner, approved_by) for owner in owners)
    ids = [erasure_id for erasure_id in listed if erasure_id is not None]
    # when all are on the list: who is erased in one mode names nobody in the other
    for erasure_id in ids:
        connection.execute("select ops.remember_erased_users(p_erasure_id => %s)", [erasure_id])
    return ids


def _list_one(
    connection: psycopg.Connection, request: Request, account_id: str, livemode: bool, approved_by: str | None
) -> int | None:
    """Puts the customer on the list; None when this run has done so before."""
    erasure_id = erasure_record.approve(connection, request, account_id, livemode, approved_by)
    if erasure_id is None:
        return None
    root = {"account": account_id, "livemode": livemode, "customer": request.customer_id, "id": erasure_id}
    # Of one that was erased before, everything is looked through once more, and counts for this erasure.
    connection.execute(
        "with before as (select erasure_id from ops.erased_object "
        "where account_id = %(account)s and livemode = %(livemode)s and object_id = %(customer)s) "
        "update ops.erased_object set erasure_id = %(id)s, batch_id = null where erasure_id in (select * from before)",
        root,
    )
    since = connection.execute(_SINCE, {**root, "kinds": ["customer", *GUESTS]}).fetchone()
    connection.execute(
        "insert into ops.erased_object (account_id, livemode, object_id, erasure_id, since) "
        "values (%(account)s, %(livemode)s, %(customer)s, %(id)s, %(since)s) on conflict do nothing",
        {**root, "since": since and since[0]},
    )
    return erasure_id


def _described(rows: Mapping[str, int]) -> str:
    parts = [f"{table} {number:,}" for table, number in rows.items()]
    return f"rows that hold something of the person: {', '.join(parts) or 'none'}"
