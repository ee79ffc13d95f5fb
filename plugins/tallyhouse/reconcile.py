"""Lists from Stripe again, compares with the warehouse, keeps each difference, and stages what Stripe told."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg

from tallyhouse import ledger, plans, reconciled
from tallyhouse.asking import Asker
from tallyhouse.backfill import list_test_clocks
from tallyhouse.client import Account, StripeClient
from tallyhouse.comparison import Compared, Comparison
from tallyhouse.differences import DELETED, LATER_THAN_LAG, NEVER_SEEN, STALE, UNEXPLAINED, Difference
from tallyhouse.errors import PermissionMissingError, ReconciliationError, TallyhouseError
from tallyhouse.listed_objects import ListedObjects
from tallyhouse.objects import LISTED
from tallyhouse.questions import FIRST_SECOND, Question, held_test_clocks
from tallyhouse.reading_ahead import OVERLAP, changed_ahead, read_ahead
from tallyhouse.reconciled import Answer
from tallyhouse.report import Tally
from tallyhouse.slices import Slice, share_out
from tallyhouse.streams import work_off
from tallyhouse.windows import Window, floor_second

log = logging.getLogger(__name__)

SOURCE = "reconcile"

STREAMS = 8
"""Lists that one task reads at once, as those of a backfill."""

CALLS_PER_SHARE = 400
"""Requests of one task, about."""

SETTLE = timedelta(minutes=1)
"""After which the event of a change is visible, as stripe_events believes by default."""

_HEAL = """
insert into raw.object (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
select
    account_id, livemode, object_type, object_id,
    ops.next_observation(account_id, livemode, object_type, object_id, observed_at), payload, batch_id
from listed
where object_id = any(%s)
on conflict (account_id, livemode, object_type, object_id, observed_at) do nothing
"""
# What was created before the watermark and became visible after it is found by the overlap of the next poll.
_NOT_POLLED = """
select object_id
from listed
cross join lateral to_timestamp((payload ->> 'created')::bigint) as created_at
where
    created_at >= %(polled)s
    or (
        created_at >= %(again_from)s
        and not exists (
            select from raw.object as known
            where
                known.account_id = listed.account_id and known.livemode = listed.livemode
                and known.object_type = listed.object_type and known.object_id = listed.object_id
        )
    )
"""


def known_test_clocks(
    conn: psycopg.Connection, client: StripeClient, account: Account, objects: Iterable[str]
) -> tuple[list[str], PermissionMissingError | None]:
    """The test clocks to compare by, where one of these kinds is listed by them; those of the warehouse included.

    A key that may not list clocks leaves those that the warehouse knows; the error comes with them.
    """
    if account.livemode or not any(LISTED[name].has_test_clocks for name in objects if name in LISTED):
        return [], None
    clocks = held_test_clocks(conn, account)
    try:
        clocks |= set(list_test_clocks(client))
    except PermissionMissingError as error:
        log.error("what lives by test clocks that the warehouse does not know is not compared: %s", error)
        return sorted(clocks), error
    return sorted(clocks), None


def keep_unknown_clocks(
    conn: psycopg.Connection, account: Account, run_id: str, objects: Iterable[str], error: PermissionMissingError
) -> None:
    """Writes down, as a refusal of the run's, that what lives by test clocks is not compared (plans.refused_kinds)."""
    window = Window(FIRST_SECOND, floor_second(account.clock))
    refused = [(Slice(name, window, "test_clock"), str(error)) for name in objects if LISTED[name].has_test_clocks]
    plans.write_slices(conn, account, run_id, [], refused, is_everything=False)


def share_questions(
    client: StripeClient, questions: Sequence[Question], until: datetime, rows_per_slice: int
) -> list[list[Question]]:
    """Cuts large lists into slices, and shares these out to tasks, each of one kind of object.

    Where the key may not list a kind, its list stays whole: comparing it fails by name, and holds no other kind back.
    Other errors as of StripeClient.pages.
    """

    def cut(question: Question) -> list[Question]:
        try:
            return question.cut(client, until, rows_per_slice)
        except PermissionMissingError:
            return [question]

    with ThreadPoolExecutor(STREAMS) as pool:
        pieces = [piece for found in pool.map(cut, questions) for piece in found]
    kinds = dict.fromkeys(piece.object_name for piece in pieces)
    return [
        share
        for kind in kinds
        for share in share_out([piece for piece in pieces if piece.object_name == kind], CALLS_PER_SHARE, STREAMS)
    ]


def compare_share(
    connect: Callable[[], AbstractContextManager[psycopg.Connection]],
    client: StripeClient,
    account: Account,
    questions: Sequence[Question],
    sql_root: Path,
    run_id: str,
    *,
    streams: int = STREAMS,
    settle: timedelta = SETTLE,
) -> list[Answer]:
    """Compares several lists at once, each committed for itself; what the run has compared already is not again.

    `settle`: see `compare`. The first error ends it, after the lists under way, and is raised: a next try goes on with
    what is left.
    """
    with connect() as control, Asker(client) as asker:
        done = reconciled.read_answers(control, account, run_id)
        work_off(
            [question for question in questions if reconciled.key_of(question) not in done],
            connect,
            streams,
            lambda conn, question: compare(conn, client, account, question, sql_root, run_id, asker, settle=settle),
        )
        done = reconciled.read_answers(control, account, run_id)
    return [replace(done[reconciled.key_of(question)], question=str(question)) for question in questions]


def compare(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    question: Question,
    sql_root: Path,
    run_id: str,
    asker: Asker,
    *,
    settle: timedelta = SETTLE,
) -> Answer:
    """Asks one question, and commits what it found: the differences, and what Stripe told of these objects.

    What a list lacks although the warehouse has it is asked for by its id. What seems lost may have changed just
    before it was listed, and its event is not visible yet: `settle` after that, events are read ahead once more.
    TallyhouseError when no events were read yet; else errors as of StripeClient.pages, and nothing is kept. No
    transaction is open while Stripe is asked, or while it waits.
    """
    ledger.require_idle(conn)
    comparison = Comparison.read(sql_root, question.object_name, account)
    tally = Tally()
    with conn.transaction():
        if ledger.read_watermark(conn, account) is None:
            raise TallyhouseError(
                f"No events of {account.account_id} were read yet: run stripe_events and stripe_backfill first."
            )
        reserved = ledger.reserve_batch(conn)
    listed = ListedObjects(conn, account, question, reserved.batch_id, tally)
    listed.read(client)
    found = _look(conn, comparison, question, listed)
    if found.compared.rows:
        listed.ask(asker, [row.object_id for row in found.compared.rows if row.listed is None])
        asked_at = time.monotonic()
        has_events = LISTED[question.object_name].has_events
        if has_events:
            read_ahead(conn, client, account)
        found = _look(conn, comparison, question, listed)
        if has_events and any(each.reason in (NEVER_SEEN, STALE) for each in found.differences):
            _pause(settle.total_seconds() - (time.monotonic() - asked_at))
            read_ahead(conn, client, account)
            found = _look(conn, comparison, question, listed)
    return _keep(conn, account, question, run_id, reserved, tally, found)


def _pause(seconds: float) -> None:
    time.sleep(max(0.0, seconds))


def report_unexplained(conn: psycopg.Connection) -> None:
    """Raises ReconciliationError when differences nobody can explain were found and not reported; marks them first."""
    ledger.require_idle(conn)
    with conn.transaction():
        found = conn.execute(
            "update ops.reconciliation set reported_at = clock_timestamp() "
            "where reason = %s and reported_at is null returning object_type, object_id, difference::text",
            [UNEXPLAINED],
        ).fetchall()
    if found:
        raise ReconciliationError(found)


@dataclass(frozen=True)
class _Found:
    """What a comparison found, through when the warehouse had read events then, and why it differs."""

    compared: Compared
    through: datetime
    differences: list[Difference]


def _look(conn: psycopg.Connection, comparison: Comparison, question: Question, listed: ListedObjects) -> _Found:
    """Compares, and looks for the reasons, in one state of the warehouse: loads may commit meanwhile.

    A listed document that no column can hold is set aside, as a load would, and the others are compared without it.
    """
    try:
        return _look_once(conn, comparison, question, listed)
    except psycopg.DataError:
        if not listed.set_aside_unreadable():
            raise
        return _look_once(conn, comparison, question, listed)


def _look_once(conn: psycopg.Connection, comparison: Comparison, question: Question, listed: ListedObjects) -> _Found:
    with conn.transaction():
        conn.execute("set transaction isolation level repeatable read")
        compared = comparison.run(conn, question)
        through = ledger.read_watermark(conn, comparison.account)
        assert through is not None  # noqa: S101 - watermarks are never taken back, and there was one
        rows = [row for row in compared.rows if not row.is_ahead]
        in_flight = _in_flight(conn, comparison.account, question.object_name, through)
        differences = comparison.classify(conn, rows, in_flight, listed.seen())
        if comparison.kind.differing_sums is not None:
            differences += comparison.kind.differing_sums(conn, comparison.account, question.window, differences)
    return _Found(compared, through, differences)


def _in_flight(conn: psycopg.Connection, account: Account, object_name: str, through: datetime) -> set[str]:
    """The objects that changed after what the warehouse has read, by events or polled lists: they may well differ."""
    if LISTED[object_name].has_events:
        return changed_ahead(conn, account, object_name, through)
    polled = ledger.read_watermark(conn, account, ledger.list_stream(object_name)) or FIRST_SECOND
    newer = conn.execute(_NOT_POLLED, {"polled": polled, "again_from": polled - OVERLAP}).fetchall()
    return {object_id for (object_id,) in newer}


def _keep(
    conn: psycopg.Connection,
    account: Account,
    question: Question,
    run_id: str,
    reserved: ledger.Reserved,
    tally: Tally,
    found: _Found,
) -> Answer:
    """Commits what was compared and what differed, and stages what Stripe told of it, as one batch."""
    name = question.object_name
    window = question.window or Window(FIRST_SECOND, floor_second(account.clock))
    with conn.transaction():
        # two lists may show the same object, at once
        ledger.lock_stream(conn, account, f"{SOURCE} {name}")
        told = reconciled.told_objects(conn, account, name, run_id)
        differences = [each for each in found.differences if each.reason == UNEXPLAINED or each.object_id not in told]
        # a stub of what has no deletion in its table could not be loaded
        is_deletable = LISTED[name].is_deletable
        healed = [
            each.object_id
            for each in differences
            if (each.reason != DELETED or is_deletable)
            # only the load that will bring it is missing
            and not (each.reason == LATER_THAN_LAG and each.is_staged)
        ]
        tally.new = conn.execute(_HEAL, [healed]).rowcount
        batch_id = None
        if tally.new or tally.rejected:
            batch_id = ledger.open_batch(conn, account, SOURCE, name, window, run_id, question.scope, reserved)
            ledger.close_batch(conn, batch_id, tally, {})
        answer = reconciled.keep(conn, account, question, run_id, batch_id, found.through, found.compared, differences)
    log.info("%s", answer.describe())
    for difference in differences:
        log.warning("%s %s", name, difference.describe())
    return answer
