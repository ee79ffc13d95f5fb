"""Stripe's rate limits: token buckets in real time, whatever the simulator's clock says; and the traffic there was."""

import time
from collections import Counter

ENDPOINT_RATE, GLOBAL_RATE = "endpoint-rate", "global-rate"
_LIVE_FACTOR = 4  # 100 requests/s in live mode where a sandbox has 25


class RateLimiter:
    """The limits of one account: `rate` requests a second for each endpoint, `global_rate` for all together.

    Each has a burst of as many; 0 means no limit.
    """

    def __init__(self, rate: float, global_rate: float) -> None:
        self._rate = rate
        self._global_rate = global_rate
        self._buckets: dict[str, tuple[float, float]] = {}  # endpoint, "" for all: (tokens, when)

    def take(self, endpoint: str) -> str | None:
        """None if a request may pass, or else the limit that it exceeds. A refused request uses up nothing."""
        now = time.monotonic()
        left = self._level(endpoint, self._rate, now)
        if left is not None and left < 1:
            return ENDPOINT_RATE
        left_of_all = self._level("", self._global_rate, now)
        if left_of_all is not None and left_of_all < 1:
            return GLOBAL_RATE
        for name, level in ((endpoint, left), ("", left_of_all)):
            if level is not None:
                self._buckets[name] = (level - 1, now)
        return None

    def _level(self, name: str, rate: float, now: float) -> float | None:
        if rate <= 0:
            return None
        tokens, when = self._buckets.get(name, (rate, now))
        return min(rate, tokens + (now - when) * rate)


def default_global_rate(rate: float, is_live: bool) -> float:
    """Of all endpoints together, where each has `rate`: as much in a sandbox, four times as much in live mode."""
    return rate * _LIVE_FACTOR if is_live else rate


class Traffic:
    """Requests since the start, or since `reset`, and how many were answered 429, by endpoint."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._limited: dict[str, Counter[str]] = {}
        self._since = time.monotonic()

    def reset(self) -> None:
        """Count from now on."""
        self._requests.clear()
        self._limited.clear()
        self._since = time.monotonic()

    def count(self, endpoint: str) -> None:
        """A request came."""
        self._requests[endpoint] += 1

    def count_limited(self, endpoint: str, reason: str) -> None:
        """It was answered 429."""
        self._limited.setdefault(endpoint, Counter())[reason] += 1

    def describe(self) -> dict[str, object]:
        """`seconds` of real time counted, totals, and by endpoint the requests and the 429s by their reason."""
        limited = {endpoint: dict(reasons) for endpoint, reasons in self._limited.items()}
        return {
            "seconds": time.monotonic() - self._since,
            "requests": self._requests.total(),
            "rate_limited": sum(reasons.total() for reasons in self._limited.values()),
            "endpoints": {
                endpoint: {"requests": count, "rate_limited": limited.get(endpoint, {})}
                for endpoint, count in sorted(self._requests.items())
            },
        }
