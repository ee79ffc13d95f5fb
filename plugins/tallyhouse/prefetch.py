"""Reads ahead: runs an iterator in a thread while its consumer works, within a bound of memory."""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

T = TypeVar("T")


def prefetch(
    produce: Callable[[threading.Event], Iterator[T]],
    *,
    max_items: int = 2,
    max_bytes: int | None = None,
    size_of: Callable[[T], int] = lambda item: 0,
) -> Generator[T, None, None]:
    """Yields what `produce(stop)` yields, in its order, while a thread of its own runs it.

    At most `max_items` wait for the consumer, and no more are made while those that wait have `max_bytes` or
    more by `size_of`. An exception in `produce` is raised here, after the items before it. Closing the
    generator sets `stop` and waits some seconds for the thread to end; `produce` should heed it wherever it waits.
    """
    stop = threading.Event()
    changed = threading.Condition()
    waiting: deque[T] = deque()
    waiting_bytes = 0
    ended = False
    fault: BaseException | None = None

    def is_full() -> bool:
        return len(waiting) >= max_items or (max_bytes is not None and bool(waiting) and waiting_bytes >= max_bytes)

    def work() -> None:
        nonlocal waiting_bytes, ended, fault
        try:
            for item in produce(stop):
                with changed:
                    waiting.append(item)
                    waiting_bytes += size_of(item)
                    changed.notify_all()
                    changed.wait_for(lambda: stop.is_set() or not is_full())
                if stop.is_set():
                    break
        except BaseException as error:
            fault = error
        finally:
            with changed:
                ended = True
                changed.notify_all()

    thread = threading.Thread(target=work, name="tallyhouse-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                changed.wait_for(lambda: bool(waiting) or ended)
                if not waiting:
                    break
                item = waiting.popleft()
                waiting_bytes -= size_of(item)
                changed.notify_all()
            yield item
        if fault is not None:
            raise fault
    finally:
        stop.set()
        with changed:
            changed.notify_all()
        # A request under way cannot be called back; the thread ends by itself after it.
        thread.join(timeout=5.0)
