"""Products, prices, subscriptions and their items as JSON."""

from typing import Any

from simulator.catalog import Catalog
from simulator.shapes.discounts import render_tax_rate
from simulator.shapes.nested import ITEMS_SHOWN, nested_list
from simulator.states import Item, Price, Product, Subscription
from simulator.terms import SubscriptionSchedule

_NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
_INVOICE_SETTINGS = {"account_tax_ids": None, "issuer": {"type": "self"}}
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
    """Keeps each price's JSON by state: it is embedded in every subscription."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._prices: dict[Price, dict[str, Any]] = {}
        self._plans: dict[Price, dict[str, Any]] = {}

    def product(self, state: Product, at: float) -> dict[str, Any]:
        """A product."""
        return {
            "id": state.id,
            "object": "product",
            "active": state.active,
            "attributes": [],
            "created": state.created,
            "default_price": state.default_price,
            "description": state.description,
            "images": [],
            "livemode": False,
            "marketing_features": [],
            "metadata": state.metadata,
            "name": state.name,
            "package_dimensions": None,
            "shippable": None,
            "statement_descriptor": None,
            "tax_code": None,
            "type": "service",
            "unit_label": None,
            "updated": state.updated,
            "url": None,
        }

    def price(self, state: Price, at: float) -> dict[str, Any]:
        """A price, recurring or one-time."""
        known = self._prices.get(state)
        if known is not None:
            return known
        recurring = state.interval and {
            "interval": state.interval,
            "interval_count": state.interval_count,
            "meter": _meter(state),
            "trial_period_days": None,
            "usage_type": "metered" if state.is_metered else "licensed",
        }
        shape = {
            "id": state.id,
            "object": "price",
            "active": state.active,
            "billing_scheme": _scheme(state),
            "created": state.created,
            "currency": state.currency,
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": state.lookup_key,
            "metadata": {},
            "nickname": state.nickname,
            "product": state.product,
            "recurring": recurring,
            "tax_behavior": "unspecified",
            "tiers_mode": state.tiers_mode,
            "transform_quantity": _packages(state),
            "type": "recurring" if recurring else "one_time",
            "unit_amount": state.unit_amount,
            "unit_amount_decimal": state.unit_decimal,
        }
        self._prices[state] = shape
        return shape

    def _plan(self, state: Price) -> dict[str, Any]:
        """The legacy plan that stays on the wire beside the price."""
        known = self._plans.get(state)
        if known is not None:
            return known
        shape = {
            "id": state.id,
            "object": "plan",
            "active": state.active,
            "amount": state.unit_amount,
            "amount_decimal": state.unit_decimal,
            "billing_scheme": _scheme(state),
            "created": state.created,
            "currency": state.currency,
            "interval": state.interval,
            "interval_count": state.interval_count,
            "livemode": False,
            "metadata": {},
            "meter": _meter(state),
            "nickname": state.nickname,
            "product": state.product,
            "tiers_mode": state.tiers_mode,
            "transform_usage": _packages(state),
            "trial_period_days": None,
            "usage_type": "metered" if state.is_metered else "licensed",
        }
        self._plans[state] = shape
        return shape

    def plan(self, state: Price, at: float) -> dict[str, Any]:
        """A recurring price as the legacy plan that it also is."""
        return self._plan(state)

    def tiers(self, state: Price, at: float) -> list[dict[str, Any]] | None:
        """The tiers of a price or plan; None for one that is sold by the unit. Shown only when expanded."""
        if not state.tiers:
            return None
        return [
            {
                "flat_amount": tier.flat_amount or None,
                "flat_amount_decimal": str(tier.flat_amount) if tier.flat_amount else None,
                "unit_amount": tier.unit_amount,
                "unit_amount_decimal": str(tier.unit_amount),
                "up_to": tier.up_to,
            }
            for tier in state.tiers
        ]

    def currency_options(self, state: Price, at: float) -> dict[str, Any]:
        """What a price costs in each of its currencies; shown only when expanded."""
        return {
            state.currency: {
                "custom_unit_amount": None,
                "tax_behavior": "unspecified",
                "unit_amount": state.unit_amount,
                "unit_amount_decimal": state.unit_decimal,
            }
        }

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
            "plan": self._plan(price),
            "price": self.price(price, at),
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
            "automatic_tax": _NO_TAX,
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
            "invoice_settings": _INVOICE_SETTINGS,
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
            "plan": self._plan(self._catalog.price_at(only.price, at)) if is_single else None,
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


def render_schedule(state: SubscriptionSchedule, at: float) -> dict[str, Any]:
    """A subscription schedule with its phases."""
    current = None if state.current is None else state.phases[state.current]
    is_released = state.released_at is not None
    return {
        "id": state.id,
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": {
            "flexible": {"proration_discounts": "included"},
            "type": "flexible",
            "updated_at": state.created,
        },
        "canceled_at": state.canceled_at,
        "completed_at": None,
        "created": state.created,
        "current_phase": current and {"end_date": current.end, "start_date": current.start},
        "customer": state.customer,
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": _NO_TAX,
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {**_INVOICE_SETTINGS, "days_until_due": None},
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": "release",
        "livemode": False,
        "metadata": {},
        "pause_schedules": [],
        "phases": [
            {
                "add_invoice_items": [],
                "application_fee_percent": None,
                "billing_cycle_anchor": None,
                "billing_thresholds": None,
                "collection_method": None,
                "currency": state.currency,
                "default_payment_method": None,
                "default_tax_rates": [],
                "description": None,
                "discounts": [],
                "end_date": phase.end,
                "invoice_settings": None,
                "items": [_phase_item(price, quantity) for price, quantity in phase.items],
                "metadata": {},
                "on_behalf_of": None,
                "proration_behavior": "none",
                "start_date": phase.start,
                "transfer_data": None,
                "trial_end": None,
            }
            for phase in state.phases
        ],
        "released_at": state.released_at,
        "released_subscription": state.subscription if is_released else None,
        "status": state.status,
        "subscription": None if is_released else state.subscription,
        "test_clock": state.test_clock,
    }


def _phase_item(price: str, quantity: int | None) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": {},
        "plan": price,
        "price": price,
        "quantity": quantity,
        "tax_rates": [],
    }
    if quantity is None:
        del shape["quantity"]
    return shape


def _scheme(state: Price) -> str:
    return "per_unit" if state.tiers_mode is None else "tiered"


def _packages(state: Price) -> dict[str, Any] | None:
    return None if state.divide_by is None else {"divide_by": state.divide_by, "round": "up"}


def _meter(state: Price) -> str | None:
    return f"mtr_test_{state.product.partition('_')[2]}" if state.is_metered else None
