"""Amounts add up: lines to invoices, invoices to balances, refunds to charges, customers to months."""

from collections import Counter, defaultdict
from itertools import pairwise

import httpx

from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock
from simulator.server import serve_in_thread
from tests.simulator.conftest import all_pages, all_with_clocks
from tests.simulator.scripted import at, downgrader, scripted_company


def test_books_by_customer_and_by_month_agree(api: httpx.Client) -> None:
    monthly = api.get("/_sim/books/monthly").json()
    customers = api.get("/_sim/books/customers").json()
    for field in ("revenue_minor",):
        assert sum(row[field] for row in monthly) == sum(row[field] for row in customers)
    assert sum(row["refunds_minor"] for row in monthly) == sum(row["refunded_minor"] for row in customers)
    assert sum(row["charges"] for row in monthly) == sum(row["payments"] for row in customers)
    assert sum(row["new_customers"] for row in monthly) == sum(row["payments"] > 0 for row in customers)


def _all_lines(api: httpx.Client, invoice: dict) -> list[dict]:
    lines = invoice["lines"]
    return all_pages(api, lines["url"]) if lines["has_more"] else lines["data"]


def test_invoice_lines_add_up_to_subtotal_discounts_and_taxes_to_total(api: httpx.Client) -> None:
    discounted = taxed = 0
    for invoice in all_pages(api, "/v1/invoices"):
        lines = _all_lines(api, invoice)
        assert len(lines) == invoice["lines"]["total_count"]
        off: dict[str, int] = defaultdict(int)
        for line in lines:
            for part in line["discount_amounts"]:
                off[part["discount"]] += part["amount"]
        assert off == {part["discount"]: part["amount"] for part in invoice["total_discount_amounts"]}
        # the discounts of single items are in the subtotal already, as at Stripe
        of_items = sum(amount for discount, amount in off.items() if discount not in invoice["discounts"])
        assert sum(line["amount"] for line in lines) - of_items == invoice["subtotal"]
        taxes = [tax for line in lines for tax in line["taxes"]]
        on_top = sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")
        assert sum(line["amount"] for line in lines) - sum(off.values()) + on_top == invoice["total"]
        assert sum(tax["amount"] for tax in taxes) == sum(tax["amount"] for tax in invoice["total_taxes"])
        assert invoice["total_excluding_tax"] == invoice["total"] - sum(tax["amount"] for tax in taxes)
        discounted += bool(off)
        taxed += bool(taxes)
    assert discounted > 10
    assert taxed > 20


def test_paid_invoices_are_paid(api: httpx.Client) -> None:
    payments = {p["invoice"]: p for p in all_pages(api, "/v1/invoice_payments", status="paid")}
    intents = {p["id"]: p for p in all_pages(api, "/v1/payment_intents")}
    for invoice in all_pages(api, "/v1/invoices"):
        assert invoice["amount_remaining"] == invoice["amount_due"] - invoice["amount_paid"]
        if invoice["status"] == "paid" and invoice["amount_due"]:
            intent = intents[payments[invoice["id"]]["payment"]["payment_intent"]]
            assert intent["status"] == "succeeded"
            assert intent["amount_received"] == invoice["amount_paid"] == invoice["amount_due"]


def test_amounts_in_dinars_are_multiples_of_ten(api: httpx.Client) -> None:
    charges = [charge for charge in all_pages(api, "/v1/charges") if charge["currency"] == "kwd"]
    assert len(charges) > 5
    assert not [charge["id"] for charge in charges if charge["amount"] % 10 or charge["amount_refunded"] % 10]


