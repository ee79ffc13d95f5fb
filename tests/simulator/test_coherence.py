"""Lives are coherent: events, objects and books tell one story."""

import json
from collections import Counter, defaultdict
from itertools import pairwise

import httpx
import pytest

from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.events import EventStore
from simulator.server import serve_in_thread
from simulator.shapes.endive import EndiveShape
from tests.simulator.conftest import NOW, all_pages
from tests.simulator.scripted import at, downgrader, scripted_company


@pytest.fixture(scope="module")
def events(company: Company) -> list[dict]:
    """All events since the founding, oldest first."""
    store = EventStore(company, EndiveShape(company.catalog, company.account_id))
    return [json.loads(store.body(event)) for event in company.events if event.at <= NOW]


def _without_nulls(value: object) -> object:
    """Stripe shows a key that is absent before as null, so both count as nothing."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    return value


def _undo(after: dict, previous: dict) -> dict:
    before = dict(after)
    for key, old in previous.items():
        is_nested = isinstance(old, dict) and isinstance(after.get(key), dict)
        before[key] = _undo(after[key], old) if is_nested else old
    return before


def test_previous_attributes_lead_back_to_the_state_before(events: list[dict]) -> None:
    latest: dict[str, dict] = {}
    checked = 0
    for event in events:
        item = event["data"]["object"]
        previous = event["data"].get("previous_attributes")
        if previous is not None:
            assert previous, f"{event['id']} {event['type']} changed nothing"
            assert _without_nulls(_undo(item, previous)) == _without_nulls(latest[item["id"]]), event["type"]
            checked += 1
        latest[item["id"]] = item
    assert checked > 1000


def test_previous_attributes_are_on_updates_only(events: list[dict]) -> None:
    kinds = {event["type"] for event in events if "previous_attributes" in event["data"]}
    assert all(kind.endswith(".updated") or kind == "payment_method.automatically_updated"
               or kind == "charge.refunded" for kind in kinds)  # fmt: skip


def test_update_that_no_event_preceded_does_not_happen(events: list[dict]) -> None:
    seen: set[str] = set()
    for event in events:
        item_id = event["data"]["object"]["id"]
        assert item_id in seen or "previous_attributes" not in event["data"], event["type"]
        seen.add(item_id)


def test_every_object_of_an_event_can_be_retrieved(events: list[dict], api: httpx.Client) -> None:
    paths = {
        "customer": "customers",
        "product": "products",
        "price": "prices",
        "subscription": "subscriptions",
        "invoice": "invoices",
        "charge": "charges",
        "refund": "refunds",
        "payment_intent": "payment_intents",
        "payment_method": "payment_methods",
        "invoice_payment": "invoice_payments",
        "dispute": "disputes",
        "payout": "payouts",
        "transfer": "transfers",
        "setup_intent": "setup_intents",
        "checkout.session": "checkout/sessions",
    }
    objects = {(e["data"]["object"]["object"], e["data"]["object"]["id"]) for e in events}
    for kind, object_id in sorted(objects)[::7]:
        assert api.get(f"/v1/{paths[kind]}/{object_id}").json()["id"] == object_id


def test_newest_event_of_an_object_shows_what_its_list_shows(events: list[dict], api: httpx.Client) -> None:
    latest = {e["data"]["object"]["id"]: e["data"]["object"] for e in events}
    for name in ("customers", "charges", "refunds", "invoices", "payment_intents", "products", "prices",
                 "transfers", "setup_intents", "checkout/sessions"):  # fmt: skip
        for item in all_pages(api, f"/v1/{name}"):
            assert item == latest[item["id"]]


def test_all_kinds_of_lives_are_there(events: list[dict]) -> None:
    types = Counter(event["type"] for event in events)
    for expected in (
        "customer.subscription.trial_will_end",
        "customer.subscription.deleted",
        "charge.failed",
        "charge.refunded",
        "refund.updated",
        "invoice.payment_failed",
        "invoice.voided",
        "payment_method.detached",
        "payment_method.automatically_updated",
        "price.updated",
        "product.updated",
    ):
        assert types[expected], expected
    statuses = {e["data"]["object"]["status"] for e in events if e["type"].startswith("customer.subscription.")}
    assert {"trialing", "incomplete", "active", "past_due", "canceled", "incomplete_expired"} <= statuses


def test_charges_in_the_events_add_up_to_the_books(events: list[dict], api: httpx.Client) -> None:
    revenue: dict[str, int] = defaultdict(int)
    for event in events:
        if event["type"] == "charge.succeeded":
            revenue[event["data"]["object"]["currency"]] += event["data"]["object"]["amount"]
    booked: dict[str, int] = defaultdict(int)
    for row in api.get("/_sim/books/monthly").json():
        booked[row["currency"]] += row["revenue_minor"]
    assert dict(booked) == dict(revenue)
    assert set(revenue) == {"usd", "eur", "jpy"}


def test_books_by_customer_and_by_month_agree(api: httpx.Client) -> None:
    monthly = api.get("/_sim/books/monthly").json()
    customers = api.get("/_sim/books/customers").json()
    for field in ("revenue_minor",):
        assert sum(row[field] for row in monthly) == sum(row[field] for row in customers)
    assert sum(row["refunds_minor"] for row in monthly) == sum(row["refunded_minor"] for row in customers)
    assert sum(row["charges"] for row in monthly) == sum(row["payments"] for row in customers)
    assert sum(row["new_customers"] for row in monthly) == sum(row["payments"] > 0 for row in customers)


def test_invoice_lines_add_up_and_paid_invoices_are_paid(api: httpx.Client) -> None:
    payments = {p["invoice"]: p for p in all_pages(api, "/v1/invoice_payments", status="paid")}
    intents = {p["id"]: p for p in all_pages(api, "/v1/payment_intents")}
    for invoice in all_pages(api, "/v1/invoices"):
        assert sum(line["amount"] for line in invoice["lines"]["data"]) == invoice["total"]
        assert invoice["amount_remaining"] == invoice["amount_due"] - invoice["amount_paid"]
        if invoice["status"] == "paid" and invoice["amount_due"]:
            intent = intents[payments[invoice["id"]]["payment"]["payment_intent"]]
            assert intent["status"] == "succeeded"
            assert intent["amount_received"] == invoice["amount_paid"] == invoice["amount_due"]


def _finalized_by_customer(api: httpx.Client) -> list[list[dict]]:
    """Each customer's finalized invoices in the order in which they were finalized."""
    by_customer = defaultdict(list)
    for invoice in all_pages(api, "/v1/invoices"):
        if invoice["status_transitions"]["finalized_at"]:
            by_customer[invoice["customer"]].append(invoice)
    return [sorted(invoices, key=lambda invoice: invoice["number"]) for invoices in by_customer.values()]


