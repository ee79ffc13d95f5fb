"""Several accounts behind one server: keys, modes and Connect."""

from collections.abc import Iterator

import httpx
import pytest

from simulator.account import Account
from simulator.app import serve_accounts
from simulator.clock import Clock
from simulator.instance import simulator_process, simulator_thread
from tests.simulator.conftest import FOUNDED, NOW, all_pages, client_of, make_company

KEYS = {"platform": "sk_test_tallyhouse", "connected": "sk_test_tallyhouse_2", "live": "rk_live_tallyhouse"}


@pytest.fixture(scope="module")
def accounts() -> dict[str, Account]:
    """A platform, an account connected to it, and one in live mode that has nothing to do with either."""
    found = {name: Account(make_company(seed), key) for seed, (name, key) in enumerate(KEYS.items(), 12)}
    found["platform"].connect(found["connected"])
    return found


@pytest.fixture(scope="module")
def server(accounts: dict[str, Account]) -> Iterator[httpx.Client]:
    with client_of(serve_accounts(list(accounts.values()), Clock(NOW, frozen=True))) as client:
        yield client


def _as(client: httpx.Client, name: str, path: str, **headers: str) -> dict:
    answer = client.get(path, auth=(KEYS[name], ""), params={"limit": 100}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", KEYS)
def test_each_key_reads_its_own_account(server: httpx.Client, accounts: dict[str, Account], name: str) -> None:
    assert _as(server, name, "/v1/account")["id"] == accounts[name].id
    customers = {customer["id"] for customer in _as(server, name, "/v1/customers")["data"]}
    assert customers <= set(accounts[name].company.objects["customer"].by_id)


def _modes(value: object) -> set[bool]:
    if isinstance(value, dict):
        own = {value["livemode"]} if "livemode" in value else set()
        return own.union(*(_modes(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(_modes(part) for part in value))
    return set()


@pytest.mark.parametrize("path", ["events", "customers", "subscriptions", "invoices", "charges", "prices"])
@pytest.mark.parametrize("version", ["2024-06-20", "2026-10-28.endive"])
def test_live_key_sees_live_mode_at_every_depth(server: httpx.Client, path: str, version: str) -> None:
    headers = {"Stripe-Version": version}
    assert _modes(_as(server, "live", f"/v1/{path}", **headers)) == {True}
    assert _modes(_as(server, "platform", f"/v1/{path}", **headers)) == {False}


def test_platform_lists_the_events_of_its_connected_account(server: httpx.Client, accounts: dict[str, Account]) -> None:
    client = httpx.Client(base_url=server.base_url, auth=(KEYS["connected"], ""))
    with client:
        theirs = all_pages(client, "/v1/events")
    listed = all_pages(server, "/v1/events")
    forwarded = [event for event in listed if "account" in event]
    assert {event["account"] for event in forwarded} == {accounts["connected"].id}
    assert [{k: v for k, v in event.items() if k != "account"} for event in forwarded] == theirs
    assert len(listed) - len(forwarded) == accounts["platform"].events.count(NOW) - len(forwarded)
    created = [event["created"] for event in listed]
    assert created == sorted(created, reverse=True)
    assert len({event["id"] for event in listed}) == len(listed)


def test_forwarded_events_page_in_the_same_order_in_small_pages(server: httpx.Client) -> None:
    window = {"created[gte]": int(NOW) - 3 * 86_400}
    large = [event["id"] for event in all_pages(server, "/v1/events", **window)]
    assert [event["id"] for event in all_pages(server, "/v1/events", **window, limit=7)] == large
    assert len(large) > 50


def test_steps_of_the_clock_do_not_change_the_order_of_forwarded_events() -> None:
    orders = []
    for step in (3600, 86_400):
        pair = [Account(make_company(seed)) for seed in (12, 13)]
        pair[0].connect(pair[1])
        for at in range(FOUNDED + 40 * 86_400, FOUNDED + 60 * 86_400 + 1, step):
            pair[0].ensure(at)
        until = FOUNDED + 59 * 86_400
        orders.append([e.id for e in pair[0].events._events if e.at < until])
    assert orders[0] == orders[1]
    assert len(orders[0]) > 100


def test_platform_reads_a_connected_account_by_its_header(server: httpx.Client, accounts: dict[str, Account]) -> None:
    header = {"Stripe-Account": accounts["connected"].id}
    theirs = _as(server, "connected", "/v1/customers")
    assert _as(server, "platform", "/v1/customers", **header) == theirs
    assert _as(server, "platform", "/v1/account", **header)["id"] == accounts["connected"].id
    assert [a["id"] for a in _as(server, "platform", "/v1/accounts")["data"]] == [accounts["connected"].id]


def test_account_that_is_not_connected_is_403(server: httpx.Client, accounts: dict[str, Account]) -> None:
    answer = server.get("/v1/customers", headers={"Stripe-Account": accounts["live"].id})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "account_invalid"
    assert server.get(f"/v1/accounts/{accounts['live'].id}").status_code == 403


def test_controls_choose_an_account(server: httpx.Client, accounts: dict[str, Account]) -> None:
    chosen = {"account": accounts["live"].id}
    stats = server.get("/_sim/stats", params=chosen).json()
    assert (stats["account"], stats["livemode"], stats["seed"]) == (accounts["live"].id, True, 14)
    assert stats["accounts"] == [account.id for account in accounts.values()]
    books = server.get("/_sim/books/customers", params=chosen).json()
    assert {row["id"] for row in books} <= set(accounts["live"].company.objects["customer"].by_id)
    assert server.get("/_sim/stats", params={"account": "acct_nope"}).status_code == 404


def test_thread_and_command_serve_several_accounts() -> None:
    now = "2026-03-01T00:00:00Z"
    options = ("--customers", "20", "--months", "2", "--seed", "5", "--accounts", "2", "--connect")
    with (
        simulator_thread(now=now, seed=5, customers=20, months=2, accounts=2, is_connected=True) as here,
        simulator_process(*options, "--now", now, "--upgraded", "2026-02-20") as there,
    ):
        for url in (here, there):
            accounts = [httpx.get(f"{url}/v1/account", auth=(KEYS[name], "")).json() for name in list(KEYS)[:2]]
            connected = httpx.get(f"{url}/v1/accounts", auth=(KEYS["platform"], "")).json()["data"]
            assert connected == accounts[1:]
        assert httpx.get(f"{there}/_sim/stats").json()["upgraded"] == "2026-02-20T00:00:00Z"