def test_balance_is_the_sum_of_its_transactions_which_invoices_and_credit_notes_explain(api: httpx.Client) -> None:
    invoices = {invoice["id"]: invoice for invoice in all_pages(api, "/v1/invoices")}
    notes = {note["id"]: note for note in all_pages(api, "/v1/credit_notes")}
    moved: dict[str, int] = defaultdict(int)
    kinds = Counter()
    for customer in all_with_clocks(api, "/v1/customers"):
        balance = 0
        for transaction in reversed(all_pages(api, f"/v1/customers/{customer['id']}/balance_transactions")):
            kinds[transaction["type"]] += 1
            balance += transaction["amount"]
            assert transaction["ending_balance"] == balance
            if transaction["type"] in ("applied_to_invoice", "invoice_too_small"):
                moved[transaction["invoice"]] += transaction["amount"]
            if transaction["type"] == "credit_note":
                note = notes[transaction["credit_note"]]
                assert note["customer_balance_transaction"] == transaction["id"]
                assert note["total"] == -transaction["amount"]
        assert customer["balance"] == balance
    for invoice_id, amount in moved.items():
        assert invoices[invoice_id]["ending_balance"] - invoices[invoice_id]["starting_balance"] == amount
    assert {"applied_to_invoice", "credit_note"} <= kinds.keys()


def test_credit_notes_are_what_their_invoices_and_refunds_say(api: httpx.Client) -> None:
    credited: dict[tuple[str, str], int] = defaultdict(int)
    refunds = {refund["id"]: refund for refund in all_pages(api, "/v1/refunds")}
    notes = all_pages(api, "/v1/credit_notes")
    for note in notes:
        credited[note["invoice"], "pre_payment"] += note["pre_payment_amount"]
        credited[note["invoice"], "post_payment"] += note["post_payment_amount"]
        for refund in note["refunds"]:
            assert refunds[refund["refund"]]["amount"] == refund["amount_refunded"] == note["total"]
        (line,) = note["lines"]["data"]
        on_top = sum(tax["amount"] for tax in line["taxes"] if tax["tax_behavior"] == "exclusive")
        assert line["amount"] - line["discount_amount"] == note["subtotal"]
        assert note["subtotal"] + on_top == note["total"]
    for invoice in all_pages(api, "/v1/invoices"):
        for kind in ("pre_payment", "post_payment"):
            assert invoice[f"{kind}_credit_notes_amount"] == credited[invoice["id"], kind]
    assert sum(bool(note["refunds"]) for note in notes)
    assert sum(bool(note["customer_balance_transaction"]) for note in notes)


def test_invoice_items_are_lines_of_their_invoices(api: httpx.Client) -> None:
    lines = {}
    for invoice in all_pages(api, "/v1/invoices"):
        for line in _all_lines(api, invoice):
            parent = line["parent"]["subscription_item_details"] or line["parent"]["invoice_item_details"]
            if parent["invoice_item"]:
                lines[parent["invoice_item"]] = (invoice["id"], line["amount"], parent["proration"])
    items = all_pages(api, "/v1/invoiceitems")
    invoiced = {item["id"]: item for item in items if item["invoice"]}
    assert len(invoiced) > 10
    assert {i["id"]: (i["invoice"], i["amount"], i["proration"]) for i in invoiced.values()} == lines


def _check_balances(api: httpx.Client) -> tuple[int, int]:
    """(pairs of invoices that follow one another, those of them between which a balance is carried)."""
    pairs = carried = 0
    by_customer = defaultdict(list)
    for invoice in all_pages(api, "/v1/invoices"):
        if invoice["status_transitions"]["finalized_at"]:
            by_customer[invoice["customer"]].append(invoice)
    for invoices in by_customer.values():
        invoices.sort(key=lambda invoice: invoice["number"])
        for before, after in pairwise(invoices):
            assert after["starting_balance"] == before["ending_balance"]
            pairs += 1
            carried += before["ending_balance"] != 0
    return pairs, carried


def test_total_is_what_was_due_credited_or_taken_from_the_balance(api: httpx.Client) -> None:
    for invoice in all_pages(api, "/v1/invoices"):
        if invoice["status"] in ("open", "paid"):
            moved = invoice["ending_balance"] - invoice["starting_balance"]
            due = invoice["amount_due"] + invoice["pre_payment_credit_notes_amount"]
            assert invoice["total"] == due + moved


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
