"""One customer's life: what they choose, and when. The mechanics are in `billing` and `payments`."""

from datetime import UTC, datetime
from random import Random

from simulator.agreement import Agreement, Choice
from simulator.billing import Billing
from simulator.cards import Cards
from simulator.catalog import Catalog
from simulator.chance import Chance
from simulator.changes import Changes
from simulator.checkout import Checkout
from simulator.choosing import QUANTITIES, all_modules, fill_basket, quantity_of
from simulator.claims import Claims
from simulator.episodes import CLOCK_DAYS, Episodes
from simulator.ids import IdSource
from simulator.ledger import History, Ledger
from simulator.offers import OFFERS, SEATS
from simulator.payments import Payments
from simulator.people import Person, make_person, new_card, new_customer
from simulator.periods import DAY, HOUR
from simulator.purchases import Purchases
from simulator.timeline import Timeline
from simulator.upkeep import Upkeep

_MONTH = 30 * DAY
_FEEDBACK = ("too_expensive", "unused", "switched_service", "missing_features", None)

# Chances. A month is 30 days of an active subscription.
_NEVER_SUBSCRIBES, _BUYS_ONCE = 0.12, 0.10
_TRIAL, _TRIAL_CANCELED = 0.45, 0.28
_TRIAL_BESIDE = 0.3  # of second subscriptions
_CANCEL_MONTHLY, _CANCEL_ANNUAL = 0.045, 0.02
_RETURNS, _DELETED = 0.35, 0.10
_TRIAL_WITHOUT_CARD, _CARD_AFTER_ALL = 0.12, 0.4

# One in a hundred has a subscription of more items than Stripe embeds, one in a hundred lives by a test clock.
_ONE_IN, _OF_MANY_ITEMS, _ON_A_CLOCK = 100, 20, 60


