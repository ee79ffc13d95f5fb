"""The simulator's own endpoints, without a key: the clock, faults, injected events, the books."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from simulator.account import Account
from simulator.books import Books
from simulator.books_acquisition import AcquisitionBooks
from simulator.books_money import MoneyBooks
from simulator.books_payments import PaymentBooks
from simulator.books_plans import PlanBooks
from simulator.books_reporting import ReportingBooks
from simulator.clock import Clock, format_instant, parse_instant
from simulator.faults import Delay, Faults
from simulator.files import files_of
from simulator.limits import Traffic


class ClockChange(BaseModel):
    """`now` (ISO 8601) is set first, then `advance_seconds` added, then `freeze` applied."""

    freeze: bool | None = None
    now: str | None = None
    advance_seconds: float | None = None


Reason = Literal[
    "global-rate", "global-concurrency", "endpoint-rate", "endpoint-concurrency", "resource-specific", "lock_timeout"
]


class Fault(BaseModel):
    """`count` requests, or events for `late` and `dropped`, are hit.

    `seconds` belongs to `late`, `slow` and `drip`; `reasons` to `rate_limit`, which hits `count` requests for each;
    `types` to `late` and `dropped`; `ids`, of events, to `dropped`; `resources` to `restricted`: `events`,
    `customers` ..., all if none is named.
    """

    name: Literal[
        "rate_limit",
        "server_error",
        "html",
        "cut",
        "slow",
        "drip",
        "duplicate",
        "late",
        "dropped",
        "revoke_key",
        "restricted",
    ]
    count: int = 1
    seconds: float = 60.0
    reasons: list[Reason] = ["endpoint-rate"]
    types: list[str] = []
    ids: list[str] = []
    resources: list[str] | None = None


class Injection(BaseModel):
    """The JSON text of one event, served byte for byte, at `created` (default: its own, or else now)."""

    raw: str
    created: int | None = None


def control_router(accounts: Sequence[Account], clock: Clock, faults: Faults, traffic: Traffic) -> APIRouter:
    """The router of all `/_sim` endpoints. Where a query names no `account`, the first one is meant."""
    router = APIRouter(prefix="/_sim")
    by_id = {account.id: account for account in accounts}
    money_books_by_id = {account.id: MoneyBooks(account.company) for account in accounts}
    acquisition_by_id = {account.id: AcquisitionBooks(account.company) for account in accounts}
    plan_books_by_id = {account.id: PlanBooks(account.company) for account in accounts}
    payment_books_by_id = {account.id: PaymentBooks(account.company) for account in accounts}
    books_by_id = {account.id: Books(account.company) for account in accounts}

    def chosen(account: str | None) -> Account:
        if account is None:
            return accounts[0]
        if account not in by_id:
            raise HTTPException(404, f"no account {account}; there are {', '.join(by_id)}")
        return by_id[account]

    def money_of(account: str | None) -> MoneyBooks:
        return money_books_by_id[chosen(account).id]

    def books_of(account: str | None) -> Books:
        return books_by_id[chosen(account).id]

    def instant(text: str) -> float:
        try:
            return parse_instant(text)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    def moment(until: str | None) -> float:
        at = clock.now() if until is None else instant(until)
        ensure(at)
        return at

    def ensure(at: float) -> None:
        for account in accounts:
            account.ensure(at)

    def read_clock() -> dict[str, Any]:
        now = clock.now()
        return {"now": format_instant(now), "unix": now, "frozen": clock.is_frozen}

    @router.get("/clock")
    async def get_clock() -> dict[str, Any]:
        return read_clock()

    @router.post("/clock")
    async def set_clock(change: ClockChange) -> dict[str, Any]:
        if change.now is not None:
            clock.set(instant(change.now))
        if change.advance_seconds is not None:
            clock.advance(change.advance_seconds)
        if change.freeze is not None:
            clock.freeze(change.freeze)
        ensure(clock.now())
        return read_clock()

    @router.get("/faults")
    async def get_faults() -> dict[str, Any]:
        return faults.describe()

    @router.post("/faults")
    async def add_fault(fault: Fault, account: str | None = None) -> dict[str, Any]:
        events = chosen(account).events
        late: list[str] = []
        dropped: list[str] = []
        try:
            if fault.name == "late":
                late = events.delay_next(fault.count, fault.seconds, clock.now(), fault.types)
            elif fault.name == "dropped" and fault.ids:
                dropped = events.drop(fault.ids)
            elif fault.name == "dropped":
                dropped = events.drop_next(fault.count, clock.now(), fault.types)
        except LookupError as error:
            raise HTTPException(422, str(error)) from None
        if fault.name == "revoke_key":
            faults.is_key_revoked = True
        elif fault.name == "restricted":
            faults.restrict(fault.resources)
        elif fault.name == "rate_limit":
            faults.limit(fault.count, fault.reasons)
        elif fault.name in ("slow", "drip"):
            faults.delay(fault.count, Delay(fault.seconds, fault.name == "drip"))
        elif fault.name not in ("late", "dropped"):
            faults.arm(fault.name, fault.count)
        return {**faults.describe(), "late_events": late, "dropped_events": dropped}

    @router.delete("/faults")
    async def clear_faults() -> dict[str, Any]:
        faults.clear()
        for account in accounts:
            account.events.show_all()
        return faults.describe()

    @router.post("/events")
    async def inject_event(injection: Injection, account: str | None = None) -> dict[str, Any]:
        return {"id": chosen(account).events.inject(injection.raw, injection.created, clock.now())}

    @router.get("/books/monthly")
    async def monthly(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).monthly(moment(until))

    @router.get("/books/customers")
    async def customers(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).customers(moment(until))

    @router.get("/books/mrr")
    async def mrr(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).recurring.by_currency(moment(until))

    @router.get("/books/mrr/daily")
    async def mrr_daily(
        start: Annotated[str | None, Query(alias="from")] = None,
        end: Annotated[str | None, Query(alias="to")] = None,
        account: str | None = None,
    ) -> list[dict[str, Any]]:
        last = moment(end)
        return books_of(account).recurring.daily(
            chosen(account).company.founded if start is None else instant(start), last
        )

    @router.get("/books/mrr/customers")
    async def mrr_customers(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        found = books_of(account).recurring.by_customer(moment(until))
        held = books_of(account).movements.held(moment(until))
        return [
            {
                "customer": owner[1],
                "currency": owner[0],
                "mrr_minor": str(value),
                "held_minor": str(held.get(owner, 0)),
            }
            for owner, value in found.items()
        ]

    @router.get("/books/mrr/movements")
    async def mrr_movements(
        until: str | None = None, account: str | None = None, per: Literal["day", "month"] = "month"
    ) -> list[dict[str, Any]]:
        movements = books_of(account).movements
        return (movements.daily if per == "day" else movements.monthly)(moment(until))

    @router.get("/books/mrr/plans")
    async def mrr_plans(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).subscribers.plans(moment(until))

    @router.get("/books/mrr/churn")
    async def mrr_churn(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).subscribers.churn(moment(until))

    @router.get("/books/mrr/reporting")
    async def mrr_reporting(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return ReportingBooks(chosen(account).company, books_of(account).movements).monthly(moment(until))

    @router.get("/books/mrr/cohorts")
    async def mrr_cohorts(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return books_of(account).movements.cohorts(moment(until))

    @router.get("/books/balance")
    async def balance(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return money_of(account).balance(moment(until))

    @router.get("/books/payouts")
    async def payouts(until: str | None = None, account: str | None = None) -> list[dict[str, Any]]:
        return money_of(account).payouts(moment(until))

    @router.get("/books/acquisition")
    async def acquisition(
        until: str | None = None, without: str = "", account: str | None = None
    ) -> list[dict[str, Any]]:
        return acquisition_by_id[chosen(account).id].by_channel(moment(until), without.split(","))

    @router.get("/files")
    async def files(until: str | None = None, account: str | None = None) -> dict[str, str]:
        return files_of(acquisition_by_id[chosen(account).id].acquisition, moment(until))

    @router.get("/books/plans/{name}")
    async def plans(
        name: Literal["renewals", "trials", "usage", "risks"], until: str | None = None, account: str | None = None
    ) -> list[dict[str, Any]]:
        at = moment(until)
        books = plan_books_by_id[chosen(account).id]
        named = {"renewals": books.renewals, "trials": books.trials, "usage": books.usage, "risks": books.risks}
        return named[name](at)

    @router.get("/books/payments/{name}")
    async def payments(
        name: Literal["returns", "cohorts", "recovery", "fees"], until: str | None = None, account: str | None = None
    ) -> list[dict[str, Any]]:
        at = moment(until)
        books = payment_books_by_id[chosen(account).id]
        named = {"returns": books.returns, "cohorts": books.cohorts, "recovery": books.recovery, "fees": books.fees}
        return named[name](at)

    @router.get("/stats")
    async def stats(account: str | None = None) -> dict[str, Any]:
        now = clock.now()
        ensure(now)
        shown = chosen(account)
        company = shown.company
        counts = {}
        for kind, index in company.objects.items():
            low, high = index.between(0, int(now) + 1)
            counts[kind] = high - low
        return {
            "account": shown.id,
            "livemode": shown.is_live,
            "accounts": list(by_id),
            "connected": list(shown.connected),
            "seed": company.seed,
            "founded": format_instant(company.founded),
            "upgraded": format_instant(shown.versions.upgraded_at),
            "now": format_instant(now),
            "horizon": format_instant(company.horizon),
            "objects": counts,
            "events": shown.events.count_until(now),
            "events_listed": shown.events.count(now),
            "traffic": traffic.describe(),
        }

    @router.post("/stats/reset")
    async def reset_stats() -> dict[str, Any]:
        traffic.reset()
        return traffic.describe()

    return router
