"""Coupons, promotion codes, discounts and tax rates as JSON."""

from typing import Any

from simulator.promotions import Promotions
from simulator.terms import Coupon, Discount, PromotionCode, TaxRate


def render_discount(state: Discount, at: float) -> dict[str, Any]:
    """A discount; its coupon is an id, as everywhere that nobody expands it."""
    return {
        "id": state.id,
        "object": "discount",
        "checkout_session": None,
        "customer": state.customer,
        "customer_account": None,
        "end": state.end,
        "invoice": None,
        "invoice_item": None,
        "promotion_code": state.promotion_code,
        "source": {"coupon": state.coupon, "type": "coupon"},
        "start": state.start,
        "subscription": state.subscription,
        "subscription_item": state.subscription_item,
    }


def render_tax_rate(state: TaxRate, at: float) -> dict[str, Any]:
    """A tax rate in percent."""
    return {
        "id": state.id,
        "object": "tax_rate",
        "active": state.active,
        "country": state.country,
        "created": state.created,
        "description": state.description,
        "display_name": state.display_name,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": state.inclusive,
        "jurisdiction": state.country,
        "jurisdiction_level": "country",
        "livemode": False,
        "metadata": {},
        "percentage": float(state.percentage),
        "rate_type": "percentage",
        "state": None,
        "tax_type": state.tax_type,
    }


class DiscountShapes:
    """Coupons and codes count how often they were used."""

    def __init__(self, promotions: Promotions) -> None:
        self._promotions = promotions

    def coupon(self, state: Coupon, at: float) -> dict[str, Any]:
        """A coupon."""
        return {
            "id": state.id,
            "object": "coupon",
            "amount_off": state.amount_off,
            "created": state.created,
            "currency": state.currency,
            "duration": state.duration,
            "duration_in_months": state.duration_in_months,
            "livemode": False,
            "max_redemptions": None,
            "metadata": {},
            "name": state.name,
            "percent_off": None if state.percent_off is None else float(state.percent_off),
            "redeem_by": None,
            "times_redeemed": self._promotions.times_redeemed(state.id, at),
            "valid": not state.is_deleted,
        }

    def promotion_code(self, state: PromotionCode, at: float) -> dict[str, Any]:
        """A promotion code."""
        return {
            "id": state.id,
            "object": "promotion_code",
            "active": state.active,
            "code": state.code,
            "created": state.created,
            "customer": None,
            "customer_account": None,
            "expires_at": None,
            "livemode": False,
            "max_redemptions": None,
            "metadata": {},
            "promotion": {"coupon": state.coupon, "type": "coupon"},
            "restrictions": {
                "first_time_transaction": False,
                "minimum_amount": None,
                "minimum_amount_currency": None,
            },
            "times_redeemed": self._promotions.times_redeemed(state.id, at),
        }
