"""Works off ops.enrichment: fetches what documents name or lack, each thing once, in chunks that commit."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from tallyhouse import enrichment_queue as queue
from tallyhouse import ledger
from tallyhouse.chunk_fetching import ChunkFetcher, SharedReader
from tallyhouse.client import Account, StripeClient
from tallyhouse.object_staging import ObjectStager
from tallyhouse.report import Tally
from tallyhouse.retrieval import BALANCE_TRANSACTION
from tallyhouse.rows import only_value

log = logging.getLogger(__name__)

SOURCE = "enrichment"

# One chunk is one transaction: what a killed task has to fetch again, and how often progress is told.
CHUNK = 200
# Where one list may bring many of them.
CHUNKS = {BALANCE_TRANSACTION: 1000}
# Enough to reach 25 requests/s when an answer takes 0.4 s.
THREADS = 10


@dataclass
class EnrichmentReport:
    """What a run did, in numbers; `left`: rows that are open still (failed ones included)."""

    fetched: int = 0
    staged: int = 0
    gone: int = 0
    failed: int = 0
    left: int = 0

    @property
    def done(self) -> int:
        """Rows that were asked for."""
        return self.fetched + self.gone + self.failed


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
    one chunk to be fetched again. Two runs with one key take turns, chunk by chunk, and loads wait for neither.
    What Stripe does not have (404) is remembered as gone. What fails stays in the queue with last_error, and the
    run goes on: `enrichment_queue.report_failures` tells of it.
    """
    ledger.require_idle(conn)
    waiting = min(limit, queue.count_open(conn, account))
    began_at = _server_clock(conn)
    began = time.monotonic()
    report = EnrichmentReport()
    with ChunkFetcher(client, threads) as fetcher:
        while report.done < limit and not fetcher.is_hopeless:
            if not _work_chunk(conn, fetcher, account, run_id, began_at, limit - report.done, report):
                break
            seconds = time.monotonic() - began
            log.info(
                "%d of %d done, %.1f a second, about %s left",
                report.done,
                max(waiting, report.done),
                report.done / seconds,
                timedelta(seconds=round(max(0, waiting - report.done) * seconds / max(report.done, 1))),
            )
    report.left = queue.count_open(conn, account)
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


def _work_chunk(
    conn: psycopg.Connection,
    fetcher: ChunkFetcher,
    account: Account,
    run_id: str,
    began_at: datetime,
    limit: int,
    report: EnrichmentReport,
) -> bool:
    """Fetches the next chunk, stages it as one batch, marks its rows and commits; false when there is none."""
    with conn.transaction():
        chunk = queue.next_chunk(conn, account, began_at, fetcher.refused, CHUNKS, CHUNK, limit)
        if chunk is None:
            return False
        reader = SharedReader()
        tally = Tally()
        batch_id = ledger.open_batch(conn, account, SOURCE, chunk.kind, None, run_id)
        stager = ObjectStager(conn, chunk.owner, f"{SOURCE}:{chunk.kind}", batch_id, tally, is_after_lists=True)
        outcomes = fetcher.fetch(chunk, reader, stager)
        stager.flush()
        is_something = bool(tally.new or tally.rejected)
        if is_something:
            ledger.close_batch(conn, batch_id, tally, reader.unknown)
        else:
            # nothing for the warehouse to load: its runs and these must not call one another for ever
            ledger.drop_batch(conn, batch_id)
        marked = queue.mark(conn, chunk, outcomes, batch_id if is_something else None)
    report.staged += tally.new
    report.fetched += marked.fetched
    report.gone += marked.gone
    report.failed += marked.failed
    return True


def _server_clock(conn: psycopg.Connection) -> datetime:
    """The clock by which the queue says when something was tried."""
    with conn.transaction():
        began_at: datetime = only_value(conn, "select clock_timestamp()")
    return began_at
