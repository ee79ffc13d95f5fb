"""The list and retrieve endpoints of the objects."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock
from simulator.company import KINDS, Company
from simulator.ledger import History
from simulator.listings import LISTINGS, clock_of
from simulator.objects import is_deleted
from tests.simulator.conftest import NOW, all_pages, client_of, make_company

LISTS = [
    "customers",
    "products",
    "prices",
    "subscriptions",
    "invoices",
    "charges",
    "refunds",
    "payment_intents",
    "invoice_payments",
    "balance_transactions",
    "payouts",
    "transfers",
    "setup_intents",
]


@pytest.mark.parametrize("name", LISTS)
def test_list_is_newest_first_and_complete(api: httpx.Client, company: Company, name: str) -> None:
    params = {"status": "all"} if name == "subscriptions" else {}
    found = all_pages(api, f"/v1/{name}", **params)
    created = [item["created"] for item in found]
    assert created == sorted(created, reverse=True)
    index = company.objects[name.removesuffix("s")]
    states = {h.id: h.state_at(NOW) for h in index.histories if h.created <= NOW}
    hidden = name in ("customers", "subscriptions")
    expected = {
        object_id
        for object_id, state in states.items()
        if not is_deleted(state) and not (hidden and clock_of(state) is not None)
    }
    assert {item["id"] for item in found} == expected
    assert all(item["object"] == name.removesuffix("s") for item in found)


@pytest.mark.parametrize("name", LISTS)
def test_list_pages_backwards_to_the_same_objects(api: httpx.Client, name: str) -> None:
    newest_first = [item["id"] for item in all_pages(api, f"/v1/{name}")]
    found: list[str] = []
    cursor = newest_first[-1]
    while True:
        page = api.get(f"/v1/{name}", params={"limit": 50, "ending_before": cursor}).json()
        found = [item["id"] for item in page["data"]] + found
        if not page["has_more"]:
            break
        cursor = page["data"][0]["id"]
    assert found == newest_first[:-1]


@pytest.mark.parametrize("name", LISTS)
def test_object_is_retrieved_as_it_is_listed(api: httpx.Client, name: str) -> None:
    item = api.get(f"/v1/{name}", params={"limit": 1}).json()["data"][0]
    assert api.get(f"/v1/{name}/{item['id']}").json() == item


@pytest.mark.parametrize("name", LISTS)
def test_created_bounds_a_slice(api: httpx.Client, name: str) -> None:
    everything = all_pages(api, f"/v1/{name}")
    bound = everything[len(everything) // 2]["created"]
    older = all_pages(api, f"/v1/{name}", **{"created[lt]": bound})
    newer = all_pages(api, f"/v1/{name}", **{"created[gte]": bound})
    assert [item["id"] for item in newer + older] == [item["id"] for item in everything]


def test_missing_object_is_404(api: httpx.Client) -> None:
    answer = api.get("/v1/invoices/in_nope")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "No such invoice: 'in_nope'"


def test_unknown_cursor_of_a_list_is_400(api: httpx.Client) -> None:
    answer = api.get("/v1/charges", params={"starting_after": "ch_nope"})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "resource_missing"


def test_subscriptions_leave_out_canceled_ones_unless_asked(api: httpx.Client) -> None:
    default = {item["status"] for item in all_pages(api, "/v1/subscriptions")}
    everything = {item["status"] for item in all_pages(api, "/v1/subscriptions", status="all")}
    assert "canceled" not in default
    assert "canceled" in everything
    assert default < everything
    only = all_pages(api, "/v1/subscriptions", status="canceled")
    assert only
    assert {item["status"] for item in only} == {"canceled"}


def test_deleted_customer_is_a_stub_and_not_listed(company: Company, own_api: httpx.Client) -> None:
    fresh = Company(company.seed, company.founded, company.customers, company.months)
    fresh.ensure(NOW + 200 * 86_400)
    deleted = next(event for event in fresh.events if event.type == "customer.deleted" and event.at > NOW)
    own_api.post("/_sim/clock", json={"advance_seconds": deleted.at - NOW - 10})
    customer_id = deleted.state.id
    assert own_api.get(f"/v1/customers/{customer_id}").json()["email"]
    own_api.post("/_sim/clock", json={"advance_seconds": 20})
    stub = {"id": customer_id, "object": "customer", "deleted": True}
    assert own_api.get(f"/v1/customers/{customer_id}").json() == stub
    assert customer_id not in {item["id"] for item in all_pages(own_api, "/v1/customers")}
    event = own_api.get(f"/v1/events/{deleted.id}").json()
    assert "deleted" not in event["data"]["object"]
    assert event["data"]["object"]["email"]


def test_payment_methods_need_a_customer(api: httpx.Client) -> None:
    assert api.get("/v1/payment_methods").json()["error"]["code"] == "parameter_missing"


def test_payment_methods_of_a_customer_are_the_attached_ones(api: httpx.Client) -> None:
    for customer in all_pages(api, "/v1/customers")[:40]:
        default = customer["invoice_settings"]["default_payment_method"]
        by_filter = all_pages(api, "/v1/payment_methods", customer=customer["id"])
        by_path = all_pages(api, f"/v1/customers/{customer['id']}/payment_methods")
        assert by_filter == by_path
        assert [card["id"] for card in by_filter] == ([default] if default else [])
        assert [api.get(f"/v1/payment_methods/{card['id']}").json() for card in by_filter] == by_filter


def test_subscription_items_need_a_subscription(api: httpx.Client) -> None:
    assert api.get("/v1/subscription_items").status_code == 400
    subscription = all_pages(api, "/v1/subscriptions")[0]
    items = all_pages(api, "/v1/subscription_items", subscription=subscription["id"])
    assert items == subscription["items"]["data"]
    assert api.get(f"/v1/subscription_items/{items[0]['id']}").json() == items[0]


def test_invoice_lines_page_to_the_embedded_ones(api: httpx.Client) -> None:
    invoice = next(i for i in all_pages(api, "/v1/invoices") if i["lines"]["total_count"] > 1)
    lines = all_pages(api, f"/v1/invoices/{invoice['id']}/lines", limit=1)
    assert lines == invoice["lines"]["data"]


def test_charges_of_a_customer_are_that_customers(api: httpx.Client) -> None:
    customer = api.get("/v1/charges").json()["data"][0]["customer"]
    found = all_pages(api, "/v1/charges", customer=customer)
    expected = [c["id"] for c in all_pages(api, "/v1/charges") if c["customer"] == customer]
    assert [charge["id"] for charge in found] == expected


def test_retired_price_is_listed_with_its_successor(api: httpx.Client) -> None:
    retired = all_pages(api, "/v1/prices", active="false")
    assert retired
    keys = {price["lookup_key"] for price in all_pages(api, "/v1/prices", active="true")}
    assert retired[0]["lookup_key"].replace("_v1", "_v2") in keys


def test_account_is_the_companys(api: httpx.Client, company: Company) -> None:
    account = api.get("/v1/account").json()
    assert account["id"] == company.account_id
    assert account["object"] == "account"


def test_plans_are_the_recurring_prices(api: httpx.Client) -> None:
    recurring = [price["id"] for price in all_pages(api, "/v1/prices", type="recurring")]
    plans = all_pages(api, "/v1/plans")
    assert [plan["id"] for plan in plans] == recurring
    assert {plan["object"] for plan in plans} == {"plan"}
    assert api.get(f"/v1/plans/{recurring[0]}").json() == plans[0]
    once = all_pages(api, "/v1/prices", type="one_time")[0]["id"]
    assert api.get(f"/v1/plans/{once}").json()["error"]["code"] == "resource_missing"


@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("charges", {"payment_intent": "payment_intent"}),
        ("refunds", {"charge": "charge"}),
        ("refunds", {"payment_intent": "payment_intent"}),
        ("invoices", {"status": "status"}),
        ("subscriptions", {"customer": "customer"}),
        ("invoice_payments", {"invoice": "invoice"}),
        ("payment_intents", {"customer": "customer"}),
        ("products", {"active": "active"}),
        ("prices", {"product": "product"}),
    ],
)
def test_filter_lists_those_that_match(api: httpx.Client, name: str, filters: dict[str, str]) -> None:
    everything = all_pages(api, f"/v1/{name}")
    wanted = {param: everything[-1][field] for param, field in filters.items()}
    found = all_pages(api, f"/v1/{name}", **{k: str(v).lower() if v is True else v for k, v in wanted.items()})
    expected = [item for item in everything if all(item[filters[param]] == value for param, value in wanted.items())]
    assert found == expected
    assert found


@pytest.mark.parametrize("name", LISTINGS)
def test_every_filter_of_every_list_is_answered(api: httpx.Client, name: str) -> None:
    customer = api.get("/v1/customers").json()["data"][0]["id"]
    needed = {"customer": customer} if LISTINGS[name].required else {}
    if api.get(f"/v1/{name}", params=needed).status_code == 404:
        assert LISTINGS[name].kind not in KINDS
        return
    for param in LISTINGS[name].filters:
        answer = api.get(f"/v1/{name}", params={**needed, param: customer if param == "customer" else "x"})
        assert answer.status_code == 200, (param, answer.text)


def test_invoice_payments_are_found_by_their_payment_intent(api: httpx.Client) -> None:
    payment = api.get("/v1/invoice_payments").json()["data"][0]
    by_intent = {"payment[type]": "payment_intent", "payment[payment_intent]": payment["payment"]["payment_intent"]}
    assert all_pages(api, "/v1/invoice_payments", **by_intent) == [payment]


def test_nested_list_is_of_its_parent_alone(api: httpx.Client) -> None:
    refund = api.get("/v1/refunds").json()["data"][0]
    assert refund in api.get(f"/v1/charges/{refund['charge']}/refunds").json()["data"]
    assert api.get(f"/v1/charges/{refund['charge']}/refunds/{refund['id']}").json() == refund
    other = next(charge["id"] for charge in all_pages(api, "/v1/charges") if charge["id"] != refund["charge"])
    assert api.get(f"/v1/charges/{other}/refunds/{refund['id']}").status_code == 404
    assert api.get("/v1/charges/ch_nope/refunds").status_code == 404
    customer = api.get("/v1/customers").json()["data"][0]["id"]
    assert api.get(f"/v1/customers/{customer}/sources").json()["data"] == []


def _changed(kind: str, change: Callable[[Any], Any]) -> tuple[Company, History]:
    """A company whose newest present object of a kind is in another state, and that object."""
    company = make_company()
    company.ensure(NOW)
    history = [h for h in company.objects[kind].histories if h.ats[-1] <= NOW][-1]
    history.states[-1] = change(history.states[-1])
    return company, history


def _with(**fields: object) -> Callable[[Any], Any]:
    """The state with fields that not every kind of state has."""
    return lambda state: type("Changed", (type(state),), fields)(*state)


def test_invoice_shows_ten_lines_and_pages_through_all() -> None:
    def many(state: Any) -> Any:
        lines = [state.lines[0]._replace(id=f"il_{number}", amount=number) for number in range(23)]
        return state._replace(lines=tuple(lines))

    company, history = _changed("invoice", many)
    with client_of(create_app(company, Clock(NOW, frozen=True), rate_limit=0)) as client:
        for version in ("2024-06-20", "2026-10-28.endive"):
            client.headers["Stripe-Version"] = version
            invoice = client.get(f"/v1/invoices/{history.id}").json()
            lines = all_pages(client, invoice["lines"]["url"], limit=9)
            assert invoice["lines"]["data"] == lines[:10]
            assert (invoice["lines"]["has_more"], invoice["lines"]["total_count"]) == (True, 23)
            assert [line["amount"] for line in lines] == list(range(23))


def test_subscription_shows_twenty_items_and_pages_through_all() -> None:
    def many(state: Any) -> Any:
        items = [state.items[0]._replace(id=f"si_{number}") for number in range(21)]
        return state._replace(items=tuple(items), status="active")

    company, history = _changed("subscription", many)
    with client_of(create_app(company, Clock(NOW, frozen=True), rate_limit=0)) as client:
        shown = client.get(f"/v1/subscriptions/{history.id}").json()["items"]
        items = all_pages(client, "/v1/subscription_items", subscription=history.id, limit=15)
        assert shown["data"] == items[:20]
        assert (len(items), shown["has_more"], shown["total_count"]) == (21, True, 21)


@pytest.mark.parametrize("kind", ["customer", "product", "invoice"])
def test_deleted_object_is_a_stub_and_not_listed(kind: str) -> None:
    company, history = _changed(kind, _with(is_deleted=True))
    with client_of(create_app(company, Clock(NOW, frozen=True), rate_limit=0)) as client:
        stub = {"id": history.id, "object": kind, "deleted": True}
        assert client.get(f"/v1/{kind}s/{history.id}").json() == stub
        assert history.id not in {item["id"] for item in all_pages(client, f"/v1/{kind}s")}


def test_customer_on_a_test_clock_is_listed_only_with_its_clock() -> None:
    company, history = _changed("customer", _with(test_clock="clock_1"))
    with client_of(create_app(company, Clock(NOW, frozen=True), rate_limit=0)) as client:
        assert history.id not in {item["id"] for item in all_pages(client, "/v1/customers")}
        assert [item["id"] for item in all_pages(client, "/v1/customers", test_clock="clock_1")] == [history.id]
        assert client.get(f"/v1/customers/{history.id}").status_code == 200


def test_subscription_on_a_test_clock_is_listed_with_its_clock_or_its_customer() -> None:
    company, history = _changed("subscription", _with(test_clock="clock_1"))
    query = {"status": "all"}
    with client_of(create_app(company, Clock(NOW, frozen=True), rate_limit=0)) as client:
        listed = {item["id"] for item in all_pages(client, "/v1/subscriptions", **query)}
        by_clock = all_pages(client, "/v1/subscriptions", **query, test_clock="clock_1")
        by_customer = all_pages(client, "/v1/subscriptions", **query, customer=history.state.customer)
        assert history.id not in listed
        assert [item["id"] for item in by_clock] == [history.id]
        assert history.id in {item["id"] for item in by_customer}
