"""What the demo asks of servers that are not its own, before it starts anything."""

import os
import sys
import time
from pathlib import Path

import httpx
import pytest

from demo import company
from demo.errors import DemoError
from demo.ports import first_free
from demo.preflight import check_stripe, wait_for_simulator
from demo.processes import Child, stop
from simulator.app import DEFAULT_KEY
from simulator.instance import simulator_thread

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def api_base():
    with simulator_thread(customers=5, months=1) as url:
        yield url


@pytest.fixture
def restricted(api_base: str):
    fault = {"name": "restricted", "resources": ["account"]}
    httpx.post(f"{api_base}/_sim/faults", json=fault).raise_for_status()
    yield
    httpx.delete(f"{api_base}/_sim/faults").raise_for_status()


def test_the_account_is_what_the_api_says(api_base: str) -> None:
    account = check_stripe(api_base, DEFAULT_KEY, None)
    assert account.account_id.startswith("acct_")
    assert not account.livemode


def test_a_refused_key_is_named_by_its_end_only(api_base: str) -> None:
    with pytest.raises(DemoError, match=r"\.\.\.wxyz is not valid.*STRIPE_API_KEY") as caught:
        check_stripe(api_base, "sk_test_abcdefghijklmnopqrstuvwxyz", None)
    assert "abcdefgh" not in str(caught.value)


def test_a_key_that_may_not_read_its_account_needs_the_account_named(api_base: str, restricted: None) -> None:
    with pytest.raises(DemoError, match="STRIPE_ACCOUNT_ID"):
        check_stripe(api_base, DEFAULT_KEY, None)
    assert check_stripe(api_base, DEFAULT_KEY, "acct_mine").account_id == "acct_mine"


def test_a_named_account_does_not_hide_that_the_key_is_refused(api_base: str) -> None:
    with pytest.raises(DemoError, match="not valid"):
        check_stripe(api_base, "sk_test_abcdefghijklmnopqrstuvwxyz", "acct_mine")


def test_an_api_that_does_not_answer_is_given_up_soon() -> None:
    begun = time.monotonic()
    with pytest.raises(DemoError, match=r"no answer from http://127\.0\.0\.1:1.*STRIPE_API_BASE"):
        check_stripe("http://127.0.0.1:1", DEFAULT_KEY, None)
    assert time.monotonic() - begun < 10


def test_the_simulator_is_waited_for_until_it_serves(tmp_path: Path) -> None:
    port = first_free(8123)
    who = company.Company(seed=7, customers=5, months=1, founded="2026-10-01T00:00:00Z")
    command = company.command(who, host="127.0.0.1", port=port, api_key=DEFAULT_KEY)
    child = Child("simulator", command, log_path=tmp_path / "log", env=dict(os.environ), cwd=ROOT)
    notes: list[str] = []
    try:
        account = wait_for_simulator(child, f"http://127.0.0.1:{port}", DEFAULT_KEY, note=notes.append, timeout=30)
    finally:
        stop([child.session])
    assert account.account_id.startswith("acct_")
    assert set(notes) == {"generating the company"}


def test_a_simulator_that_ends_is_shown_with_its_log(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such company')"]
    child = Child("simulator", command, log_path=tmp_path / "log", env=dict(os.environ), cwd=ROOT)
    with pytest.raises(DemoError, match="simulator ended with exit status 1") as caught:
        wait_for_simulator(child, "http://127.0.0.1:1", DEFAULT_KEY, note=lambda text: None, timeout=30)
    assert caught.value.log_tail[-1] == "no such company"
