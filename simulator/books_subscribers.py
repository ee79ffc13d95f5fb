"""The books of what moved MRR, by plan, and of who left and why. From the generator's state alone."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

from simulator.movements import KINDS, Move, Movements, month_of_day
from simulator.mrr import RecurringRevenue
from simulator.periods import DAY
from simulator.states import Subscription

_INVOLUNTARY = ("payment_failed", "payment_disputed", "unpaid", "past_due", "incomplete", "incomplete_expired")
_NOTHING = Fraction(0)

_Owner = tuple[str, str]
"""(currency, customer)."""
_Plan = tuple[str, str]
"""(subscription, price)."""


class SubscriberBooks:
    """`until` is exclusive everywhere, as in `Books`; months are UTC."""

    def __init__(self, recurring: RecurringRevenue, movements: Movements) -> None:
        self._recurring = recurring
        self._movements = movements

    def plans(self, until: float) -> list[dict[str, Any]]:
        """One row a currency, price and UTC month in which something of the plan moved; fractions in text.

        A movement is of the kind that it is for its customer that day; who stays and changes plans takes from one
        and adds to another. What is held of the customer is the plans' that moved so in its subscriptions, by shares.
        """
        moves = {(move.currency, move.customer, move.day): move for move in self._movements.moves(until)}
        worth: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
        rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (owner, day), plans in sorted(self._changes(until).items()):
            move = moves.get((*owner, day))
            held = _shares(move, {key: parked for key, (_, parked) in plans.items()})
            for price in sorted({price for _, price in plans}):
                own = [key for key in plans if key[1] == price]
                change = sum((plans[key][0] for key in own), _NOTHING)
                kept = sum((held.get(key, _NOTHING) for key in own), _NOTHING)
                if not change and not kept:
                    continue
                row = rows.setdefault((owner[0], price, month_of_day(day)), defaultdict(Fraction))
                row["change"] += change
                row["held"] += kept
                row[_kind(move, change + kept)] += abs(change + kept)
                before = worth[*owner, price]
                worth[*owner, price] += change
                row["paying"] += (worth[*owner, price] > 0) - (before > 0)
        return [
            {"currency": currency, "price": price, "month": month}
            | {f"{name}_minor": str(row[name]) for name in ("change", "held", *KINDS)}
            | {"paying_change": int(row["paying"])}
            for (currency, price, month), row in sorted(rows.items())
        ]

    def churn(self, until: float) -> list[dict[str, Any]]:
        """One row a currency and UTC month in which somebody left: how many, wanting to or not, with what they said.

        The last of the customer's subscriptions that were paid, or held, and worth less on that day says why.
        """
        falls: dict[tuple[str, int], tuple[int, Subscription]] = {}
        for history, steps in self._recurring.all_steps(until):
            before = _NOTHING
            for step in steps:
                after = step.mrr + step.parked
                if after < before and step.at < until:
                    falls[history.state.id, step.at // DAY] = (step.at, history.known_at(step.at))
                before = after
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        for move in self._movements.moves(until):
            if move.kind != "churn":
                continue
            fallen = [falls[name, move.day] for name in move.lost if (name, move.day) in falls]
            _, state = max(fallen, key=lambda fall: fall[0])
            reason = state.cancel_reason if state.status == "canceled" and state.cancel_reason else state.status
            kind = "involuntary" if reason in _INVOLUNTARY else "voluntary" if state.status == "canceled" else "other"
            row = rows.setdefault((move.currency, month_of_day(move.day)), {"reasons": {}, "feedbacks": {}})
            row[kind] = row.get(kind, 0) + 1
            name = f"{kind}: {reason}"
            row["reasons"][name] = row["reasons"].get(name, 0) + 1
            if state.cancel_feedback is not None:
                row["feedbacks"][state.cancel_feedback] = row["feedbacks"].get(state.cancel_feedback, 0) + 1
        kinds = ("voluntary", "involuntary", "other")
        return [
            {"currency": currency, "month": month, "reasons": row["reasons"], "feedbacks": row["feedbacks"]}
            | {f"{kind}_customers": row.get(kind, 0) for kind in kinds}
            for (currency, month), row in sorted(rows.items())
        ]

    def _changes(self, until: float) -> dict[tuple[_Owner, int], dict[_Plan, list[Fraction]]]:
        """(owner, day) -> plan -> by how much its MRR, and what nobody pays for of it, changed."""
        changes: dict[tuple[_Owner, int], dict[_Plan, list[Fraction]]] = defaultdict(dict)
        for history, steps in self._recurring.all_steps(until):
            owner = (history.state.currency, history.state.customer)
            worth: dict[str, tuple[Fraction, Fraction]] = {}
            for step in steps:
                if step.at >= until:
                    break
                after = {
                    price: (_NOTHING, value) if step.parked else (value, _NOTHING)
                    for price, value in step.plans.items()
                }
                for price in worth.keys() | after.keys():
                    plan = (history.state.id, price)
                    cell = changes[owner, step.at // DAY].setdefault(plan, [_NOTHING, _NOTHING])
                    for place in (0, 1):
                        cell[place] += after.get(price, (_NOTHING, _NOTHING))[place]
                        cell[place] -= worth.get(price, (_NOTHING, _NOTHING))[place]
                worth = after
        return changes


def _shares(move: Move | None, parked: dict[_Plan, Fraction]) -> dict[_Plan, Fraction]:
    """What of each subscription's move into pauses and free time, or out of them, is each plan's."""
    found: dict[_Plan, Fraction] = {}
    for subscription, held in move.held_of.items() if move is not None else ():
        own = {plan: amount if held > 0 else -amount for plan, amount in parked.items() if plan[0] == subscription}
        parts = {plan: amount for plan, amount in own.items() if amount > 0}
        whole = sum(parts.values(), _NOTHING)
        found |= {plan: held * part / whole for plan, part in parts.items()}
    return found


def _kind(move: Move | None, amount: Fraction) -> str:
    if move is not None and move.kind in ("new", "reactivation", "churn"):
        return move.kind
    return "expansion" if amount > 0 else "contraction"
