"""The books of the money: disputes, the balance by day and type, payouts. From the generator's state alone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from simulator.clock import format_instant
from simulator.company import Company


class DisputeMovement(NamedTuple):
    """Money that a dispute took at `at`, negative when it came back; in the charge's currency, without fees."""

    at: int
    charge: str
    currency: str
    amount: int


def dispute_movements(company: Company, until: float) -> Iterator[DisputeMovement]:
    """All before `until`."""
    for history in company.objects["dispute"].histories:
        state = history.state_before(until)
        if state is None or state.withdrawn_at is None:
            continue
        yield DisputeMovement(state.withdrawn_at, state.charge, state.currency, state.amount)
        if state.reinstated_at is not None:
            yield DisputeMovement(state.reinstated_at, state.charge, state.currency, -state.amount)


class MoneyBooks:
    """`until` is exclusive everywhere, as in `Books`; amounts are in minor units of the settlement currency."""

    def __init__(self, company: Company) -> None:
        self._company = company

    def balance(self, until: float) -> list[dict[str, Any]]:
        """One row a settlement currency, UTC day and transaction type that has any; net is amount less fee."""
        cells: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        for history in self._company.objects["balance_transaction"].histories:
            state = history.state_before(until)
            if state is None:
                continue
            cell = cells[state.currency, day_name(state.created), state.type]
            cell[0] += 1
            cell[1] += state.amount
            cell[2] += state.fee
        return [
            {
                "currency": currency,
                "day": day,
                "type": kind,
                "transactions": count,
                "amount_minor": amount,
                "fee_minor": fee,
                "net_minor": amount - fee,
            }
            for (currency, day, kind), (count, amount, fee) in sorted(cells.items())
        ]

    def payouts(self, until: float) -> list[dict[str, Any]]:
        """One row a payout, oldest first, with the number and net sum of what it pays out (not its own transaction)."""
        paid_out: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        for history in self._company.objects["balance_transaction"].histories:
            state = history.state_before(until)
            if state is not None and state.payout is not None and state.type != "payout":
                paid_out[state.payout][0] += 1
                paid_out[state.payout][1] += state.net
        rows = []
        for history in self._company.objects["payout"].histories:
            state = history.state_before(until)
            if state is None:
                continue
            count, net = paid_out[state.id]
            rows.append(
                {
                    "id": state.id,
                    "currency": state.currency,
                    "created_at": format_instant(state.created),
                    "arrival_date": day_name(state.arrival_date),
                    "status": state.status,
                    "amount_minor": state.amount,
                    "transactions": count,
                    "transactions_net_minor": net,
                }
            )
        return rows


def day_name(at: int) -> str:
    """The UTC day of an instant, yyyy-mm-dd."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
