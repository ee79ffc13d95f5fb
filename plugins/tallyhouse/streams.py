"""Several pieces of work at once, each thread with a connection of its own, until all is done or something fails."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar

import psycopg

T = TypeVar("T")


def work_off(
    pieces: Sequence[T],
    connect: Callable[[], AbstractContextManager[psycopg.Connection]],
    streams: int,
    work: Callable[[psycopg.Connection, T], object],
) -> None:
    """Does `work` for each piece, in their order, as many at once as there are streams.

    The first error ends it, after the pieces under way, and is raised.
    """
    left = list(reversed(pieces))
    lock = threading.Lock()
    errors: list[BaseException] = []

    def stream(conn: psycopg.Connection) -> None:
        while True:
            with lock:
                if not left or errors:
                    return
                piece = left.pop()
            try:
                work(conn, piece)
            except BaseException as error:
                with lock:
                    errors.append(error)

    with ExitStack() as stack:
        # Opened here: who opens connections may not be able to do so from several threads.
        conns = [stack.enter_context(connect()) for _ in range(min(streams, len(pieces)))]
        with ThreadPoolExecutor(max(1, len(conns)), thread_name_prefix="tallyhouse-stream") as pool:
            for running in [pool.submit(stream, conn) for conn in conns]:
                running.result()
    if errors:
        raise errors[0]
