"""Reading ahead in a thread."""

import threading
import time
from collections.abc import Iterator

import pytest

from tallyhouse.prefetch import prefetch


def until_ended(seconds: float = 20.0) -> None:
    """Waits until the prefetching threads have ended."""
    deadline = time.monotonic() + seconds
    while any(thread.name == "tallyhouse-prefetch" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the prefetching thread did not end"
        time.sleep(0.005)


def test_it_keeps_the_order_and_ends_its_thread() -> None:
    assert list(prefetch(lambda stop: iter(range(1000)))) == list(range(1000))
    until_ended()


def test_an_error_comes_after_the_items_before_it() -> None:
    def produce(stop: threading.Event) -> Iterator[int]:
        yield 1
        yield 2
        raise LookupError("lost")

    items = prefetch(produce)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(LookupError, match="lost"):
        next(items)
    until_ended()


def test_it_reads_no_further_ahead_than_it_may() -> None:
    made: list[int] = []

    def produce(stop: threading.Event) -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    items = prefetch(produce, max_items=3)
    next(items)
    time.sleep(0.1)
    assert len(made) <= 5
    assert list(items) == list(range(1, 100))


def test_large_items_are_made_one_at_a_time() -> None:
    made: list[int] = []

    def produce(stop: threading.Event) -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    items = prefetch(produce, max_items=10, max_bytes=100, size_of=lambda item: 1000)
    next(items)
    time.sleep(0.1)
    assert len(made) <= 2
    assert list(items) == list(range(1, 20))


def test_closing_it_stops_the_thread_even_while_it_waits() -> None:
    stopped = threading.Event()

    def produce(stop: threading.Event) -> Iterator[int]:
        yield 1
        stop.wait(30)
        stopped.set()

    items = prefetch(produce)
    assert next(items) == 1
    items.close()
    assert stopped.wait(1)
    until_ended()
