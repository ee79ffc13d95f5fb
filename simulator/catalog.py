"""What the company sells: products and prices, and how they change over the years."""

from bisect import bisect_right
from random import Random
from typing import NamedTuple

from simulator.ids import IdSource
from simulator.ledger import History, Ledger
from simulator.periods import DAY
from simulator.states import Price, Product
from simulator.timeline import Timeline

CURRENCIES = ("usd", "eur", "jpy")
ADD_ON = "storage"
ONE_TIME = "export"
SEATS = "business"


class _Offer(NamedTuple):
    name: str
    description: str
    amounts: dict[str, int]  # a month, or once, in minor units
    intervals: tuple[str | None, ...]


_OFFERS = {
    "starter": _Offer("Starter", "For one person", {"usd": 2900, "eur": 2700, "jpy": 3900}, ("month", "year")),
    "pro": _Offer("Pro", "For a small team", {"usd": 9900, "eur": 8900, "jpy": 12900}, ("month", "year")),
    SEATS: _Offer("Business", "For a company, by the seat", {"usd": 1900, "eur": 1700, "jpy": 2500}, ("month", "year")),
    ADD_ON: _Offer("Extra storage", "100 GB more", {"usd": 500, "eur": 500, "jpy": 700}, ("month", "year")),
    ONE_TIME: _Offer("Data export", "All data, once", {"usd": 4900, "eur": 4500, "jpy": 6500}, (None,)),
}
_BUSINESS_NAMES = ("Scale", "Enterprise", "Company", "Business")

# Days after the founding; chosen so that each kind of change also falls into the last month of the first 18.
_EDITION_FROM, _EDITION_EVERY = 50, 60
_RENAME_FROM, _RENAME_EVERY = 125, 200
_PRICE_RISE_FROM, _PRICE_RISE_EVERY = 150, 190


class Catalog:
    """All products and prices with their histories; `price_for` answers what was on sale when."""

    def __init__(self, seed: int, founded: int) -> None:
        self.ledger = Ledger(0, IdSource(seed, "catalog"))
        self._timeline = Timeline(self.ledger)
        self._rng = Random(f"{seed}:catalog")
        self.products: dict[str, History] = {}
        self.prices: dict[str, History] = {}
        self._product_of: dict[str, str] = {}
        self._on_sale: dict[tuple[str, str, str | None], tuple[list[int], list[History]]] = {}
        for offset, name in enumerate(_OFFERS):
            self._timeline.schedule(founded + 60 * (offset + 1), self._introduce, name)
        self._timeline.schedule(founded + _EDITION_FROM * DAY + 36_000, self._new_edition, 2)
        self._timeline.schedule(founded + _RENAME_FROM * DAY + 39_600, self._rename, 0)
        self._timeline.schedule(founded + _PRICE_RISE_FROM * DAY + 32_400, self._raise_price, 0)

    def run(self, horizon: int) -> None:
        """Let the catalogue change until `horizon`."""
        self._timeline.run(horizon)

    def price_for(self, offer: str, currency: str, interval: str | None, at: int) -> Price:
        """The price on sale at `at`. Raises LookupError when there was none."""
        sinces, prices = self._on_sale[(offer, currency, interval)]
        position = bisect_right(sinces, at)
        if position == 0:
            raise LookupError(f"no price of {offer} in {currency} per {interval} was on sale at {at}")
        price: Price = prices[position - 1].known_at(at)
        return price

    def price(self, price_id: str) -> Price:
        """A price as first set: amount, currency, interval and product never change."""
        first: Price = self.prices[price_id].states[0]
        return first

    def price_at(self, price_id: str, at: float) -> Price:
        """A price as it is at `at`."""
        state: Price = self.prices[price_id].state_at(at) or self.prices[price_id].states[0]
        return state

    def offer_of(self, price_id: str) -> str:
        """The offer (`starter`, `pro` ...) that a price belongs to."""
        return self._product_of[self.price(price_id).product]

    def product_name(self, price_id: str, at: int) -> str:
        """The name, at `at`, of a price's product."""
        product: Product = self.products[self.offer_of(price_id)].known_at(at)
        return product.name

    def _introduce(self, at: int, offer_name: str) -> None:
        offer = _OFFERS[offer_name]
        request = self.ledger.request()
        product = Product(
            self.ledger.ids.short("prod"),
            at,
            offer.name,
            offer.description,
            True,
            None,
            at,
            {"offer": offer_name},
        )
        history = self.ledger.create("product", product, at, "product.created", request)
        self.products[offer_name] = history
        self._product_of[product.id] = offer_name
        for currency in CURRENCIES:
            for interval in offer.intervals:
                amount = offer.amounts[currency] * (10 if interval == "year" else 1)
                self._add_price(at + 2, offer_name, currency, interval, amount, 1)
        default = self._on_sale[(offer_name, "usd", offer.intervals[0])][1][0].id
        self.ledger.update(
            history, at + 3, "product.updated", self.ledger.request(), default_price=default, updated=at + 3
        )

    def _add_price(
        self, at: int, offer: str, currency: str, interval: str | None, amount: int, version: int
    ) -> History:
        label = {"month": "monthly", "year": "annual", None: "once"}[interval]
        price = Price(
            self.ledger.ids.long("price"),
            at,
            self.products[offer].id,
            currency,
            amount,
            interval,
            f"{_OFFERS[offer].name} {label} {currency.upper()}",
            f"{offer}_{label}_{currency}_v{version}",
            True,
        )
        history = self.ledger.create("price", price, at, "price.created", self.ledger.request())
        self.prices[price.id] = history
        sinces, prices = self._on_sale.setdefault((offer, currency, interval), ([], []))
        sinces.append(at)
        prices.append(history)
        return history

    def _raise_price(self, at: int, turn: int) -> None:
        """Retire the monthly starter price of one currency after another for a dearer one.

        Who has the old price keeps it.
        """
        currency = CURRENCIES[turn % len(CURRENCIES)]
        _, prices = self._on_sale[("starter", currency, "month")]
        old = prices[-1]
        amount = round(old.state.unit_amount * 1.12 / 100) * 100
        new = self._add_price(at, "starter", currency, "month", amount, len(prices) + 1)
        product = self.products["starter"]
        if product.state.default_price == old.id:
            self.ledger.update(
                product,
                at + 1,
                "product.updated",
                self.ledger.request(),
                default_price=new.id,
                updated=at + 1,
            )
        self.ledger.update(old, at + 2, "price.updated", self.ledger.request(), active=False)
        self._timeline.schedule(at + _PRICE_RISE_EVERY * DAY, self._raise_price, turn + 1)

    def _rename(self, at: int, turn: int) -> None:
        name = _BUSINESS_NAMES[turn % len(_BUSINESS_NAMES)]
        product = self.products[SEATS]
        self.ledger.update(product, at, "product.updated", self.ledger.request(), name=name, updated=at)
        self._timeline.schedule(at + _RENAME_EVERY * DAY, self._rename, turn + 1)

    def _new_edition(self, at: int, edition: int) -> None:
        offer = self._rng.choice(("starter", "pro", SEATS))
        product = self.products[offer]
        self.ledger.update(
            product,
            at,
            "product.updated",
            self.ledger.request(),
            description=f"{_OFFERS[offer].description}, edition {edition}",
            metadata={**product.state.metadata, "edition": str(edition)},
            updated=at,
        )
        self._timeline.schedule(at + _EDITION_EVERY * DAY, self._new_edition, edition + 1)
