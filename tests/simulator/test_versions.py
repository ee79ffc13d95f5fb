"""Two API versions: the one that the account had when an event happened, and the one that a request asks for."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.account import Account
from simulator.app import create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.relations import Relations
from simulator.shapes.endive import EndiveShape
from simulator.shapes.v2024_06_20 import VERSION, Lowering
from tests.simulator.conftest import NOW, all_pages, client_of, make_company

DAY = 86_400
NEWEST = "2026-10-28.endive"
UPGRADED = NOW - 10 * DAY
OLD = {"Stripe-Version": VERSION}
NEW = {"Stripe-Version": NEWEST}


@pytest.fixture(scope="module")
def mixed() -> Iterator[httpx.Client]:
    """A server whose account upgraded ten days ago."""
    with client_of(create_app(make_company(), Clock(NOW, frozen=True), rate_limit=0, upgraded_at=UPGRADED)) as client:
        yield client


@pytest.fixture(scope="module")
def events(mixed: httpx.Client) -> list[dict]:
    """All that is listed, oldest first."""
    return all_pages(mixed, "/v1/events")[::-1]


@pytest.fixture(scope="module")
def old(company: Company) -> dict[str, list[dict]]:
    """All objects in the old shape, by kind, as they are now."""
    shape = Account(company).versions.older
    found = defaultdict(list)
    for kind, index in company.objects.items():
        for history in index.histories:
            state = history.state_at(NOW)
            if state is not None:
                found[kind].append(shape.render(kind, state, NOW))
    return found


def test_events_keep_the_version_of_the_account_when_they_happened(events: list[dict]) -> None:
    for event in events:
        assert event["api_version"] == (VERSION if event["created"] < UPGRADED else NEWEST)
    assert {event["api_version"] for event in events} == {VERSION, NEWEST}


def test_events_look_the_same_whatever_version_a_request_asks_for(mixed: httpx.Client) -> None:
    assert (
        mixed.get("/v1/events", headers=OLD, params={"limit": 100}).content
        == mixed.get("/v1/events", headers=NEW, params={"limit": 100}).content
    )


def test_account_upgrades_fifteen_days_before_its_first_months_are_over(api: httpx.Client) -> None:
    assert api.get("/_sim/stats").json()["upgraded"] == "2026-06-16T00:00:00Z"


@pytest.mark.parametrize(
    ("version", "is_old"),
    [("2020-08-27", True), ("2024-06-20", True), ("2025-03-31.basil", False), (NEWEST, False), (None, False)],
)
def test_lists_are_in_the_version_that_is_asked_for(api: httpx.Client, version: str | None, is_old: bool) -> None:
    headers = {"Stripe-Version": version} if version else {}
    invoice = api.get("/v1/invoices", headers=headers).json()["data"][0]
    assert ("paid" in invoice, "parent" in invoice) == (is_old, not is_old)
    assert api.get(f"/v1/invoices/{invoice['id']}", headers=headers).json() == invoice


def test_request_without_a_version_gets_the_accounts_own(own_api: httpx.Client) -> None:
    own_api.post("/_sim/clock", json={"now": "2026-06-15T00:00:00Z"})
    answer = own_api.get("/v1/subscriptions")
    assert answer.headers["stripe-version"] == VERSION
    assert "current_period_end" in answer.json()["data"][0]
    own_api.post("/_sim/clock", json={"now": "2026-06-17T00:00:00Z"})
    assert own_api.get("/v1/subscriptions").headers["stripe-version"] == NEWEST


# Shown by Stripe only when expanded, or when it applies.
NOT_ALWAYS = {"charge": {"refunds"}, "customer": {"tax"}, "line_item": {"invoice_item", "subscription_item"}}


@pytest.mark.parametrize(
    "kind", ["charge", "customer", "invoice", "payment_intent", "payment_method", "refund", "subscription"]
)
def test_old_objects_have_the_keys_of_recorded_ones(
    old: dict[str, list[dict]], kind: str, fixtures_folder: Path
) -> None:
    folder = fixtures_folder / "recorded-objects" / VERSION
    recorded = [json.loads(path.read_text()) for path in sorted(folder.glob(f"{kind}__*.json"))]
    assert recorded
    for found, expected in ((_keys(old[kind]), _keys(recorded)),):
        for name, keys in found.items():
            if name in expected:
                optional = NOT_ALWAYS.get(name, set())
                if name == "refund":
                    optional = {"failure_reason", "failure_balance_transaction"}
                assert keys - optional == expected[name] - optional, name


def _keys(value: Any, found: dict[str, set[str]] | None = None) -> dict[str, set[str]]:
    """The keys of all objects in a document, by kind."""
    found = {} if found is None else found
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] != "list":
            found.setdefault(value["object"], set()).update(value)
        for part in value.values():
            _keys(part, found)
    elif isinstance(value, list):
        for part in value:
            _keys(part, found)
    return found


def test_old_subscription_tells_the_period_that_its_items_tell_today(
    old: dict[str, list[dict]], api: httpx.Client
) -> None:
    by_id = {subscription["id"]: subscription for subscription in old["subscription"]}
    for today in all_pages(api, "/v1/subscriptions"):
        item = today["items"]["data"][0]
        before = by_id[today["id"]]
        assert before["current_period_start"] == item["current_period_start"]
        assert before["current_period_end"] == item["current_period_end"]
        assert "current_period_end" not in before["items"]["data"][0]
        assert before["items"]["data"][0]["price"]["recurring"]["aggregate_usage"] is None


def test_old_invoice_names_its_subscription_payment_and_charge(old: dict[str, list[dict]], api: httpx.Client) -> None:
    payments = {p["invoice"]: p["payment"]["payment_intent"] for p in all_pages(api, "/v1/invoice_payments")}
    charges = {intent["id"]: intent["latest_charge"] for intent in all_pages(api, "/v1/payment_intents")}
    today = {invoice["id"]: invoice for invoice in all_pages(api, "/v1/invoices")}
    for invoice in old["invoice"]:
        new = today[invoice["id"]]
        assert invoice["subscription"] == new["parent"]["subscription_details"]["subscription"]
        assert invoice["paid"] is (new["status"] == "paid")
        assert invoice["payment_intent"] == payments.get(invoice["id"])
        assert invoice["charge"] == charges.get(invoice["payment_intent"])
    assert any(invoice["charge"] for invoice in old["invoice"])
    assert any(invoice["paid"] and not invoice["payment_intent"] for invoice in old["invoice"])


def test_old_charges_and_payment_intents_name_their_invoice(old: dict[str, list[dict]]) -> None:
    by_intent = {i["payment_intent"]: i["id"] for i in old["invoice"] if i["payment_intent"]}
    for charge in old["charge"]:
        assert charge["invoice"] == by_intent.get(charge["payment_intent"])
    for intent in old["payment_intent"]:
        assert intent["invoice"] == by_intent.get(intent["id"])
    assert any(charge["invoice"] for charge in old["charge"])


def test_old_line_embeds_price_and_plan(old: dict[str, list[dict]], api: httpx.Client) -> None:
    today = {line["id"]: line for invoice in all_pages(api, "/v1/invoices") for line in invoice["lines"]["data"]}
    prorations = plans = 0
    for invoice in old["invoice"]:
        for line in invoice["lines"]["data"]:
            new = today[line["id"]]
            kind = new["parent"]["type"]
            details = new["parent"][kind]
            assert line["price"]["id"] == new["pricing"]["price_details"]["price"]
            assert (line["plan"] is not None) is (line["price"]["type"] == "recurring")
            assert line["subscription"] == details["subscription"]
            assert line.get("subscription_item") == details.get("subscription_item")
            assert line["proration"] is details["proration"]
            assert line["type"] == {"subscription_item_details": "subscription"}.get(kind, "invoiceitem")
            prorations += line["proration"]
            plans += line["plan"] is not None and line["plan"]["id"] == line["price"]["id"]
    assert plans
    assert prorations


def test_invoice_of_an_old_event_names_the_charge_that_there_was(events: list[dict]) -> None:
    paid = [e["data"] for e in events if e["type"] == "invoice.paid" and e["api_version"] == VERSION]
    assert any(data["object"]["charge"] for data in paid)
    for data in paid:
        assert data["object"]["paid"] is True
        assert bool(data["object"]["charge"]) is bool(data["object"]["amount_paid"])
    drafts = [e["data"] for e in events if e["type"] == "invoice.created" and e["api_version"] == VERSION]
    assert any(data["object"]["status"] == "draft" and data["object"]["charge"] is None for data in drafts)


@pytest.fixture(scope="module")
def lowering(company: Company) -> Lowering:
    return Lowering(EndiveShape(company.catalog, company.account_id), Relations(company.objects))


COUPON = {"id": "half", "object": "coupon", "percent_off": 50, "duration": "forever"}
DISCOUNT = {"id": "di_1", "object": "discount", "source": {"type": "coupon", "coupon": COUPON}, "start": 1, "end": None}
TAX = {
    "amount": 19,
    "tax_behavior": "exclusive",
    "tax_rate_details": {"tax_rate": "txr_1"},
    "taxability_reason": "standard_rated",
    "taxable_amount": 100,
    "type": "tax_rate_details",
}


def test_old_discount_embeds_its_coupon(lowering: Lowering) -> None:
    discount = lowering.lower(DISCOUNT, NOW)
    assert discount["coupon"]["percent_off"] == 50
    assert "source" not in discount


def test_old_promotion_code_embeds_its_coupon(lowering: Lowering) -> None:
    code = {"id": "promo_1", "object": "promotion_code", "promotion": {"type": "coupon", "coupon": COUPON}}
    assert lowering.lower(code, NOW)["coupon"]["id"] == "half"


@pytest.mark.parametrize("kind", ["subscription", "invoice"])
def test_old_object_shows_its_first_discount_beside_all(api: httpx.Client, lowering: Lowering, kind: str) -> None:
    document = next(found for found in api.get(f"/v1/{kind}s").json()["data"] if not found["discounts"])
    assert lowering.lower(document, NOW)["discount"] is None
    old = lowering.lower({**document, "discounts": [DISCOUNT]}, NOW)
    assert old["discount"] == old["discounts"][0] == lowering.lower(DISCOUNT, NOW)


def test_old_invoice_sums_its_taxes(api: httpx.Client, lowering: Lowering) -> None:
    invoice = next(invoice for invoice in api.get("/v1/invoices").json()["data"] if not invoice["total_taxes"])
    assert lowering.lower(invoice, NOW)["tax"] is None
    old = lowering.lower({**invoice, "total_taxes": [TAX, TAX]}, NOW)
    assert old["tax"] == 38
    assert old["total_tax_amounts"][0] == {
        "amount": 19,
        "inclusive": False,
        "tax_rate": "txr_1",
        "taxability_reason": "standard_rated",
        "taxable_amount": 100,
    }


def test_old_credit_note_names_its_refund(lowering: Lowering) -> None:
    note = {"id": "cn_1", "object": "credit_note", "refunds": [{"refund": "re_1"}], "total_taxes": [TAX]}
    old = lowering.lower(note, NOW)
    assert (old["refund"], old["tax_amounts"][0]["amount"]) == ("re_1", 19)


def test_old_invoice_item_embeds_its_price(api: httpx.Client, lowering: Lowering) -> None:
    price = api.get("/v1/prices").json()["data"][0]["id"]
    item = {
        "id": "ii_1",
        "object": "invoiceitem",
        "parent": {"subscription_details": {"subscription": "sub_1", "subscription_item": "si_1"}},
        "pricing": {"price_details": {"price": price}, "unit_amount_decimal": "500"},
    }
    old = lowering.lower(item, NOW)
    assert (old["price"]["id"], old["subscription"], old["unit_amount"]) == (price, "sub_1", 500)


def test_rendering_an_old_shape_leaves_the_new_one_as_it_was(company: Company) -> None:
    versions = Account(company).versions
    for kind in ("price", "subscription", "invoice"):
        state = company.objects[kind].histories[0].states[0]
        before = json.dumps(versions.newest.render(kind, state, NOW))
        versions.older.render(kind, state, NOW)
        assert json.dumps(versions.newest.render(kind, state, NOW)) == before
