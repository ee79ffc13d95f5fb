"""Calendar arithmetic on Unix seconds: adding months as Stripe's billing cycles do, months of a span."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime

HOUR = 3600
DAY = 24 * HOUR
_SECONDS = {"day": DAY, "week": 7 * DAY}
_MONTHS = {"month": 1, "year": 12}


def add_months(anchor: int, months: int) -> int:
    """The instant `months` after `anchor`, same day and time, or the month's last day if it is shorter."""
    moment = datetime.fromtimestamp(anchor, UTC)
    month_number = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(month_number, 12)
    month += 1
    day = moment.day
    if day > 28:
        day = min(day, monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())


def add_periods(anchor: int, interval: str, count: int) -> int:
    """The instant `count` days, weeks, months or years after `anchor`."""
    if interval in _SECONDS:
        return anchor + count * _SECONDS[interval]
    return add_months(anchor, count * _MONTHS[interval])


def month_name(at: float) -> str:
    """`YYYY-MM` of an instant, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m")


def month_spans(start: float, end: float) -> Iterator[tuple[str, int, int]]:
    """(`YYYY-MM`, first second, first second of the next month) of every month that touches [start, end)."""
    first = datetime.fromtimestamp(start, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    at = int(first.timestamp())
    while at < end:
        following = add_months(at, 1)
        yield month_name(at), at, following
        at = following
