"""A customer's discounts: granted on the customer, a subscription or an item of it; used up, expired, taken away."""

from fractions import Fraction

from simulator.agreement import Agreement
from simulator.catalog import Catalog
from simulator.ledger import AUTOMATIC, History, Ledger, Request
from simulator.payments import Payments
from simulator.periods import add_months
from simulator.pricing import cost
from simulator.promotions import Grant
from simulator.reductions import Reduction, reductions, take_off
from simulator.states import Customer, Item, Line, Subscription
from simulator.terms import Applied, Discount
from simulator.timeline import Timeline

_CREATED, _DELETED = "customer.discount.created", "customer.discount.deleted"
_CHANGED = "customer.subscription.updated"


def in_force(subscription: Subscription, customer: Customer) -> tuple[Applied, ...]:
    """What holds for a whole subscription: its own discounts or, if it has none, its customer's."""
    if subscription.discounts or customer.discount is None:
        return subscription.discounts
    return (Applied(customer.discount.id, customer.discount.coupon),)


class Discounts:
    """The discounts of one customer, and what they take off."""

    def __init__(self, ledger: Ledger, timeline: Timeline, catalog: Catalog, payments: Payments) -> None:
        self.ledger = ledger
        self.timeline = timeline
        self.promotions = catalog.promotions
        self._catalog = catalog
        self._payments = payments
        self._histories: dict[str, History] = {}

    def draw_up(self, at: int, grant: Grant, subscription: str | None = None, item: str | None = None) -> Applied:
        """A new discount, which nobody was told of yet: `publish` does."""
        coupon = self.promotions.coupon(grant.coupon)
        end = add_months(at, coupon.duration_in_months) if coupon.duration_in_months else None
        discount = Discount(
            id=self.ledger.ids.long("di"),
            start=at,
            end=end,
            coupon=coupon.id,
            promotion_code=grant.promotion_code,
            customer=self._payments.customer_history.id,
            subscription=subscription,
            subscription_item=item,
        )
        self._histories[discount.id] = self.ledger.create("discount", discount, at)
        self.promotions.redeem(grant, at)
        return Applied(discount.id, coupon.id)

    def publish(self, at: int, agreement: Agreement, discounts: tuple[Applied, ...], request: Request) -> None:
        """Tell of discounts that a subscription has got, and see to it that those that end do."""
        for applied in discounts:
            history = self._histories[applied.discount]
            self.ledger.emit(_CREATED, history, at, request)
            if history.state.end is not None:
                self.timeline.schedule(history.state.end, self._expire, agreement, applied)

    def grant(self, at: int, agreement: Agreement, grant: Grant, position: int | None = None) -> None:
        """One more discount for a subscription or, with a `position`, for that item of it."""
        request = self.ledger.request()
        state = agreement.state
        item = None if position is None else state.items[position]
        applied = self.draw_up(at, grant, state.id, item and item.id)
        if item is None or position is None:
            self.ledger.update(agreement.history, at, _CHANGED, request, discounts=(*state.discounts, applied))
        else:
            reduced = item._replace(discounts=(*item.discounts, applied))
            items = (*state.items[:position], reduced, *state.items[position + 1 :])
            self.ledger.update(agreement.history, at, _CHANGED, request, items=items)
        self.publish(at, agreement, (applied,), request)

    def take_away(self, at: int, agreement: Agreement, gone: Applied, request: Request = AUTOMATIC) -> None:
        """A subscription, or an item of it, loses a discount."""
        state = agreement.state
        items = tuple(item._replace(discounts=_without(item.discounts, gone)) for item in state.items)
        left = _without(state.discounts, gone)
        if items == state.items and left == state.discounts:
            return
        self.ledger.update(agreement.history, at, _CHANGED, request, discounts=left, items=items)
        self._delete(at, gone.discount, request)

    def grant_customer(self, at: int, grant: Grant) -> None:
        """A discount for all that the customer pays; one that is there already changes its coupon."""
        request = self.ledger.request()
        present = self._payments.customer_history.state.discount
        coupon = self.promotions.coupon(grant.coupon)
        end = add_months(at, coupon.duration_in_months) if coupon.duration_in_months else None
        if present is None:
            history = self._histories[self.draw_up(at, grant).discount]
            self.ledger.emit(_CREATED, history, at, request)
        else:
            history = self._histories[present.id]
            changes = {"coupon": grant.coupon, "promotion_code": grant.promotion_code, "start": at, "end": end}
            self.ledger.update(history, at, "customer.discount.updated", request, **changes)
            self.promotions.redeem(grant, at)
        self._payments.update_customer(at, request, discount=history.state)
        if end is not None:
            self.timeline.schedule(end, self._expire_customer, history.state)

    def take_away_customer(self, at: int, request: Request = AUTOMATIC) -> None:
        """The customer loses the discount."""
        discount = self._payments.customer_history.state.discount
        if discount is not None:
            self._payments.update_customer(at, request, discount=None)
            self._delete(at, discount.id, request)

    def on_lines(self, subscription: Subscription, lines: list[Line]) -> list[Reduction]:
        """What comes off an invoice of the subscription, with the positions of its lines."""
        of_item = {item.id: item.discounts for item in subscription.items}
        own = [() if line.item is None or line.is_proration else of_item.get(line.item, ()) for line in lines]
        shared = in_force(subscription, self._payments.customer_history.state)
        if not shared and not any(own):
            return []
        return reductions(self.promotions.coupon, own, shared)

    def net_cost(self, subscription: Subscription, items: tuple[Item, ...], position: int) -> Fraction:
        """What one of these items would cost for a whole period with the subscription's discounts, unrounded."""
        costs = [cost(self._catalog.price(item.price), item.quantity or 0) for item in items]
        shared = in_force(subscription, self._payments.customer_history.state)
        several = reductions(self.promotions.coupon, [item.discounts for item in items], shared)
        taken = take_off(costs, several, lambda amount: amount)
        return costs[position] - sum((amount for _, amount in taken[position]), Fraction(0))

    def use(self, at: int, agreement: Agreement, lines: tuple[Line, ...], request: Request) -> None:
        """After an invoice: discounts for once that took something off have done their service."""
        used = {discount for line in lines for discount, _ in line.discounts}
        if not used:
            return
        state = agreement.state
        own = [applied for item in state.items for applied in item.discounts]
        for applied in (*own, *state.discounts):
            if applied.discount in used and self.promotions.coupon(applied.coupon).duration == "once":
                self.take_away(at, agreement, applied, request)
        whole = self._payments.customer_history.state.discount
        if whole is not None and whole.id in used and self.promotions.coupon(whole.coupon).duration == "once":
            self.take_away_customer(at, request)

    def _delete(self, at: int, discount: str, request: Request) -> None:
        history = self._histories[discount]
        self.ledger.update(history, at, is_deleted=True)
        self.ledger.emit(_DELETED, history, at, request)

    def _expire(self, at: int, agreement: Agreement, applied: Applied) -> None:
        if not agreement.is_over:
            self.take_away(at, agreement, applied)

    def _expire_customer(self, at: int, discount: Discount) -> None:
        customer = self._payments.customer_history.state
        if customer.discount == discount and not customer.is_deleted:
            self.take_away_customer(at)


def _without(discounts: tuple[Applied, ...], gone: Applied) -> tuple[Applied, ...]:
    return tuple(applied for applied in discounts if applied != gone)
