"""The token bucket."""

import threading

import pytest

from tallyhouse.rate_limit import PAUSE_SECONDS, TokenBucket


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_it_lets_a_burst_through_and_then_keeps_to_the_rate() -> None:
    clock = Clock()
    bucket = TokenBucket(20.0, burst=5, clock=clock, sleep=clock.sleep)
    waits = [bucket.take() for _ in range(25)]
    assert waits[:5] == [0.0] * 5
    assert clock.now == pytest.approx(1.0)


def test_a_pause_fills_it_up_to_the_burst_and_no_further() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, burst=3, clock=clock, sleep=clock.sleep)
    for _ in range(3):
        bucket.take()
    clock.now += 60
    assert [bucket.take() for _ in range(4)] == pytest.approx([0.0, 0.0, 0.0, 0.1])


def test_without_a_rate_it_never_waits() -> None:
    clock = Clock()
    bucket = TokenBucket(None, clock=clock, sleep=clock.sleep)
    assert sum(bucket.take() for _ in range(1000)) == 0.0


def test_after_a_429_it_gives_nothing_for_as_long_as_was_asked() -> None:
    clock = Clock()
    bucket = TokenBucket(10.0, burst=5, clock=clock, sleep=clock.sleep)
    bucket.throttled(3.0)
    assert bucket.take() == pytest.approx(3.0)
    assert bucket.take() == pytest.approx(0.1)
    bucket.throttled(None)
    assert bucket.take() == pytest.approx(PAUSE_SECONDS)


def test_threads_share_one_rate() -> None:
    clock = Clock()
    waits: list[float] = []
    bucket = TokenBucket(10.0, clock=clock, sleep=waits.append)
    threads = [threading.Thread(target=bucket.take) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == pytest.approx([0.1, 0.2, 0.3, 0.4])


def test_a_rate_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        TokenBucket(0)
