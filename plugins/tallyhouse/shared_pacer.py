"""One pace for all processes: every request to an account takes the next slot of a row in the warehouse."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import psycopg

from tallyhouse.rate_limit import PAUSE_SECONDS, require_rate

log = logging.getLogger(__name__)

USED_SHARE = 0.95
"""Share of the limit that is used. Slots are evenly spaced, but requests arrive some milliseconds early or late: with
all of it, a second of Stripe's would now and then see one request too many."""

# clock_timestamp() is read after the wait for the row, so that slots follow one another whoever asks.
_TAKE = """
insert into ops.rate_limit as r (account_id, livemode, next_at)
values (%(account_id)s, %(livemode)s, clock_timestamp() + %(spacing)s)
on conflict (account_id, livemode) do update
set next_at = greatest(r.next_at, clock_timestamp()) + %(spacing)s
returning extract(epoch from r.next_at - %(spacing)s - clock_timestamp())::float8
"""
_PAUSE = """
insert into ops.rate_limit as r (account_id, livemode, next_at)
values (%(account_id)s, %(livemode)s, clock_timestamp() + %(pause)s)
on conflict (account_id, livemode) do update
set next_at = greatest(r.next_at, excluded.next_at)
"""


class SharedPacer:
    """A Pacer over ops.rate_limit, for one account and mode. Safe to use from several threads.

    `rate` is Stripe's limit in requests a second, of which a margin is left. `connect` opens a connection to the
    warehouse: the pacer has one of its own, where each reservation is a short transaction that is committed at once,
    while the connections of its callers hold theirs open for minutes. A reservation is lost with a process that dies:
    that costs one slot. Raises psycopg.OperationalError when the warehouse is gone, also for a new connection.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        account_id: str,
        livemode: bool,
        rate: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ):
        require_rate(rate)
        self._connect = connect
        self._key: dict[str, Any] = {"account_id": account_id, "livemode": livemode}
        self._spacing = timedelta(seconds=1 / (rate * USED_SHARE))
        self._sleep = sleep
        self._lock = threading.Lock()
        self._conn: psycopg.Connection | None = None

    def take(self) -> float:
        """Waits for a slot and takes it; returns the seconds waited."""
        row = self._execute(_TAKE, {"spacing": self._spacing})
        assert row is not None  # noqa: S101 - for the type checker: the statement returns its row
        wait = max(0.0, float(row[0]))
        if wait:
            self._sleep(wait)
        return wait

    def throttled(self, asked_seconds: float | None) -> None:
        """Moves the next slot of everybody behind the pause; those that were reserved before stay."""
        pause = PAUSE_SECONDS if asked_seconds is None else asked_seconds
        self._execute(_PAUSE, {"pause": timedelta(seconds=pause)})

    def close(self) -> None:
        """Closes the pacer's connection; it opens another if it is used again."""
        with self._lock:
            if self._conn is not None:
                self._conn.close()
            self._conn = None

    def _execute(self, query: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        parameters = {**self._key, **values}
        with self._lock:
            try:
                return self._run(query, parameters)
            except psycopg.OperationalError as error:
                log.warning("the pacer's connection to the warehouse was lost (%s); trying a new one", error)
                self._conn = None
                return self._run(query, parameters)

    def _run(self, query: str, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        if self._conn is None:
            self._conn = self._connect()
            self._conn.autocommit = True
        cursor = self._conn.execute(query, parameters)
        return cursor.fetchone() if cursor.description else None
