"""Which windows of time to read next: whole seconds, without a hole, never older than Stripe keeps."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Stripe keeps events for 30 days (https://docs.stripe.com/api/events).
RETENTION = timedelta(days=30)
# The oldest events are read last; they must not age out meanwhile.
RETENTION_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, order=True)
class Window:
    """A half-open stretch of time [start, end), in UTC and whole seconds."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment.utcoffset() != timedelta(0):
                raise ValueError(f"a window is in UTC; got {moment!r}")
            if moment.microsecond:
                raise ValueError(f"a window is of whole seconds, as Stripe's created is; got {moment.isoformat()}")
        if self.start >= self.end:
            raise ValueError(f"a window ends after it starts; got {self}")

    def __str__(self) -> str:
        return f"[{self.start:%Y-%m-%d %H:%M:%S}, {self.end:%Y-%m-%d %H:%M:%S}) UTC"

    @property
    def created_params(self) -> dict[str, str]:
        """The filter that asks Stripe for exactly this window."""
        return {
            "created[gte]": str(int(self.start.timestamp())),
            "created[lt]": str(int(self.end.timestamp())),
        }

    def as_dict(self) -> dict[str, str]:
        """ISO strings, to hand from task to task."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    @classmethod
    def from_dict(cls, value: Mapping[str, str]) -> "Window":
        """The window that `as_dict` described."""
        start, end = (datetime.fromisoformat(value[key]).astimezone(UTC) for key in ("start", "end"))
        return cls(start, end)


@dataclass(frozen=True)
class Plan:
    """Windows to read, oldest first, and the stretch that can no longer be read, if there is one."""

    windows: tuple[Window, ...]
    gap: Window | None = None


def plan_since(
    watermark: datetime | None,
    now: datetime,
    *,
    lag: timedelta,
    overlap: timedelta,
    max_window: timedelta,
    retention: timedelta = RETENTION,
    margin: timedelta = RETENTION_MARGIN,
) -> Plan:
    """Plans what to read so that every second from the watermark to `now - lag` is covered.

    `watermark`: everything before it was read; None: nothing yet, so begin with the oldest that Stripe keeps.
    `now` is by Stripe's clock. `lag` leaves the newest seconds alone, since events can become visible late;
    `overlap` reads the last ones again for the same reason. Nothing older than `retention` less `margin` is
    asked for: a watermark before that gives a gap.
    """
    if max_window < timedelta(seconds=1):
        raise ValueError(f"max_window must be at least one second; got {max_window}")
    for name, span in (("lag", lag), ("overlap", overlap), ("retention", retention), ("margin", margin)):
        if span < timedelta(0):
            raise ValueError(f"{name} cannot be negative; got {span}")
    end = floor_second(now - lag)
    oldest = ceil_second(now - retention + margin)
    gap = None
    if watermark is None:
        start = oldest
    else:
        if end <= watermark:
            return Plan(())
        if watermark < oldest:
            gap = Window(floor_second(watermark), oldest)
        start = max(floor_second(watermark - overlap), oldest)
    return Plan(cut(start, end, max_window), gap)


def cut(start: datetime, end: datetime, length: timedelta) -> tuple[Window, ...]:
    """Cuts [start, end) into windows of `length` in whole seconds, the last one shorter; none if empty."""
    step = timedelta(seconds=max(1, int(length.total_seconds())))
    windows = []
    while start < end:
        stop = min(start + step, end)
        windows.append(Window(start, stop))
        start = stop
    return tuple(windows)


def floor_second(moment: datetime) -> datetime:
    """The moment in UTC, without its fraction of a second."""
    return moment.astimezone(UTC).replace(microsecond=0)


def ceil_second(moment: datetime) -> datetime:
    """The moment in UTC, at the next whole second unless it is one."""
    floor = floor_second(moment)
    return floor if floor == moment else floor + timedelta(seconds=1)
