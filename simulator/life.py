"""One customer's life: what they choose, and when. The mechanics are in `billing` and `payments`."""

from datetime import UTC, datetime
from random import Random

from simulator.agreement import Agreement, Choice
from simulator.billing import Billing
from simulator.cards import Cards
from simulator.catalog import ADD_ON, ONE_TIME, SEATS, Catalog
from simulator.checkout import Checkout
from simulator.claims import Claims
from simulator.ids import IdSource
from simulator.ledger import History, Ledger
from simulator.payments import Payments
from simulator.people import Person, make_person, new_card, new_customer
from simulator.periods import DAY, HOUR
from simulator.timeline import Timeline

_MONTH = 30 * DAY
_DECLINES = ("insufficient_funds", "generic_decline", "do_not_honor", "expired_card")
_FEEDBACK = ("too_expensive", "unused", "switched_service", "missing_features", None)

# Chances. A month is 30 days of an active subscription.
_NEVER_SUBSCRIBES, _BUYS_ONCE = 0.12, 0.10
_TRIAL, _TRIAL_CANCELED = 0.45, 0.28
_CANCEL_MONTHLY, _CANCEL_ANNUAL = 0.045, 0.02
_RETURNS, _DELETED = 0.35, 0.10
_REFUND = 0.03


class Chance:
    """Decisions drawn from the customer's own random stream."""

    __slots__ = ("_failure_rate", "rng")

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._failure_rate = rng.choice((0.01, 0.03, 0.05, 0.12))

    def failure(self, at: int, attempt: int) -> str | None:
        """Most first attempts succeed; once declined, a card is declined again nearly half the time."""
        rate = self._failure_rate if attempt == 1 else 0.45
        return self.rng.choice(_DECLINES) if self.rng.random() < rate else None

    def seconds(self, low: int, high: int) -> int:
        """A number in [low, high]."""
        return self.rng.randint(low, high)

    def risk_score(self) -> int:
        """An inconspicuous score."""
        return self.rng.randrange(5, 65)

    def is_left_unpaid(self) -> bool:
        """One in four."""
        return self.rng.random() < 0.25


