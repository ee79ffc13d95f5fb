"""Advisory locks that a session holds over several transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg

RELEASE = "ops.release"
"""While somebody holds it, no load begins (`ops.release_batches`)."""


@contextmanager
def held(connection: psycopg.Connection, names: Sequence[str]) -> Iterator[None]:
    """Waits for these locks, in this order, and holds them while the block runs."""
    taken: list[str] = []
    try:
        with connection.transaction():
            for name in names:
                connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
                taken.append(name)
        yield
    finally:
        unlock(connection, taken)


def unlock(connection: psycopg.Connection, names: Sequence[str]) -> None:
    """Releases locks of the session; a connection that is broken has released them."""
    if connection.broken or connection.closed:
        return
    with connection.transaction():
        for name in names:
            connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])
