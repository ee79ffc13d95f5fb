"""Cursor paging over anything sorted by order key: newest first, in either direction."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Page(NamedTuple):
    """Positions, newest first, and whether there is more in the direction walked."""

    positions: Sequence[int]
    has_more: bool


def select(
    keys: Sequence[int],
    low: int,
    high: int,
    limit: int,
    starting_after: int | None = None,
    ending_before: int | None = None,
    accept: Callable[[int], bool] | None = None,
) -> Page:
    """A page of the positions low <= p < high that `accept` takes.

    `starting_after` and `ending_before` are order keys; with neither the page starts at the newest. With
    `ending_before` it holds those next newer than the cursor, still newest first.
    """
    if ending_before is not None:
        first = max(low, bisect_right(keys, ending_before))
        upward = _take(range(first, high), limit, accept)
        return Page(upward.positions[::-1], upward.has_more)
    last = high if starting_after is None else min(high, bisect_left(keys, starting_after))
    return _take(range(last - 1, low - 1, -1), limit, accept)


def _take(candidates: range, limit: int, accept: Callable[[int], bool] | None) -> Page:
    if accept is None:
        return Page(candidates[:limit], len(candidates) > limit)
    taken: list[int] = []
    for position in candidates:
        if accept(position):
            if len(taken) == limit:
                return Page(taken, True)
            taken.append(position)
    return Page(taken, False)
