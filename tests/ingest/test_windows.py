"""Which windows are planned: covering, closed, ordered, and never older than Stripe keeps."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallyhouse.windows import Plan, Window, cut, plan_since

NOW = datetime(2026, 11, 1, 12, 0, 0, 700_000, tzinfo=UTC)
LAG, OVERLAP, HOUR, DAY = timedelta(seconds=60), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1)
NOW_FLOOR = NOW.replace(microsecond=0)

spans = st.integers(0, 400).map(lambda seconds: timedelta(seconds=seconds))
ages = st.one_of(st.none(), st.floats(-3600, 40 * 86_400).map(lambda seconds: timedelta(seconds=seconds)))


def plan(watermark: datetime | None, **changes: timedelta) -> Plan:
    return plan_since(watermark, NOW, **{"lag": LAG, "overlap": OVERLAP, "max_window": HOUR, **changes})


@settings(deadline=None)
@given(age=ages, lag=spans, overlap=spans, length=st.integers(3_600, 90_000))
def test_windows_and_gap_cover_everything_from_the_watermark_to_now_less_the_lag(
    age: timedelta | None, lag: timedelta, overlap: timedelta, length: int
) -> None:
    watermark = None if age is None else NOW - age
    made = plan(watermark, lag=lag, overlap=overlap, max_window=timedelta(seconds=length))
    end = (NOW - lag).replace(microsecond=0)
    if watermark is not None and end <= watermark:
        assert made == Plan(())
        return
    windows = made.windows
    assert windows[-1].end == end
    for before, after in pairwise(windows):
        assert before.end == after.start
    for window in windows:
        assert window.start < window.end
        assert window.end - window.start <= timedelta(seconds=length)
        assert window.start.microsecond == window.end.microsecond == 0
    if watermark is None:
        assert made.gap is None
        assert windows[0].start > NOW - timedelta(days=30)
    elif made.gap is None:
        assert windows[0].start <= watermark
        assert watermark - windows[0].start <= overlap + timedelta(seconds=1)
    else:
        assert made.gap.start <= watermark
        assert made.gap.end == windows[0].start


@given(start=st.integers(0, 10**6), size=st.integers(0, 1_000), length=st.integers(1, 10**4))
def test_cutting_loses_and_repeats_nothing(start: int, size: int, length: int) -> None:
    at = datetime.fromtimestamp(start, UTC)
    pieces = cut(at, at + timedelta(seconds=size), timedelta(seconds=length))
    assert sum((piece.end - piece.start for piece in pieces), timedelta()) == timedelta(seconds=size)
    assert all(piece.end == following.start for piece, following in pairwise(pieces))


def test_an_hourly_run_reads_one_window_with_the_overlap_and_without_the_lag() -> None:
    made = plan(NOW_FLOOR - HOUR, max_window=timedelta(hours=2))
    assert made == Plan((Window(NOW_FLOOR - HOUR - OVERLAP, NOW_FLOOR - LAG),))


def test_a_run_that_is_behind_reads_several_windows_oldest_first() -> None:
    made = plan(NOW_FLOOR - timedelta(hours=10))
    assert len(made.windows) == 11
    assert list(made.windows) == sorted(made.windows)


def test_nothing_is_planned_when_the_lag_leaves_nothing_to_read() -> None:
    assert plan(NOW_FLOOR - timedelta(seconds=30)) == Plan(())


def test_a_first_run_begins_a_little_after_the_oldest_event_kept() -> None:
    made = plan(None, max_window=timedelta(days=31))
    assert made.gap is None
    assert timedelta(0) < made.windows[0].start - (NOW - timedelta(days=30)) < 2 * HOUR


def test_a_watermark_older_than_stripe_keeps_is_a_gap_up_to_the_oldest_window() -> None:
    watermark = NOW_FLOOR - timedelta(days=35)
    made = plan(watermark)
    assert made.gap is not None
    assert made.gap.start == watermark
    assert made.gap.end == made.windows[0].start


@pytest.mark.parametrize("age", [timedelta(days=30), timedelta(days=29, hours=23, minutes=30)])
def test_events_about_to_age_out_count_as_a_gap(age: timedelta) -> None:
    assert plan(NOW_FLOOR - age).gap is not None


def test_a_window_refuses_local_time_and_fractions() -> None:
    east = timezone(timedelta(hours=1))
    with pytest.raises(ValueError, match="UTC"):
        Window(NOW_FLOOR.astimezone(east), (NOW_FLOOR + HOUR).astimezone(east))
    with pytest.raises(ValueError, match="whole seconds"):
        Window(NOW, NOW + HOUR)
    with pytest.raises(ValueError, match="after it starts"):
        Window(NOW_FLOOR, NOW_FLOOR)


def test_a_negative_overlap_or_an_empty_window_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        plan(None, overlap=-HOUR)
    with pytest.raises(ValueError, match="max_window"):
        plan(None, max_window=timedelta(0))


def test_a_window_survives_the_way_from_task_to_task() -> None:
    window = Window(NOW_FLOOR, NOW_FLOOR + DAY)
    assert Window.from_dict(window.as_dict()) == window
