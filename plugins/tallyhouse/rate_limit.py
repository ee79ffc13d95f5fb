"""A token bucket: at most so many requests a second, with a small burst, for all threads of one client."""

import threading
import time
from collections.abc import Callable


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
        if rate is not None and rate <= 0:
            raise ValueError(f"requests per second must be above 0, or None for no limit; got {rate}")
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
            now = self._clock()
            self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
            # Going below zero reserves a later token, so that waiting threads line up outside the lock.
            self._tokens -= 1.0
            wait = max(0.0, -self._tokens / self._rate)
        if wait:
            self._sleep(wait)
        return wait
