"""The whole company: everyone who ever joined, lived up to a horizon that stays ahead of the clock."""

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import sqrt
from operator import attrgetter
from random import Random
from typing import Protocol

from simulator.catalog import Catalog
from simulator.ids import account_id, identity_of
from simulator.ledger import Event, History, Ledger, second_key
from simulator.life import Life
from simulator.periods import HOUR, add_months
from simulator.timeline import Timeline
from simulator.treasury import Treasury

KINDS = (
    "customer",
    "product",
    "price",
    "payment_method",
    "subscription",
    "invoice",
    "payment_intent",
    "charge",
    "refund",
    "invoice_payment",
    "plan",
    "coupon",
    "promotion_code",
    "tax_rate",
    "subscription_schedule",
    "invoiceitem",
    "credit_note",
    "dispute",
    "balance_transaction",
    "payout",
    "transfer",
    "setup_intent",
    "checkout.session",
    "discount",
    "customer_balance_transaction",
    "test_helpers.test_clock",
)

_MARGIN = HOUR  # the horizon is never nearer to the clock than this
_STEP = 6 * HOUR
_BY_KEY = attrgetter("key")


class Member(Protocol):
    """A customer as the company sees one: `Life`, or a test's script."""

    ledger: Ledger
    timeline: Timeline


class ObjectIndex:
    """All objects of one kind, oldest first."""

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.histories: list[History] = []
        self.by_id: dict[str, History] = {}
        self.by_customer: dict[str, list[History]] = {}

    def append(self, history: History) -> None:
        """Add an object that is newer than all before it."""
        self.keys.append(history.key)
        self.histories.append(history)
        self.by_id[history.id] = history
        customer = getattr(history.states[0], "customer", None)
        if customer is not None:
            self.by_customer.setdefault(customer, []).append(history)

    def between(self, first: float, last: float) -> tuple[int, int]:
        """Positions [low, high) of what was created in the whole seconds first <= created < last."""
        low = bisect_left(self.keys, second_key(int(first)))
        return low, max(low, bisect_left(self.keys, second_key(int(last))))


class Company:
    """Generated from (seed, founded, customers, months): the same four give the same company for ever.

    `customers` is how many join in the first `months`, in growing numbers; after that they keep joining
    at the rate of the end. `newcomer(index, joined_at, catalog)` makes a member's life.
    """

    def __init__(
        self,
        seed: int,
        founded: int,
        customers: int,
        months: int,
        newcomer: Callable[[int, int, Catalog], Member] | None = None,
    ) -> None:
        if customers < 1 or months < 1:
            raise ValueError(f"a company needs customers and months, not {customers} and {months}")
        self.seed = seed
        self.founded = founded
        self.customers = customers
        self.months = months
        # All four, so that two companies that differ in any of them never share an id.
        identity = identity_of(seed, founded, customers, months)
        self.account_id = account_id(identity)
        self.horizon = founded
        self.catalog = Catalog(identity, founded)
        self.treasury = Treasury(identity, founded)
        self.members: list[Member] = []
        self.events: list[Event] = []  # all, oldest first, up to the horizon
        self.objects = {kind: ObjectIndex() for kind in KINDS}
        self.on_events: list[Callable[[list[Event]], None]] = []
        self._newcomer = newcomer or (lambda index, at, catalog: Life(identity, index, at, catalog))
        self._span = add_months(founded, months) - founded
        self._arrivals = self._join_times()
        self._next_arrival = next(self._arrivals)
        self._due: list[tuple[int, int]] = []
        self._held_events: list[Event] = []  # written by an action before the horizon, dated after it
        self._held_objects: list[History] = []

    def ensure(self, now: float) -> None:
        """Make sure that everything up to `now`, and somewhat beyond, has been lived."""
        if now + _MARGIN > self.horizon:
            self.extend(int(now) + _STEP)

    def extend(self, horizon: int) -> None:
        """Live on until `horizon` (exclusive). How the way there is cut into steps changes nothing."""
        if horizon <= self.horizon:
            return
        was_collecting = gc.isenabled()
        gc.disable()  # everything made here stays: looking for garbage in between would double the time
        try:
            self._live(horizon)
        finally:
            if was_collecting:
                gc.enable()

    def _live(self, horizon: int) -> None:
        events, objects = self._held_events, self._held_objects
        held = len(objects)
        self.catalog.run(horizon)
        self._take(self.catalog.ledger, events, objects)
        while self._next_arrival < horizon:
            index = len(self.members) + 1
            member = self._newcomer(index, self._next_arrival, self.catalog)
            self.members.append(member)
            heappush(self._due, (self._next_arrival, index))
            self._next_arrival = next(self._arrivals)
        while self._due and self._due[0][0] < horizon:
            _, index = heappop(self._due)
            member = self.members[index - 1]
            member.timeline.run(horizon)
            self._take(member.ledger, events, objects)
            if member.timeline.next_at is not None:
                heappush(self._due, (member.timeline.next_at, index))
        # Last, since it acts on what the members did; what was held was taken into account when it was written.
        self.treasury.run(horizon, [history for history in objects[held:] if history.kind == "balance_transaction"])
        self._take(self.treasury.ledger, events, objects)
        self.horizon = horizon
        limit = second_key(horizon)
        events.sort(key=_BY_KEY)
        objects.sort(key=_BY_KEY)
        ready = bisect_left(events, limit, key=_BY_KEY)
        self._held_events = events[ready:]
        self.events.extend(events[:ready])
        ready_objects = bisect_left(objects, limit, key=_BY_KEY)
        self._held_objects = objects[ready_objects:]
        for history in objects[:ready_objects]:
            self.objects[history.kind].append(history)
        for listener in self.on_events:
            listener(events[:ready])

    @staticmethod
    def _take(ledger: Ledger, events: list[Event], objects: list[History]) -> None:
        new_events, new_objects = ledger.take()
        events += new_events
        objects += new_objects

    def _join_times(self) -> Iterator[int]:
        """One instant after another, the rate growing threefold over the first `months`."""
        rng = Random(f"{self.seed}:arrivals")
        index = 0
        while True:
            share = (index + rng.random()) / self.customers
            # The inverse of x/2 + x*x/2 up to the first `months`, whose rate at the end is 1.5.
            place = (sqrt(1 + 8 * share) - 1) / 2 if share < 1 else 1 + (share - 1) / 1.5
            yield self.founded + HOUR + int(place * (self._span - HOUR))
            index += 1
