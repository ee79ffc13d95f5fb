"""Exchange rates that the company knows: those that its accounts note each day, and those at which Stripe converted."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from simulator.balance import CONVERTED_INTO, exchange_rate
from simulator.company import Company
from simulator.periods import DAY

REPORTING = CONVERTED_INTO
"""The currency in which the company reports."""

_NOTED = ("eur",)  # what Stripe pays out as it is, so that nothing else tells its rate


class NotedRate(NamedTuple):
    """Units of the reporting currency for one of `currency`, on the `day`-th day since 1970."""

    day: int
    currency: str
    rate: Decimal


def noted_rates(founded: int, until: float) -> Iterator[NotedRate]:
    """What the accounts note: of every whole UTC day since the founding that ended by `until`, oldest first."""
    for day in range(founded // DAY, int(until) // DAY):
        for currency in _NOTED:
            yield NotedRate(day, currency, exchange_rate(currency, day))


class Rates:
    """All that was known before `until`."""

    def __init__(self, company: Company, until: float) -> None:
        self._seen: dict[str, dict[int, Fraction]] = defaultdict(dict)
        for noted in noted_rates(company.founded, until):
            self._seen[noted.currency][noted.day] = Fraction(noted.rate)
        currencies = {
            history.id: history.state.currency
            for kind in ("charge", "refund", "dispute")
            for history in company.objects[kind].histories
        }
        for history in company.objects["balance_transaction"].histories:
            state = history.state_before(until)
            if state is not None and state.exchange_rate is not None:
                self._seen[currencies[state.source]][state.created // DAY] = Fraction(state.exchange_rate)

    def on(self, currency: str, day: int) -> Fraction | None:
        """Minor units of the reporting currency for one of `currency`, by the last rate of that day or before."""
        if currency == REPORTING:
            return Fraction(1)
        seen = self._seen[currency]
        last = max((at for at in seen if at <= day), default=None)
        return None if last is None else seen[last]
