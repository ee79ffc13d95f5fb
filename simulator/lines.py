"""Invoice lines of a subscription item: a whole period, or what a change in the middle of one costs."""

from datetime import UTC, datetime
from fractions import Fraction

from simulator.catalog import Catalog
from simulator.ids import IdSource
from simulator.pricing import rounded, tier_costs
from simulator.states import Item, Line, Price, Subscription
from simulator.terms import InvoiceItem

_SYMBOLS = {"usd": ("$", 2), "eur": ("€", 2), "jpy": ("¥", 0), "kwd": ("KWD ", 3)}


def money(amount: Fraction | float, currency: str) -> str:
    """`$29.00`, `¥3,900`: an amount in minor units as people write it."""
    symbol, places = _SYMBOLS[currency]
    return f"{symbol}{float(amount) / 10**places:,.{places}f}"


def per(price: Price) -> str:
    """`month`, `3 months`: how often a price is due."""
    return str(price.interval) if price.interval_count == 1 else f"{price.interval_count} {price.interval}s"


def period_lines(
    ids: IdSource, catalog: Catalog, subscription: str, item: Item, at: int, units: int, is_trial: bool = False
) -> list[Line]:
    """The lines for `units` of an item's current period: one, or one for each graduated tier. A trial is free."""
    price = catalog.price(item.price)
    name = catalog.product_name(item.price, at)
    parts: list[tuple[int, Fraction | int]] = [(units, 0)] if is_trial else tier_costs(price, units)
    lines = []
    for number, (quantity, amount) in enumerate(parts, start=1):
        if is_trial:
            description = f"Trial period for {name}"
        elif price.tiers_mode is not None:
            description = f"{quantity} \u00d7 {name} (Tier {number}, {money(amount, price.currency)} / {per(price)})"
        else:
            unit = float(price.unit_decimal or 0)
            description = f"{quantity} \u00d7 {name} (at {money(unit, price.currency)} / {per(price)})"
        lines.append(
            Line(
                id=ids.long("il"),
                amount=rounded(amount, price.currency),
                description=description,
                price=price.id,
                product=price.product,
                quantity=quantity,
                unit_decimal="0" if is_trial else price.unit_decimal,
                period_start=item.period_start,
                period_end=item.period_end,
                subscription=subscription,
                item=item.id,
                is_proration=False,
                invoice_item=None,
            )
        )
    return lines


def proration(
    ids: IdSource, catalog: Catalog, subscription: Subscription, item: Item, net: Fraction, is_credit: bool, at: int
) -> InvoiceItem:
    """What is left of an item's period, as a credit for the old or a debit for the new; `net` is the whole's cost."""
    day = datetime.fromtimestamp(at, UTC).strftime("%d %b %Y")
    price = catalog.price(item.price)
    length, left = item.period_end - item.period_start, max(0, item.period_end - at)
    amount = rounded(net * left / length, price.currency)
    words = "Unused time on" if is_credit else "Remaining time on"
    return InvoiceItem(
        id=ids.long("ii"),
        created=at,
        customer=subscription.customer,
        subscription=subscription.id,
        item=item.id,
        currency=price.currency,
        amount=-amount if is_credit else amount,
        description=f"{words} {catalog.product_name(item.price, at)} after {day}",
        price=price.id,
        product=price.product,
        quantity=item.quantity or 0,
        unit_decimal=None,
        period_start=at,
        period_end=item.period_end,
        is_proration=True,
        invoice=None,
        test_clock=subscription.test_clock,
    )


def item_line(ids: IdSource, item: InvoiceItem) -> Line:
    """The line by which an invoice item comes onto its invoice."""
    return Line(
        id=ids.long("il"),
        amount=item.amount,
        description=item.description,
        price=item.price,
        product=item.product,
        quantity=item.quantity,
        unit_decimal=item.unit_decimal,
        period_start=item.period_start,
        period_end=item.period_end,
        subscription=item.subscription,
        item=item.item,
        is_proration=item.is_proration,
        invoice_item=item.id,
    )
