"""The whole way through without Airflow: what the DAGs' tasks call, in their order."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from simulator.app import DEFAULT_KEY
from tallyhouse import ingest
from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.client import StripeClient
from tallyhouse.objects import LISTED
from tallyhouse.slices import tile
from tallyhouse.warehouse import apply_models, refresh_marts
from tallyhouse.windows import cut

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"


@dataclass(frozen=True)
class Pipeline:
    """One warehouse and one server that speaks Stripe's API."""

    conninfo: str
    api_base: str

    def events(self, max_window: timedelta = timedelta(days=5)) -> None:
        """As the DAG stripe_events."""
        with self._client() as client, psycopg.connect(self.conninfo) as connection:
            account = client.account()
            lag, overlap = timedelta(minutes=1), timedelta(minutes=5)
            windows = ingest.plan_events(connection, client, account, lag=lag, overlap=overlap, max_window=max_window)
            for window in windows:
                ingest.stage_events(connection, client, account, window, "test")
            ingest.report_rejects(connection)

    def backfill(self, created_from: datetime, slice_days: int = 365) -> None:
        """As the DAG stripe_backfill."""
        with self._client() as client, psycopg.connect(self.conninfo) as connection:
            account = client.account()
            end = account.clock + timedelta(seconds=1)
            for part in tile(LISTED, cut(created_from, end, timedelta(days=slice_days))):
                ingest.stage_list(connection, client, account, part.object_name, part.window, "test")
            ingest.report_rejects(connection)

    def load(self) -> None:
        """As the DAGs warehouse and marts; raises when a check fails."""
        checks = read_checks(SQL_ROOT)
        with psycopg.connect(self.conninfo) as connection:
            apply_models(connection, SQL_ROOT)
            require_passed(run_checks(connection, [c for c in checks if c.layer != "mart"], "test"))
            refresh_marts(connection, SQL_ROOT)
            require_passed(run_checks(connection, [c for c in checks if c.layer == "mart"], "test"))

    def watermark(self) -> datetime:
        """Through when every event has been read."""
        with psycopg.connect(self.conninfo) as connection:
            row = connection.execute("select through from ops.watermark").fetchone()
        assert row is not None
        return row[0].astimezone(UTC)

    def _client(self) -> closing[StripeClient]:
        return closing(StripeClient(DEFAULT_KEY, api_base=self.api_base, requests_per_second=None))
