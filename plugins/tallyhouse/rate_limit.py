"""At most so many requests a second: what a client asks of a pacer, and a pacer for the threads of one process."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

PAUSE_SECONDS = 0.25
"""How long nobody asks after a 429 that does not say how long. The limits are per second, so that a part of one makes
room; whoever was refused backs off for longer, by itself."""


class Pacer(Protocol):
    """Says when the next request may be made."""

    def take(self) -> float:
        """Waits for a slot and takes it; returns the seconds waited."""

    def throttled(self, asked_seconds: float | None) -> None:
        """Hears of a 429 (and of the seconds that it asks to wait, if it does): gives no slot for a while."""


class TokenBucket:
    """Lets `rate` requests a second through, and up to `burst` at once after a pause.

    The clock counts seconds and never goes back; it and `sleep` are parameters for the tests.
    """

    def __init__(
        self,
        rate: float | None,
        burst: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ):
        require_rate(rate)
        if burst < 1:
            raise ValueError(f"a burst below 1 would never let a request through; got {burst}")
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = float(burst)
        self._filled_at = clock()

    def take(self) -> float:
        """Waits for a token and takes it; returns the seconds waited."""
        if self._rate is None:
            return 0.0
        with self._lock:
            self._fill(self._rate)
            # Going below zero reserves a later token, so that waiting threads line up outside the lock.
            self._tokens -= 1.0
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._sleep(wait)
        return wait

    def throttled(self, asked_seconds: float | None) -> None:
        """Lets the next request through no sooner than after the pause asked for."""
        if self._rate is None:
            return
        pause = PAUSE_SECONDS if asked_seconds is None else asked_seconds
        with self._lock:
            self._fill(self._rate)
            self._tokens = min(self._tokens, 1.0 - pause * self._rate)

    def _fill(self, rate: float) -> None:
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now


def require_rate(rate: float | None) -> None:
    """Raises ValueError for a rate that would never let a request through."""
    if rate is not None and rate <= 0:
        raise ValueError(f"requests per second must be above 0, or None for no limit; got {rate}")
