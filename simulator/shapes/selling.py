"""Subscriptions and their items as JSON."""

from typing import Any

from simulator.catalog import Catalog
from simulator.shapes.discounts import render_tax_rate
from simulator.shapes.nested import ITEMS_SHOWN, nested_list
from simulator.shapes.pricing import PricingShapes
from simulator.states import Item, Subscription

NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
INVOICE_SETTINGS = {"account_tax_ids": None, "issuer": {"type": "self"}}
_PAYMENT_SETTINGS = {
    "payment_method_options": None,
    "payment_method_types": None,
    "save_default_payment_method": "off",
}
_TRIAL_SETTINGS = {
    is_paused: {"end_behavior": {"missing_payment_method": "pause" if is_paused else "create_invoice"}}
    for is_paused in (False, True)
}


class SellingShapes:
    """Subscriptions, with the prices of their items as they are at the time."""

    def __init__(self, catalog: Catalog, pricing: PricingShapes) -> None:
        self._catalog = catalog
        self._pricing = pricing

    def item(self, item: Item, subscription: str, at: float) -> dict[str, Any]:
        """A subscription item with its price as it is at `at`."""
        price = self._catalog.price_at(item.price, at)
        shape = {
            "id": item.id,
            "object": "subscription_item",
            "billing_thresholds": None,
            "created": item.created,
            "current_period_end": item.period_end,
            "current_period_start": item.period_start,
            "discounts": [applied.discount for applied in item.discounts],
            "metadata": {},
            "plan": self._pricing.plan(price, at),
            "price": self._pricing.price(price, at),
            "quantity": item.quantity,
            "subscription": subscription,
            "tax_rates": [],
        }
        if item.quantity is None:
            del shape["quantity"]
        return shape

    def subscription(self, state: Subscription, at: float) -> dict[str, Any]:
        """A subscription with its first items."""
        is_single = len(state.items) == 1
        only = state.items[0]
        cancel_at = only.period_end if state.cancel_at_period_end and state.ended_at is None else None
        return {
            "id": state.id,
            "object": "subscription",
            "application": None,
            "application_fee_percent": None,
            "automatic_tax": NO_TAX,
            "billing_cycle_anchor": state.billing_cycle_anchor,
            "billing_cycle_anchor_config": None,
            "billing_mode": {
                "flexible": {"proration_discounts": "included"},
                "type": "flexible",
                "updated_at": state.created,
            },
            "billing_thresholds": None,
            "cancel_at": cancel_at,
            "cancel_at_period_end": state.cancel_at_period_end,
            "canceled_at": state.canceled_at,
            "cancellation_details": {
                "comment": None,
                "feedback": state.cancel_feedback,
                "reason": state.cancel_reason,
            },
            "collection_method": "charge_automatically",
            "created": state.created,
            "currency": state.currency,
            "customer": state.customer,
            "customer_account": None,
            "days_until_due": None,
            "default_payment_method": None,
            "default_source": None,
            "default_tax_rates": [
                render_tax_rate(self._catalog.promotions.tax_rate(rate, at), at) for rate in state.tax_rates
            ],
            "description": None,
            "discounts": [applied.discount for applied in state.discounts],
            "ended_at": state.ended_at,
            "invoice_settings": INVOICE_SETTINGS,
            "items": nested_list(
                [self.item(item, state.id, at) for item in state.items],
                ITEMS_SHOWN,
                f"/v1/subscription_items?subscription={state.id}",
            ),
            "latest_invoice": state.latest_invoice,
            "livemode": False,
            "metadata": state.metadata,
            "next_pending_invoice_item_invoice": None,
            "on_behalf_of": None,
            "pause_collection": state.pause
            and {"behavior": state.pause.behavior, "resumes_at": state.pause.resumes_at},
            "payment_settings": _PAYMENT_SETTINGS,
            "pending_invoice_item_interval": None,
            "pending_setup_intent": None,
            "pending_update": None,
            "plan": self._pricing.plan(self._catalog.price_at(only.price, at), at) if is_single else None,
            "quantity": only.quantity if is_single else None,
            "schedule": state.schedule,
            "start_date": state.created,
            "status": state.status,
            "test_clock": state.test_clock,
            "transfer_data": None,
            "trial_end": state.trial_end,
            "trial_settings": _TRIAL_SETTINGS[state.pauses_without_card],
            "trial_start": state.trial_start,
        }
