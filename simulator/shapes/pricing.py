"""Products and prices as JSON, with the legacy plans that recurring prices also are."""

from typing import Any

from simulator.states import Price, Product


class PricingShapes:
    """Keeps each price's JSON by state: it is embedded in every subscription."""

    def __init__(self) -> None:
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

    def plan(self, state: Price, at: float) -> dict[str, Any]:
        """A recurring price as the legacy plan that it also is, and that stays on the wire beside it."""
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


def _scheme(state: Price) -> str:
    return "per_unit" if state.tiers_mode is None else "tiered"


def _packages(state: Price) -> dict[str, Any] | None:
    return None if state.divide_by is None else {"divide_by": state.divide_by, "round": "up"}


def _meter(state: Price) -> str | None:
    return f"mtr_test_{state.product.partition('_')[2]}" if state.is_metered else None
