"""The simulator's own endpoints, without a key: the clock, faults, injected events, the books."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from simulator.books import Books
from simulator.books_money import MoneyBooks
from simulator.clock import Clock, format_instant, parse_instant
from simulator.company import Company
from simulator.events import EventStore
from simulator.faults import Faults


class ClockChange(BaseModel):
    """`now` (ISO 8601) is set first, then `advance_seconds` added, then `freeze` applied."""

    freeze: bool | None = None
    now: str | None = None
    advance_seconds: float | None = None


class Fault(BaseModel):
    """`count` requests, or events for `late`, are hit.

    `seconds` belongs to `late`; `resources` to `restricted`: `events`, `customers` ..., all if none is named.
    """

    name: Literal["rate_limit", "server_error", "html", "cut", "late", "revoke_key", "restricted"]
    count: int = 1
    seconds: float = 60.0
    resources: list[str] | None = None


class Injection(BaseModel):
    """The JSON text of one event, served byte for byte, at `created` (default: its own, or else now)."""

    raw: str
    created: int | None = None


def control_router(company: Company, clock: Clock, events: EventStore, faults: Faults) -> APIRouter:
    """The router of all `/_sim` endpoints."""
    router = APIRouter(prefix="/_sim")
    books = Books(company)
    money_books = MoneyBooks(company)

    def instant(text: str) -> float:
        try:
            return parse_instant(text)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None

    def moment(until: str | None) -> float:
        at = clock.now() if until is None else instant(until)
        company.ensure(at)
        return at

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
        company.ensure(clock.now())
        return read_clock()

    @router.get("/faults")
    async def get_faults() -> dict[str, Any]:
        return faults.describe()

    @router.post("/faults")
    async def add_fault(fault: Fault) -> dict[str, Any]:
        late: list[str] = []
        if fault.name == "late":
            late = events.delay_next(fault.count, fault.seconds, clock.now())
        elif fault.name == "revoke_key":
            faults.is_key_revoked = True
        elif fault.name == "restricted":
            faults.restrict(fault.resources)
        else:
            faults.arm(fault.name, fault.count)
        return {**faults.describe(), "late_events": late}

    @router.delete("/faults")
    async def clear_faults() -> dict[str, Any]:
        faults.clear()
        events.clear_delays()
        return faults.describe()

    @router.post("/events")
    async def inject_event(injection: Injection) -> dict[str, Any]:
        return {"id": events.inject(injection.raw, injection.created, clock.now())}

    @router.get("/books/monthly")
    async def monthly(until: str | None = None) -> list[dict[str, Any]]:
        return books.monthly(moment(until))

    @router.get("/books/customers")
    async def customers(until: str | None = None) -> list[dict[str, Any]]:
        return books.customers(moment(until))

    @router.get("/books/mrr")
    async def mrr(until: str | None = None) -> list[dict[str, Any]]:
        return books.recurring.by_currency(moment(until))

    @router.get("/books/mrr/daily")
    async def mrr_daily(
        start: Annotated[str | None, Query(alias="from")] = None,
        end: Annotated[str | None, Query(alias="to")] = None,
    ) -> list[dict[str, Any]]:
        last = moment(end)
        return books.recurring.daily(company.founded if start is None else instant(start), last)

    @router.get("/books/mrr/customers")
    async def mrr_customers(until: str | None = None) -> list[dict[str, Any]]:
        found = books.recurring.by_customer(moment(until))
        return [{"customer": who, "currency": currency, "mrr_minor": str(value)} for (currency, who), value in
                found.items()]  # fmt: skip

    @router.get("/books/balance")
    async def balance(until: str | None = None) -> list[dict[str, Any]]:
        return money_books.balance(moment(until))

    @router.get("/books/payouts")
    async def payouts(until: str | None = None) -> list[dict[str, Any]]:
        return money_books.payouts(moment(until))

    @router.get("/stats")
    async def stats() -> dict[str, Any]:
        now = clock.now()
        company.ensure(now)
        counts = {}
        for kind, index in company.objects.items():
            low, high = index.between(0, int(now) + 1)
            counts[kind] = high - low
        return {
            "account": company.account_id,
            "seed": company.seed,
            "founded": format_instant(company.founded),
            "now": format_instant(now),
            "horizon": format_instant(company.horizon),
            "objects": counts,
            "events": events.count_until(now),
            "events_listed": events.count(now),
        }

    return router
