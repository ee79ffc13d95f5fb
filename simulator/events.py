"""The events that the API lists: rendered once, in Stripe's order, for 30 days."""

import json
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter

import orjson

from simulator.company import Company
from simulator.errors import aged_out, missing
from simulator.ledger import AUTOMATIC, LAST_STREAM, Event, order_key, second_key
from simulator.paging import Page, select
from simulator.params import ListQuery
from simulator.periods import DAY
from simulator.shapes import Shape, Versions, previous_attributes

KEPT = 30 * DAY
_BY_KEY = attrgetter("key")
_BY_SECOND = attrgetter("at")
_RAW = "raw"
_NEVER = float("inf")
_DAYS_AHEAD = 200  # how far a fault looks for the events that it is to hit


_PLACES = 1000  # how many accounts can be connected; their streams lie below those that an account needs itself
_TOP_STREAM = LAST_STREAM - 15


class _Forwarded(Event):
    """An event of a connected account in the list of its platform."""

    __slots__ = ("account", "origin")

    def __init__(self, event: Event, key: int, origin: "EventStore", account: str) -> None:
        previous = (event.previous, event.previous_at)
        super().__init__(key, event.at, event.id, event.type, event.kind, event.state, *previous, event.request)
        self.origin = origin
        self.account = account


