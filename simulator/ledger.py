"""The record of one stream (a customer, or the catalogue): objects with all their states, and events."""

from bisect import bisect_right
from math import ceil
from typing import Any, NamedTuple

from simulator.ids import IdSource

# An order key is one integer: second, stream, sequence inside the stream. Events and objects both sort
# by it, so listings are the same however far ahead and in whatever steps the company was generated.
_SEQUENCE_BITS = 24
_STREAM_BITS = 28
_SECOND_SHIFT = _SEQUENCE_BITS + _STREAM_BITS


def order_key(at: int, stream: int, sequence: int) -> int:
    """The sort key of what a stream wrote as its n-th in a second."""
    return (at << _SECOND_SHIFT) | (stream << _SEQUENCE_BITS) | sequence


def second_key(at: int) -> int:
    """The smallest order key of a second."""
    return at << _SECOND_SHIFT


LAST_STREAM = (1 << _STREAM_BITS) - 1


class Request(NamedTuple):
    """The API request that caused an event; both are None for what Stripe's billing does by itself."""

    id: str | None
    idempotency_key: str | None


AUTOMATIC = Request(None, None)


class History:
    """One object through its life: `ats[i]` is the second from which `states[i]` holds."""

    __slots__ = ("ats", "id", "key", "kind", "published", "published_at", "states")

    def __init__(self, kind: str, key: int, state: Any, at: int) -> None:
        self.kind = kind
        self.id: str = state.id
        self.key = key
        self.ats = [at]
        self.states = [state]
        self.published = state  # the state that the latest event showed
        self.published_at = at

    @property
    def created(self) -> int:
        """The second of the first state."""
        return self.ats[0]

    @property
    def state(self) -> Any:
        """The newest state that was generated, which may lie ahead of the clock."""
        return self.states[-1]

    def state_at(self, at: float) -> Any | None:
        """The state at the end of second `at`; None before the object existed."""
        if at >= self.ats[-1]:
            return self.states[-1]
        position = bisect_right(self.ats, at)
        return self.states[position - 1] if position else None

    def state_before(self, until: float) -> Any | None:
        """The state just before `until`; None before the object existed. States change on whole seconds."""
        return self.state_at(ceil(until) - 1)

    def known_at(self, at: float) -> Any:
        """The state at the end of second `at`. Raises LookupError when the object did not exist yet."""
        state = self.state_at(at)
        if state is None:
            raise LookupError(f"{self.kind} {self.id} did not exist at {at:g}, only from {self.created}")
        return state


class Event:
    """Something that happened: the object as it was then and, for updates, as the event before showed it."""

    __slots__ = ("at", "body", "id", "key", "kind", "previous", "previous_at", "request", "state", "type")

    def __init__(
        self,
        key: int,
        at: int,
        event_id: str,
        event_type: str,
        kind: str,
        state: Any,
        previous: Any,
        previous_at: int,
        request: Request,
    ) -> None:
        self.key = key
        self.at = at
        self.id = event_id
        self.type = event_type
        self.kind = kind
        self.state = state
        self.previous = previous
        self.previous_at = previous_at
        self.request = request
        self.body: bytes | None = None  # the rendered JSON, kept while it can be listed


class Ledger:
    """Collects a stream's objects and events; `take` hands over what is new."""

    __slots__ = ("_sequence", "ids", "new_events", "new_objects", "now", "stream")

    def __init__(self, stream: int, ids: IdSource) -> None:
        self.stream = stream
        self.ids = ids
        self.now = 0  # the newest second written; a stream never writes into its own past
        self._sequence = 0
        self.new_events: list[Event] = []
        self.new_objects: list[History] = []

    def request(self) -> Request:
        """A new API request, for the events of one action."""
        return Request(self.ids.short("req"), self.ids.key())

    def create(self, kind: str, state: Any, at: int, event: str | None = None, request: Request = AUTOMATIC) -> History:
        """A new object and, with an `event`, the event that tells of it."""
        at = self._reach(at)
        self._sequence += 1
        history = History(kind, order_key(at, self.stream, self._sequence), state, at)
        self.new_objects.append(history)
        if event is not None:
            self.emit(event, history, at, request)
        return history

    def update(
        self,
        history: History,
        at: int,
        event: str | None = None,
        request: Request = AUTOMATIC,
        **changes: Any,
    ) -> Any:
        """Change the object's state; with an `event`, publish it with the state published before."""
        at = self._reach(at)
        state = history.states[-1]._replace(**changes)
        history.ats.append(at)
        history.states.append(state)
        if event is not None:
            self.emit(event, history, at, request, is_update=True)
        return state

    def emit(
        self, event: str, history: History, at: int, request: Request = AUTOMATIC, is_update: bool = False
    ) -> None:
        """Publish the object's newest state."""
        at = self._reach(at)
        self._sequence += 1
        state = history.states[-1]
        previous, previous_at = (history.published, history.published_at) if is_update else (None, 0)
        is_payment = history.kind in ("payment_intent", "charge", "refund")
        event_id = self.ids.related("evt", history.id) if is_payment else self.ids.long("evt")
        key = order_key(at, self.stream, self._sequence)
        self.new_events.append(Event(key, at, event_id, event, history.kind, state, previous, previous_at, request))
        history.published = state
        history.published_at = at

    def take(self) -> tuple[list[Event], list[History]]:
        """What was written since the last call."""
        events, objects = self.new_events, self.new_objects
        self.new_events, self.new_objects = [], []
        return events, objects

    def _reach(self, at: int) -> int:
        if at > self.now:
            self.now = at
        return self.now
