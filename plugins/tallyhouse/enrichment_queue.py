"""The queue ops.enrichment: what is to be fetched next, and what became of what was asked for."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from tallyhouse import ledger
from tallyhouse.client import Account
from tallyhouse.errors import EnrichmentError, ObjectMissingError
from tallyhouse.rows import only_value

log = logging.getLogger(__name__)

Outcome = datetime | Exception | None
"""Of one thing: when Stripe answered, by its clock; or why it did not; None if it was not asked for."""


@dataclass(frozen=True)
class Wanted:
    """One row of the queue that is to be fetched now."""

    object_id: str
    hint_at: datetime | None


@dataclass(frozen=True)
class Chunk:
    """Rows of one kind and account. `key`: the account that is asked for them."""

    key: Account
    account_id: str
    kind: str
    wanted: Sequence[Wanted]

    @property
    def stripe_account(self) -> str | None:
        """The connected account to which they belong, if not the key's own."""
        return None if self.account_id == self.key.account_id else self.account_id

    @property
    def owner(self) -> Account:
        """The account to which they belong."""
        return Account(self.account_id, self.key.livemode, self.key.clock)


@dataclass(frozen=True)
class Marked:
    """How many rows ended how."""

    fetched: int
    gone: int
    failed: int


def count_open(conn: psycopg.Connection, key: Account) -> int:
    """Rows that a key could fetch now."""
    with conn.transaction():
        count: int = only_value(
            conn,
            "select count(*) from ops.enrichment_open where requested_via = %s and livemode = %s",
            [key.account_id, key.livemode],
        )
        return count


def next_chunk(
    conn: psycopg.Connection,
    key: Account,
    not_tried_since: datetime,
    refused: Collection[tuple[str, str]],
    sizes: Mapping[str, int],
    size: int,
    limit: int,
) -> Chunk | None:
    """The account and kind of the oldest wish, and up to `limit` of its rows; None when none is left.

    They are the caller's until it commits or is killed: another run with the same key waits here, and then finds them
    marked. The lock is not on the rows, which loads of the warehouse write while Stripe is asked.

    What failed before comes last. `refused`: (account_id, kind) left out. A chunk has `size` rows at the most, or
    as `sizes` says for its kind.
    """
    ledger.lock_stream(conn, key, "enrichment")
    own = {"key": key.account_id, "livemode": key.livemode, "since": not_tried_since}
    found = conn.execute(
        "select account_id, kind from ops.enrichment_open where requested_via = %(key)s and livemode = "
        "%(livemode)s and (tried_at is null or tried_at < %(since)s) "
        "and account_id || ' ' || kind <> all(%(refused)s) "
        "order by attempts > 0, wanted_at, account_id, kind limit 1",
        {**own, "refused": [f"{account_id} {kind}" for account_id, kind in refused]},
    ).fetchone()
    if found is None:
        return None
    account_id, kind = found
    rows = conn.execute(
        "select object_id, hint_at from ops.enrichment_open where requested_via = %(key)s and livemode = "
        "%(livemode)s and (tried_at is null or tried_at < %(since)s) and account_id = %(account_id)s "
        "and kind = %(kind)s order by attempts > 0, wanted_at, object_id limit %(limit)s",
        {**own, "account_id": account_id, "kind": kind, "limit": min(sizes.get(kind, size), limit)},
    ).fetchall()
    return Chunk(key, account_id, kind, [Wanted(*row) for row in rows])


def mark(conn: psycopg.Connection, chunk: Chunk, outcomes: Mapping[str, Outcome], batch_id: int | None) -> Marked:
    """Writes what became of each row, by object_id; what was not asked for stays as it is.

    `batch_id`: the batch that brought the answers; None when they showed nothing new.

    A load may have taken a row away meanwhile, which is left so, or renewed its wish, which the next one judges again.
    A load that is writing the queue is waited for, and the next one waits for the commit: with rows locked by both,
    each could wait for the other.
    """
    conn.execute("select pg_advisory_xact_lock(hashtextextended('ops.model.enrichment', 0))")
    asked = {object_id: outcome for object_id, outcome in outcomes.items() if outcome is not None}
    errors = {object_id: outcome for object_id, outcome in asked.items() if isinstance(outcome, Exception)}
    gone = [object_id for object_id, error in errors.items() if isinstance(error, ObjectMissingError)]
    conn.execute(
        "update ops.enrichment as q set tried_at = clock_timestamp(), attempts = q.attempts + 1, "
        "fetched_at = coalesce(r.fetched_at, q.fetched_at), last_error = r.error, gone = r.gone, "
        "batch_id = case when r.fetched_at is null then q.batch_id else %s end "
        "from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::boolean[]) "
        "as r (object_id, fetched_at, error, gone) "
        "where q.account_id = %s and q.livemode = %s and q.kind = %s and q.object_id = r.object_id",
        [
            batch_id,
            list(asked),
            [None if object_id in errors else outcome for object_id, outcome in asked.items()],
            [str(errors[object_id]) if object_id in errors else None for object_id in asked],
            [object_id in gone for object_id in asked],
            chunk.account_id,
            chunk.key.livemode,
            chunk.kind,
        ],
    )
    if gone:
        log.warning("Stripe does not have %s of %s: %s", chunk.kind, chunk.account_id, ", ".join(gone))
    for object_id, error in errors.items():
        if object_id not in gone:
            log.error("%s %s could not be fetched: %s", chunk.kind, object_id, error)
    return Marked(len(asked) - len(errors), len(gone), len(errors) - len(gone))


def report_failures(conn: psycopg.Connection) -> None:
    """Raises EnrichmentError when something is open that could not be fetched when it was last tried."""
    ledger.require_idle(conn)
    with conn.transaction():
        failed = conn.execute(
            "select kind, object_id, last_error from ops.enrichment_open where last_error is not null "
            "order by wanted_at, kind, object_id"
        ).fetchall()
    if failed:
        raise EnrichmentError(failed)
