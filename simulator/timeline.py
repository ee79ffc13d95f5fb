"""A stream's agenda: what is to happen when, run in order of time up to a horizon."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from simulator.ledger import Ledger


class Timeline:
    """Actions run in (time, order of scheduling), so the past does not depend on the horizon."""

    __slots__ = ("_agenda", "_count", "_ledger")

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._agenda: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0

    def schedule(self, at: float, action: Callable[..., object], *arguments: Any) -> None:
        """Call `action(at, *arguments)` when the time comes."""
        self._count += 1
        heappush(self._agenda, (int(at), self._count, action, arguments))

    @property
    def next_at(self) -> int | None:
        """When something is due next; None when nothing is."""
        return self._agenda[0][0] if self._agenda else None

    def run(self, horizon: int) -> None:
        """Run everything due before `horizon`."""
        agenda = self._agenda
        while agenda and agenda[0][0] < horizon:
            at, _, action, arguments = heappop(agenda)
            # An action a few seconds long may have written past the next one's time: the next one waits.
            action(max(at, self._ledger.now), *arguments)
