"""Invoices and their lines as JSON."""

from typing import Any

from simulator.shapes.nested import LINES_SHOWN, nested_list
from simulator.states import Invoice, Line

_NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None, "provider": None, "status": None}
_PAYMENT_SETTINGS = {"default_mandate": None, "payment_method_options": None, "payment_method_types": None}


def render_line(line: Line, invoice: str, currency: str) -> dict[str, Any]:
    """One line, as of the invoices of subscriptions."""
    return {
        "id": line.id,
        "object": "line_item",
        "amount": line.amount,
        "currency": currency,
        "description": line.description,
        "discount_amounts": [],
        "discountable": not line.is_proration,
        "discounts": [],
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": line.invoice_item,
                "proration": line.is_proration,
                "proration_details": {"credited_items": None},
                "subscription": line.subscription,
                "subscription_item": line.item,
            },
            "type": "subscription_item_details",
        },
        "period": {"end": line.period_end, "start": line.period_start},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": line.price, "product": line.product},
            "type": "price_details",
            "unit_amount_decimal": None if line.unit_amount is None else str(line.unit_amount),
        },
        "quantity": line.quantity,
        "subtotal": line.amount,
        "taxes": [],
    }


class InvoiceShapes:
    """Invoices name the account that issued them."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def invoice(self, state: Invoice, at: float) -> dict[str, Any]:
        """An invoice with its first lines."""
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
            "customer_address": None,
            "customer_email": state.customer_email,
            "customer_name": state.customer_name,
            "customer_phone": None,
            "customer_shipping": None,
            "customer_tax_exempt": "none",
            "customer_tax_ids": [],
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [],
            "description": None,
            "discounts": [],
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
            "post_payment_credit_notes_amount": 0,
            "pre_payment_credit_notes_amount": 0,
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
            "subtotal": state.total,
            "subtotal_excluding_tax": state.total,
            "test_clock": None,
            "total": state.total,
            "total_discount_amounts": [],
            "total_excluding_tax": state.total,
            "total_pretax_credit_amounts": [],
            "total_taxes": [],
            "webhooks_delivered_at": state.created,
        }
