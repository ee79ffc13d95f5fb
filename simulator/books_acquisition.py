"""The books of acquisition: users, spend and what came back, by channel and month. From the generator's state alone."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from simulator.acquisition import Acquisition, Install
from simulator.books_money import dispute_movements
from simulator.channels import CHANNELS
from simulator.company import Company
from simulator.periods import month_name, month_spans


class _Movement(NamedTuple):
    at: int
    customer: str
    currency: str
    amount: int


class AcquisitionBooks:
    """`until` is exclusive everywhere, as in `Books`; amounts are in minor units, months in UTC."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self.acquisition = Acquisition(company)

    def by_channel(self, until: float, without: Collection[str] = ()) -> list[dict[str, Any]]:
        """One row a channel, month with an install or spend, and currency in which the channel cost or brought money.

        `users` had their first install then and there, `installs` are all; `revenue_minor` is theirs, net, by months
        since, through the month of `until`; `payback_month` the first at whose end their sum reached the spend. The
        money of the customers in `without` is left out: those deleted so long ago that Stripe tells no user of theirs.
        """
        months = [month for month, _, _ in month_spans(self._company.founded, until)]
        installs = self.acquisition.installs(until)
        first: dict[str, Install] = {}
        for install in installs:
            first.setdefault(install.user_id, install)
        users = Counter((one.channel.name, month_name(one.at)) for one in first.values())
        all_installs = Counter((one.channel.name, month_name(one.at)) for one in installs)
        spent: Counter[tuple[str, str, str]] = Counter()
        for spend in self.acquisition.spend(until):
            spent[spend.channel.name, spend.day[:7], spend.channel.currency] += spend.amount
        brought = self._revenue(first, until, without)
        currencies = defaultdict(set)
        for channel, _, currency in (*spent, *brought):
            currencies[channel].add(currency)
        rows = []
        for channel in (one.name for one in CHANNELS):
            cohorts = {month for name, month in users if name == channel}
            cohorts |= {month for name, month, _ in spent if name == channel}
            for month in sorted(cohorts):
                for currency in sorted(currencies[channel]):
                    of_month = brought[channel, month, currency]
                    revenue = [of_month[later] for later in months if later >= month]
                    cost = spent[channel, month, currency]
                    rows.append(
                        {
                            "channel": channel,
                            "month": month,
                            "currency": currency,
                            "users": users[channel, month],
                            "installs": all_installs[channel, month],
                            "spend_minor": cost,
                            "revenue_minor": revenue,
                            "payback_month": _payback(
                                cost, dict(zip(months[months.index(month) :], revenue, strict=True))
                            ),
                        }
                    )
        return rows

    def _revenue(
        self, first: dict[str, Install], until: float, without: Collection[str]
    ) -> dict[tuple[str, str, str], Counter[str]]:
        """(channel, install month, currency) -> month -> net revenue from the first install on."""
        user_of = {
            history.id: history.states[0].metadata.get("user_id")
            for history in self._company.objects["customer"].histories
        }
        brought: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
        for movement in self._movements(until):
            install = first.get(user_of[movement.customer] or "")
            if install is not None and movement.at >= install.at and movement.customer not in without:
                cohort = (install.channel.name, month_name(install.at), movement.currency)
                brought[cohort][month_name(movement.at)] += movement.amount
        return brought

    def _movements(self, until: float) -> Iterator[_Movement]:
        """Charges that were paid, refunds that did not fail, and disputes when the money moved."""
        charges = self._company.objects["charge"]
        for history in charges.histories:
            charge = history.state_before(until)
            if charge is not None and charge.is_paid:
                yield _Movement(charge.created, charge.customer, charge.currency, charge.amount)
        for history in self._company.objects["refund"].histories:
            refund = history.state_before(until)
            if refund is not None and refund.status != "failed":
                customer = charges.by_id[refund.charge].state.customer
                yield _Movement(refund.created, customer, refund.currency, -refund.amount)
        for moved in dispute_movements(self._company, until):
            customer = charges.by_id[moved.charge].state.customer
            yield _Movement(moved.at, customer, moved.currency, -moved.amount)


def _payback(spend: int, revenue: dict[str, int]) -> str | None:
    """The first month at whose end the revenue so far had reached the spend; None until then, and without spend."""
    total = 0
    for month, amount in revenue.items():
        total += amount
        if 0 < spend <= total:
            return month
    return None
