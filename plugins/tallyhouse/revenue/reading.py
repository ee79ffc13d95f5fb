"""How the page reads the warehouse: one snapshot, read only, as the analyst's role, and never for long."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
from psycopg import sql

from tallyhouse.revenue.errors import NOT_MIGRATED, PageError, explain
from tallyhouse.roles import ANALYST

LONGEST_QUERY = 10_000
"""Milliseconds."""

LONGEST_PAGE = 20_000
"""Milliseconds for all queries of a request together."""

Connect = Callable[[], AbstractContextManager[psycopg.Connection]]


@contextmanager
def reading(connect: Connect) -> Iterator[psycopg.Connection]:
    """A connection in a read-only transaction of one snapshot, as the role tallyhouse_analyst; rolled back at the end.

    Raises PageError for everything that PostgreSQL refuses in it.
    """
    try:
        with connect() as connection:
            try:
                connection.execute("set transaction isolation level repeatable read, read only")
                _become_analyst(connection)
                _limit(connection, LONGEST_QUERY)
                # compiling costs more than it saves on queries of some milliseconds
                connection.execute("set local jit = off")
                yield connection
            finally:
                if not connection.closed:
                    connection.rollback()
    except psycopg.Error as error:
        raise explain(error) from error


class Patience:
    """How long the queries of one request may still take."""

    def __init__(self) -> None:
        self._until = time.monotonic() + LONGEST_PAGE / 1000

    def limit(self, connection: psycopg.Connection) -> None:
        """Bounds the next query of a transaction by what is left; when nothing is, it has a millisecond."""
        left = max(1, round((self._until - time.monotonic()) * 1000))
        _limit(connection, min(LONGEST_QUERY, left))


def _limit(connection: psycopg.Connection, milliseconds: int) -> None:
    connection.execute(sql.SQL("set local statement_timeout = {}").format(sql.Literal(milliseconds)))


def _become_analyst(connection: psycopg.Connection) -> None:
    try:
        connection.execute(sql.SQL("set local role {}").format(sql.Identifier(ANALYST)))
    except psycopg.errors.InvalidParameterValue as error:
        raise PageError(f"The warehouse has no role {ANALYST}, which the page reads as.", NOT_MIGRATED) from error
    except psycopg.errors.InsufficientPrivilege as error:
        login = connection.info.user
        raise PageError(
            f"The login {login} of the Airflow connection may not become the role {ANALYST}, which the page reads as.",
            f'Ask whoever owns the database to run: grant {ANALYST} to "{login}";',
        ) from error
