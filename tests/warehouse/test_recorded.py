"""Recorded Stripe data loads: every event page, every webhook payload, and the objects of every API version.

Objects are put into events, one second after the other; payloads are given ids of their own, since theirs are zeroed.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage

pytestmark = pytest.mark.either_version

START = moment("2026-03-01T00:00:00")
API_VERSIONS = ("2020-08-27", "2024-06-20", "2025-03-31.basil", "2025-10-29.clover")
# Payloads that were cut down by hand to less than an event: staging rejects them, with the reason.
INCOMPLETE = {"account.application.deauthorized.json", "account.updated.json", "custom.account.updated.json"}
# Columns that every document of the kind fills, in every API version.
NEVER_NULL = {
    "charge_fact": ("status", "amount_minor", "amount_captured_minor", "currency", "created_at", "date_sk"),
    "refund_fact": ("status", "amount_minor", "currency", "created_at", "charge_id"),
    "invoice_fact": ("status", "total_minor", "currency", "created_at", "customer_id", "amount_due_minor"),
    "invoice_line_fact": ("amount_minor", "currency", "period_start_at", "period_end_at", "line_type"),
    "subscription_dim": ("customer_id", "status", "started_at", "created_at", "currency", "current_period_end_at"),
    "subscription_item_dim": ("subscription_id", "price_id", "product_id", "currency", "interval_unit", "quantity"),
    "customer_dim": ("created_at",),
    "coupon_dim": ("duration",),
    "discount_dim": ("coupon_id", "customer_id", "started_at", "duration"),
    "payment_intent_fact": ("status", "amount_minor", "currency", "created_at", "capture_method", "date_sk"),
    "invoice_payment_fact": ("invoice_id", "payment_type", "payment_intent_id", "status", "currency", "created_at"),
    "dispute_fact": ("charge_id", "status", "reason", "amount_minor", "created_at", "evidence_due_at"),
    "credit_note_fact": ("invoice_id", "amount_minor", "total_minor", "tax_minor", "credit_note_type", "effective_at"),
    "balance_transaction_fact": ("source_id", "amount_minor", "fee_minor", "net_minor", "currency", "available_at"),
    "payout_fact": ("status", "amount_minor", "currency", "arrival_at", "method", "payout_type", "is_automatic"),
}


def rows(connection: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with connection.transaction():
        return connection.execute(query).fetchall()


def load(connection: psycopg.Connection, versions: list[Version]) -> None:
    """Stages them as one batch and brings everything up to date."""
    stage(connection, versions)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)


def nulls(connection: psycopg.Connection) -> list[tuple[str, str, Any]]:
    """(relation, column, key) of every null in a column that must have none."""
    found = []
    for relation, columns in NEVER_NULL.items():
        for column in columns:
            # of a past that is told by dates and invoices, no document shows all
            shown = "and not is_reconstructed" if relation.startswith("subscription") else ""
            query = f"select t::text from dwh.{relation} as t where {column} is null {shown} limit 1"
            found += [(relation, column, row) for (row,) in rows(connection, query)]
    return found


def recorded_objects(folder: Path) -> list[dict[str, Any]]:
    """Each recorded object, those inside recorded lists too."""
    found = []
    for file in sorted(folder.glob("*.json")):
        value = json.loads(file.read_bytes())
        found += value["data"] if value["object"] == "list" else [value]
    return found


def event_type(body: dict[str, Any]) -> str:
    return f"{'customer.' if body['object'] == 'subscription' else ''}{body['object']}.updated"


def embedded(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return (body.get(name) or {}).get("data", [])


@pytest.fixture(params=API_VERSIONS)
def recorded(
    request: pytest.FixtureRequest, fixtures_folder: Path, connection: psycopg.Connection
) -> tuple[psycopg.Connection, dict[str, dict[str, dict[str, Any]]]]:
    """A warehouse with all objects of one API version, and the last state of each: kind -> id -> body."""
    bodies = recorded_objects(fixtures_folder / "recorded-objects" / request.param)
    assert len(bodies) > 80
    load(
        connection,
        [Version(START + timedelta(seconds=n), event_type(body), body) for n, body in enumerate(bodies)],
    )
    latest: dict[str, dict[str, dict[str, Any]]] = {}
    for body in bodies:
        latest.setdefault(body["object"], {})[body["id"]] = body
    return connection, latest


def test_objects_of_each_api_version_load_with_what_every_document_has(
    recorded: tuple[psycopg.Connection, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    connection, latest = recorded
    assert nulls(connection) == []

    charges = {
        (charge["id"], charge["status"], charge["amount"], charge["currency"]) for charge in latest["charge"].values()
    }
    assert set(rows(connection, "select charge_id, status, amount_minor, currency from dwh.charge_fact")) == charges

    invoices = {
        (invoice["id"], invoice["status"], invoice["total"], invoice["currency"], len(embedded(invoice, "lines")))
        for invoice in latest["invoice"].values()
    }
    query = """
        select invoice_id, status, total_minor, currency, (
            select count(*) from dwh.invoice_line_fact as line where line.invoice_id = invoice_fact.invoice_id
        )
        from dwh.invoice_fact
    """
    assert set(rows(connection, query)) == invoices

    subscriptions = {(one["id"], one["status"], one["customer"]) for one in latest["subscription"].values()}
    query = "select subscription_id, status, customer_id from dwh.subscription_dim where is_current"
    assert set(rows(connection, query)) == subscriptions

    items = {
        (one["id"], item["id"], item["price"]["id"], item["quantity"])
        for one in latest["subscription"].values()
        for item in embedded(one, "items")
    }
    query = """
        select subscription_id, subscription_item_id, price_id, quantity
        from dwh.subscription_item_dim where is_current and deleted_at is null
    """
    assert set(rows(connection, query)) == items
    assert len(items) >= len(subscriptions) > 10

    refunds = {
        (refund["id"], refund["amount"])
        for source in (
            latest.get("refund", {}).values(),
            *(embedded(charge, "refunds") for charge in latest["charge"].values()),
        )
        for refund in source
    }
    assert set(rows(connection, "select refund_id, amount_minor from dwh.refund_fact")) == refunds

    cards = {
        (method["id"], method["card"]["brand"], method["card"]["last4"])
        for method in latest["payment_method"].values()
        if method["type"] == "card"
    }
    assert len(cards) > 5
    query = "select payment_method_id, brand, last4 from dwh.payment_method_dim"
    assert set(rows(connection, query)) >= cards


def test_every_recorded_charge_tells_what_it_was_paid_with(
    recorded: tuple[psycopg.Connection, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    connection, latest = recorded
    paid_with = {
        (charge["id"], card["brand"], card["last4"])
        for charge in latest["charge"].values()
        if (card := (charge["payment_method_details"] or {}).get("card"))
    }
    query = """
        select charge_id, brand, last4
        from dwh.charge_fact
        inner join dwh.payment_method_dim using (account_id, livemode, payment_method_id)
    """
    assert set(rows(connection, query)) >= paid_with
    assert paid_with


def reference(value: Any) -> str | None:
    return value["id"] if isinstance(value, dict) else value


def whole(value: Any, kind: str) -> list[dict[str, Any]]:
    """All whole objects of a kind, however deep inside a recorded one."""
    if isinstance(value, list):
        return [found for entry in value for found in whole(entry, kind)]
    if not isinstance(value, dict):
        return []
    own = [value] if value.get("object") == kind and "id" in value else []
    return own + [found for entry in value.values() for found in whole(entry, kind)]


def test_recorded_payments_of_each_api_version_load(
    recorded: tuple[psycopg.Connection, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    connection, latest = recorded
    intents = {
        (
            one["id"],
            one["status"],
            one["amount"],
            # before 2022-11-15 its charges were inside
            reference(one["latest_charge"] if "latest_charge" in one else next(iter(embedded(one, "charges")), None)),
            one.get("invoice"),
        )
        for one in latest["payment_intent"].values()
    }
    query = "select payment_intent_id, status, amount_minor, latest_charge_id, invoice_id from dwh.payment_intent_fact"
    assert set(rows(connection, query)) == intents
    assert len(intents) > 3

    notes = {
        (one["id"], one["invoice"], one["total"], tuple(part["refund"] for part in one.get("refunds", [one])))
        for one in latest["credit_note"].values()
    }
    query = "select credit_note_id, invoice_id, total_minor, refund_ids from dwh.credit_note_fact"
    assert {(*row, tuple(refunds)) for *row, refunds in rows(connection, query)} == notes
    assert notes

    kinds = ("invoice", "invoice_payment")
    payments = {
        (
            payment["id"],
            reference(payment["invoice"]),
            reference(payment["payment"]["payment_intent"]),
            payment["status"],
        )
        for kind in kinds
        for body in latest.get(kind, {}).values()
        for payment in whole([body] if kind == "invoice_payment" else body.get("payments"), "invoice_payment")
    }
    query = "select invoice_payment_id, invoice_id, payment_intent_id, status from dwh.invoice_payment_fact"
    assert set(rows(connection, query)) >= payments

    settled = {
        (entry["id"], entry["source"], entry["net"])
        for kind in ("charge", "refund")
        for body in latest.get(kind, {}).values()
        for entry in whole(body, "balance_transaction")
    }
    query = "select balance_transaction_id, source_id, net_minor from dwh.balance_transaction_fact"
    assert set(rows(connection, query)) == settled

    discounts = {
        (entry["id"], entry["customer"], (entry.get("coupon") or entry["source"]["coupon"])["percent_off"])
        for kind in ("customer", "subscription", "invoice")
        for body in latest.get(kind, {}).values()
        for name in ("discount", "discounts", "total_discount_amounts")
        for entry in whole(body.get(name), "discount")
    }
    query = "select discount_id, customer_id, percent_off::float from dwh.discount_dim"
    # and those that an invoice showed before its latest state
    assert set(rows(connection, query)) >= discounts


def test_recorded_charges_find_their_invoices_in_every_api_version(
    recorded: tuple[psycopg.Connection, dict[str, dict[str, dict[str, Any]]]],
) -> None:
    connection, latest = recorded
    paid_by = {
        reference(payment["payment"]["payment_intent"]): reference(payment["invoice"])
        for kind in ("invoice", "invoice_payment")
        for body in latest.get(kind, {}).values()
        for payment in whole(body, "invoice_payment")
    }
    expected = {
        (charge["id"], reference(charge.get("invoice")) or paid_by.get(reference(charge["payment_intent"])))
        for charge in latest["charge"].values()
    }
    # of a charge that was not recorded, the invoice that names it tells
    named = {reference(invoice.get("charge")): invoice["id"] for invoice in latest["invoice"].values()}
    known = {charge for charge, invoice in expected if invoice}
    expected |= {(charge, invoice) for charge, invoice in named.items() if charge and charge not in known}
    expected = {(charge, invoice) for charge, invoice in expected if invoice}
    found = set(rows(connection, "select charge_id, invoice_id from mart.charge_invoice"))
    assert found >= expected
    # and those that an invoice named before its latest state, of charges that were not recorded
    assert not {charge for charge, _ in found - expected} & latest["charge"].keys()
    assert expected or not paid_by


@pytest.mark.parametrize("version", ["2015-10-01", "2020-08-27"])
def test_every_webhook_payload_loads(version: str, fixtures_folder: Path, connection: psycopg.Connection) -> None:
    files = sorted((fixtures_folder / "webhook-payloads" / version).glob("*.json"))
    versions = []
    for number, file in enumerate(files):
        if file.name in INCOMPLETE:
            continue
        value = json.loads(file.read_text().replace("_00000000000000", f"_{number:014}"))
        value = value[0] if isinstance(value, list) else value
        body = value["data"]["object"]
        body.setdefault("id", f"{body['object']}_{number}")  # a balance has none
        versions.append(Version(START + timedelta(seconds=number), value["type"], body, 0, f"evt_{number}"))
    assert len(versions) == len(files) - (len(INCOMPLETE) if version == "2020-08-27" else 0)
    load(connection, versions)
    for name in ("charge_fact", "invoice_fact", "subscription_dim", "customer_dim"):
        noun = name.rsplit("_", 1)[0]
        ids = {version.body["id"] for version in versions if version.body["object"] == noun}
        found = {key for (key,) in rows(connection, f"select {noun}_id from dwh.{name}")}
        assert found == ids, name
        assert len(ids) >= 3, name
    facts = ["dispute_fact", *(["payment_intent_fact", "payout_fact"] if version == "2020-08-27" else [])]
    # a transfer with a status is a payout from before 2017-04-06
    old_payouts = {one.body["id"] for one in versions if one.body["object"] == "transfer" and "status" in one.body}
    assert old_payouts
    for name in (*facts, "coupon_dim"):
        noun = name.rsplit("_", 1)[0]
        ids = {version.body["id"] for version in versions if version.body["object"] == noun}
        ids |= old_payouts if noun == "payout" else set()
        assert {key for (key,) in rows(connection, f"select {noun}_id from dwh.{name}")} == ids, name
        assert ids, name
    # before 2018-02-05 a plan had a name of its own, and no product; a payout that was a transfer did not tell how
    missing = {(relation, column) for relation, column, _ in nulls(connection)}
    old = {("payout_fact", "method"), ("payout_fact", "is_automatic")}
    of_version = {
        "2015-10-01": ("subscription_item_dim", "product_id"),
        "2020-08-27": ("payout_fact", "payout_type"),
    }
    assert missing == old | {of_version[version]}


def test_every_recorded_event_page_loads(fixtures_folder: Path, connection: psycopg.Connection) -> None:
    files = sorted((fixtures_folder / "recorded-event-pages").glob("*.json"))
    assert len(files) == 90
    events: dict[str, Version] = {}
    for file in files:
        for place, event in enumerate(json.loads(file.read_bytes())["data"]):
            at = datetime.fromtimestamp(event["created"], UTC)
            events[event["id"]] = Version(at, event["type"], event["data"]["object"], -place, event["id"])
    assert len(events) == 300
    load(connection, list(events.values()))
    for noun, relation in (("charge", "charge_fact"), ("invoice", "invoice_fact"), ("customer", "customer_dim")):
        ids = {version.body["id"] for version in events.values() if version.body["object"] == noun}
        query = f"select {noun}_id from dwh.{relation}"
        assert {key for (key,) in rows(connection, query)} == ids
        assert ids
    assert nulls(connection) == []
