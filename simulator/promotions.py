"""Coupons, promotion codes and tax rates: what takes something off the prices, and what comes on top."""

from bisect import bisect_right, insort
from collections import defaultdict
from typing import NamedTuple

from simulator.ledger import History, Ledger
from simulator.periods import DAY
from simulator.terms import Coupon, PromotionCode, TaxRate
from simulator.timeline import Timeline


class Grant(NamedTuple):
    """A coupon, and the code that it was asked for with, if any."""

    coupon: str
    promotion_code: str | None = None


class _Deal(NamedTuple):
    name: str
    percent_off: int | None
    amounts: dict[str, int]  # by currency, where it is no percentage: one coupon for each
    duration: str
    months: int | None
    code: str | None


_DEALS = {
    "welcome": _Deal("Welcome", 20, {}, "once", None, "WELCOME20"),
    "spring": _Deal("Three good months", 30, {}, "repeating", 3, None),
    "partner": _Deal("Partner", 10, {}, "forever", None, "PARTNER10"),
    "loyal": _Deal("Loyal customer", 15, {}, "forever", None, None),
    "friend": _Deal("Friend of the house", 100, {}, "forever", None, None),
    "rebate": _Deal("Rebate", None, {"usd": 500, "eur": 450, "jpy": 600, "kwd": 1500}, "forever", None, None),
    "gift": _Deal("Gift", None, {"usd": 2000, "eur": 1800, "jpy": 2500, "kwd": 6000}, "once", None, "GIFT"),
    "founder": _Deal("Founding customer", 50, {}, "forever", None, None),
}
_TAXES = {
    "DE": ("19", "vat", "VAT", False),
    "FR": ("20", "vat", "VAT", False),
    "ES": ("21", "vat", "VAT", False),
    "IT": ("22", "vat", "VAT", False),
    "NL": ("21", "vat", "VAT", False),
    "IE": ("23", "vat", "VAT", False),
    "JP": ("10", "jct", "Consumption tax", True),
    "US": ("8.875", "sales_tax", "Sales tax", False),
}

# Days after the founding; as the catalogue's, so that each kind of change also falls into the 18th month.
_SEASON_FROM, _SEASON_EVERY, _SEASON_LASTS = 70, 90, 20
_FOUNDERS_UNTIL = 140
_RENAME_FROM, _RENAME_EVERY = 100, 140
_TAX_NOTE_FROM, _TAX_NOTE_EVERY = 130, 200


