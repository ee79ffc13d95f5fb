"""What is for sale, as tables: products, how their prices are built, and how often they recur."""

from fractions import Fraction
from typing import NamedTuple

from simulator.pricing import rounded
from simulator.states import Price
from simulator.terms import Tier

CURRENCIES = ("usd", "eur", "jpy", "kwd")
CADENCES = {"day": ("day", 1), "week": ("week", 1), "month": ("month", 1), "quarter": ("month", 3), "year": ("year", 1)}
ADD_ON = "storage"
ONE_TIME = "export"
SEATS = "business"
TEAM = "team"  # seats in graduated tiers
FLEET = "fleet"  # devices in volume tiers
MESSAGES = "messages"  # in packages
CONTACTS = "contacts"  # fractions of a cent each
CALLS = "calls"  # metered
MODULES = "modules"  # many prices of one product, for those who take them all
PACKAGE = 1000
MODULE_COUNT = 24


class Offer(NamedTuple):
    """A product with the prices that it begins with."""

    name: str
    description: str
    amounts: dict[str, int]  # a month, or once, in minor units
    cadences: tuple[str | None, ...] = ("month",)
    tiers_mode: str | None = None
    tiers: tuple[tuple[int | None, int, int], ...] = ()  # (up to, unit, flat) in US cents
    divide_by: int | None = None
    unit_decimal: str | None = None  # in place of amounts
    is_metered: bool = False
    variants: int = 1


_ALL = ("month", "year", "quarter", "week", "day")
_LONG = ("month", "year", "quarter")
OFFERS = {
    "starter": Offer("Starter", "For one person", {"usd": 2900, "eur": 2700, "jpy": 3900, "kwd": 8900}, _ALL),
    "pro": Offer("Pro", "For a small team", {"usd": 9900, "eur": 8900, "jpy": 12900, "kwd": 29900}, _LONG),
    SEATS: Offer(
        "Business",
        "For a company, by the seat",
        {"usd": 1900, "eur": 1700, "jpy": 2500, "kwd": 5900},
        ("month", "year"),
    ),
    ADD_ON: Offer("Extra storage", "100 GB more", {"usd": 500, "eur": 500, "jpy": 700, "kwd": 1500}, _ALL),
    ONE_TIME: Offer("Data export", "All data, once", {"usd": 4900, "eur": 4500, "jpy": 6500, "kwd": 14900}, (None,)),
    TEAM: Offer(
        "Team",
        "Seats, cheaper the more there are",
        {},
        tiers_mode="graduated",
        tiers=((5, 1500, 1000), (20, 1200, 0), (None, 900, 0)),
    ),
    FLEET: Offer(
        "Fleet",
        "Devices, all at the price of their number",
        {},
        tiers_mode="volume",
        tiers=((10, 800, 2000), (50, 600, 2000), (None, 400, 5000)),
    ),
    MESSAGES: Offer(
        "Messages", "By the thousand", {"usd": 700, "eur": 650, "jpy": 900, "kwd": 2100}, divide_by=PACKAGE
    ),
    CONTACTS: Offer("Contacts", "Each for less than a cent", {}, unit_decimal="0.5"),
    CALLS: Offer("API calls", "As many as there were", {}, unit_decimal="0.5", is_metered=True),
    MODULES: Offer(
        "Modules", "One by one", {"usd": 700, "eur": 600, "jpy": 900, "kwd": 2100}, variants=MODULE_COUNT
    ),
}  # fmt: skip

SKUS = {
    name: tuple(f"{name}_{number:02d}" for number in range(1, offer.variants + 1)) if offer.variants > 1 else (name,)
    for name, offer in OFFERS.items()
}
"""The names under which an offer's prices are found: the offer's own, or one for each of many."""

_LABELS = {"day": "daily", "week": "weekly", "month": "monthly", "quarter": "quarterly", "year": "annual", None: "once"}
_MONTHS = {
    "day": Fraction(1, 20),
    "week": Fraction(3, 10),
    "month": Fraction(1),
    "quarter": Fraction(27, 10),
    "year": Fraction(10),
    None: Fraction(1),
}
_OF_A_CENT = {"usd": Fraction(1), "eur": Fraction(9, 10), "jpy": Fraction(13, 10), "kwd": Fraction(3)}


def make_price(offer_name: str, sku: str, currency: str, cadence: str | None, version: int = 1) -> Price:
    """A price as the offer has it; still without id and time, and with the offer's name for its product."""
    offer = OFFERS[offer_name]
    interval, interval_count = CADENCES[cadence] if cadence is not None else (None, 1)
    amount = offer.unit_decimal
    if amount is None and not offer.tiers:
        number = SKUS[offer_name].index(sku)
        amount = str(rounded((offer.amounts[currency] + 100 * number) * _MONTHS[cadence], currency))
    tiers = tuple(
        Tier(up_to, rounded(unit * _OF_A_CENT[currency], currency), rounded(flat * _OF_A_CENT[currency], currency))
        for up_to, unit, flat in offer.tiers
    )
    title = offer.name if sku == offer_name else f"{offer.name} {sku[-2:]}"
    return Price(
        id="",
        created=0,
        product=offer_name,
        currency=currency,
        unit_decimal=amount,
        interval=interval,
        nickname=f"{title} {_LABELS[cadence]} {currency.upper()}",
        lookup_key=f"{sku}_{_LABELS[cadence]}_{currency}_v{version}",
        active=True,
        interval_count=interval_count,
        tiers_mode=offer.tiers_mode,
        tiers=tiers,
        divide_by=offer.divide_by,
        is_metered=offer.is_metered,
    )
