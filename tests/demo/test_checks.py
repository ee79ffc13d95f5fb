"""What the demo asks of servers that are not its own, before it starts anything."""

import httpx
import pytest

from demo.checks import check_stripe
from demo.errors import DemoError
from simulator.app import DEFAULT_KEY
from simulator.instance import simulator_thread


@pytest.fixture(scope="module")
def api_base():
    with simulator_thread(customers=5, months=1) as url:
        yield url


@pytest.fixture
def restricted(api_base: str):
    httpx.post(f"{api_base}/_sim/faults", json={"name": "restricted"}).raise_for_status()
    yield
    httpx.delete(f"{api_base}/_sim/faults").raise_for_status()


def test_the_account_is_what_the_api_says(api_base: str) -> None:
    assert check_stripe(api_base, DEFAULT_KEY, None).startswith("acct_")


def test_a_refused_key_is_named_by_its_end_only(api_base: str) -> None:
    with pytest.raises(DemoError, match=r"does not accept the key .*\.\.\.wxyz"):
        check_stripe(api_base, "sk_test_abcdefghijklmnopqrstuvwxyz", None)


def test_a_key_that_may_not_read_its_account_needs_the_account_named(api_base: str, restricted: None) -> None:
    with pytest.raises(DemoError, match="set STRIPE_ACCOUNT_ID"):
        check_stripe(api_base, DEFAULT_KEY, None)
    assert check_stripe(api_base, DEFAULT_KEY, "acct_mine") == "acct_mine"
