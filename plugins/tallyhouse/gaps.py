"""Stretches of time whose events are missing, in ops.gap: recorded, told of, re-listed, and closed by themselves."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from tallyhouse.client import Account
from tallyhouse.errors import GapError
from tallyhouse.ledger import EVENTS, require_idle
from tallyhouse.rows import only_value
from tallyhouse.windows import RETENTION, Window

log = logging.getLogger(__name__)


def record_expired(conn: psycopg.Connection, account: Account, gap: Window, reason: str) -> None:
    """Records events that Stripe no longer keeps; the same gap only once. In the caller's transaction.

    What a run had failed to read, and nobody read since, becomes such a gap.
    """
    conn.execute(
        "insert into ops.gap as g (account_id, livemode, stream, gap_from, gap_to, reason) "
        "values (%s, %s, %s, %s, %s, %s) on conflict (account_id, livemode, stream, gap_from) do update "
        "set kind = 'expired', gap_to = excluded.gap_to, reason = excluded.reason, opened_at = clock_timestamp(), "
        "reported_at = null, closed_at = null where g.kind = 'failed'",
        [account.account_id, account.livemode, EVENTS, gap.start, gap.end, reason],
    )


def record_connected(conn: psycopg.Connection, account: Account, connected: Sequence[Account]) -> list[str]:
    """Records the platform's gaps for connected accounts that no event had shown when they were found; says which.

    What was lost of the platform's events was lost of theirs, if they were connected already. The first event that
    comes after a gap within the time that Stripe keeps events counts as a sign of that; later ones tell of accounts
    that were connected since. In the caller's transaction.
    """
    found = conn.execute(
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason) "
        "select connected.account_id, g.livemode, g.stream, g.gap_from, g.gap_to, format("
        "'its first event came after a gap in those of its platform %%s: %%s', g.account_id, g.reason) "
        "from ops.gap as g cross join unnest(%(connected)s::text[]) as connected (account_id) "
        "cross join lateral (select min(e.created_at) as created_at from raw.event as e "
        "where e.account_id = connected.account_id and e.livemode = g.livemode) as first_event "
        "where g.account_id = %(account_id)s and g.livemode = %(livemode)s and g.stream = %(stream)s "
        "and g.kind = 'expired' and first_event.created_at >= g.gap_to "
        "and first_event.created_at < g.gap_to + %(retention)s "
        "on conflict (account_id, livemode, stream, gap_from) do nothing returning account_id, gap_from, gap_to",
        {
            "account_id": account.account_id,
            "livemode": account.livemode,
            "stream": EVENTS,
            "connected": [each.account_id for each in connected],
            "retention": RETENTION,
        },
    ).fetchall()
    return [f"{account_id} {_stretch(start, end)}" for account_id, start, end in found]


def record_failed(conn: psycopg.Connection, run_id: str) -> list[str]:
    """Records the windows of events that a run had planned and, all tries used up, did not read; says which.

    They need nobody: the watermark stays before them, so that the next run reads them, and `close_gaps` closes them.
    """
    require_idle(conn)
    with conn.transaction():
        failed = conn.execute(
            "insert into ops.gap as g (account_id, livemode, stream, gap_from, gap_to, kind, reason, reported_at) "
            "select account_id, livemode, %s, asked_from, asked_to, 'failed', "
            "coalesce(error, 'the task that read it was ended'), clock_timestamp() "
            "from ops.planned_batch where run_id = %s and source = 'events' and batch_id is null "
            "on conflict (account_id, livemode, stream, gap_from) do update set gap_to = excluded.gap_to, "
            "reason = excluded.reason, opened_at = case when g.closed_at is null then g.opened_at "
            "else clock_timestamp() end, closed_at = null where g.kind = 'failed' "
            "returning account_id, gap_from, gap_to, reason",
            [EVENTS, run_id],
        ).fetchall()
    return [f"{account_id} {_stretch(start, end)}: {reason}" for account_id, start, end, reason in failed]


def ask_relisting(conn: psycopg.Connection) -> list[str]:
    """The gaps for which all objects must be listed now, in words; each is asked for once.

    Again after a day in which no list of its account was read: the run that was asked for has died. But not where
    every list was refused: only a person can mend that.
    """
    require_idle(conn)
    with conn.transaction():
        asked = conn.execute(
            "update ops.gap as g set relist_asked_at = clock_timestamp() "
            "where kind = 'expired' and closed_at is null and relisted_at is null and refused_at is null "
            "and (relist_asked_at is null "
            "or (relist_asked_at < clock_timestamp() - interval '1 day' and not exists (select from ops.batch as b "
            "where b.account_id = g.account_id and b.livemode = g.livemode and b.source = 'list' "
            "and b.committed_at > clock_timestamp() - interval '1 day'))) returning account_id, gap_from, gap_to"
        ).fetchall()
    return [f"{account_id} {_stretch(start, end)}" for account_id, start, end in asked]


def awaits_relisting(conn: psycopg.Connection, account: Account, *, even_refused: bool = False) -> bool:
    """Whether a gap of this account waits for a listing of all objects, of which not every list was refused before."""
    with conn.transaction():
        is_awaited: bool = only_value(
            conn,
            "select exists (select from ops.gap where account_id = %s and livemode = %s and kind = 'expired' "
            "and closed_at is null and relisted_at is null and (refused_at is null or %s))",
            [account.account_id, account.livemode, even_refused],
        )
        return is_awaited


def keep_refusal(conn: psycopg.Connection, account: Account, refusal: str | None) -> None:
    """Writes beside the open gaps of an account that every list of it was refused, and why; None: they are not."""
    with conn.transaction():
        conn.execute(
            "update ops.gap set refused_at = case when %(refusal)s::text is not null then clock_timestamp() end, "
            "refusal = %(refusal)s where account_id = %(account_id)s and livemode = %(livemode)s "
            "and kind = 'expired' and closed_at is null and (refusal is not null or %(refusal)s::text is not null)",
            {"refusal": refusal, "account_id": account.account_id, "livemode": account.livemode},
        )


def report_gaps(conn: psycopg.Connection) -> None:
    """Raises GapError when there are expired gaps in ops.gap that were not reported; marks them first.

    Read from the warehouse: a task may die after it has recorded a gap, and its next try finds none.
    """
    require_idle(conn)
    with conn.transaction():
        gaps = conn.execute(
            "with claimed as (update ops.gap set reported_at = clock_timestamp() where kind = 'expired' "
            "and reported_at is null and closed_at is null returning gap_id, account_id, gap_from, gap_to) "
            "select account_id, gap_from, gap_to from claimed order by gap_id"
        ).fetchall()
    if gaps:
        raise GapError(gaps)


def close_gaps(conn: psycopg.Connection, models: Sequence[str]) -> list[str]:
    """Closes the gaps that are filled and loaded by all these models; says which."""
    require_idle(conn)
    with conn.transaction():
        closed = conn.execute(
            "select account_id, gap_from, gap_to from ops.close_gaps(%s::text[])", [list(models)]
        ).fetchall()
    return [f"{account_id} {_stretch(start, end)}" for account_id, start, end in closed]


def _stretch(start: datetime, end: datetime) -> str:
    return str(Window(start.astimezone(UTC), end.astimezone(UTC)))
