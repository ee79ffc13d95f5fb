"""What a quantity of a price costs, exactly, and how amounts are rounded to what a currency can move."""

from fractions import Fraction
from math import floor

from simulator.states import Price

# Stripe's own smallest steps: three-decimal currencies move in tens of their minor unit.
_STEPS = {"bhd": 10, "jod": 10, "kwd": 10, "omr": 10, "tnd": 10}
_PER_MONTH = {"year": Fraction(1, 12), "month": Fraction(1), "week": Fraction(52, 12), "day": Fraction(365, 12)}


def cost(price: Price, quantity: int) -> Fraction:
    """What `quantity` costs for one period of the price, in minor units, unrounded."""
    return sum((Fraction(amount) for _, amount in tier_costs(price, quantity)), Fraction(0))


def tier_costs(price: Price, quantity: int) -> list[tuple[int, Fraction | int]]:
    """(units, cost) of each tier that a quantity reaches; of all units at once where no tiers add up.

    Graduated: the units inside each tier at its own price. Volume: all units at the price of the tier that
    they reach. A tier's flat amount is due once it is reached; even of nothing the first tier is.
    """
    if price.tiers_mode is None:
        packages = quantity if price.divide_by is None else -(-quantity // price.divide_by)
        whole = price.unit_amount  # integers where they do: most prices are such, and they are quicker
        return [(quantity, packages * (Fraction(price.unit_decimal or 0) if whole is None else whole))]
    parts: list[tuple[int, Fraction | int]] = []
    floor_of_tier = 0
    for tier in price.tiers:
        is_last = tier.up_to is None or quantity <= tier.up_to
        if price.tiers_mode == "volume":
            if is_last:
                return [(quantity, quantity * tier.unit_amount + tier.flat_amount)]
            continue
        units = (quantity if is_last else tier.up_to or 0) - floor_of_tier
        parts.append((units, units * tier.unit_amount + tier.flat_amount))
        if is_last:
            return parts
        floor_of_tier += units
    raise ValueError(f"{price.id} has no tier for {quantity} units: its last tier must be open")


def rounded(amount: Fraction | int, currency: str) -> int:
    """To the nearest amount that the currency can move, halves away from zero."""
    step = _STEPS.get(currency, 1)
    if step == 1 and isinstance(amount, int):
        return amount
    whole = floor(abs(Fraction(amount)) / step + Fraction(1, 2)) * step
    return whole if amount >= 0 else -whole


def monthly_factor(price: Price) -> Fraction:
    """How many of a recurring price's periods a month holds: a year has 12 months, 52 weeks or 365 days."""
    if price.interval is None:
        raise ValueError(f"{price.id} is not recurring")
    return _PER_MONTH[price.interval] / price.interval_count
