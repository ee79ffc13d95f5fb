"""A small company, once in memory and once behind real HTTP with a frozen clock."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from fastapi import FastAPI

from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.server import serve_in_thread

FOUNDED = int(parse_instant("2026-01-01T00:00:00Z"))
NOW = parse_instant("2026-07-15T12:00:00Z")


def make_company(seed: int = 60) -> Company:
    return Company(seed, FOUNDED, customers=150, months=6)


@pytest.fixture(scope="session")
def company() -> Company:
    """Lived until NOW; for tests that only read."""
    company = make_company()
    company.ensure(NOW)
    return company


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    with serve_in_thread(create_app(make_company(), Clock(NOW, frozen=True), rate_limit=0)) as url:
        yield url


@pytest.fixture(scope="session")
def api(base_url: str) -> Iterator[httpx.Client]:
    """A client of a server that no test changes."""
    with httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {DEFAULT_KEY}"}, timeout=60) as client:
        yield client


@contextmanager
def client_of(app: FastAPI, key: str = DEFAULT_KEY) -> Iterator[httpx.Client]:
    """A client of an application while the block runs."""
    with serve_in_thread(app) as url, httpx.Client(base_url=url, auth=(key, ""), timeout=60) as client:
        yield client


@pytest.fixture
def own_api() -> Iterator[httpx.Client]:
    """A client of a server of the test's own, to set its clock and faults."""
    with client_of(create_app(make_company(), Clock(NOW, frozen=True), rate_limit=0)) as client:
        yield client


def all_pages(client: httpx.Client, path: str, **params: object) -> list[dict]:
    """Every object of a list, newest first, by `starting_after`."""
    found: list[dict] = []
    query = {"limit": 100, **params}
    while True:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        query["starting_after"] = page["data"][-1]["id"]


def all_with_clocks(client: httpx.Client, path: str, **params: object) -> list[dict]:
    """The same with what lives by a test clock, which a list shows only with the clock's id."""
    clocks = [clock["id"] for clock in all_pages(client, "/v1/test_helpers/test_clocks")]
    on_clocks = [item for clock in clocks for item in all_pages(client, path, test_clock=clock, **params)]
    return all_pages(client, path, **params) + on_clocks
