"""One pace for all processes, through a row in the warehouse."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise

import psycopg
import pytest

from tallyhouse.shared_pacer import USED_SHARE, SharedPacer

RATE = 200.0


def pacer(conninfo: str, rate: float = RATE, account_id: str = "acct_1", livemode: bool = False) -> SharedPacer:
    return SharedPacer(lambda: psycopg.connect(conninfo), account_id, livemode, rate)


@pytest.fixture
def first(warehouse: str) -> Iterator[SharedPacer]:
    made = pacer(warehouse)
    yield made
    made.close()


def take_many(conninfo: str, count: int, moments: "multiprocessing.Queue[list[float]]") -> None:
    """Takes slots and tells when it had each."""
    mine = pacer(conninfo)
    taken = []
    for _ in range(count):
        mine.take()
        taken.append(time.time())
    mine.close()
    moments.put(taken)


def test_processes_share_one_rate(warehouse: str) -> None:
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[list[float]] = context.Queue()
    processes = [context.Process(target=take_many, args=(warehouse, 100, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    moments = sorted(moment for _ in processes for moment in queue.get(timeout=60))
    for process in processes:
        process.join()
    busy = [later - earlier for earlier, later in pairwise(moments)]
    assert len(moments) == 300
    # No second holds more than the limit, however the processes fall into step.
    for moment in moments:
        assert sum(moment <= other < moment + 1 for other in moments) <= RATE
    assert sum(gap > 0 for gap in busy) > 100


def test_slots_follow_one_another_at_the_share_of_the_rate_that_is_used(warehouse: str) -> None:
    waits: list[float] = []
    taker = SharedPacer(lambda: psycopg.connect(warehouse), "acct_1", False, 0.1, sleep=waits.append)
    for _ in range(5):
        taker.take()
    taker.close()
    spacing = 1 / (0.1 * USED_SHARE)
    # the takes themselves take time, though nobody sleeps
    assert waits == pytest.approx([spacing * number for number in range(1, 5)], abs=2)


def test_a_pause_saves_no_slots_up(warehouse: str) -> None:
    waits: list[float] = []
    taker = SharedPacer(lambda: psycopg.connect(warehouse), "acct_1", False, 0.1, sleep=waits.append)
    taker.take()
    with psycopg.connect(warehouse) as conn:
        conn.execute("update ops.rate_limit set next_at = clock_timestamp() - interval '1 hour'")
    taker.take()
    taker.take()
    taker.close()
    assert waits == pytest.approx([1 / (0.1 * USED_SHARE)], abs=2)


def test_a_429_holds_everybody_back(warehouse: str, first: SharedPacer) -> None:
    waits: list[float] = []
    other = SharedPacer(lambda: psycopg.connect(warehouse), "acct_1", False, RATE, sleep=waits.append)
    first.throttled(7.0)
    first.throttled(3.0)
    other.take()
    other.close()
    assert waits == pytest.approx([7.0], abs=0.3)


def test_accounts_and_modes_have_budgets_of_their_own(warehouse: str, first: SharedPacer) -> None:
    first.throttled(60.0)
    for account_id, livemode in (("acct_2", False), ("acct_1", True)):
        other = pacer(warehouse, account_id=account_id, livemode=livemode)
        assert other.take() == 0.0
        other.close()


def test_threads_may_share_a_pacer(warehouse: str, first: SharedPacer) -> None:
    taken: list[float] = []
    threads = [threading.Thread(target=lambda: taken.append(first.take())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 10
    with psycopg.connect(warehouse) as conn:
        row = conn.execute("select next_at from ops.rate_limit").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)


def test_a_lost_connection_is_opened_anew(warehouse: str, first: SharedPacer) -> None:
    first.take()
    with psycopg.connect(warehouse) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    assert first.take() < 1.0


def test_a_rate_of_zero_is_refused(warehouse: str) -> None:
    with pytest.raises(ValueError, match="above 0"):
        pacer(warehouse, rate=0)
