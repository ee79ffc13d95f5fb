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

EVERY_CURRENCY = "every"
"""Asks for all currencies together. All of its codes are of three letters: all is the lek."""

_SLICES = """
select account_id, livemode, currency, exponent, first_month, last_month, customers
from mart.currency_span
where exponent is not null
order by customers desc, currency asc, account_id asc
"""
_REPORTING = """
select rate.currency, known.exponent
from mart.reporting_rate_daily as rate
inner join dwh.currency_dim as known on rate.currency = known.currency
where rate.source_type is null
limit 1
"""
_PLANS = """
select called.price_id, called.label
from mart.plan_label as called
where called.livemode = %(livemode)s and called.price_id in (
    select price_id from mart.mrr_by_plan_monthly
    where currency = %(currency)s and livemode = %(livemode)s
        and (%(account_id)s::text is null or account_id = %(account_id)s)
)
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
class Money:
    """A currency in which amounts are shown, and its decimals."""

    currency: str
    exponent: int


@dataclass(frozen=True)
class Filters:
    """What is asked for. `until_month` is exclusive; `currency`, `account_id` and `price_id` None: all of them.

    `shown_in`: the currency of all amounts, that of the filter or the reporting currency; `exponent`: its decimals.
    """

    currency: str | None
    shown_in: str
    exponent: int
    livemode: bool
    account_id: str | None
    from_month: date
    until_month: date
    grain: str
    price_id: str | None

    @property
    def parameters(self) -> list[Any]:
        """In the order in which queries of the page take them: one that does not follow the last has no use for it."""
        return [
            self.currency,
            self.livemode,
            self.from_month,
            self.until_month,
            self.grain,
            self.account_id,
            self.price_id,
        ]

    def as_json(self) -> dict[str, Any]:
        """As the page's URL names them; and in what amounts are."""
        return {
            "currency": self.currency or EVERY_CURRENCY,
            "shown_in": self.shown_in,
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
    reporting: Money | None
    plans: Sequence[tuple[str, str]] = field(default=())

    def as_json(self, filters: Filters) -> dict[str, Any]:
        """As the form reads it; each list in the order in which it is shown."""
        of_mode = [item for item in self.slices if item.livemode == filters.livemode]
        of_account = [item for item in of_mode if filters.account_id in (None, item.account_id)]
        shown = [item for item in of_account if filters.currency in (None, item.currency)]
        first = min(filters.from_month, *(item.first_month for item in shown))
        last = max(add_months(filters.until_month, -1), *(item.last_month for item in shown))
        return {
            "currencies": _currencies(of_account),
            "all_in": self.reporting.currency if self.reporting and len(_currencies(of_account)) > 1 else None,
            "accounts": sorted({item.account_id for item in of_mode}),
            "modes": ["live" if live else "test" for live in sorted({s.livemode for s in self.slices}, reverse=True)],
            "months": [f"{month:%Y-%m}" for month in months_between(first, last)],
            "plans": [{"price_id": price_id, "label": label} for price_id, label in self.plans],
        }


def read_slices(connection: psycopg.Connection) -> list[Slice]:
    """All that the marts have numbers of, those with the most customers first; empty before the first load."""
    return [Slice(*row) for row in connection.execute(_SLICES)]


def read_reporting(connection: psycopg.Connection) -> Money | None:
    """The currency into which the marts have converted; None as long as none can be told."""
    row = connection.execute(_REPORTING).fetchone()
    return Money(*row) if row else None


def read_plans(connection: psycopg.Connection, filters: Filters) -> list[tuple[str, str]]:
    """(price_id, label) of the plans that ever had MRR in the chosen currency, by label; a plan has one currency."""
    asked = {"currency": filters.currency, "livemode": filters.livemode, "account_id": filters.account_id}
    found = [(str(price_id), str(label)) for price_id, label in connection.execute(_PLANS, asked)]
    return sorted(found, key=lambda plan: plan[1])


def read_filters(slices: Sequence[Slice], reporting: Money | None, asked: Mapping[str, str]) -> Filters:
    """What a URL's parameters (currency, mode, account, from, to, by, plan) ask for; what they leave out is usual.

    Usual is the currency with the most customers, live data if there are any, all accounts, the last twelve months.
    Where there are several currencies, all of them can be asked for (EVERY_CURRENCY), in the reporting currency. Raises
    UnknownChoiceError for a value that there is not; `slices` must not be empty.
    """
    modes = {("live" if item.livemode else "test"): item.livemode for item in slices}
    mode = _choose("mode", asked.get("mode"), modes, usual="live" if "live" in modes else "test")
    left = [item for item in slices if item.livemode == modes[mode]]
    account = asked.get("account") or None
    if account is not None:
        _choose("account", account, [item.account_id for item in left], usual=account)
        left = [item for item in left if item.account_id == account]
    known = _currencies(left)
    if reporting and len(known) > 1:
        known.append(EVERY_CURRENCY)
    currency = _choose("currency", asked.get("currency"), known, usual=left[0].currency)
    if reporting and currency == EVERY_CURRENCY:
        shown = reporting
    else:
        left = [item for item in left if item.currency == currency]
        shown = Money(currency, left[0].exponent)
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
        currency=None if currency == EVERY_CURRENCY else currency,
        shown_in=shown.currency,
        exponent=shown.exponent,
        livemode=modes[mode],
        account_id=account,
        from_month=_start_of(from_month, months),
        until_month=add_months(_start_of(to_month, months), months),
        grain=grain,
        price_id=asked.get("plan") or None,
    )


def check_plan(filters: Filters, plans: Sequence[tuple[str, str]]) -> None:
    """Raises UnknownChoiceError when the chosen plan has no MRR in the chosen currency, mode and account."""
    if filters.price_id is not None and filters.currency is None:
        raise UnknownChoiceError(
            "A plan has one currency, and all of them are asked for.", "Choose the plan's currency, or no plan."
        )
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


def _currencies(slices: Sequence[Slice]) -> list[str]:
    return list(dict.fromkeys(item.currency for item in slices))


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
