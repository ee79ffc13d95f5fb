"""The whole way through without Airflow: what the DAGs' tasks call, in their order."""

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg

from simulator.app import DEFAULT_KEY
from tallyhouse import ingest
from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.client import Account, StripeClient
from tallyhouse.enrichment import EnrichmentReport, fetch_wanted
from tallyhouse.enrichment_queue import report_failures
from tallyhouse.file_staging import FileReport, load_files
from tallyhouse.objects import LISTED
from tallyhouse.polling import poll_lists
from tallyhouse.questions import COMPARED, oldest_created, plan_questions
from tallyhouse.reconcile import compare_share, known_test_clocks, share_questions
from tallyhouse.reconciled import Answer
from tallyhouse.slices import tile
from tallyhouse.warehouse import apply_models, refresh_marts
from tallyhouse.windows import cut

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"
LAG = timedelta(minutes=1)
OVERLAP = timedelta(minutes=5)
LONGEST_WAIT = 0.02
"""Seconds."""
ROWS_PER_SLICE = 200
"""Small enough that lists of a small company are cut."""
MOST_ROUNDS = 6
"""What is fetched may name more: a charge its balance transaction, that one's payout. So deep it goes at most."""


@dataclass(frozen=True)
class Pipeline:
    """One warehouse and one server that speaks Stripe's API, behind a key."""

    conninfo: str
    api_base: str
    api_key: str = DEFAULT_KEY

    def events(self, max_window: timedelta = timedelta(days=5)) -> None:
        """As the DAG stripe_events: events, and the lists of which no event tells."""
        bounds = {"lag": LAG, "overlap": OVERLAP, "max_window": max_window}
        with self._client() as client, psycopg.connect(self.conninfo) as connection:
            account = client.account()
            for window in ingest.plan_events(connection, client, account, **bounds):
                ingest.stage_events(connection, client, account, window, "test")
            poll_lists(connection, client, account, "test", **bounds)
            ingest.report_rejects(connection)

    def backfill(self, created_from: datetime, slice_days: int = 365) -> None:
        """As the DAG stripe_backfill."""
        with self._client() as client, psycopg.connect(self.conninfo) as connection:
            account = client.account()
            end = account.clock + timedelta(seconds=1)
            for part in tile(LISTED, cut(created_from, end, timedelta(days=slice_days))):
                ingest.stage_list(connection, client, account, part.object_name, part.window, "test")
            ingest.report_rejects(connection)

    def files(self, folder: Path) -> list[FileReport]:
        """As the DAG acquisition, of the company's own files, which are written into the folder."""
        answer = httpx.get(f"{self.api_base}/_sim/files", timeout=60)
        answer.raise_for_status()
        for name, text in answer.json().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        with psycopg.connect(self.conninfo) as connection:
            reports = load_files(connection, SQL_ROOT, folder, "test")
            ingest.report_rejects(connection)
        return reports

    def load(self) -> None:
        """As the DAGs warehouse and marts; raises when a check fails."""
        checks = read_checks(SQL_ROOT)
        with psycopg.connect(self.conninfo) as connection:
            apply_models(connection, SQL_ROOT)
            require_passed(run_checks(connection, [c for c in checks if c.layer != "mart"], "test"))
            refresh_marts(connection, SQL_ROOT)
            require_passed(run_checks(connection, [c for c in checks if c.layer == "mart"], "test"))

    def enrich(self) -> list[EnrichmentReport]:
        """As the DAGs stripe_enrichment and warehouse in turn, until nothing is wanted any more; then loads the marts.

        AssertionError when that takes longer than documents can point.
        """
        reports = []
        for _ in range(MOST_ROUNDS):
            with self._client() as client, psycopg.connect(self.conninfo) as connection:
                apply_models(connection, SQL_ROOT)
                reports.append(fetch_wanted(connection, client, client.account(), "test", threads=2))
                report_failures(connection)
            if reports[-1].fetched + reports[-1].gone == 0:
                assert reports[-1].left == 0
                self.load()
                return reports
        raise AssertionError(f"still more is wanted after {MOST_ROUNDS} rounds: {reports}")

    def reconcile(self, settle: timedelta = timedelta(0)) -> list[Answer]:
        """As the DAG stripe_reconcile when it is asked to compare everything."""
        with self._client() as client:
            account = client.account()
            now = account.clock - LAG
            with psycopg.connect(self.conninfo) as connection:
                questions = plan_questions(
                    now,
                    COMPARED,
                    recent_days=35,
                    rotation=1,
                    oldest=oldest_created(connection, account),
                    reached={},
                    test_clocks=known_test_clocks(connection, client, account, COMPARED)[0],
                )
            run_id = f"stripe_reconcile/{uuid4()}"
            return [
                answer
                for share in share_questions(client, questions, now, ROWS_PER_SLICE)
                for answer in compare_share(
                    lambda: psycopg.connect(self.conninfo),
                    client,
                    account,
                    share,
                    SQL_ROOT,
                    run_id,
                    streams=2,
                    settle=settle,
                )
            ]

    def account(self) -> Account:
        """The account that the key belongs to."""
        with self._client() as client:
            return client.account()

    def watermark(self) -> datetime:
        """Through when every event has been read."""
        with psycopg.connect(self.conninfo) as connection:
            row = connection.execute("select through from ops.watermark where stream = 'events'").fetchone()
        assert row is not None
        return row[0].astimezone(UTC)

    def _client(self) -> closing[StripeClient]:
        return closing(
            StripeClient(
                self.api_key,
                api_base=self.api_base,
                requests_per_second=None,
                # how long it backs off is tested elsewhere, and nobody waits for it here
                sleep=lambda seconds: time.sleep(min(seconds, LONGEST_WAIT)),
            )
        )