def _check_balances(api: httpx.Client) -> tuple[int, int]:
    """(pairs of invoices that follow one another, those of them between which a balance is carried)."""
    pairs = carried = 0
    for invoices in _finalized_by_customer(api):
        for before, after in pairwise(invoices):
            assert after["starting_balance"] == before["ending_balance"]
            pairs += 1
            carried += before["ending_balance"] != 0
        for invoice in invoices:
            moved = invoice["ending_balance"] - invoice["starting_balance"]
            assert invoice["total"] == invoice["amount_due"] + moved
    return pairs, carried


def test_every_invoice_starts_with_the_balance_that_the_one_before_left(api: httpx.Client) -> None:
    pairs, _ = _check_balances(api)
    assert pairs > 100


def test_balances_carry_from_invoice_to_invoice() -> None:
    # Scripted, since downgrades that leave a credit are too rare for a small company to be sure of one.
    company = scripted_company("2025-12-20T00:00:00Z", downgrader)
    app = create_app(company, Clock(at("2026-03-20T00:00:00Z"), frozen=True), rate_limit=0)
    with (
        serve_in_thread(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {DEFAULT_KEY}"}) as client,
    ):
        assert _check_balances(client) == (2, 1)


def test_amount_refunded_is_the_sum_of_refunds_that_did_not_fail(api: httpx.Client) -> None:
    refunded: dict[str, int] = defaultdict(int)
    for refund in all_pages(api, "/v1/refunds"):
        if refund["status"] != "failed":
            refunded[refund["charge"]] += refund["amount"]
    for charge in all_pages(api, "/v1/charges"):
        assert charge["amount_refunded"] == refunded[charge["id"]] <= charge["amount"]


def test_periods_of_an_item_follow_one_another(company: Company) -> None:
    for history in company.objects["subscription"].histories:
        for before, after in pairwise(history.states):
            for old, new in zip(before.items, after.items, strict=True):
                assert new.period_start >= old.period_start
                assert new.period_start <= old.period_end


def test_metadata_names_the_user_of_every_customer(api: httpx.Client) -> None:
    users = [customer["metadata"]["user_id"] for customer in all_pages(api, "/v1/customers")]
    assert len(set(users)) == len(users) > 50


def test_events_of_one_action_share_its_request(events: list[dict]) -> None:
    by_request = defaultdict(set)
    for event in events:
        if event["request"]["id"]:
            by_request[event["request"]["id"]].add(event["type"])
    assert {"customer.subscription.created", "invoice.created", "charge.succeeded"} <= max(by_request.values(), key=len)


def test_events_are_about_two_kilobytes(company: Company) -> None:
    store = EventStore(company, EndiveShape(company.catalog, company.account_id))
    sizes = [len(store.body(event)) for event in company.events]
    assert 1500 < sum(sizes) / len(sizes) < 3500
