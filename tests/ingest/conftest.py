"""A scripted Stripe, a client that does not wait, and a warehouse's connection."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from tallyhouse.client import Account, StripeClient
from tests.ingest.scripted import ACCOUNT, KEY, ScriptedStripe, scripted_stripe

# A whole hour, long ago: the scripted server does not age events out.
HOUR = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp())


@pytest.fixture
def stripe() -> Iterator[ScriptedStripe]:
    with scripted_stripe() as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    """The seconds that the client would have waited between attempts."""
    return []


@pytest.fixture
def client(stripe: ScriptedStripe, waits: list[float]) -> Iterator[StripeClient]:
    made = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None, sleep=waits.append)
    yield made
    made.close()


@pytest.fixture
def account() -> Account:
    return Account(ACCOUNT, False, datetime(2026, 3, 1, 13, tzinfo=UTC))


@pytest.fixture
def conn(warehouse: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(warehouse) as connection:
        yield connection