class EventStore:
    """All events oldest first; what a caller sees of them depends on `now`.

    Each is rendered in the shape that the account had when it happened, whatever is asked for.
    """

    def __init__(self, company: Company, shape: Shape | Versions, is_live: bool = False) -> None:
        self._company = company
        self._versions = shape if isinstance(shape, Versions) else Versions(shape, shape, 0)
        self._is_live = is_live
        self._events: list[Event] = []
        self._keys: list[int] = []
        self._by_id: dict[str, Event] = {}
        self._visible_at: dict[int, float] = {}  # of late and dropped events only, by key
        self._injected = 0
        self._forgotten = 0  # bodies before this position were dropped
        company.on_events.append(self._add)
        self._add(company.events)

    def count_until(self, now: float) -> int:
        """How many events there were up to `now`, since the founding."""
        return self._span(now)[1]

    def count(self, now: float) -> int:
        """How many events can be listed at `now`."""
        low, high = self._span(now)
        return high - low

    def body(self, event: Event) -> bytes:
        """The event's JSON, rendered when first asked for."""
        if event.body is None:
            event.body = self._render(event)
        return event.body

    def prerender(self, now: float) -> None:
        """Render all that can be listed at `now`, so that the first readers need not wait for it."""
        low, high = self._span(now)
        for event in self._events[low:high]:
            self.body(event)

    def retrieve(self, event_id: str, now: float) -> bytes:
        """Raises StripeError 404 for an event that is unknown, not visible yet or older than 30 days."""
        event = self._by_id.get(event_id)
        if event is None or not self._is_visible(event, now) or self._is_old(event, now):
            raise missing("event", event_id)
        return self.body(event)

    def page(self, query: ListQuery, now: float) -> tuple[list[bytes], bool]:
        """(bodies newest first, has_more). Raises StripeError 400 for a cursor unknown or too old."""
        low, high = self._span(now)
        self._forget(low)
        if query.first > float("-inf"):
            low = max(low, bisect_left(self._keys, second_key(max(0, int(query.first)))))
        if query.last < float("inf"):
            high = min(high, bisect_left(self._keys, second_key(max(0, int(query.last)))))
        page = self._select(query, low, max(low, high), now)
        return [self.body(self._events[position]) for position in page.positions], page.has_more

    def inject(self, raw: str, created: int | None, now: float) -> str:
        """List `raw`, byte for byte, as an event. Its id and type are read from it if it has them."""
        try:
            parsed = json.loads(raw)
        except ValueError:
            parsed = None
        fields = parsed if isinstance(parsed, dict) else {}
        if created is None:
            own = fields.get("created")
            created = own if isinstance(own, int) else int(now)
        self._injected += 1
        event_id = str(fields.get("id") or f"evt_injected{self._injected}")
        key = order_key(created, LAST_STREAM, self._injected)
        event = Event(key, created, event_id, str(fields.get("type")), _RAW, None, None, 0, AUTOMATIC)
        event.body = raw.encode("utf-8", "surrogatepass")
        position = bisect_left(self._keys, key)
        self._keys.insert(position, key)
        self._events.insert(position, event)
        self._by_id[event_id] = event
        return event_id

    def delay_next(self, count: int, seconds: float, now: float, types: Sequence[str] = ()) -> list[str]:
        """Let the next `count` events (of these types) become visible only `seconds` after they were created."""
        late = self._next(count, now, types)
        for event in late:
            self._visible_at[event.key] = event.at + seconds
        return [event.id for event in late]

    def drop_next(self, count: int, now: float, types: Sequence[str] = ()) -> list[str]:
        """Leave the next `count` events (of these types) out for good."""
        return self.delay_next(count, _NEVER, now, types)

    def drop(self, event_ids: Sequence[str]) -> list[str]:
        """Leave these events out for good. Raises LookupError, naming it, for one that is unknown."""
        for event_id in event_ids:
            if event_id not in self._by_id:
                raise LookupError(f"no event {event_id} up to the horizon")
            self._visible_at[self._by_id[event_id].key] = _NEVER
        return list(event_ids)

    def show_all(self) -> None:
        """Let late and dropped events appear at once."""
        self._visible_at.clear()

    def forward(self, origin: "EventStore", account: str, place: int) -> None:
        """List the events of `origin`, the `place`-th connected account's, too: each second's after our own."""
        if not 0 < place <= _PLACES:
            raise ValueError(f"at most {_PLACES} accounts can be connected, this would be number {place}")

        def add(events: list[Event]) -> None:
            # A second is never divided between two calls, so that numbers inside it are the same in any steps.
            forwarded: list[Event] = []
            for at, same_second in groupby(events, _BY_SECOND):
                for number, event in enumerate(same_second):
                    key = order_key(at, _TOP_STREAM - place, number)
                    forwarded.append(_Forwarded(event, key, origin, account))
            self._add(forwarded)

        origin._company.on_events.append(add)
        add(origin._company.events)

    def _next(self, count: int, now: float, types: Sequence[str]) -> list[Event]:
        wants = _type_test(tuple(types)) if types else None
        at = second_key(int(now) + 1)
        for _ in range(_DAYS_AHEAD):
            ahead = self._events[bisect_left(self._keys, at) :]
            found = [event for event in ahead if wants is None or wants(event.type)]
            if len(found) >= count:
                return found[:count]
            self._company.extend(self._company.horizon + DAY)
        raise LookupError(f"there are only {len(found)} such events in the next {_DAYS_AHEAD} days: {list(types)}")

    def _add(self, events: list[Event]) -> None:
        is_behind = bool(events and self._keys and events[0].key < self._keys[-1])
        self._events += events
        if is_behind:  # of something injected, or of another account
            self._events.sort(key=_BY_KEY)
            self._keys = [event.key for event in self._events]
        else:
            self._keys += [event.key for event in events]
        for event in events:
            self._by_id[event.id] = event

    def _span(self, now: float) -> tuple[int, int]:
        low = bisect_left(self._keys, second_key(max(0, int(now - KEPT) + 1)))
        return low, bisect_left(self._keys, second_key(int(now) + 1))

    def _select(self, query: ListQuery, low: int, high: int, now: float) -> Page:
        after = self._cursor(query.starting_after, "starting_after", now)
        if after is not None and query.repeats_cursor:
            after += 1
        return select(
            self._keys,
            low,
            high,
            query.limit,
            after,
            self._cursor(query.ending_before, "ending_before", now),
            self._filter(query, now),
        )

    def _cursor(self, event_id: str | None, param: str, now: float) -> int | None:
        if event_id is None:
            return None
        event = self._by_id.get(event_id)
        if event is None or not self._is_visible(event, now):
            raise missing("event", event_id, param, 400)
        if self._is_old(event, now):
            raise aged_out(event_id, param)
        return event.key

    def _is_old(self, event: Event, now: float) -> bool:
        return event.at <= now - KEPT

    def _is_visible(self, event: Event, now: float) -> bool:
        return event.at <= now and self._visible_at.get(event.key, 0) <= now

    def _filter(self, query: ListQuery, now: float) -> Callable[[int], bool] | None:
        events, late = self._events, self._visible_at
        wants = _type_test(query.types) if query.types else None
        if query.filters.get("delivery_success") == "false":  # nothing listens, so nothing ever failed
            return lambda position: False
        if wants is None and not late:
            return None
        if wants is None:
            return lambda position: late.get(events[position].key, 0) <= now
        if not late:
            return lambda position: wants(events[position].type)
        return lambda position: wants(events[position].type) and late.get(events[position].key, 0) <= now

    def _forget(self, low: int) -> None:
        """Drop the bodies of events that aged out; a clock that is set back renders them again."""
        if low - self._forgotten > 1000:
            for event in self._events[self._forgotten : low]:
                if event.kind != _RAW:
                    event.body = None
            self._forgotten = low

    def _render(self, event: Event) -> bytes:
        if isinstance(event, _Forwarded):
            return orjson.dumps(event.origin._envelope(event, event.account))
        return orjson.dumps(self._envelope(event))

    def _envelope(self, event: Event, account: str | None = None) -> dict[str, object]:
        shape = self._versions.at(event.at)
        rendered = shape.render(event.kind, event.state, event.at)
        data: dict[str, object] = {"object": rendered}
        if event.previous is not None:
            before = shape.render(event.kind, event.previous, event.previous_at)
            data["previous_attributes"] = previous_attributes(before, rendered)
        return {
            "id": event.id,
            "object": "event",
            **({"account": account} if account else {}),
            "api_version": shape.version,
            "created": event.at,
            "data": data,
            "livemode": self._is_live,
            "pending_webhooks": 0,
            "request": {"id": event.request.id, "idempotency_key": event.request.idempotency_key},
            "type": event.type,
        }


def _type_test(types: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a type is one of `types`, where `charge.*` stands for all that start with `charge.`."""
    names = frozenset(name for name in types if not name.endswith("*"))
    groups = tuple(name[:-1] for name in types if name.endswith("*"))
    if not groups:
        return names.__contains__
    return lambda name: name in names or name.startswith(groups)
