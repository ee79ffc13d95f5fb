"""Monthly recurring revenue as the company itself knows it, exact: rational numbers from the generator's state.

The rules: licensed recurring prices of subscriptions that are active or past due; a year has 12 months, 52 weeks
or 365 days; discounts that last for ever are subtracted, percentages first; what is paused, and what is free for a
while, is counted apart.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from simulator.company import Company
from simulator.discounts import in_force
from simulator.ledger import History
from simulator.periods import DAY
from simulator.pricing import cost, monthly_factor
from simulator.reductions import reductions, take_off
from simulator.states import Customer, Subscription

_COUNTED = ("active", "past_due")
_NOTHING = Fraction(0)
_NO_PLANS: Mapping[str, Fraction] = {}
_BUCKETS = ("mrr", "paused", "trial")


class Step(NamedTuple):
    """From second `at` on, a subscription is worth this much a month: all but one of the three are zero.

    `plans`: what each of its prices is worth of it.
    """

    at: int
    mrr: Fraction
    paused: Fraction
    trial: Fraction
    plans: Mapping[str, Fraction]

    @property
    def parked(self) -> Fraction:
        """What it is worth and nobody pays for: paused, or in a trial."""
        return self.paused + self.trial


_NEVER = Step(0, _NOTHING, _NOTHING, _NOTHING, _NO_PLANS)


class RecurringRevenue:
    """`until` is exclusive everywhere: what changes in a second counts after it."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._known: dict[Any, Mapping[str, Fraction]] = {}

    def by_currency(self, until: float) -> list[dict[str, Any]]:
        """One row a currency: MRR and what is paused, as fractions of minor units in text, and paying customers."""
        rows: dict[str, list[Any]] = {}
        for history, steps in self.all_steps(until):
            row = rows.setdefault(history.state.currency, [_NOTHING, _NOTHING, set()])
            step = _step_before(steps, until)
            row[0] += step.mrr
            row[1] += step.paused
            if step.mrr:
                row[2].add(history.state.customer)
        return [
            {"currency": currency, "mrr_minor": str(mrr), "paused_minor": str(paused), "customers": len(customers)}
            for currency, (mrr, paused, customers) in sorted(rows.items())
        ]

    def daily(self, start: float, end: float) -> list[dict[str, Any]]:
        """One row a currency and UTC day that lies inside [start, end): MRR, paused and in trials as the day ends."""
        first = -(-int(start) // DAY)
        last = int(end) // DAY
        if last <= first:
            return []
        moves: dict[str, list[list[Fraction]]] = {}
        for history, steps in self.all_steps(end):
            table = moves.setdefault(history.state.currency, [[_NOTHING] * len(_BUCKETS) for _ in range(last - first)])
            before = _NEVER
            for step in steps:
                position = max(0, step.at // DAY - first)
                if position < len(table):
                    for place, name in enumerate(_BUCKETS):
                        table[position][place] += getattr(step, name) - getattr(before, name)
                before = step
        rows = []
        for currency, table in sorted(moves.items()):
            sums = [_NOTHING] * len(_BUCKETS)
            for day, moved in enumerate(table, start=first):
                sums = [before + change for before, change in zip(sums, moved, strict=True)]
                name = datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")
                amounts = {f"{bucket}_minor": str(amount) for bucket, amount in zip(_BUCKETS, sums, strict=True)}
                rows.append({"currency": currency, "day": name} | amounts)
        return rows

    def by_customer(self, until: float) -> dict[tuple[str, str], Fraction]:
        """M of every customer who has had a subscription, by (currency, customer)."""
        total: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for history, steps in self.all_steps(until):
            total[history.state.currency, history.state.customer] += _step_before(steps, until).mrr
        return total

    def at_each(self, instants: list[float]) -> list[dict[tuple[str, str], Fraction]]:
        """`by_customer` at each of several instants, read off the same steps."""
        totals: list[dict[tuple[str, str], Fraction]] = [defaultdict(Fraction) for _ in instants]
        for history, steps in self.all_steps(max(instants)):
            owner = (history.state.currency, history.state.customer)
            for total, until in zip(totals, instants, strict=True):
                if history.created < until:
                    total[owner] += _step_before(steps, until).mrr
        return totals

    def all_steps(self, until: float) -> Iterator[tuple[History, list[Step]]]:
        """Every subscription that began before `until`, with its worth through time."""
        customers = self._company.objects["customer"].by_id
        for history in self._company.objects["subscription"].histories:
            if history.created < until:
                yield history, self._steps(history, customers[history.state.customer])

    def _steps(self, history: History, customer: History) -> list[Step]:
        """Its own changes and, since a customer's discount reduces it too, its customer's."""
        ats = set(history.ats)
        discounts = [state.discount for state in customer.states]
        if any(discounts):
            ats |= {at for at in customer.ats if at > history.created}
        steps = []
        for at in sorted(ats):
            steps.append(self._step(at, history.known_at(at), customer.known_at(at)))
        return steps

    def _step(self, at: int, state: Subscription, customer: Customer) -> Step:
        worth = dict.fromkeys(_BUCKETS, _NOTHING)
        bucket = _bucket(state)
        if bucket is None:
            return Step(at, **worth, plans=_NO_PLANS)
        plans = self._plans(state, customer)
        worth[bucket] = sum(plans.values(), _NOTHING)
        return Step(at, **worth, plans=plans)

    def _plans(self, state: Subscription, customer: Customer) -> Mapping[str, Fraction]:
        """What the items at each price come to in a month, less the discounts that last for ever."""
        shared = in_force(state, customer)
        items = [item for item in state.items if item.quantity is not None]
        key = (tuple((item.price, item.quantity, item.discounts) for item in items), shared)
        known = self._known.get(key)
        if known is not None:
            return known
        catalog = self._company.catalog
        prices = [catalog.price(item.price) for item in items]
        costs = [cost(price, item.quantity or 0) for price, item in zip(prices, items, strict=True)]
        own = [item.discounts for item in items]
        several = reductions(catalog.promotions.coupon, own, shared, durations=("forever",))
        taken = take_off(costs, several, lambda amount: amount)
        plans: dict[str, Fraction] = defaultdict(Fraction)
        for price, amount, parts in zip(prices, costs, taken, strict=True):
            plans[price.id] += (amount - sum((part for _, part in parts), _NOTHING)) * monthly_factor(price)
        self._known[key] = plans
        return plans


def _bucket(state: Subscription) -> str | None:
    """Where what a subscription is worth is counted; None where it is worth nothing."""
    if state.status == "trialing":
        return "trial"
    if state.status == "paused" or (state.status in _COUNTED and state.pause is not None):
        return "paused"
    return "mrr" if state.status in _COUNTED else None


def _step_before(steps: list[Step], until: float) -> Step:
    position = bisect_left(steps, until, key=lambda step: step.at)
    return steps[position - 1] if position else _NEVER
