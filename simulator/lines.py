"""Invoice lines of a subscription item: a whole period, or what a change in the middle of one costs."""

from datetime import UTC, datetime

from simulator.catalog import Catalog
from simulator.ids import IdSource
from simulator.states import Item, Line

_SYMBOLS = {"usd": "$", "eur": "€", "jpy": "¥"}


def money(amount: int, currency: str) -> str:
    """`$29.00`, `¥3,900`: an amount in minor units as people write it."""
    symbol = _SYMBOLS[currency]
    return f"{symbol}{amount:,}" if currency == "jpy" else f"{symbol}{amount / 100:,.2f}"


def period_line(
    ids: IdSource, catalog: Catalog, subscription: str, item: Item, at: int, is_trial: bool = False
) -> Line:
    """The line for an item's current period; in a trial it costs nothing."""
    price = catalog.price(item.price)
    name = catalog.product_name(item.price, at)
    if is_trial:
        description = f"Trial period for {name}"
    else:
        cost = money(price.unit_amount, price.currency)
        description = f"{item.quantity} \u00d7 {name} (at {cost} / {price.interval})"
    return Line(
        id=ids.long("il"),
        amount=0 if is_trial else price.unit_amount * item.quantity,
        description=description,
        price=price.id,
        product=price.product,
        quantity=item.quantity,
        unit_amount=0 if is_trial else price.unit_amount,
        period_start=item.period_start,
        period_end=item.period_end,
        subscription=subscription,
        item=item.id,
        is_proration=False,
        invoice_item=None,
    )


def proration_lines(
    ids: IdSource, catalog: Catalog, subscription: str, old: Item, new: Item | None, at: int
) -> list[Line]:
    """A credit for what is left of the old item's period and, with a new item, a debit for its share."""
    day = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
    lines = []
    for item, sign, words in ((old, -1, "Unused time on"), (new, 1, "Remaining time on")):
        if item is None:
            continue
        price = catalog.price(item.price)
        amount = _share(price.unit_amount * item.quantity, old.period_start, old.period_end, at)
        lines.append(
            Line(
                id=ids.long("il"),
                amount=sign * amount,
                description=f"{words} {catalog.product_name(item.price, at)} after {day}",
                price=price.id,
                product=price.product,
                quantity=item.quantity,
                unit_amount=None,
                period_start=at,
                period_end=old.period_end,
                subscription=subscription,
                item=item.id,
                is_proration=True,
                invoice_item=ids.long("ii"),
            )
        )
    return lines


def _share(amount: int, start: int, end: int, at: int) -> int:
    """The part of an amount that falls on what is left of a period, rounded half up."""
    length, left = end - start, max(0, end - at)
    return (2 * amount * left + length) // (2 * length)
