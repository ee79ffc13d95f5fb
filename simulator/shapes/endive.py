"""The shape of API version 2026-10-28.endive: the newest place of every field."""

from collections.abc import Callable
from typing import Any

from simulator.catalog import Catalog
from simulator.shapes import invoices
from simulator.shapes.balance import render_balance_transaction, render_payout, render_transfer
from simulator.shapes.checkout import render_session, render_setup_intent
from simulator.shapes.discounts import DiscountShapes, render_discount, render_tax_rate
from simulator.shapes.disputes import render_dispute
from simulator.shapes.hidden import coupon_applies_to, coupon_currency_options
from simulator.shapes.invoices import InvoiceShapes, render_credit_note, render_invoice_item
from simulator.shapes.payments import render_charge, render_intent, render_invoice_payment, render_refund
from simulator.shapes.people import (
    render_customer,
    render_customer_balance_transaction,
    render_payment_method,
    render_test_clock,
)
from simulator.shapes.pricing import PricingShapes
from simulator.shapes.schedules import render_schedule
from simulator.shapes.selling import SellingShapes
from simulator.states import Item, Line


class EndiveShape:
    """Renders every kind of object that the company has."""

    version = "2026-10-28.endive"

    def __init__(self, catalog: Catalog, account_id: str) -> None:
        pricing = PricingShapes()
        selling = SellingShapes(catalog, pricing)
        discounts = DiscountShapes(catalog.promotions)
        self._item = selling.item
        self._renderers: dict[str, Callable[[Any, float], dict[str, Any]]] = {
            "customer": render_customer,
            "payment_method": render_payment_method,
            "product": pricing.product,
            "price": pricing.price,
            "plan": pricing.plan,
            "subscription": selling.subscription,
            "invoice": InvoiceShapes(account_id, catalog).invoice,
            "invoice_payment": render_invoice_payment,
            "payment_intent": render_intent,
            "charge": render_charge,
            "refund": render_refund,
            "coupon": discounts.coupon,
            "promotion_code": discounts.promotion_code,
            "discount": render_discount,
            "tax_rate": render_tax_rate,
            "subscription_schedule": render_schedule,
            "invoiceitem": render_invoice_item,
            "credit_note": render_credit_note,
            "customer_balance_transaction": render_customer_balance_transaction,
            "test_helpers.test_clock": render_test_clock,
            "balance_transaction": render_balance_transaction,
            "payout": render_payout,
            "transfer": render_transfer,
            "dispute": render_dispute,
            "setup_intent": render_setup_intent,
            "checkout.session": render_session,
        }
        self._hidden: dict[tuple[str, str], Callable[[Any, float], Any]] = {
            ("coupon", "applies_to"): coupon_applies_to,
            ("coupon", "currency_options"): coupon_currency_options,
            ("plan", "tiers"): pricing.tiers,
            ("price", "currency_options"): pricing.currency_options,
            ("price", "tiers"): pricing.tiers,
        }

    def render(self, kind: str, state: Any, at: float) -> dict[str, Any]:
        """The JSON object of a state; KeyError for a kind that this shape does not know."""
        return self._renderers[kind](state, at)

    def render_item(self, item: Item, subscription: str, at: float) -> dict[str, Any]:
        """One item of a subscription."""
        return self._item(item, subscription, at)

    def render_line(self, line: Line, invoice: str, currency: str, at: float) -> dict[str, Any]:
        """One line of an invoice."""
        return invoices.render_line(line, invoice, currency)

    def hidden(self, kind: str, state: Any, field: str, at: float) -> Any:
        """A field that is shown only when expanded; KeyError when the kind has no such field."""
        return self._hidden[kind, field](state, at)
