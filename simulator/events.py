"""The events that the API lists: rendered once, in Stripe's order, for 30 days."""

import json
from bisect import bisect_left, insort
from collections.abc import Callable
from operator import attrgetter

import orjson

from simulator.company import Company
from simulator.errors import aged_out, missing
from simulator.ledger import AUTOMATIC, LAST_STREAM, Event, order_key, second_key
from simulator.paging import Page, select
from simulator.params import ListQuery
from simulator.periods import DAY
from simulator.shapes import Shape, previous_attributes

KEPT = 30 * DAY
_BY_KEY = attrgetter("key")
_RAW = "raw"


class EventStore:
    """All events oldest first; what a caller sees of them depends on `now`."""

    def __init__(self, company: Company, shape: Shape) -> None:
        self._company = company
        self._shape = shape
        self._events: list[Event] = []
        self._keys: list[int] = []
        self._by_id: dict[str, Event] = {}
        self._visible_at: dict[int, float] = {}  # of late events only, by key
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

    def delay_next(self, count: int, seconds: float, now: float) -> list[str]:
        """Let the next `count` events become visible only `seconds` after they were created."""
        first = bisect_left(self._keys, second_key(int(now) + 1))
        while len(self._keys) - first < count:
            self._company.extend(self._company.horizon + DAY)
        late = self._events[first : first + count]
        for event in late:
            self._visible_at[event.key] = event.at + seconds
        return [event.id for event in late]

    def clear_delays(self) -> None:
        """Let late events appear at once."""
        self._visible_at.clear()

    def _add(self, events: list[Event]) -> None:
        if events and self._keys and events[0].key < self._keys[-1]:  # something injected lies ahead
            for event in events:
                insort(self._events, event, key=_BY_KEY)
                insort(self._keys, event.key)
        else:
            self._events += events
            self._keys += [event.key for event in events]
        for event in events:
            self._by_id[event.id] = event

    def _span(self, now: float) -> tuple[int, int]:
        low = bisect_left(self._keys, second_key(max(0, int(now - KEPT) + 1)))
        return low, bisect_left(self._keys, second_key(int(now) + 1))

    def _select(self, query: ListQuery, low: int, high: int, now: float) -> Page:
        return select(
            self._keys,
            low,
            high,
            query.limit,
            self._cursor(query.starting_after, "starting_after", now),
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
        shape = self._shape
        rendered = shape.render(event.kind, event.state, event.at)
        data: dict[str, object] = {"object": rendered}
        if event.previous is not None:
            before = shape.render(event.kind, event.previous, event.previous_at)
            data["previous_attributes"] = previous_attributes(before, rendered)
        envelope = {
            "id": event.id,
            "object": "event",
            "api_version": shape.version,
            "created": event.at,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": {"id": event.request.id, "idempotency_key": event.request.idempotency_key},
            "type": event.type,
        }
        return orjson.dumps(envelope)


def _type_test(types: tuple[str, ...]) -> Callable[[str], bool]:
    """Whether a type is one of `types`, where `charge.*` stands for all that start with `charge.`."""
    names = frozenset(name for name in types if not name.endswith("*"))
    groups = tuple(name[:-1] for name in types if name.endswith("*"))
    if not groups:
        return names.__contains__
    return lambda name: name in names or name.startswith(groups)
