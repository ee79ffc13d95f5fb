"""The edge: reads Airflow connections and files' places, so that everything inside takes parameters."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import cast

import psycopg
from airflow.exceptions import AirflowNotFoundException
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import Connection, ObjectStoragePath, Variable

from tallyhouse.client import StripeClient
from tallyhouse.errors import TallyhouseError
from tallyhouse.shared_pacer import SharedPacer

WAREHOUSE_CONN_ID = "warehouse"
STRIPE_CONN_ID = "stripe_default"
STRIPE_CONNECTIONS = "tallyhouse_stripe_connections"
"""Airflow Variable that names the connections to Stripe, separated by commas or spaces."""

ACQUISITION_PATH = "tallyhouse_acquisition_path"
"""Airflow Variable with the folder of installs and ad spend: /data/acquisition, or s3://aws_default@bucket/folder."""

EXPORT_PATH = "tallyhouse_export_path"
"""Airflow Variable with the folder to which export_marts writes: /data/export, or s3://aws_default@bucket/folder."""

ALERT_EMAILS = "tallyhouse_alert_emails"
"""Airflow Variable with the addresses, separated by commas or spaces, to tell of failures and of late runs."""

ALERT_SLACK = "tallyhouse_alert_slack"
"""Airflow Variable with the id of the connection (Slack incoming webhook) by which to tell of them."""

SQL_ROOT = Path(os.environ.get("TALLYHOUSE_SQL_ROOT") or Path(__file__).resolve().parents[2] / "include" / "sql")
"""Where the SQL files are: include/sql beside plugins/, unless TALLYHOUSE_SQL_ROOT names another folder."""


@dataclass(frozen=True)
class StripeSettings:
    """One account to read, as its Airflow connection describes it; every part of extra has a default.

    Extra: account_id (acct_..., needed only where the key may not read the account), api_version,
    requests_per_second (25, which Stripe allows on one
    endpoint: the limit of all processes together), lag_seconds (60; how far a window stays behind
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
        """A client for this account, closed at the end; it shares its pace with all others, through the warehouse."""
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
            account = client.account()
            pacer = SharedPacer(
                open_warehouse_connection, account.account_id, account.livemode, self.requests_per_second
            )
            with closing(pacer):
                client.pace_with(pacer)
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
        requests_per_second=number("requests_per_second", 25),
        lag=timedelta(seconds=number("lag_seconds", 60)),
        overlap=timedelta(seconds=number("overlap_seconds", 300)),
        max_window=timedelta(hours=number("max_window_hours", 120)),
    )


def stripe_connections(chosen: Sequence[str] = ()) -> list[str]:
    """Ids of the connections to Stripe, one for each account and mode; of `chosen`, if there are any, only these.

    A task may read a connection that it can name, but Airflow gives it no list of them. So the Variable
    tallyhouse_stripe_connections names them. Without it they are those that the environment holds
    (AIRFLOW_CONN_STRIPE_<NAME>), and stripe_default, wherever that is kept. Raises TallyhouseError for a name that is
    not stripe_<name>, and for one chosen that is not there.
    """
    named = Variable.get(STRIPE_CONNECTIONS, default=None)
    if named:
        found = re.split(r"[\s,]+", str(named).strip(", \n\t"))
    else:
        prefix = "AIRFLOW_CONN_"
        found = sorted(name.removeprefix(prefix).lower() for name in os.environ if name.startswith(f"{prefix}STRIPE_"))
        if STRIPE_CONN_ID not in found and (not found or _exists(STRIPE_CONN_ID)):
            found.insert(0, STRIPE_CONN_ID)
    found = list(dict.fromkeys(found))
    odd = [name for name in found if not re.fullmatch(r"stripe_\w+", name)]
    if odd:
        raise TallyhouseError(
            f"Variable {STRIPE_CONNECTIONS} names {', '.join(odd)}: a connection to Stripe is named stripe_<name>. "
            f"Put their names there, separated by commas."
        )
    absent = [name for name in chosen if name not in found]
    if absent:
        raise TallyhouseError(
            f"The form names {', '.join(absent)}, but the connections to Stripe are: {', '.join(found)}. Add them to "
            f"Variable {STRIPE_CONNECTIONS}."
        )
    return [name for name in found if not chosen or name in chosen]


def acquisition_folder() -> ObjectStoragePath | None:
    """The folder to read installs, clients, channels, ad spend and rates from; None where Variable names none.

    In an object store, the part before the @ is the Airflow connection with which to read it.
    """
    return _folder(ACQUISITION_PATH)


def export_folder() -> ObjectStoragePath | None:
    """The folder to write exports to; None where the Variable names none. In an object store as above."""
    return _folder(EXPORT_PATH)


@dataclass(frozen=True)
class AlertSettings:
    """Whom to tell of failures: e-mail addresses, by Airflow's own SMTP connection, and a connection to Slack."""

    emails: list[str]
    slack_conn_id: str | None


def alert_settings() -> AlertSettings:
    """What the Variables say; nobody where they are not set."""
    return AlertSettings(
        emails=[found for found in re.split(r"[\s,;]+", _variable(ALERT_EMAILS)) if found],
        slack_conn_id=_variable(ALERT_SLACK) or None,
    )


def open_warehouse_connection() -> psycopg.Connection:
    """A new psycopg connection to the warehouse, which the caller closes."""
    return cast(psycopg.Connection, PostgresHook(postgres_conn_id=WAREHOUSE_CONN_ID).get_conn())


@contextmanager
def warehouse_connection() -> Iterator[psycopg.Connection]:
    """A psycopg connection to the warehouse, closed at the end."""
    with closing(open_warehouse_connection()) as connection:
        yield connection


def _folder(variable: str) -> ObjectStoragePath | None:
    named = _variable(variable)
    return ObjectStoragePath(named) if named else None


def _variable(name: str) -> str:
    return str(Variable.get(name, default=None) or "").strip()


def _exists(conn_id: str) -> bool:
    try:
        Connection.get(conn_id)
    except AirflowNotFoundException:
        return False
    return True
