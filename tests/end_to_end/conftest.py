"""A simulated company behind real HTTP, its clock stopped until a test moves it."""

from collections.abc import Iterator

import pytest

from simulator.app import create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread

FOUNDED = "2025-01-15T00:00:00Z"
NOW = "2026-07-10T12:00:00Z"


@pytest.fixture
def company_url() -> Iterator[str]:
    """Eighteen months of 250 customers; a server of its own for each test, since tests move its clock."""
    company = Company(7, int(parse_instant(FOUNDED)), customers=250, months=18)
    with serve_in_thread(create_app(company, Clock(parse_instant(NOW), frozen=True), rate_limit=0)) as url:
        yield url
