"""What is left to chance in a customer's payments: declines, delays, usage."""

from random import Random

_DECLINES = ("insufficient_funds", "generic_decline", "do_not_honor", "expired_card")


class Chance:
    """Decisions drawn from the customer's own random stream."""

    __slots__ = ("_failure_rate", "rng")

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._failure_rate = rng.choice((0.01, 0.03, 0.05, 0.12))

    def failure(self, at: int, attempt: int) -> str | None:
        """Most first attempts succeed; once declined, a card is declined again nearly half the time."""
        rate = self._failure_rate if attempt == 1 else 0.45
        return self.rng.choice(_DECLINES) if self.rng.random() < rate else None

    def seconds(self, low: int, high: int) -> int:
        """A number in [low, high]."""
        return self.rng.randint(low, high)

    def risk_score(self) -> int:
        """An inconspicuous score."""
        return self.rng.randrange(5, 65)

    def is_left_unpaid(self) -> bool:
        """One in four."""
        return self.rng.random() < 0.25

    def usage(self, at: int) -> int:
        """Some thousands."""
        return self.rng.randrange(0, 40_000)