class Promotions:
    """Acts inside the catalogue's stream; customers only read it, but for their redemptions, which are counted."""

    def __init__(self, ledger: Ledger, timeline: Timeline, founded: int) -> None:
        self.ledger = ledger
        self._timeline = timeline
        self.coupons: dict[str, History] = {}
        self.tax_rates: dict[str, History] = {}
        self._deals: dict[tuple[str, str | None], History] = {}
        self._codes: dict[str, History] = {}  # by coupon
        self._tax_of: dict[str, str] = {}
        self._redemptions: dict[str, list[int]] = defaultdict(list)
        timeline.schedule(founded + 1800, self._open)
        timeline.schedule(founded + _SEASON_FROM * DAY + 28_800, self._begin_season, 1)
        timeline.schedule(founded + _FOUNDERS_UNTIL * DAY, self._end_founders)
        timeline.schedule(founded + _RENAME_FROM * DAY + 50_000, self._rename, 2)
        timeline.schedule(founded + _TAX_NOTE_FROM * DAY, self._note_tax, 1)

    def coupon(self, coupon_id: str) -> Coupon:
        """A coupon as first made: what it takes off never changes."""
        first: Coupon = self.coupons[coupon_id].states[0]
        return first

    def tax_rate(self, rate_id: str, at: float) -> TaxRate:
        """A tax rate as it is at `at`."""
        state: TaxRate = self.tax_rates[rate_id].known_at(at)
        return state

    def tax_for(self, country: str) -> str | None:
        """The tax rate of a country, if the company collects its taxes."""
        return self._tax_of.get(country)

    def offer(self, deal: str, currency: str, at: int) -> Grant | None:
        """The coupon of a deal (`welcome` ... or `season`), with its code; None when it cannot be had at `at`."""
        history = self._deals.get((deal, currency)) or self._deals.get((deal, None))
        state = history.state_at(at) if history is not None else None
        if history is None or state is None or state.is_deleted:
            return None
        code = self._codes.get(history.id)
        is_asked_for = code is not None and code.known_at(at).active
        return Grant(history.id, code.id if code is not None and is_asked_for else None)

    def redeem(self, grant: Grant, at: int) -> None:
        """Count a use of a coupon, and of its code."""
        insort(self._redemptions[grant.coupon], at)
        if grant.promotion_code is not None:
            insort(self._redemptions[grant.promotion_code], at)

    def times_redeemed(self, object_id: str, at: float) -> int:
        """How often a coupon or code had been used at the end of second `at`."""
        return bisect_right(self._redemptions[object_id], at)

    def _open(self, at: int) -> None:
        for key, deal in _DEALS.items():
            for currency in deal.amounts or (None,):
                self._add(at, key, deal, currency)
        for country, (percentage, tax_type, name, inclusive) in _TAXES.items():
            rate_id, note = self.ledger.ids.long("txr"), f"{name} {country}"
            rate = TaxRate(rate_id, at, country, name, tax_type, percentage, inclusive, note, True)
            history = self.ledger.create("tax_rate", rate, at, "tax_rate.created", self.ledger.request())
            self.tax_rates[rate.id] = history
            self._tax_of[country] = rate.id

    def _add(self, at: int, key: str, deal: _Deal, currency: str | None) -> History:
        coupon = Coupon(
            id=self.ledger.ids.text(4),
            created=at,
            name=deal.name,
            percent_off=deal.percent_off,
            amount_off=deal.amounts[currency] if currency is not None else None,
            currency=currency,
            duration=deal.duration,
            duration_in_months=deal.months,
        )
        history = self.ledger.create("coupon", coupon, at, "coupon.created", self.ledger.request())
        self.coupons[coupon.id] = history
        self._deals[key, currency] = history
        if deal.code is not None:
            word = deal.code if currency is None else f"{deal.code}{currency.upper()}"
            code = PromotionCode(self.ledger.ids.long("promo"), at, word, coupon.id, True)
            request = self.ledger.request()
            self._codes[coupon.id] = self.ledger.create("promotion_code", code, at, "promotion_code.created", request)
        return history

    def _begin_season(self, at: int, number: int) -> None:
        deal = _Deal(f"Season {number}", 25, {}, "repeating", 2, f"SEASON{number}")
        self._timeline.schedule(at + _SEASON_LASTS * DAY, self._end_season, self._add(at, "season", deal, None))
        self._timeline.schedule(at + _SEASON_EVERY * DAY, self._begin_season, number + 1)

    def _end_season(self, at: int, coupon: History) -> None:
        request = self.ledger.request()
        self.ledger.update(self._codes[coupon.id], at, "promotion_code.updated", request, active=False)
        self._delete(at + 1, coupon)

    def _end_founders(self, at: int) -> None:
        self._delete(at, self._deals["founder", None])

    def _delete(self, at: int, coupon: History) -> None:
        """Who has the coupon keeps it."""
        self.ledger.update(coupon, at, is_deleted=True)
        self.ledger.emit("coupon.deleted", coupon, at, self.ledger.request())

    def _rename(self, at: int, edition: int) -> None:
        coupon = self._deals["loyal", None]
        self.ledger.update(coupon, at, "coupon.updated", self.ledger.request(), name=f"Loyal customer, grade {edition}")
        self._timeline.schedule(at + _RENAME_EVERY * DAY, self._rename, edition + 1)

    def _note_tax(self, at: int, turn: int) -> None:
        rate = self.tax_rates[self._tax_of["DE"]]
        self.ledger.update(rate, at, "tax_rate.updated", self.ledger.request(), description=f"VAT DE, checked {turn}")
        self._timeline.schedule(at + _TAX_NOTE_EVERY * DAY, self._note_tax, turn + 1)
