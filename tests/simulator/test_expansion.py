"""expand[]: what it shows, and what it refuses."""

import ast
import re
from pathlib import Path

import httpx
import pytest
import stripe

from simulator.expansion import REFERENCES
from tests.simulator.conftest import all_pages

OLD = {"Stripe-Version": "2024-06-20"}


def _first(api: httpx.Client, path: str, *expand: str, **params: object) -> dict:
    answer = api.get(path, params={"limit": 1, "expand[]": list(expand), **params})
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]


def _error(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    return answer.json()["error"]["message"]


def test_id_in_a_list_becomes_the_object(api: httpx.Client) -> None:
    charge = _first(api, "/v1/charges", "data.customer", "data.payment_intent")
    customer, intent = charge["customer"], charge["payment_intent"]
    assert api.get(f"/v1/customers/{customer['id']}").json() == customer
    assert api.get(f"/v1/payment_intents/{intent['id']}").json() == intent


def test_id_in_a_retrieved_object_becomes_the_object(api: httpx.Client) -> None:
    plain = api.get("/v1/payment_intents").json()["data"][0]
    found = api.get(f"/v1/payment_intents/{plain['id']}", params={"expand[0]": "latest_charge"}).json()
    assert found["latest_charge"] == api.get(f"/v1/charges/{plain['latest_charge']}").json()
    assert {**found, "latest_charge": plain["latest_charge"]} == plain


def test_path_goes_through_what_it_expands(api: httpx.Client) -> None:
    refund = _first(api, "/v1/refunds", "data.charge.payment_intent.customer")
    assert refund["charge"]["payment_intent"]["customer"]["object"] == "customer"


def test_path_goes_through_nested_lists_and_plain_parts(api: httpx.Client) -> None:
    subscription = api.get("/v1/subscriptions").json()["data"][0]["id"]
    found = api.get(f"/v1/subscriptions/{subscription}", params={"expand[]": "items.data.price.product"}).json()
    assert {item["price"]["product"]["object"] for item in found["items"]["data"]} == {"product"}
    payment = _first(api, "/v1/invoice_payments", "data.payment.payment_intent")
    assert payment["payment"]["payment_intent"]["object"] == "payment_intent"
    invoice = _first(api, "/v1/invoices", "data.parent.subscription_details.subscription")
    assert invoice["parent"]["subscription_details"]["subscription"]["object"] == "subscription"


def test_expanded_object_is_in_the_version_of_the_request(api: httpx.Client) -> None:
    answer = api.get("/v1/charges", params={"limit": 20, "expand[]": "data.invoice.subscription"}, headers=OLD)
    invoice = next(charge["invoice"] for charge in answer.json()["data"] if charge["invoice"])
    assert invoice["paid"] in (True, False)
    assert "current_period_end" in invoice["subscription"]


def test_null_and_what_is_no_object_of_the_account_stay(api: httpx.Client) -> None:
    failed = next(charge for charge in all_pages(api, "/v1/charges") if charge["status"] == "failed")
    found = api.get(f"/v1/charges/{failed['id']}", params={"expand[]": ["balance_transaction", "application"]}).json()
    assert (found["balance_transaction"], found["application"]) == (None, None)


def test_deleted_customer_expands_to_its_stub(own_api: httpx.Client) -> None:
    own_api.post("/_sim/clock", json={"advance_seconds": 200 * 86_400})
    listed = {customer["id"] for customer in all_pages(own_api, "/v1/customers")}
    charge = next(charge for charge in all_pages(own_api, "/v1/charges") if charge["customer"] not in listed)
    found = own_api.get(f"/v1/charges/{charge['id']}", params={"expand[]": "customer"}).json()
    assert found["customer"] == {"id": charge["customer"], "object": "customer", "deleted": True}


def test_deleted_discount_expands_to_all_but_its_end(own_api: httpx.Client) -> None:
    own_api.post("/_sim/clock", json={"advance_seconds": 200 * 86_400})
    invoices = all_pages(own_api, "/v1/invoices", **{"expand[]": "data.discounts"})
    shown = {discount["id"]: discount for invoice in invoices for discount in invoice["discounts"]}
    deleted = [discount for discount in shown.values() if "deleted" in discount]
    kept = [discount for discount in shown.values() if "deleted" not in discount]
    assert deleted
    assert {tuple(sorted(discount)) for discount in deleted} == {tuple(sorted({*kept[0], "deleted"} - {"end"}))}
    assert all(discount["deleted"] is True and discount["source"]["coupon"] for discount in deleted)


def test_refunds_of_a_charge_are_shown_when_expanded(api: httpx.Client) -> None:
    refund = api.get("/v1/refunds").json()["data"][0]
    charge = api.get(f"/v1/charges/{refund['charge']}").json()
    assert "refunds" not in charge
    expanded = api.get(f"/v1/charges/{refund['charge']}", params={"expand[]": "refunds"}).json()["refunds"]
    assert expanded["url"] == f"/v1/charges/{charge['id']}/refunds"
    assert expanded["data"] == api.get(expanded["url"]).json()["data"]
    assert sum(r["amount"] for r in expanded["data"] if r["status"] != "failed") == charge["amount_refunded"]


def test_payments_of_an_invoice_are_shown_when_expanded(api: httpx.Client) -> None:
    payment = api.get("/v1/invoice_payments").json()["data"][0]
    invoice = api.get(f"/v1/invoices/{payment['invoice']}", params={"expand[]": "payments"}).json()
    assert payment in invoice["payments"]["data"]


def test_customer_shows_sources_and_subscriptions_when_expanded(api: httpx.Client) -> None:
    subscription = api.get("/v1/subscriptions").json()["data"][0]
    params = {"expand[]": ["sources", "subscriptions"]}
    customer = api.get(f"/v1/customers/{subscription['customer']}", params=params).json()
    assert customer["sources"]["data"] == []
    assert subscription in customer["subscriptions"]["data"]


def test_hidden_fields_of_a_price_are_shown_when_expanded(api: httpx.Client) -> None:
    plain = api.get("/v1/prices").json()["data"][0]
    assert not {"tiers", "currency_options"} & plain.keys()
    price = _first(api, "/v1/prices", "data.tiers", "data.currency_options")
    assert price["currency_options"][price["currency"]]["unit_amount"] == price["unit_amount"]
    assert "tiers" in price


@pytest.mark.parametrize("path", ["data.unicorn", "data.currency", "data.metadata", "data.customer.unicorn"])
def test_unknown_path_is_400(api: httpx.Client, path: str) -> None:
    assert _error(api.get("/v1/charges", params={"expand[]": path})) == f"This property cannot be expanded ({path})."


def test_unknown_path_is_400_on_an_empty_page_too(api: httpx.Client) -> None:
    query = {"created[lt]": 1000, "expand[]": "data.unicorn"}
    assert "data.unicorn" in _error(api.get("/v1/charges", params=query))
    assert api.get("/v1/charges", params={**query, "expand[]": "data.customer"}).json()["data"] == []


def test_path_of_a_list_without_data_is_400_with_a_hint(api: httpx.Client) -> None:
    assert _error(api.get("/v1/charges", params={"expand[]": "customer"})) == (
        "This property cannot be expanded (customer). You may want to try expanding 'data.customer' instead."
    )


def test_more_than_four_levels_are_400(api: httpx.Client) -> None:
    answer = api.get("/v1/subscriptions", params={"expand[]": "data.items.data.price.product"})
    assert "more than 4 levels" in _error(answer)


def test_events_cannot_be_expanded(api: httpx.Client) -> None:
    assert "data.data" in _error(api.get("/v1/events", params={"expand[]": "data.data"}))


KINDS = (
    "balance_transaction charge coupon credit_note customer customer_balance_transaction discount dispute invoice"
    " invoice_item invoice_line_item invoice_payment payment_intent payment_method payout plan price product"
    " promotion_code refund setup_intent subscription subscription_item subscription_schedule transfer"
)


@pytest.mark.parametrize("kind", KINDS.split())
def test_every_reference_that_the_sdk_knows_can_be_expanded(kind: str) -> None:
    source = (Path(stripe.__file__).parent / f"_{kind}.py").read_text()
    names = {
        node.target.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and re.search(r"\bExpandableField\b", ast.unparse(node.annotation))
    }
    # Documents that customers upload, and how a dispute's evidence names them.
    files = {name for name in names if name.endswith(("_file", "_documentation", "_policy", "_signature"))}
    assert names - files - {"customer_communication", "feedback_option", "rule", "receipt"} <= REFERENCES
