"""Subscription schedules: an agreed change of prices at the start of a later period, then the release."""

from simulator.agreement import Agreement, Choice
from simulator.ledger import AUTOMATIC, Ledger, Request
from simulator.periods import DAY
from simulator.states import Item
from simulator.terms import Phase, SubscriptionSchedule
from simulator.timeline import Timeline

_CHANGED = "customer.subscription.updated"
_EXPIRING = 7 * DAY


class Schedules:
    """The schedules of one customer's subscriptions; billing asks them at each renewal."""

    def __init__(self, ledger: Ledger, timeline: Timeline) -> None:
        self.ledger = ledger
        self.timeline = timeline

    def agree(self, at: int, agreement: Agreement, choice: Choice) -> None:
        """The first item changes to `choice` at the next renewal; a period later the schedule lets go."""
        request = self.ledger.request()
        state = agreement.state
        first = state.items[0]
        rest = tuple((item.price, item.quantity) for item in state.items[1:])
        end = agreement.period(agreement.cycle + 1)
        now = Phase(first.period_start, first.period_end, ((first.price, first.quantity), *rest))
        then = Phase(first.period_end, end, ((choice.price, choice.quantity), *rest))
        schedule = SubscriptionSchedule(
            id=self.ledger.ids.long("sub_sched"),
            created=at,
            customer=state.customer,
            subscription=state.id,
            currency=state.currency,
            status="active",
            phases=(now, then),
            current=0,
            released_at=None,
            canceled_at=None,
            test_clock=state.test_clock,
        )
        agreement.schedule = self.ledger.create(
            "subscription_schedule", schedule, at, "subscription_schedule.created", request
        )
        self.ledger.update(agreement.history, at, _CHANGED, request, schedule=schedule.id)
        self.timeline.schedule(end - _EXPIRING, self._announce_end, agreement, schedule.id)

    def items_at(self, at: int, agreement: Agreement) -> tuple[Item, ...]:
        """The items of the period that begins; a phase that begins with it changes their prices."""
        items = agreement.state.items
        if agreement.schedule is None:
            return items
        state: SubscriptionSchedule = agreement.schedule.state
        position = (state.current or 0) + 1
        if position >= len(state.phases):
            return items
        self.ledger.update(agreement.schedule, at, "subscription_schedule.updated", current=position)
        sold = state.phases[position].items
        return tuple(
            item._replace(price=price, quantity=quantity)
            for item, (price, quantity) in zip(items, sold, strict=True)
        )  # fmt: skip

    def is_done(self, at: int, agreement: Agreement) -> bool:
        """Whether the last phase ends at `at`."""
        return agreement.schedule is not None and at >= agreement.schedule.state.phases[-1].end

    def release(self, at: int, agreement: Agreement) -> None:
        """The schedule ends, and the subscription goes on without it."""
        if agreement.schedule is not None:
            self.ledger.update(agreement.schedule, at, status="released", current=None, released_at=at)
            self.ledger.emit("subscription_schedule.released", agreement.schedule, at)
            agreement.schedule = None

    def cancel(self, at: int, agreement: Agreement, request: Request = AUTOMATIC) -> None:
        """The subscription ended, and its schedule with it."""
        if agreement.schedule is not None:
            self.ledger.update(agreement.schedule, at, status="canceled", current=None, canceled_at=at)
            self.ledger.emit("subscription_schedule.canceled", agreement.schedule, at, request)
            agreement.schedule = None

    def _announce_end(self, at: int, agreement: Agreement, schedule: str) -> None:
        if agreement.schedule is not None and agreement.schedule.id == schedule:
            self.ledger.emit("subscription_schedule.expiring", agreement.schedule, at)