class Life:
    """Joins at `joined_at` and goes on for ever; `timeline.run(horizon)` lives it up to a horizon."""

    def __init__(self, seed: int, index: int, joined_at: int, catalog: Catalog) -> None:
        self.rng = Random(f"{seed}:{index}")
        self.ledger = Ledger(index, IdSource(seed, str(index)))
        self.timeline = Timeline(self.ledger)
        self.person: Person = make_person(self.rng, index)
        self.currency = self.person.currency
        self.catalog = catalog
        self.payments = Payments(self.ledger, self.person.user_id)
        self.billing = Billing(self.ledger, self.timeline, catalog, self.payments, Chance(self.rng))
        money_rng = Random(f"{seed}:{index}:money")  # of its own, so that these never steer what is bought
        self.cards = Cards(self.payments, money_rng)
        self.checkout = Checkout(self.payments, self.timeline, money_rng)
        self.claims = Claims(self.payments, self.timeline, money_rng, is_quarrelsome=index % 20 == 3)
        self.billing.on_over = self._after_subscription
        self.billing.on_paid = self._after_payment
        self.timeline.schedule(joined_at, self._join)

    # Joining

    def _join(self, at: int) -> None:
        rng = self.rng
        request = self.ledger.request()
        self.payments.create_customer(at, new_customer(self.person, self.ledger.ids, at), request)
        kind = rng.random()
        if kind < _NEVER_SUBSCRIBES:
            if rng.random() < 0.2:
                self.timeline.schedule(at + rng.randrange(60, 3 * DAY), self._add_card)
            self.timeline.schedule(at + rng.randrange(DAY, 200 * DAY), self._change_email)
        elif kind < _NEVER_SUBSCRIBES + _BUYS_ONCE:
            self.timeline.schedule(at + rng.randrange(20, 2 * DAY), self._buy, True)
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
        if self.payments.customer_history.state.is_deleted:
            return None
        if self.payments.card is None:
            self._add_card(at)
        offer = rng.choices(("starter", "pro", SEATS), (52, 33, 15))[0]
        interval = "year" if rng.random() < 0.2 else "month"
        quantity = rng.randint(2, 20) if offer == SEATS else 1
        choices = [Choice(self._price(offer, interval, at), quantity)]
        if rng.random() < 0.15:
            choices.append(Choice(self._price(ADD_ON, interval, at), rng.randint(1, 5)))
        request = self.ledger.request()
        is_created_paid = rng.random() < 0.5
        agreement = self.billing.subscribe(at, choices, request, 14 if has_trial else 0, is_created_paid)
        status = agreement.state.status
        if status == "incomplete":
            if rng.random() < 0.5:
                self.timeline.schedule(at + rng.randrange(120, 6 * HOUR), self._pay_again, agreement)
        elif status == "trialing" and rng.random() < _TRIAL_CANCELED:
            self.timeline.schedule(at + rng.randrange(HOUR, 13 * DAY), self._cancel, agreement)
        first_month = 15 * DAY if has_trial else 0
        self.timeline.schedule(at + first_month + rng.randrange(DAY, _MONTH), self._month, agreement)
        return agreement

    def _price(self, offer: str, interval: str | None, at: int) -> str:
        return self.catalog.price_for(offer, self.currency, interval, at).id

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
        is_annual = agreement.months == 12
        draw = rng.random()
        later = at + rng.randrange(0, 25 * DAY)
        limit = _CANCEL_ANNUAL if is_annual else _CANCEL_MONTHLY
        if draw < limit:
            self.timeline.schedule(later, self._cancel, agreement)
            return
        for chance, action in (
            (0.05, self._change_plan),
            (0.03, self._change_quantity),
            (0.01, self._change_email_of),
            (0.015, self._replace_card),
            (0.015, self._renew_card),
            (0.01, self._move_house),
            (0.02, self._buy_beside),
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
        state = agreement.state
        if not agreement.is_in_order or state.cancel_at_period_end:
            return
        rng = self.rng
        item = state.items[0]
        offer = self.catalog.offer_of(item.price)
        interval = "year" if agreement.months == 12 else "month"
        if interval == "month" and len(state.items) == 1 and rng.random() < 0.3:
            new_offer, interval = offer, "year"
        else:
            new_offer = rng.choice([name for name in ("starter", "pro", SEATS) if name != offer])
        quantity = item.quantity if new_offer == offer else (rng.randint(4, 20) if new_offer == SEATS else 1)
        self.billing.change_item(at, agreement, 0, Choice(self._price(new_offer, interval, at), quantity))

    def _change_quantity(self, at: int, agreement: Agreement) -> None:
        state = agreement.state
        if not agreement.is_in_order or state.cancel_at_period_end:
            return
        for position, item in enumerate(state.items):
            if self.catalog.offer_of(item.price) in (SEATS, ADD_ON):
                quantity = max(1, item.quantity + self.rng.choice((-3, -2, -1, 1, 2, 4)))
                if quantity != item.quantity:
                    self.billing.change_item(at, agreement, position, Choice(item.price, quantity))
                return

    def _after_subscription(self, at: int, agreement: Agreement) -> None:
        rng = self.rng
        draw = rng.random()
        if draw < _RETURNS:
            self.timeline.schedule(at + rng.randrange(_MONTH, 8 * _MONTH), self._subscribe, False)
        elif draw < _RETURNS + _DELETED:
            self.timeline.schedule(at + rng.randrange(60 * DAY, 200 * DAY), self._leave)

    def _leave(self, at: int) -> None:
        if not self.payments.customer_history.state.is_deleted:
            self.payments.delete_customer(at, self.ledger.request())

    # Small changes

    def _change_email(self, at: int) -> None:
        if self.payments.customer_history.state.is_deleted:
            return
        name, _, domain = self.payments.customer_history.state.email.partition("@")
        email = f"{name.split('+')[0]}+{self.rng.randrange(100, 1000)}@{domain}"
        self.payments.update_customer(at, self.ledger.request(), email=email)

    def _change_email_of(self, at: int, agreement: Agreement) -> None:
        self._change_email(at)

    def _replace_card(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            self._add_card(at)

    def _renew_card(self, at: int, agreement: Agreement) -> None:
        """The bank renewed the card, and Stripe learnt of it."""
        if not agreement.is_over:
            year = self.payments.card_history.state.exp_year + 3
            self.payments.update_card(at, "payment_method.automatically_updated", self.ledger.request(), exp_year=year)

    def _move_house(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            code = f"{self.rng.randrange(10_000, 99_999)}"
            request = self.ledger.request()
            self.payments.update_card(at, "payment_method.updated", request, postal_code=code)
            self.payments.update_customer(at, request, postal_code=code)

    # Purchases and refunds

    def _buy(self, at: int, has_more: bool) -> None:
        """A one-time purchase, without an invoice; a declined card is often tried again at once."""
        rng = self.rng
        if self.payments.customer_history.state.is_deleted:
            return
        if self.payments.card is None:
            self._add_card(at)
        price = self.catalog.price_for(ONE_TIME, self.currency, None, at)
        request = self.ledger.request()
        amount = price.unit_amount * rng.choice((1, 1, 1, 2, 3))
        decisions = self.billing.decisions
        intent = self.payments.open_intent(at, amount, self.currency, "Data export", request)
        charged_at = at + rng.randint(0, 2)
        charge = self.payments.charge(charged_at, intent, decisions.failure(at, 1), decisions.risk_score(), request)
        if not charge.state.is_paid and rng.random() < 0.7:
            again = charged_at + rng.randrange(20, 300)
            charge = self.payments.charge(
                again, intent, decisions.failure(again, 2), decisions.risk_score(), self.ledger.request()
            )
        if charge.state.is_paid:
            self._perhaps_refund(charge.created, charge)
        if has_more and rng.random() < 0.75:
            self.timeline.schedule(at + rng.randrange(5 * DAY, 120 * DAY), self._buy, True)

    def _buy_beside(self, at: int, agreement: Agreement) -> None:
        if not agreement.is_over:
            self._buy(at, False)

    def _after_payment(self, at: int, agreement: Agreement, charge: History) -> None:
        self._perhaps_refund(at, charge)

    def _perhaps_refund(self, at: int, charge: History) -> None:
        self.claims.consider(at, charge)
        if self.rng.random() < _REFUND:
            self.timeline.schedule(at + self.rng.randrange(HOUR, 40 * DAY), self._refund, charge)

    def _refund(self, at: int, charge: History) -> None:
        rng = self.rng
        left = charge.state.refundable
        if left == 0:
            return
        is_full = rng.random() < 0.6
        amount = left if is_full else max(1, left * rng.randrange(10, 80) // 100)
        reason = rng.choice(("requested_by_customer", "duplicate", None))
        is_pending = rng.random() < 0.2
        status = "pending" if is_pending else "succeeded"
        refund = self.payments.refund(at, charge, amount, status, reason)
        if is_pending:
            settle_at = at + rng.randrange(DAY, 6 * DAY)
            self.timeline.schedule(settle_at, self._settle_refund, refund, charge, rng.random() < 0.35)
        elif not is_full and rng.random() < 0.25:
            self.timeline.schedule(at + rng.randrange(DAY, 10 * DAY), self._refund, charge)

    def _settle_refund(self, at: int, refund: History, charge: History, fails: bool) -> None:
        if fails:
            self.payments.fail_refund(at, refund, charge, "expired_or_canceled_card")
        else:
            self.payments.settle_refund(at, refund)
