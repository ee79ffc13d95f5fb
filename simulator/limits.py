"""The rate limit of each endpoint: a token bucket in real time, whatever the simulator's clock says."""

import time


class RateLimiter:
    """`rate` requests a second for each endpoint, with a burst of as many; 0 means no limit."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._buckets: dict[str, tuple[float, float]] = {}  # endpoint: (tokens, when)

    def take(self, endpoint: str) -> bool:
        """Whether a request may pass."""
        if self.rate <= 0:
            return True
        now = time.monotonic()
        tokens, when = self._buckets.get(endpoint, (self.rate, now))
        tokens = min(self.rate, tokens + (now - when) * self.rate)
        passes = tokens >= 1
        self._buckets[endpoint] = (tokens - 1 if passes else tokens, now)
        return passes
