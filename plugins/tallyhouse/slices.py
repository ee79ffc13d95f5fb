"""Cuts lists into slices of about equal work: asks a list how old and how dense it is, instead of guessing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from math import ceil
from typing import Any, Protocol, TypeVar

from tallyhouse.client import PAGE_SIZE, StripeClient
from tallyhouse.objects import LISTED, StripeObject
from tallyhouse.pages import ObjectRow, parse_page
from tallyhouse.windows import Window

# Probes of the density between the oldest and the newest object; each is one request.
MOST_SAMPLES = 16
# A burst under a probe must not cut a list into countless slices.
MOST_SLICES = 500


@dataclass(frozen=True)
class Slice:
    """The objects of one kind created in one stretch of time: one batch of a backfill.

    `scope`, a parameter as name=value, narrows the list to what it leaves out otherwise: then it is listed whole,
    and the window says for which run's stretch. `estimated_calls` are the requests that it should take.
    """

    object_name: str
    window: Window
    scope: str | None = None
    estimated_calls: int = 1


@dataclass(frozen=True)
class Probe:
    """What one page tells: when its objects were created (seconds since 1970, newest first); whether more follow."""

    created: tuple[int, ...]
    has_more: bool

    def density(self, low: int, high: int) -> float:
        """Objects a second in [low, high), by a page that was asked for what was created before `high`.

        Where the page ends inside, by the part that it shows. What it shows of the time before `low` says nothing: that
        may be a burst long ago.
        """
        bottom = max(low, self.created[-1]) if self.has_more else low
        return sum(at >= bottom for at in self.created) / max(1, high - bottom)


def find_listed(name: str) -> StripeObject:
    """The object of the registry that is listed by this name; ValueError if there is none."""
    if name not in LISTED:
        raise ValueError(f"{name} is not an object that can be listed; these are: {', '.join(LISTED)}")
    return LISTED[name]


def plan_slices(client: StripeClient, item: StripeObject, window: Window, rows_per_slice: int) -> list[Slice]:
    """Cuts a list into slices of about so many objects; they cover the window without a hole, whatever was found.

    The newest page tells how dense the list is now, and a binary search finds its beginning; between them, the
    density is sampled. A list that fits on one page costs one request. Errors as of StripeClient.pages.
    """
    if rows_per_slice < 1:
        raise ValueError(f"a slice needs at least one object; got {rows_per_slice}")
    start, end = int(window.start.timestamp()), int(window.end.timestamp())
    newest = _probe(client, item, start, end)
    if not newest.has_more:
        return [Slice(item.name, window)]
    top = newest.created[0] + 1
    oldest = _find_oldest(client, item, start, newest)
    guess = newest.density(oldest, top) * (top - oldest)
    samples = min(MOST_SAMPLES, ceil(guess / rows_per_slice) + 1)
    marks = [oldest + (top - oldest) * number // samples for number in range(samples + 1)]
    counts = []
    for low, high in pairwise(marks):
        # The middle, for the ends may be moments at which much happens, such as the first of a month.
        middle = (low + high + 1) // 2
        counts.append(_probe(client, item, start, middle).density(low, middle) * (high - low))
    return _cut(item.name, window, marks, counts, rows_per_slice)


class Estimated(Protocol):
    """A piece of work of which it is known about how many requests it takes."""

    @property
    def estimated_calls(self) -> int:
        """The requests."""


Piece = TypeVar("Piece", bound=Estimated)


def share_out(slices: Sequence[Piece], calls_per_share: int, least_slices: int = 1) -> list[list[Piece]]:
    """Shares slices out to tasks, in their order, each share of about so many requests; small kinds go together.

    But of no fewer slices than a task reads at once (`least_slices`), however large they are believed to be.
    """
    shares: list[list[Piece]] = []
    filled = 0
    for piece in slices:
        if not shares or (filled >= calls_per_share and len(shares[-1]) >= least_slices):
            shares.append([])
            filled = 0
        shares[-1].append(piece)
        filled += piece.estimated_calls
    return shares


def tile(objects: Iterable[str], windows: Iterable[Window]) -> list[Slice]:
    """A slice for each kind of object and window, for those who know how they want them."""
    stretches = list(windows)
    return [Slice(find_listed(name).name, window) for name in objects for window in stretches]


def _find_oldest(client: StripeClient, item: StripeObject, start: int, newest: Probe) -> int:
    """About when the list begins, by halving: exact to an eighth of the list's age."""
    low, high, top = start, newest.created[-1], newest.created[0]
    while high - low > max(3600, (top - high) // 8):
        middle = (low + high) // 2
        found = _probe(client, item, start, middle, limit=1)
        if found.created:
            high = found.created[0]
        else:
            low = middle
    return low


def _cut(name: str, window: Window, marks: Sequence[int], counts: Sequence[float], rows_per_slice: int) -> list[Slice]:
    """Slices of equal estimated counts; `counts[i]` objects lie between marks i and i + 1."""
    reached = [0.0, *accumulate(counts)]
    total = reached[-1]
    pieces = max(1, min(MOST_SLICES, ceil(total / rows_per_slice)))
    edges = [int(window.start.timestamp())]
    segment = 0
    for number in range(1, pieces):
        wanted = total * number / pieces
        while reached[segment + 1] < wanted:
            segment += 1
        part = (wanted - reached[segment]) / max(counts[segment], 1e-9)
        edge = int(marks[segment] + part * (marks[segment + 1] - marks[segment]))
        if edge > edges[-1]:
            edges.append(edge)
    edges.append(int(window.end.timestamp()))
    calls = max(1, ceil(total / (len(edges) - 1) / PAGE_SIZE))
    return [Slice(name, Window(_moment(low), _moment(high)), estimated_calls=calls) for low, high in pairwise(edges)]


def _probe(client: StripeClient, item: StripeObject, start: int, end: int, limit: int = PAGE_SIZE) -> Probe:
    """The newest objects created in [start, end)."""
    path = item.endpoint
    if start >= end:
        return Probe((), False)
    query = {**item.list_params, "created[gte]": str(start), "created[lt]": str(end), "limit": str(limit)}
    return client.get(path, query, _read_probe)


def _read_probe(body: bytes) -> Probe:
    created: list[int] = []

    def read(value: Any, text: bytes) -> ObjectRow | str:
        at = value.get("created") if isinstance(value, dict) else None
        if type(at) is not int:
            return "it has no time"
        created.append(at)
        return "", "", None, b""

    has_more = parse_page(body, read).has_more
    # Rows that tell no time cannot be planned by; the slice that holds them keeps them as rejects.
    return Probe(tuple(created), has_more and bool(created))


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
