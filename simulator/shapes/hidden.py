"""What a coupon shows only when it is expanded."""

from typing import Any


def coupon_applies_to(state: Any, at: float) -> None:
    """None: every coupon is for all products."""
    return


def coupon_currency_options(state: Any, at: float) -> dict[str, Any]:
    """The amount that it takes off, by currency; nothing for one that takes off a share."""
    return {state.currency: {"amount_off": state.amount_off}} if state.currency else {}
