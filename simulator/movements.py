"""What moved the company's MRR: customer by customer and day by day, from the generator's state.

A customer moves once a day: what it is worth as the day ends is compared with what it was worth as it began. What is
paused is kept: it is neither lost nor won, if the subscription had been MRR before.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from simulator.mrr import RecurringRevenue
from simulator.periods import DAY

KINDS = ("new", "expansion", "contraction", "churn", "reactivation")
_NOTHING = Fraction(0)


class Move(NamedTuple):
    """One customer's day: MRR as it began and ended, and what of the difference went into pauses."""

    currency: str
    customer: str
    day: int
    opening: Fraction
    closing: Fraction
    paused: Fraction
    kind: str | None
    amount: Fraction


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
            row["paused"] += move.paused
            row["paying"] += (move.closing > 0) - (move.opening > 0)
            if move.kind is not None:
                row[move.kind] += abs(move.amount)
                row["customers"][move.kind] += 1
        return [
            {
                "currency": currency,
                name: at,
                "change_minor": str(row["change"]),
                "paused_minor": str(row["paused"]),
                "paying_change": int(row["paying"]),
            }
            | {f"{kind}_minor": str(row[kind]) for kind in KINDS}
            | {f"{kind}_customers": row["customers"][kind] for kind in KINDS}
            for (currency, at), row in sorted(rows.items())
        ]

    def held(self, until: float) -> dict[tuple[str, str], Fraction]:
        """(currency, customer) -> what was MRR and is paused, of those who ever had some."""
        held: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
        for move in self.moves(until):
            held[move.currency, move.customer] += move.paused
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
        days: dict[tuple[str, str], dict[int, list[Fraction]]] = defaultdict(dict)
        for history, steps in self._recurring.all_steps(until):
            owner = days[history.state.currency, history.state.customer]
            mrr = paused = _NOTHING
            for step in steps:
                if step.at >= until:
                    break
                change = owner.setdefault(step.at // DAY, [_NOTHING, _NOTHING])
                change[0] += step.mrr - mrr
                change[1] += step.paused - paused
                mrr, paused = step.mrr, step.paused
        for (currency, customer), changes in sorted(days.items()):
            yield from _follow(currency, customer, changes)


def _follow(currency: str, customer: str, changes: dict[int, list[Fraction]]) -> Iterator[Move]:
    opening = held = paused = _NOTHING
    has_paid = False
    for day in sorted(changes):
        change, pausing = changes[day]
        closing, paused = opening + change, paused + pausing
        # only what was MRR is held, as long as it is paused
        into_pause = min(paused, held + min(max(-change, _NOTHING), max(pausing, _NOTHING))) - held
        before, after = opening + held, closing + held + into_pause
        if before == after:
            kind = None
        elif before == 0:
            kind = "reactivation" if has_paid else "new"
        elif after == 0:
            kind = "churn"
        else:
            kind = "expansion" if after > before else "contraction"
        if change or into_pause:
            yield Move(currency, customer, day, opening, closing, into_pause, kind, after - before)
        opening, held = closing, held + into_pause
        has_paid = has_paid or closing > 0


def _day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m-%d")


def month_of_day(day: int) -> str:
    """`YYYY-MM` of a day, counted from 1970-01-01, in UTC."""
    return datetime.fromtimestamp(day * DAY, UTC).strftime("%Y-%m")