class Life:
    """Joins at `joined_at` and goes on for ever; `timeline.run(horizon)` lives it up to a horizon."""

    def __init__(self, seed: int, index: int, joined_at: int, catalog: Catalog) -> None:
        self.rng = Random(f"{seed}:{index}")
        self.index = index
        self.ledger = Ledger(index, IdSource(seed, str(index)))
        self.timeline = Timeline(self.ledger)
        self.person: Person = make_person(self.rng, index, Random(f"{seed}:{index}:contact"))
        self.currency = self.person.currency
        self.catalog = catalog
        self.payments = Payments(self.ledger, self.person.user_id)
        self.billing = Billing(self.ledger, self.timeline, catalog, self.payments, Chance(self.rng))
        self.changes = Changes(self.billing)
        self.episodes = Episodes(self.rng, self.currency, catalog, self.billing, self.changes)
        self.agreements: list[Agreement] = []
        money_rng = Random(f"{seed}:{index}:money")  # of its own, so that these never steer what is bought
        self.cards = Cards(self.payments, money_rng)
        self.checkout = Checkout(self.payments, self.timeline, money_rng)
        claims = Claims(self.payments, self.timeline, money_rng, is_quarrelsome=index % 20 == 3)
        self.purchases = Purchases(self.rng, self.currency, catalog, self.billing, claims, self._add_card)
        self.upkeep = Upkeep(self.rng, Random(f"{seed}:{index}:moves"), self.ledger, self.payments, self._add_card)
        self.billing.on_over = self._after_subscription
        self.billing.on_paid = lambda at, agreement, charge: self.purchases.perhaps_refund(at, charge)
        self.timeline.schedule(joined_at, self._join)

    # Joining

    def _join(self, at: int) -> None:
        rng = self.rng
        clock = None
        if self.index % _ONE_IN == _ON_A_CLOCK:
            clock = self.episodes.start_clock(at, self.index)
            self.timeline.schedule(at + CLOCK_DAYS * DAY, self._end_with, clock)
        request = self.ledger.request()
        customer = new_customer(self.person, self.ledger.ids, at)
        if clock is not None:
            customer = customer._replace(test_clock=clock.id)
        self.payments.create_customer(at, customer, request)
        kind = rng.random()
        if clock is not None:
            self.timeline.schedule(at + HOUR, self._subscribe, rng.random() < _TRIAL)
        elif self.index % _ONE_IN == _OF_MANY_ITEMS:
            self.timeline.schedule(at + rng.randrange(0, 120), self._subscribe_to_all)
        elif kind < _NEVER_SUBSCRIBES:
            if rng.random() < 0.2:
                self.timeline.schedule(at + rng.randrange(60, 3 * DAY), self._add_card)
            self.timeline.schedule(at + rng.randrange(DAY, 200 * DAY), self.upkeep.change_email)
        elif kind < _NEVER_SUBSCRIBES + _BUYS_ONCE:
            self.timeline.schedule(at + rng.randrange(20, 2 * DAY), self.purchases.buy, True)
        else:
            delay = rng.randrange(0, 120) if rng.random() < 0.7 else rng.randrange(HOUR, 10 * DAY)
            self.timeline.schedule(at + delay, self._arrive, rng.random() < _TRIAL)

    def _arrive(self, at: int, has_trial: bool) -> None:
        self.checkout.lead(at, self.currency, lambda moment: self._subscribe(moment, has_trial))

    def _add_card(self, at: int) -> None:
        customer = self.payments.customer_history.state
        year = datetime.fromtimestamp(at, UTC).year
        card = new_card(self.rng, customer, self.ledger.ids, at, year)
        self.cards.add(at, card, self.ledger.request())

    # Subscriptions

    def _subscribe(self, at: int, has_trial: bool) -> Agreement | None:
        rng = self.rng
        customer = self.payments.customer_history.state
        if customer.is_deleted:
            return None
        is_without_card = has_trial and self.payments.card is None and rng.random() < _TRIAL_WITHOUT_CARD
        if self.payments.card is None and not is_without_card:
            self._add_card(at)
        basket = fill_basket(rng, self.catalog, self.currency, customer.country, at)
        request = self.ledger.request()
        agreement = self.billing.subscribe(
            at,
            basket.choices,
            request,
            14 if has_trial else 0,
            is_created_paid=rng.random() < 0.5,
            grants=basket.grants,
            tax_rates=basket.tax_rates,
            pauses_without_card=is_without_card,
        )
        self.agreements.append(agreement)
        if is_without_card:
            self.timeline.schedule(at + rng.randrange(10 * DAY, 60 * DAY), self._bring_card, agreement)
        if basket.cadence in ("day", "week"):
            weeks = (1, 6) if basket.cadence == "day" else (4, 30)
            self.timeline.schedule(at + rng.randrange(7 * weeks[0], 7 * weeks[1]) * DAY, self._cancel, agreement)
        status = agreement.state.status
        if status == "incomplete":
            if rng.random() < 0.5:
                self.timeline.schedule(at + rng.randrange(120, 6 * HOUR), self._pay_again, agreement)
        elif status == "trialing" and rng.random() < _TRIAL_CANCELED:
            self.timeline.schedule(at + rng.randrange(HOUR, 13 * DAY), self._cancel, agreement)
        first_month = 15 * DAY if has_trial else 0
        self.timeline.schedule(at + first_month + rng.randrange(DAY, _MONTH), self._month, agreement)
        return agreement

    def _subscribe_to_all(self, at: int) -> None:
        self._add_card(at)
        basket = all_modules(self.rng, self.catalog, self.currency, at)
        agreement = self.billing.subscribe(at, basket.choices, self.ledger.request())
        self.agreements.append(agreement)
        if agreement.state.status == "incomplete":
            self.timeline.schedule(at + 600, self._pay_again, agreement)
        self.timeline.schedule(at + _MONTH, self._month, agreement)

    def _bring_card(self, at: int, agreement: Agreement) -> None:
        """Some who tried without a card add one, before the trial's end or after it; the others are let go."""
        status = agreement.state.status
        if agreement.is_over or self.payments.customer_history.state.is_deleted:
            return
        if self.rng.random() < _CARD_AFTER_ALL:
            if self.payments.card is None:
                self._add_card(at)
            self.changes.resume_trial(at + 5, agreement)
        elif status == "paused":
            self.billing.cancel_now(at, agreement, "cancellation_requested", None, self.ledger.request())

    def _pay_again(self, at: int, agreement: Agreement) -> None:
        if self.rng.random() < 0.6 and agreement.state.status == "incomplete":
            self._add_card(at)
        self.billing.retry_first_payment(at + 2, agreement)

    def _month(self, at: int, agreement: Agreement) -> None:
        """Once in 30 days of a subscription: perhaps something changes."""
        if agreement.is_over:
            return
        rng = self.rng
        self.timeline.schedule(at + _MONTH, self._month, agreement)
        is_annual = agreement.interval == "year"
        draw = rng.random()
        later = at + rng.randrange(0, 25 * DAY)
        limit = _CANCEL_ANNUAL if is_annual else _CANCEL_MONTHLY
        if draw < limit:
            self.timeline.schedule(later, self._cancel, agreement)
            return
        for chance, action in (
            (0.05, self._change_plan),
            (0.03, self._change_quantity),
            (0.01, self.upkeep.change_email_of),
            (0.015, self.upkeep.replace_card),
            (0.015, self.upkeep.renew_card),
            (0.01, self.upkeep.move_house),
            (0.02, self._buy_beside),
            (0.006, self._subscribe_again),
            *self.episodes.table,
        ):
            limit += chance
            if draw < limit:
                self.timeline.schedule(later, action, agreement)
                return

    def _cancel(self, at: int, agreement: Agreement) -> None:
        rng = self.rng
        state = agreement.state
        if agreement.is_over or state.cancel_at_period_end or state.status not in ("active", "trialing"):
            return
        if agreement.open_run is not None:
            self.timeline.schedule(at + DAY, self._cancel, agreement)
            return
        feedback = rng.choice(_FEEDBACK)
        if rng.random() < 0.25:
            request = self.ledger.request()
            self.billing.cancel_now(at, agreement, "cancellation_requested", feedback, request)
            return
        self.billing.cancel_at_period_end(at, agreement, feedback)
        if rng.random() < 0.1:
            self.timeline.schedule(at + rng.randrange(HOUR, 5 * DAY), self._keep, agreement)

    def _keep(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over and agreement.state.cancel_at_period_end:
            self.billing.keep(at, agreement)

    def _change_plan(self, at: int, agreement: Agreement) -> None:
        rng = self.rng
        state = agreement.state
        item = state.items[0]
        offer = self.catalog.offer_of(item.price)
        cadence = {1: agreement.interval, 3: "quarter"}[agreement.interval_count]
        if not agreement.is_free_to_change or item.discounts or len(state.items) > 3:
            return
        if cadence == "month" and len(state.items) == 1 and "year" in OFFERS[offer].cadences and rng.random() < 0.3:
            new_offer, cadence = offer, "year"
        else:
            plans = ("starter", "pro", SEATS)
            new_offer = rng.choice([n for n in plans if n != offer and cadence in OFFERS[n].cadences] or [offer])
        if (new_offer, cadence) == (offer, agreement.interval):
            return
        quantity = item.quantity if new_offer == offer else quantity_of(rng, new_offer)
        price = self.catalog.price_for(new_offer, self.currency, cadence, at)
        if price.id != item.price:
            self.changes.change_item(at, agreement, 0, Choice(price.id, quantity))

    def _change_quantity(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_free_to_change:
            return
        for position, item in enumerate(agreement.state.items):
            offer = self.catalog.offer_of(item.price)
            if offer in QUANTITIES:
                self.episodes.change_quantity(at, agreement, position, offer)
                return

    def _subscribe_again(self, at: int, agreement: Agreement) -> None:
        """A second subscription beside the first."""
        if not agreement.is_over:
            self._subscribe(at, self.rng.random() < _TRIAL_BESIDE)

    def _buy_beside(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            self.purchases.buy(at, False)

    def _after_subscription(self, at: int, agreement: Agreement) -> None:
        rng = self.rng
        draw = rng.random()
        if draw < _RETURNS:
            self.timeline.schedule(at + rng.randrange(_MONTH, 8 * _MONTH), self._subscribe, False)
        elif draw < _RETURNS + _DELETED:
            self.timeline.schedule(at + rng.randrange(60 * DAY, 200 * DAY), self._leave)

    def _leave(self, at: int) -> None:
        """The customer is deleted; Stripe ends what still runs."""
        if self.payments.customer_history.state.is_deleted:
            return
        for agreement in self.agreements:
            if not agreement.is_over:
                self.billing.cancel_now(at, agreement, "cancellation_requested", None, self.ledger.request())
        self.payments.delete_customer(at, self.ledger.request())

    def _end_with(self, at: int, clock: History) -> None:
        self._leave(at)
        self.episodes.delete_clock(at, clock)
