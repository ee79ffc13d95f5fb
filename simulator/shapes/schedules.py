"""Subscription schedules as JSON."""

from typing import Any

from simulator.shapes.selling import INVOICE_SETTINGS, NO_TAX
from simulator.terms import SubscriptionSchedule


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
            "automatic_tax": NO_TAX,
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {**INVOICE_SETTINGS, "days_until_due": None},
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
