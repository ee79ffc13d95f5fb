"""The edge: reads Airflow connections and files' places, so that everything inside takes parameters."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import psycopg
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import Connection

from tallyhouse.client import StripeClient
from tallyhouse.errors import TallyhouseError

WAREHOUSE_CONN_ID = "warehouse"
STRIPE_CONN_ID = "stripe_default"

SQL_ROOT = Path(os.environ.get("TALLYHOUSE_SQL_ROOT") or Path(__file__).resolve().parents[2] / "include" / "sql")
"""Where the SQL files are: include/sql beside plugins/, unless TALLYHOUSE_SQL_ROOT names another folder."""


@dataclass(frozen=True)
class StripeSettings:
    """One account to read, as its Airflow connection describes it; every part of extra has a default.

    Extra: account_id (acct_..., needed only where the key may not read the account), api_version,
    requests_per_second (20; Stripe allows 25 on one endpoint), lag_seconds (60; how far a window stays behind
    Stripe's clock), overlap_seconds (300; how far it reaches back over the one before), max_window_hours (120;
    a longer stretch is read in several windows, each committed for itself).
    """

    conn_id: str
    api_key: str
    api_base: str
    account_id: str | None
    api_version: str | None
    requests_per_second: float
    lag: timedelta
    overlap: timedelta
    max_window: timedelta

    @contextmanager
    def client(self) -> Iterator[StripeClient]:
        """A client for this account, closed at the end."""
        with closing(
            StripeClient(
                self.api_key,
                api_base=self.api_base,
                api_version=self.api_version,
                account_id=self.account_id,
                connection=self.conn_id,
                requests_per_second=self.requests_per_second,
            )
        ) as client:
            yield client


def stripe_settings(conn_id: str = STRIPE_CONN_ID) -> StripeSettings:
    """Reads a connection (type generic; password: the key; host: another API base than Stripe's).

    Raises TallyhouseError when a number in extra is none.
    """
    connection = Connection.get(conn_id)
    extra = connection.extra_dejson

    def number(name: str, default: float) -> float:
        try:
            return float(extra.get(name, default))
        except (TypeError, ValueError) as error:
            raise TallyhouseError(
                f"Connection {conn_id}: {name} in its extra must be a number, not {extra[name]!r}."
            ) from error

    return StripeSettings(
        conn_id=conn_id,
        api_key=connection.password or "",
        api_base=connection.host or "https://api.stripe.com",
        account_id=extra.get("account_id") or None,
        api_version=extra.get("api_version") or None,
        requests_per_second=number("requests_per_second", 20),
        lag=timedelta(seconds=number("lag_seconds", 60)),
        overlap=timedelta(seconds=number("overlap_seconds", 300)),
        max_window=timedelta(hours=number("max_window_hours", 120)),
    )


@contextmanager
def warehouse_connection() -> Iterator[psycopg.Connection]:
    """A psycopg connection to the warehouse, closed at the end."""
    with closing(PostgresHook(postgres_conn_id=WAREHOUSE_CONN_ID).get_conn()) as connection:
        yield cast(psycopg.Connection, connection)
