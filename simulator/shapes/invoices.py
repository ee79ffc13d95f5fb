"""Invoices and their lines as JSON."""

from typing import Any

from simulator.catalog import Catalog
from simulator.shapes.discounts import render_tax_rate
from simulator.shapes.nested import LINES_SHOWN, nested_list
from simulator.shapes.people import render_address, render_shipping
from simulator.states import Invoice, Line
from simulator.terms import CreditNote, InvoiceItem, Tax

_NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}
_PAYMENT_SETTINGS = {"default_mandate": None, "payment_method_options": None, "payment_method_types": None}


def render_line(line: Line, invoice: str, currency: str) -> dict[str, Any]:
    """One line of an invoice."""
    amounts = [{"amount": amount, "discount": discount} for discount, amount in line.discounts]
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": currency,
        "description": line.description,
        "discount_amounts": amounts,
        "discountable": not line.is_proration,
        "discounts": list(line.own_discounts),
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "parent": _parent(line),
        "period": {"end": line.period_end, "start": line.period_start},
        "pretax_credit_amounts": [{**amount, "type": "discount"} for amount in amounts],
        "pricing": {
            "price_details": {"price": line.price, "product": line.product},
            "type": "price_details",
            "unit_amount_decimal": line.unit_decimal,
        },
        "quantity": line.quantity,
        "subtotal": line.amount,
        "taxes": [_tax(tax) for tax in line.taxes],
    }


