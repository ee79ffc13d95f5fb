"""A connection to a fresh warehouse, for tests of models, checks and marts."""

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture
def connection(each_warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse, on every supported version of PostgreSQL."""
    with psycopg.connect(each_warehouse) as opened:
        yield opened
