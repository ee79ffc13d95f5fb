"""What moved the company's MRR: customer by customer and day by day, from the generator's state.

A customer moves once a day: what it is worth as the day ends is compared with what it was worth as it began. What is
paused, or free for a while, is held: it is neither lost nor won, if the subscription had been MRR before, or one that
ended on the day on which the free time of another began.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from simulator.mrr import RecurringRevenue, Step
from simulator.periods import DAY

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
_NOTHING = Fraction(0)


class Move(NamedTuple):
    """One customer's day: MRR as it began and ended, and by how much what is held of each subscription grew.

    `lost`: the subscriptions that lost MRR, or some that was held.
    """

    currency: str
    customer: str
    day: int
    opening: Fraction
    closing: Fraction
    held_of: dict[str, Fraction]
    lost: tuple[str, ...]
    kind: str | None
    amount: Fraction

    @property
    def held(self) -> Fraction:
        """By how much what is held grew in all."""
        return sum(self.held_of.values(), _NOTHING)


class Movements:
    """`until` is exclusive: what changes in a second counts after it."""

    def __init__(self, recurring: RecurringRevenue) -> None:
        self._recurring = recurring

    def monthly(self, until: float) -> list[dict[str, Any]]:
        """One row a currency and UTC month in which something moved; amounts are fractions of minor units in text."""
        return self._summed(until, "month", month_of_day)

    def daily(self, until: float) -> list[dict[str, Any]]:
        """The same by UTC day."""
        return self._summed(until, "day", _day)

    def _summed(self, until: float, name: str, period: Callable[[int], str]) -> list[dict[str, Any]]:
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for move in self.moves(until):
            key = (move.currency, period(move.day))
            row = rows.setdefault(key, defaultdict(Fraction, customers=defaultdict(int)))
            row["change"] += move.closing - move.opening
            row["held"] += move.held
            row["paying"] += (move.closing > 0) - (move.opening > 0)
            if move.kind is not None:
                row[move.kind] += abs(move.amount)
                row["customers"][move.kind] += 1
        return [
            {
                "currency": currency,
                name: at,
                "change_minor": str(row["change"]),
                "held_minor": str(row["held"]),
                "paying_change": int(row["paying"]),
            }
            | {f"{kind}_minor": str(row[kind]) for kind in KINDS}
            | {f"{kind}_customers": row["customers"][kind] for kind in KINDS}
            for (currency, at), row in sorted(rows.items())
        ]

    def held(self, until: float) -> dict[tuple[str, str], Fraction]:
        """(currency, customer) -> what was MRR and is paused or free, of those who ever had some."""
        held: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for move in self.moves(until):
            held[move.currency, move.customer] += move.held
        return dict(held)

    def cohorts(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, month of first MRR and UTC month in which something of the cohort moved."""
        first: dict[tuple[str, str], str] = {}
        rows: dict[tuple[str, str, str], list[Any]] = defaultdict(lambda: [0, 0, _NOTHING])
        for move in self.moves(until):
            owner = (move.currency, move.customer)
            is_first = owner not in first and move.closing > 0
            if is_first:
                first[owner] = month_of_day(move.day)
            if owner in first:
                row = rows[move.currency, first[owner], month_of_day(move.day)]
                row[0] += is_first
                row[1] += (move.closing > 0) - (move.opening > 0)
                row[2] += move.closing - move.opening
        return [
            {
                "currency": currency,
                "cohort_month": cohort,
                "month": month,
                "joined_customers": joined,
                "customers_change": customers,
                "mrr_change_minor": str(change),
            }
            for (currency, cohort, month), (joined, customers, change) in sorted(rows.items())
        ]

    def moves(self, until: float) -> Iterator[Move]:
        """Every customer's days with a change, in the order of time for each customer."""
        days: dict[tuple[str, str], dict[int, dict[str, Step]]] = defaultdict(lambda: defaultdict(dict))
        for history, steps in self._recurring.all_steps(until):
            owner = days[history.state.currency, history.state.customer]
            for step in steps:
                if step.at < until:
                    owner[step.at // DAY][history.state.id] = step
        for (currency, customer), ends in sorted(days.items()):
            yield from _follow(currency, customer, ends)


class _Worth(NamedTuple):
    """What a subscription is worth as a day ends: paid, not paid for a while, and what of the latter is held."""

    mrr: Fraction = _NOTHING
    parked: Fraction = _NOTHING
    held: Fraction = _NOTHING


def _follow(currency: str, customer: str, ends: dict[int, dict[str, Step]]) -> Iterator[Move]:
    """The days of one customer; `ends`: day -> subscription -> the last of its steps on the day."""
    worth: dict[str, _Worth] = defaultdict(_Worth)
    opening = held = _NOTHING
    has_paid = False
    for day in sorted(ends):
        before_it = {name: worth[name] for name in ends[day]}
        _hold(worth, ends[day])
        held_of = {name: worth[name].held - old.held for name, old in before_it.items() if worth[name].held != old.held}
        lost = [name for name, old in before_it.items() if worth[name].mrr < old.mrr or worth[name].held < old.held]
        closing = sum((one.mrr for one in worth.values()), _NOTHING)
        held_after = sum((one.held for one in worth.values()), _NOTHING)
        before, after = opening + held, closing + held_after
        if before == after:
            kind = None
        elif before == 0:
            kind = "reactivation" if has_paid else "new"
        elif after == 0:
            kind = "churn"
        else:
            kind = "expansion" if after > before else "contraction"
        if closing != opening or held_of:
            yield Move(currency, customer, day, opening, closing, held_of, tuple(lost), kind, after - before)
        opening, held = closing, held_after
        has_paid = has_paid or closing > 0


def _hold(worth: dict[str, _Worth], ends: dict[str, Step]) -> None:
    """Brings a customer's subscriptions to the end of a day on which some changed."""
    moved = {}
    ended = change = _NOTHING
    for name, end in ends.items():
        before = worth[name]
        moved[name] = min(max(before.mrr - end.mrr, _NOTHING), max(end.parked - before.parked, _NOTHING))
        change += end.mrr - before.mrr + moved[name]
        if not end.mrr and not end.parked:
            ended += before.mrr
    # what ended goes on in what begins for nothing, but for what the others grew by
    left = min(ended, max(-change, _NOTHING))
    for name, end in sorted(ends.items()):
        before = worth[name]
        begins = not before.mrr and not before.parked
        taken = min(end.parked, left) if begins else _NOTHING
        left -= taken
        held = min(end.parked, before.held + moved[name] + taken)
        worth[name] = _Worth(end.mrr, end.parked, held)


def _day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")


def month_of_day(day: int) -> str:
    """`YYYY-MM` of a day, counted from 1970-01-01, in UTC."""
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m")
