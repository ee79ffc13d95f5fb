"""What the company sells: products and prices, and how they change over the years."""

from bisect import bisect_right
from fractions import Fraction
from random import Random

from simulator.ids import IdSource
from simulator.ledger import History, Ledger
from simulator.offers import CADENCES, CURRENCIES, OFFERS, SEATS, SKUS, make_price
from simulator.periods import DAY
from simulator.pricing import rounded
from simulator.promotions import Promotions
from simulator.states import Price, Product
from simulator.timeline import Timeline

_BUSINESS_NAMES = ("Scale", "Enterprise", "Company", "Business")

# Days after the founding; chosen so that each kind of change also falls into the last month of the first 18.
_EDITION_FROM, _EDITION_EVERY = 50, 60
_RENAME_FROM, _RENAME_EVERY = 125, 200
_PRICE_RISE_FROM, _PRICE_RISE_EVERY = 150, 190
_TRIED_FROM, _TRIED_EVERY, _TRIED_FOR = 95, 70, 10


class Catalog:
    """All products and prices with their histories; `price_for` answers what was on sale when.

    `promotions` has the coupons, promotion codes and tax rates.
    """

    def __init__(self, seed: int, founded: int) -> None:
        self.ledger = Ledger(0, IdSource(seed, "catalog"))
        self._timeline = Timeline(self.ledger)
        self._rng = Random(f"{seed}:catalog")
        self.products: dict[str, History] = {}
        self.prices: dict[str, History] = {}
        self._product_of: dict[str, str] = {}
        self._on_sale: dict[tuple[str, str, str | None], tuple[list[int], list[History]]] = {}
        self.promotions = Promotions(self.ledger, self._timeline, founded)
        for offset, name in enumerate(OFFERS):
            self._timeline.schedule(founded + 60 * (offset + 1), self._introduce, name)
        self._timeline.schedule(founded + _EDITION_FROM * DAY + 36_000, self._new_edition, 2)
        self._timeline.schedule(founded + _RENAME_FROM * DAY + 39_600, self._rename, 0)
        self._timeline.schedule(founded + _PRICE_RISE_FROM * DAY + 32_400, self._raise_price, 0)
        self._timeline.schedule(founded + _TRIED_FROM * DAY + 30_000, self._try_out, 1)

    def run(self, horizon: int) -> None:
        """Let the catalogue change until `horizon`."""
        self._timeline.run(horizon)

    def price_for(self, sku: str, currency: str, cadence: str | None, at: int) -> Price:
        """The price on sale at `at`; `cadence` is a key of offers.CADENCES. Raises LookupError when there was none."""
        sinces, prices = self._on_sale[(sku, currency, cadence)]
        position = bisect_right(sinces, at)
        if position == 0:
            raise LookupError(f"no price of {sku} in {currency} per {cadence} was on sale at {at}")
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
        offer = OFFERS[offer_name]
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
        for sku in SKUS[offer_name]:
            for currency in CURRENCIES:
                for cadence in offer.cadences:
                    self._add_price(at + 2, sku, make_price(offer_name, sku, currency, cadence))
        default = self._on_sale[(SKUS[offer_name][0], "usd", offer.cadences[0])][1][0].id
        self.ledger.update(
            history, at + 3, "product.updated", self.ledger.request(), default_price=default, updated=at + 3
        )

    def _add_price(self, at: int, sku: str, draft: Price) -> History:
        product = self.products[draft.product].id
        price = draft._replace(id=self.ledger.ids.long("price"), created=at, product=product)
        history = self.ledger.create("price", price, at, "price.created", self.ledger.request())
        self.prices[price.id] = history
        cadence = next((c for c, recurs in CADENCES.items() if recurs == (price.interval, price.interval_count)), None)
        sinces, prices = self._on_sale.setdefault((sku, price.currency, cadence), ([], []))
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
        amount = rounded(old.state.unit_amount * Fraction(112, 10_000), currency) * 100
        draft = make_price("starter", "starter", currency, "month", len(prices) + 1)
        new = self._add_price(at, "starter", draft._replace(unit_decimal=str(amount)))
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

    def _try_out(self, at: int, turn: int) -> None:
        """A product that never gets a price, and is deleted again: Stripe deletes no product with prices."""
        request = self.ledger.request()
        name = f"Trial balloon {turn}"
        product = Product(self.ledger.ids.short("prod"), at, name, "Perhaps some day", True, None, at, {})
        history = self.ledger.create("product", product, at, "product.created", request)
        self._timeline.schedule(at + _TRIED_FOR * DAY, self._drop, history)
        self._timeline.schedule(at + _TRIED_EVERY * DAY, self._try_out, turn + 1)

    def _drop(self, at: int, product: History) -> None:
        self.ledger.update(product, at, is_deleted=True)
        self.ledger.emit("product.deleted", product, at, self.ledger.request())

    def _new_edition(self, at: int, edition: int) -> None:
        offer = self._rng.choice(("starter", "pro", SEATS))
        product = self.products[offer]
        self.ledger.update(
            product,
            at,
            "product.updated",
            self.ledger.request(),
            description=f"{OFFERS[offer].description}, edition {edition}",
            metadata={**product.state.metadata, "edition": str(edition)},
            updated=at,
        )
        self._timeline.schedule(at + _EDITION_EVERY * DAY, self._new_edition, edition + 1)
