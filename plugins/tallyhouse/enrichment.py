"""Works off ops.enrichment: fetches what documents name or lack, each thing once, in chunks that commit."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from tallyhouse import ledger
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import (
    BadPageError,
    EnrichmentError,
    ObjectMissingError,
    StripeAccessError,
    StripeUnavailableError,
)
from tallyhouse.object_staging import ObjectStager
from tallyhouse.objects import LISTED
from tallyhouse.pages import ObjectReader, Page, Reject, RowReader
from tallyhouse.report import Tally
from tallyhouse.retrieval import BALANCE_TRANSACTION, retrieve

log = logging.getLogger(__name__)

SOURCE = "enrichment"

# One chunk is one transaction: what a killed task has to fetch again, and how often progress is told.
CHUNK = 200
# Enough to reach 25 requests/s when an answer takes 0.4 s.
THREADS = 10
# So many of one kind that a list of pages of 100 may bring them with fewer calls.
LISTED_CHUNK = 1000
LISTED_FROM = 50
# A balance transaction is made when its charge, refund or payout is, or moments later.
LISTED_SLACK = timedelta(minutes=1)
# Calls of such a list that may bring nothing before it is given up.
IDLE_CALLS = 3
# So many failures in a row are Stripe's, not the objects': the next run goes on.
FAILURES_IN_A_ROW = 5


@dataclass(frozen=True)
class Wanted:
    """One row of the queue that is to be fetched now."""

    object_id: str
    hint_at: datetime | None


@dataclass(frozen=True)
class Chunk:
    """Rows of one kind and account, locked by the open transaction."""

    account_id: str
    kind: str
    wanted: Sequence[Wanted]


@dataclass
class EnrichmentReport:
    """What a run did, in numbers; `left`: rows that are open still (failed ones included)."""

    fetched: int = 0
    staged: int = 0
    gone: int = 0
    failed: int = 0
    left: int = 0


def fetch_wanted(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    run_id: str,
    *,
    limit: int = 20_000,
    threads: int = THREADS,
) -> EnrichmentReport:
    """Fetches up to `limit` things that the account's key can ask for, oldest wish first, and stages them.

    A chunk's objects, its batch and its rows of the queue commit together: a run that is killed leaves at most
    one chunk to be fetched again. What Stripe does not have (404) is remembered as gone. What fails stays in the
    queue with last_error, and the run goes on: `report_failures` tells of it.
    """
    ledger.require_idle(conn)
    run = _Run(conn, client, account, run_id, threads)
    waiting = min(limit, run.count_open())
    began = time.monotonic()
    report = run.report
    with run.executor:
        while (done := report.fetched + report.gone + report.failed) < limit and not run.is_hopeless:
            if not run.work_chunk(limit - done):
                break
            done = report.fetched + report.gone + report.failed
            seconds = time.monotonic() - began
            log.info(
                "%d of %d done, %.1f a second, about %s left",
                done,
                max(waiting, done),
                done / seconds,
                timedelta(seconds=round(max(0, waiting - done) * seconds / max(done, 1))),
            )
    report.left = run.count_open()
    log.info(
        "%s (%s): %d fetched, %d rows staged, %d gone, %d failed; %d left for the next run",
        account.account_id,
        "live" if account.livemode else "test",
        report.fetched,
        report.staged,
        report.gone,
        report.failed,
        report.left,
    )
    return report


def count_staged(conn: psycopg.Connection, run_id: str) -> int:
    """Rows that a run has staged, in all tries of its tasks."""
    row = conn.execute(
        "select coalesce(sum(new_count), 0) from ops.batch where source = %s and run_id = %s", [SOURCE, run_id]
    ).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always has one row
    return int(row[0])


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


class _Run:
    """One run for one key: its connection, its threads, and what it has found out so far."""

    def __init__(self, conn: psycopg.Connection, client: StripeClient, account: Account, run_id: str, threads: int):
        self._conn = conn
        self._client = client
        self._account = account
        self._run_id = run_id
        self._refused: dict[tuple[str, str], StripeAccessError] = {}
        self._failures_in_a_row = 0
        self._lock = threading.Lock()
        self.executor = ThreadPoolExecutor(threads, thread_name_prefix="tallyhouse-enrichment")
        self.report = EnrichmentReport()
        row = conn.execute("select clock_timestamp()").fetchone()
        conn.commit()
        assert row is not None  # noqa: S101 - for the type checker
        self._began: datetime = row[0]

    @property
    def is_hopeless(self) -> bool:
        """Whether Stripe does not answer at all."""
        return self._failures_in_a_row >= FAILURES_IN_A_ROW

    def count_open(self) -> int:
        """Rows that the account's key could fetch now."""
        with self._conn.transaction():
            row = self._conn.execute(
                "select count(*) from ops.enrichment_open where requested_via = %s and livemode = %s",
                [self._account.account_id, self._account.livemode],
            ).fetchone()
        return int(row[0]) if row else 0

    def work_chunk(self, limit: int) -> bool:
        """Fetches the next chunk and commits it; false when there is none."""
        with self._conn.transaction():
            # Fetching leaves the transaction idle for a while, which some servers end sooner.
            self._conn.execute("set local idle_in_transaction_session_timeout = 0")
            chunk = self._next_chunk(limit)
            if chunk is None:
                return False
            self._fetch(chunk)
        return True

    def _next_chunk(self, limit: int) -> Chunk | None:
        """The kind and account of the oldest wish that this run has not tried, and as many of them as fit."""
        own = {"key": self._account.account_id, "livemode": self._account.livemode, "began": self._began}
        refused = [f"{account_id} {kind}" for account_id, kind in self._refused]
        found = self._conn.execute(
            "select account_id, kind from ops.enrichment_open where requested_via = %(key)s and livemode = "
            "%(livemode)s and (tried_at is null or tried_at < %(began)s) "
            "and account_id || ' ' || kind <> all(%(refused)s) "
            "order by attempts > 0, wanted_at, account_id, kind limit 1",
            {**own, "refused": refused},
        ).fetchone()
        if found is None:
            return None
        account_id, kind = found
        size = LISTED_CHUNK if kind == BALANCE_TRANSACTION else CHUNK
        rows = self._conn.execute(
            "select object_id, hint_at from ops.enrichment_open where requested_via = %(key)s and livemode = "
            "%(livemode)s and (tried_at is null or tried_at < %(began)s) and account_id = %(account_id)s "
            "and kind = %(kind)s order by attempts > 0, wanted_at, object_id limit %(limit)s for update",
            {**own, "account_id": account_id, "kind": kind, "limit": min(size, limit)},
        ).fetchall()
        return Chunk(account_id, kind, [Wanted(*row) for row in rows])

    def _fetch(self, chunk: Chunk) -> None:
        """Fetches a chunk, stages it as one batch, and marks its rows."""
        reader = _SharedReader()
        tally = Tally()
        batch_id = ledger.open_batch(self._conn, self._account, SOURCE, chunk.kind, None, self._run_id)
        owner = Account(chunk.account_id, self._account.livemode, self._account.clock)
        stager = ObjectStager(self._conn, owner, f"{SOURCE}:{chunk.kind}", batch_id, tally, is_after_lists=True)
        outcomes: dict[str, datetime | Exception | None] = {}
        if chunk.kind == BALANCE_TRANSACTION and len(chunk.wanted) >= LISTED_FROM:
            outcomes.update(self._list(chunk, reader, stager))
        one_by_one = [wanted.object_id for wanted in chunk.wanted if wanted.object_id not in outcomes]
        for object_id, outcome in zip(
            one_by_one, self.executor.map(lambda each: self._ask(chunk, each, reader), one_by_one), strict=True
        ):
            if isinstance(outcome, Page):
                stager.add(outcome)
                outcomes[object_id] = outcome.observed_at
            else:
                outcomes[object_id] = outcome
        stager.flush()
        ledger.close_batch(self._conn, batch_id, tally, reader.unknown)
        self._mark(chunk, outcomes)
        self.report.staged += tally.new

    def _ask(self, chunk: Chunk, object_id: str, reader: RowReader) -> Page | Exception | None:
        """In a thread: the answer, or why there is none; None when it makes no sense to ask any more."""
        if self.is_hopeless or (chunk.account_id, chunk.kind) in self._refused:
            return None
        try:
            page = retrieve(self._client, chunk.kind, object_id, reader, stripe_account=self._stripe_account(chunk))
        except ObjectMissingError as error:
            return error
        except StripeAccessError as error:
            # The same for every object of the kind: one refusal is enough.
            self._refused[(chunk.account_id, chunk.kind)] = error
            return error
        except (StripeUnavailableError, BadPageError) as error:
            with self._lock:
                self._failures_in_a_row += 1
            return error
        with self._lock:
            self._failures_in_a_row = 0
        return page

    def _list(self, chunk: Chunk, reader: RowReader, stager: ObjectStager) -> dict[str, datetime]:
        """Lists the time in which the chunk's objects were made, as long as that brings more than asking for each."""
        hints = [wanted.hint_at for wanted in chunk.wanted if wanted.hint_at is not None]
        if len(hints) < LISTED_FROM:
            return {}
        ids = {wanted.object_id for wanted in chunk.wanted}
        found: dict[str, datetime] = {}
        params = {
            "created[gte]": str(int(min(hints).timestamp())),
            "created[lt]": str(int((max(hints) + LISTED_SLACK).timestamp())),
        }
        path = LISTED[chunk.kind].list_path
        assert path is not None  # noqa: S101 - it is listed
        calls = 0
        try:
            with closing(self._client.pages(path, params, reader, stripe_account=self._stripe_account(chunk))) as pages:
                for page in pages:
                    stager.add(page)
                    calls += page.call_count
                    for row in page.rows:
                        object_id = row.row_key if isinstance(row, Reject) else row[1]
                        if object_id in ids:
                            found[object_id] = page.observed_at
                    if calls > len(found) + IDLE_CALLS or len(found) == len(ids):
                        break
        except (StripeAccessError, StripeUnavailableError, BadPageError) as error:
            log.warning("the list of %s cannot be read, so each is asked for: %s", chunk.kind, error)
        log.info("%d of %d %s found in %d calls of their list", len(found), len(ids), chunk.kind, calls)
        return found

    def _stripe_account(self, chunk: Chunk) -> str | None:
        return None if chunk.account_id == self._account.account_id else chunk.account_id

    def _mark(self, chunk: Chunk, outcomes: dict[str, Any]) -> None:
        """Writes what became of each row; what was not asked for stays as it is."""
        asked = [(object_id, outcome) for object_id, outcome in outcomes.items() if outcome is not None]
        gone = [object_id for object_id, outcome in asked if isinstance(outcome, ObjectMissingError)]
        failed = [
            (object_id, outcome)
            for object_id, outcome in asked
            if isinstance(outcome, Exception) and not isinstance(outcome, ObjectMissingError)
        ]
        self._conn.execute(
            "update ops.enrichment as q set tried_at = clock_timestamp(), attempts = q.attempts + 1, "
            "fetched_at = coalesce(r.fetched_at, q.fetched_at), last_error = r.error, gone = r.gone "
            "from unnest(%s::text[], %s::timestamptz[], %s::text[], %s::boolean[]) "
            "as r (object_id, fetched_at, error, gone) "
            "where q.account_id = %s and q.livemode = %s and q.kind = %s and q.object_id = r.object_id",
            [
                [object_id for object_id, _ in asked],
                [None if isinstance(outcome, Exception) else outcome for _, outcome in asked],
                [str(outcome) if isinstance(outcome, Exception) else None for _, outcome in asked],
                [isinstance(outcome, ObjectMissingError) for _, outcome in asked],
                chunk.account_id,
                self._account.livemode,
                chunk.kind,
            ],
        )
        self.report.gone += len(gone)
        self.report.failed += len(failed)
        self.report.fetched += len(asked) - len(gone) - len(failed)
        if gone:
            log.warning("Stripe does not have %s of %s: %s", chunk.kind, chunk.account_id, ", ".join(gone))
        for object_id, outcome in failed:
            log.error("%s %s could not be fetched: %s", chunk.kind, object_id, outcome)


class _SharedReader:
    """Reads objects for several threads, and counts what is unknown in them."""

    def __init__(self) -> None:
        self._reader = ObjectReader()
        self._lock = threading.Lock()

    def __call__(self, value: Any, text: bytes) -> Any:
        """The object as a row, or what is wrong with it."""
        with self._lock:
            return self._reader(value, text)

    @property
    def unknown(self) -> dict[str, dict[str, int]]:
        """Counts by type and by field."""
        return self._reader.unknown.as_dict()
