"""The simulator's clock: real time with an offset, which can be frozen, set and moved on."""

import time
from datetime import UTC, datetime


def parse_instant(text: str) -> float:
    """Unix seconds of an ISO 8601 instant (`2026-01-31T00:00:00Z`); without a zone it is UTC.

    Raises ValueError naming the text when it is not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not an ISO 8601 instant: {text!r}; write it like 2026-01-31T00:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp()


def format_instant(seconds: float) -> str:
    """ISO 8601 in UTC with a Z, with a fraction only when there is one."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat()
    return text.replace("+00:00", "Z")


class Clock:
    """Seconds since 1970 as the company sees them; runs at the speed of real time unless frozen."""

    def __init__(self, now: float | None = None, frozen: bool = False) -> None:
        self._base = time.time() if now is None else now
        self._started = time.monotonic()
        self._frozen = frozen

    @property
    def is_frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen

    def now(self) -> float:
        """Unix seconds."""
        if self._frozen:
            return self._base
        return self._base + (time.monotonic() - self._started)

    def set(self, now: float) -> None:
        """Go on from `now`."""
        self._base = now
        self._started = time.monotonic()

    def advance(self, seconds: float) -> None:
        """Jump by so many seconds, back if negative."""
        self.set(self.now() + seconds)

    def freeze(self, frozen: bool) -> None:
        """Stop at the present instant, or go on from it."""
        self.set(self.now())
        self._frozen = frozen
