"""How discounts come off amounts and what taxes come on top; pure arithmetic, exact or rounded."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple, TypeVar

from simulator.pricing import rounded
from simulator.states import Line
from simulator.terms import Applied, Coupon, Tax, TaxRate

Amount = TypeVar("Amount", Fraction, int)


class Reduction(NamedTuple):
    """A discount's coupon, and the position of the one amount that it reduces; None for all."""

    discount: str
    coupon: Coupon
    position: int | None


def reductions(
    coupon_of: Callable[[str], Coupon],
    own: Sequence[Sequence[Applied]],
    shared: Sequence[Applied],
    durations: Sequence[str] = ("once", "repeating", "forever"),
) -> list[Reduction]:
    """The discounts of single amounts and those of all, in the order in which they come off.

    Percentages first, then amounts; among these those of single amounts first.
    """
    found = [
        Reduction(applied.discount, coupon_of(applied.coupon), position)
        for position, several in enumerate(own)
        for applied in several
    ]
    found += [Reduction(applied.discount, coupon_of(applied.coupon), None) for applied in shared]
    kept = [each for each in found if each.coupon.duration in durations]
    return sorted(kept, key=lambda each: each.coupon.percent_off is None)


def take_off(
    amounts: Sequence[Amount], several: Sequence[Reduction], to_step: Callable[[Fraction], Amount]
) -> list[list[tuple[str, Amount]]]:
    """(discount, what it takes off) for each amount; nothing goes below zero, and credits are left alone.

    Percentages compound. An amount off is spread by the shares of what is left, and `to_step` rounds so that
    the parts add up to it.
    """
    left = list(amounts)
    taken: list[list[tuple[str, Amount]]] = [[] for _ in amounts]
    for each in several:
        positions = range(len(left)) if each.position is None else (each.position,)
        positive = [position for position in positions if left[position] > 0]
        whole = sum((Fraction(left[position]) for position in positive), Fraction(0))
        if each.coupon.percent_off is not None:
            share = Fraction(each.coupon.percent_off, 100)
        else:
            share = min(Fraction(each.coupon.amount_off or 0), whole) / whole if whole else Fraction(0)
        before, spread = Fraction(0), to_step(Fraction(0))
        for position in positive:
            if each.coupon.percent_off is not None:
                part = to_step(left[position] * share)
            else:
                before += left[position]
                part = min(to_step(before * share) - spread, left[position])
                spread += part
            if part:
                left[position] -= part
                taken[position].append((each.discount, part))
    return taken


def settle_lines(
    lines: Sequence[Line], several: Sequence[Reduction], tax_rates: Sequence[TaxRate], currency: str
) -> tuple[Line, ...]:
    """The lines with their discounts and taxes. Prorations were reduced when they were made."""
    amounts = [0 if line.is_proration else line.amount for line in lines]
    taken = take_off(amounts, several, lambda amount: rounded(amount, currency)) if several else [[] for _ in lines]
    if not several and not tax_rates:
        return tuple(lines)
    settled = []
    for position, line in enumerate(lines):
        own = tuple(each.discount for each in several if each.position == position)
        line = line._replace(own_discounts=own, discounts=tuple(taken[position]))
        settled.append(line._replace(taxes=tuple(_tax(rate, line.net, currency) for rate in tax_rates)))
    return tuple(settled)


def _tax(rate: TaxRate, net: int, currency: str) -> Tax:
    percentage = Fraction(rate.percentage)
    if not rate.inclusive:
        return Tax(rate.id, rounded(net * percentage / 100, currency), net, False)
    amount = rounded(net * percentage / (100 + percentage), currency)
    return Tax(rate.id, amount, net - amount, True)
