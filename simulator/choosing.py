"""What a customer takes: plan, cadence, quantity, extras and discounts, drawn from the customer's own random stream."""

from random import Random
from typing import NamedTuple

from simulator.agreement import Choice
from simulator.catalog import Catalog
from simulator.offers import ADD_ON, CALLS, CONTACTS, FLEET, MESSAGES, MODULES, OFFERS, SEATS, SKUS, TEAM
from simulator.promotions import Grant

_PLANS = (("starter", 46), ("pro", 28), (SEATS, 13), (TEAM, 5), (FLEET, 3), (MESSAGES, 3), (CONTACTS, 2))
_CADENCES = (("month", 745), ("year", 190), ("quarter", 45), ("week", 15), ("day", 5))
_DEALS = (("welcome", 30), ("spring", 15), ("season", 20), ("partner", 15), ("rebate", 10), ("gift", 8), ("founder", 2))
_DISCOUNTED, _TWICE, _ON_ONE_ITEM = 0.14, 0.15, 0.10
_TAXED = 0.3
QUANTITIES = {
    SEATS: (2, 20, 1),
    TEAM: (3, 40, 1),
    FLEET: (5, 120, 1),
    MESSAGES: (500, 20_000, 250),
    CONTACTS: (4_000, 60_000, 500),
    ADD_ON: (1, 5, 1),
}
"""Of which offers one takes many: the least, the most, and by what steps."""


class Basket(NamedTuple):
    """What a subscription begins with."""

    choices: list[Choice]
    grants: list[Grant]
    tax_rates: tuple[str, ...]
    cadence: str


def quantity_of(rng: Random, offer: str) -> int:
    """How many someone takes of an offer."""
    low, high, step = QUANTITIES.get(offer, (1, 1, 1))
    return rng.randrange(low, high + 1, step)


def other_quantity(rng: Random, offer: str, quantity: int) -> int:
    """Some more, or some less."""
    _, _, step = QUANTITIES[offer]
    return max(step, quantity + step * rng.choice((-3, -2, -1, 1, 2, 4)))


def fill_basket(rng: Random, catalog: Catalog, currency: str, country: str, at: int) -> Basket:
    """A plan, sometimes with storage or metered calls, sometimes with discounts and taxes."""
    offer = rng.choices([name for name, _ in _PLANS], [weight for _, weight in _PLANS])[0]
    cadence = rng.choices([name for name, _ in _CADENCES], [weight for _, weight in _CADENCES])[0]
    if cadence not in OFFERS[offer].cadences:
        cadence = "month"
    choices = [Choice(catalog.price_for(offer, currency, cadence, at).id, quantity_of(rng, offer))]
    if rng.random() < 0.15:
        price = catalog.price_for(ADD_ON, currency, cadence, at).id
        choices.append(Choice(price, quantity_of(rng, ADD_ON)))
    if cadence == "month" and rng.random() < 0.05:
        choices.append(Choice(catalog.price_for(CALLS, currency, "month", at).id, None))
    return _reduce(rng, catalog, currency, country, at, Basket(choices, [], (), cadence))


def all_modules(rng: Random, catalog: Catalog, currency: str, at: int) -> Basket:
    """Every module there is, by the month: a subscription of many items."""
    prices = [catalog.price_for(sku, currency, "month", at).id for sku in SKUS[MODULES]]
    return Basket([Choice(price, rng.randint(1, 4)) for price in prices], [], (), "month")


def _reduce(rng: Random, catalog: Catalog, currency: str, country: str, at: int, basket: Basket) -> Basket:
    """The basket with what its customer saves and the taxes that its customer's country takes."""
    promotions = catalog.promotions
    choices, grants = basket.choices, basket.grants
    if rng.random() < _DISCOUNTED:
        names, weights = [name for name, _ in _DEALS], [weight for _, weight in _DEALS]
        grant = promotions.offer(rng.choices(names, weights)[0], currency, at)
        grants += [grant] if grant is not None else []
        other = promotions.offer("loyal" if rng.random() < 0.5 else "rebate", currency, at)
        if grant is not None and other is not None and other.coupon != grant.coupon and rng.random() < _TWICE:
            grants.append(other)
        if rng.random() < _ON_ONE_ITEM and choices[-1].quantity is not None:
            choices[-1] = choices[-1]._replace(grant=promotions.offer("partner", currency, at))
    tax = promotions.tax_for(country)
    taxes = (tax,) if tax is not None and rng.random() < (0.06 if currency == "usd" else _TAXED) else ()
    return Basket(choices, grants, taxes, basket.cadence)