def _parent(line: Line) -> dict[str, Any]:
    if line.item is None:
        return {
            "invoice_item_details": {
                "invoice_item": line.invoice_item,
                "proration": line.is_proration,
                "proration_details": {"credited_items": None},
                "subscription": line.subscription,
            },
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
    return {
        "invoice_item_details": None,
        "subscription_item_details": {
            "invoice_item": line.invoice_item,
            "proration": line.is_proration,
            "proration_details": {"credited_items": None},
            "subscription": line.subscription,
            "subscription_item": line.item,
        },
        "type": "subscription_item_details",
    }


def _tax(tax: Tax) -> dict[str, Any]:
    return {
        "amount": tax.amount,
        "tax_behavior": "inclusive" if tax.inclusive else "exclusive",
        "tax_rate_details": {"tax_rate": tax.rate},
        "taxability_reason": "not_available",
        "taxable_amount": tax.taxable,
        "type": "tax_rate_details",
    }


def _totals(state: Invoice) -> tuple[dict[str, int], list[Tax]]:
    """What each discount took off and each tax rate came to, over all lines."""
    discounts: dict[str, int] = {}
    taxes: dict[str, Tax] = {}
    for line in state.lines:
        for discount, amount in line.discounts:
            discounts[discount] = discounts.get(discount, 0) + amount
        for tax in line.taxes:
            known = taxes.get(tax.rate)
            if known is not None:
                tax = tax._replace(amount=tax.amount + known.amount, taxable=tax.taxable + known.taxable)
            taxes[tax.rate] = tax
    return discounts, list(taxes.values())


def render_invoice_item(state: InvoiceItem, at: float) -> dict[str, Any]:
    """An invoice item, pending or on its invoice."""
    return {
        "id": state.id,
        "object": "invoiceitem",
        "amount": state.amount,
        "currency": state.currency,
        "customer": state.customer,
        "customer_account": None,
        "date": state.created,
        "description": state.description,
        "discountable": not state.is_proration,
        "discounts": [],
        "invoice": state.invoice,
        "livemode": False,
        "metadata": {},
        "net_amount": state.amount,
        "parent": state.subscription
        and {
            "subscription_details": {"subscription": state.subscription, "subscription_item": state.item},
            "type": "subscription_details",
        },
        "period": {"end": state.period_end, "start": state.period_start},
        "pricing": {
            "price_details": {"price": state.price, "product": state.product},
            "type": "price_details",
            "unit_amount_decimal": state.unit_decimal,
        },
        "proration": state.is_proration,
        "proration_details": None,
        "quantity": state.quantity,
        "tax_rates": [],
        "test_clock": state.test_clock,
    }


def render_credit_note(state: CreditNote, at: float) -> dict[str, Any]:
    """A credit note with its line."""
    line = state.line
    amounts = [{"amount": amount, "discount": discount} for discount, amount in line.discounts]
    pretax = [{**amount, "type": "discount"} for amount in amounts]
    discounted = sum(amount for _, amount in line.discounts)
    untaxed = line.amount - discounted - sum(tax.amount for tax in line.taxes if tax.inclusive)
    taxes = [_tax(tax) for tax in line.taxes]
    refunds = []
    if state.refund is not None:
        refunds = [
            {"amount_refunded": state.total, "payment_record_refund": None, "refund": state.refund, "type": "refund"}
        ]
    return {
        "id": state.id,
        "object": "credit_note",
        "amount": state.total,
        "amount_shipping": 0,
        "created": state.created,
        "currency": state.currency,
        "customer": state.customer,
        "customer_account": None,
        "customer_balance_transaction": state.balance_transaction,
        "discount_amount": discounted,
        "discount_amounts": amounts,
        "effective_at": state.created,
        "invoice": state.invoice,
        "lines": {
            "object": "list",
            "data": [
                {
                    "id": line.id,
                    "object": "credit_note_line_item",
                    "amount": line.amount,
                    "description": line.description,
                    "discount_amount": discounted,
                    "discount_amounts": amounts,
                    "invoice_line_item": line.invoice_line,
                    "livemode": False,
                    "metadata": {},
                    "pretax_credit_amounts": pretax,
                    "quantity": line.quantity,
                    "tax_rates": [],
                    "taxes": taxes,
                    "type": "custom_line_item" if line.invoice_line is None else "invoice_line_item",
                    "unit_amount": line.amount if line.invoice_line is None else None,
                    "unit_amount_decimal": str(line.amount) if line.invoice_line is None else None,
                }
            ],
            "has_more": False,
            "url": f"/v1/credit_notes/{state.id}/lines",
        },
        "livemode": False,
        "memo": None,
        "metadata": {},
        "number": state.number,
        "out_of_band_amount": None,
        "pdf": f"https://pay.stripe.com/credit_notes/test_{state.id}/pdf",
        "post_payment_amount": 0 if state.is_before_payment else state.total,
        "pre_payment_amount": state.total if state.is_before_payment else 0,
        "pretax_credit_amounts": pretax,
        "reason": state.reason,
        "refunds": refunds,
        "shipping_cost": None,
        "status": "issued",
        "subtotal": line.amount - discounted,
        "subtotal_excluding_tax": untaxed,
        "total": state.total,
        "total_excluding_tax": untaxed,
        "total_taxes": taxes,
        "type": "pre_payment" if state.is_before_payment else "post_payment",
        "voided_at": None,
    }


class InvoiceShapes:
    """Invoices name the account that issued them."""

    def __init__(self, account_id: str, catalog: Catalog) -> None:
        self._account_id = account_id
        self._promotions = catalog.promotions

    def invoice(self, state: Invoice, at: float) -> dict[str, Any]:
        """An invoice with its first lines."""
        discounts, taxes = _totals(state)
        amounts = [{"amount": amount, "discount": discount} for discount, amount in discounts.items()]
        included = sum(tax.amount for tax in taxes if tax.inclusive)
        page = None
        if state.finalized_at is not None:
            page = f"https://invoice.stripe.com/i/{self._account_id}/test_{state.id}"
        return {
            "id": state.id,
            "object": "invoice",
            "account_country": "US",
            "account_name": "A company that never existed",
            "account_tax_ids": None,
            "amount_due": state.amount_due,
            "amount_overpaid": 0,
            "amount_paid": state.amount_paid,
            "amount_remaining": state.amount_due - state.amount_paid,
            "amount_shipping": 0,
            "application": None,
            "attempt_count": state.attempt_count,
            "attempted": state.attempted,
            "auto_advance": state.auto_advance,
            "automatic_tax": _NO_TAX,
            "automatically_finalizes_at": state.automatically_finalizes_at,
            "billing_reason": state.billing_reason,
            "collection_method": "charge_automatically",
            "created": state.created,
            "currency": state.currency,
            "custom_fields": None,
            "customer": state.customer,
            "customer_account": None,
            "customer_address": render_address(state.customer_address),
            "customer_email": state.customer_email,
            "customer_name": state.customer_name,
            "customer_phone": state.customer_phone,
            "customer_shipping": render_shipping(state.customer_shipping),
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [render_tax_rate(self._promotions.tax_rate(rate, at), at) for rate in state.tax_rates],
            "description": None,
            "discounts": list(state.discounts),
            "due_date": None,
            "effective_at": state.finalized_at,
            "ending_balance": state.ending_balance,
            "footer": None,
            "from_invoice": None,
            "hosted_invoice_url": page,
            "invoice_pdf": page and f"{page}/pdf",
            "issuer": {"type": "self"},
            "last_finalization_error": None,
            "latest_revision": None,
            "lines": nested_list(
                [render_line(line, state.id, state.currency) for line in state.lines],
                LINES_SHOWN,
                f"/v1/invoices/{state.id}/lines",
            ),
            "livemode": False,
            "metadata": {},
            "next_payment_attempt": state.next_payment_attempt,
            "number": state.number,
            "on_behalf_of": None,
            "parent": {
                "quote_details": None,
                "subscription_details": {"metadata": {}, "subscription": state.subscription},
                "type": "subscription_details",
            },
            "payment_settings": _PAYMENT_SETTINGS,
            "period_end": state.period_end,
            "period_start": state.period_start,
            "post_payment_credit_notes_amount": state.credited_after_payment,
            "pre_payment_credit_notes_amount": state.credited_before_payment,
            "receipt_number": None,
            "rendering": None,
            "shipping_cost": None,
            "shipping_details": None,
            "starting_balance": state.starting_balance,
            "statement_descriptor": None,
            "status": state.status,
            "status_transitions": {
                "finalized_at": state.finalized_at,
                "marked_uncollectible_at": state.marked_uncollectible_at,
                "paid_at": state.paid_at,
                "voided_at": state.voided_at,
            },
            "subtotal": state.subtotal,
            "subtotal_excluding_tax": state.subtotal - included,
            "test_clock": state.test_clock,
            "total": state.total,
            "total_discount_amounts": amounts,
            "total_excluding_tax": state.total - sum(tax.amount for tax in taxes),
            "total_pretax_credit_amounts": [{**amount, "type": "discount"} for amount in amounts],
            "total_taxes": [_tax(tax) for tax in taxes],
            "webhooks_delivered_at": state.created,
        }
