"""What the page can be asked for, read from the marts, and what it is asked for, read from a URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg

from tallyhouse.revenue.errors import UnknownChoiceError

GRAINS = ("month", "quarter")
USUAL_MONTHS = 12
"""How many months are shown unless others are asked for; the open one is the last of them."""

_SLICES = """
with monthly as (
    select account_id, livemode, currency, month, paying_customers as customers from mart.mrr_movement_monthly
    union all
    select account_id, livemode, currency, month, active_customers from mart.customer_activity_monthly
)

select
    monthly.account_id, monthly.livemode, monthly.currency, known.exponent,
    min(monthly.month), max(monthly.month), max(monthly.customers)
from monthly
inner join dwh.currency_dim as known on monthly.currency = known.currency
group by monthly.account_id, monthly.livemode, monthly.currency, known.exponent
order by max(monthly.customers) desc, monthly.currency asc, monthly.account_id asc
"""
_PLANS = """
select distinct on (price_id) price_id, product_id, product_name, price_nickname
from mart.mrr_by_plan_monthly
where currency = %s and livemode = %s and (%s::text is null or account_id = %s)
order by price_id asc, month desc
"""


@dataclass(frozen=True)
class Slice:
    """One account, mode and currency of which there are numbers, and from which month to which."""

    account_id: str
    livemode: bool
    currency: str
    exponent: int
    first_month: date
    last_month: date
    customers: int


@dataclass(frozen=True)
class Filters:
    """What is asked for. `until_month` is exclusive; `account_id` and `price_id` None: all of them."""

    currency: str
    exponent: int
    livemode: bool
    account_id: str | None
    from_month: date
    until_month: date
    grain: str
    price_id: str | None

    @property
    def parameters(self) -> list[Any]:
        """In the order in which every query of the page takes them."""
        return [
            self.currency,
            self.account_id,
            self.livemode,
            self.from_month,
            self.until_month,
            self.grain,
            self.price_id,
        ]

    def as_json(self) -> dict[str, Any]:
        """As the page's URL names them."""
        return {
            "currency": self.currency,
            "exponent": self.exponent,
            "mode": "live" if self.livemode else "test",
            "account": self.account_id,
            "from": f"{self.from_month:%Y-%m}",
            "to": f"{add_months(self.until_month, -1):%Y-%m}",
            "by": self.grain,
            "plan": self.price_id,
        }


@dataclass(frozen=True)
class Options:
    """What there is to ask for."""

    slices: Sequence[Slice]
    plans: Sequence[tuple[str, str]] = field(default=())

    def as_json(self, filters: Filters) -> dict[str, Any]:
        """As the form reads it; each list in the order in which it is shown."""
        of_mode = [item for item in self.slices if item.livemode == filters.livemode]
        of_account = [item for item in of_mode if filters.account_id in (None, item.account_id)]
        shown = [item for item in of_account if item.currency == filters.currency]
        first = min(filters.from_month, *(item.first_month for item in shown))
        last = max(add_months(filters.until_month, -1), *(item.last_month for item in shown))
        return {
            "currencies": list(dict.fromkeys(item.currency for item in of_account)),
            "accounts": sorted({item.account_id for item in of_mode}),
            "modes": ["live" if live else "test" for live in sorted({s.livemode for s in self.slices}, reverse=True)],
            "months": [f"{month:%Y-%m}" for month in months_between(first, last)],
            "plans": [{"price_id": price_id, "label": label} for price_id, label in self.plans],
        }


def read_slices(connection: psycopg.Connection) -> list[Slice]:
    """All that the marts have numbers of, those with the most customers first; empty before the first load."""
    return [Slice(*row) for row in connection.execute(_SLICES)]


def read_plans(connection: psycopg.Connection, filters: Filters) -> list[tuple[str, str]]:
    """(price_id, label) of the plans that ever had MRR in the chosen currency, by label."""
    rows = connection.execute(_PLANS, [filters.currency, filters.livemode, filters.account_id, filters.account_id])
    found = [
        (price_id, " · ".join((product_name or product_id or price_id, nickname or price_id)))
        for price_id, product_id, product_name, nickname in rows
    ]
    return sorted(found, key=lambda plan: plan[1])


def read_filters(slices: Sequence[Slice], asked: Mapping[str, str]) -> Filters:
    """What a URL's parameters (currency, mode, account, from, to, by, plan) ask for; what they leave out is usual.

    Usual is the currency with the most customers, live data if there are any, all accounts, the last twelve months.
    Raises UnknownChoiceError for a value that there is not; `slices` must not be empty.
    """
    modes = {("live" if item.livemode else "test"): item.livemode for item in slices}
    mode = _choose("mode", asked.get("mode"), modes, usual="live" if "live" in modes else "test")
    left = [item for item in slices if item.livemode == modes[mode]]
    account = asked.get("account") or None
    if account is not None:
        _choose("account", account, [item.account_id for item in left], usual=account)
        left = [item for item in left if item.account_id == account]
    currency = _choose("currency", asked.get("currency"), [item.currency for item in left], usual=left[0].currency)
    left = [item for item in left if item.currency == currency]
    grain = _choose("by", asked.get("by"), GRAINS, usual="month")
    first, last = min(item.first_month for item in left), max(item.last_month for item in left)
    # beyond what there is, there is nothing to show
    to_month = max(min(_month("to", asked.get("to")) or last, last), first)
    from_month = max(_month("from", asked.get("from")) or add_months(to_month, 1 - USUAL_MONTHS), first)
    if from_month > to_month:
        raise UnknownChoiceError(
            f"The range begins in {from_month:%Y-%m}, after its end in {to_month:%Y-%m}.", "Choose another range."
        )
    months = 3 if grain == "quarter" else 1
    return Filters(
        currency=currency,
        exponent=left[0].exponent,
        livemode=modes[mode],
        account_id=account,
        from_month=_start_of(from_month, months),
        until_month=add_months(_start_of(to_month, months), months),
        grain=grain,
        price_id=asked.get("plan") or None,
    )


def check_plan(filters: Filters, plans: Sequence[tuple[str, str]]) -> None:
    """Raises UnknownChoiceError when the chosen plan has no MRR in the chosen currency, mode and account."""
    if filters.price_id is not None:
        _choose("plan", filters.price_id, [price_id for price_id, _ in plans], usual="")


def add_months(month: date, count: int) -> date:
    """The first day of a month so many months later."""
    place = month.year * 12 + month.month - 1 + count
    return date(place // 12, place % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """Every month from one to another, both included."""
    count = (last.year - first.year) * 12 + last.month - first.month
    return [add_months(first, place) for place in range(count + 1)]


def _choose(name: str, value: str | None, known: Sequence[str] | Mapping[str, Any], usual: str) -> str:
    if not value:
        return usual
    if value not in known:
        shown = ", ".join(dict.fromkeys(known)) or "none"
        raise UnknownChoiceError(f"There is no {name} {value!r}; there is: {shown}.", "Choose one of those.")
    return value


def _month(name: str, value: str | None) -> date | None:
    if not value:
        return None
    try:
        year, month = value.split("-")
        return date(int(year), int(month), 1)
    except ValueError as error:
        raise UnknownChoiceError(
            f"{name} must be a month such as 2026-01, not {value!r}.", "Choose a month of the list."
        ) from error


def _start_of(month: date, months: int) -> date:
    return date(month.year, (month.month - 1) // months * months + 1, 1)
