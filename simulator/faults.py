"""Faults that can be switched on: each hits the next n requests, in order, and nothing by chance."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

COUNTED = ("server_error", "html", "cut", "duplicate")


class Delay(NamedTuple):
    """An answer that takes `seconds`: before it begins, or (`is_drip`) while its body comes in drops."""

    seconds: float
    is_drip: bool


class Faults:
    """`left[name]` requests are still to be hit; resources in `restricted` are forbidden to the keys."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Switch everything off."""
        self.left: dict[str, int] = dict.fromkeys(COUNTED, 0)
        self._limits: deque[str] = deque()
        self._delays: deque[Delay] = deque()
        self.is_key_revoked = False
        self.is_restricted = False
        self.restricted: frozenset[str] = frozenset()

    def arm(self, name: str, count: int) -> None:
        """Raises KeyError for a name that is not counted."""
        self.left[name] += count

    def limit(self, count: int, reasons: Sequence[str]) -> None:
        """Answer the next requests 429: `count` for each of the reasons, one reason after the other."""
        for reason in reasons:
            self._limits.extend([reason] * count)

    def delay(self, count: int, delay: Delay) -> None:
        """Answer the next `count` requests slowly."""
        self._delays.extend([delay] * count)

    def hits(self, name: str) -> bool:
        """Whether this request is hit; uses up one."""
        if self.left[name] <= 0:
            return False
        self.left[name] -= 1
        return True

    def next_limit(self) -> str | None:
        """Why this request is to be answered 429, if it is; uses up one."""
        return self._limits.popleft() if self._limits else None

    def next_delay(self) -> Delay | None:
        """How slowly this request is to be answered, if it is; uses up one."""
        return self._delays.popleft() if self._delays else None

    def restrict(self, resources: list[str] | None) -> None:
        """Forbid these resources (`events`, `customers` ...), or all."""
        self.is_restricted = True
        self.restricted = frozenset(resources or ())

    def forbids(self, resource: str) -> bool:
        """Whether the key may not read the resource."""
        return self.is_restricted and (not self.restricted or resource in self.restricted)

    def describe(self) -> dict[str, object]:
        """What is switched on."""
        return {
            **self.left,
            "rate_limit": len(self._limits),
            "slow": sum(not delay.is_drip for delay in self._delays),
            "drip": sum(delay.is_drip for delay in self._delays),
            "revoke_key": self.is_key_revoked,
            "restricted": sorted(self.restricted) or self.is_restricted,
        }
