"""Which lists are compared on which day: in the end, all of them."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from tallyhouse.errors import TallyhouseError
from tallyhouse.questions import FIRST_SECOND, Question, plan_questions
from tallyhouse.windows import Window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUNDED = datetime(2024, 1, 1, tzinfo=UTC)


def planned(today: date, **changes: int) -> list[Question]:
    options = {"recent_days": 35, "rotation": 30, **changes}
    return plan_questions(NOW, ["subscription", "charge"], oldest=FOUNDED, today=today, **options)


def test_the_last_days_and_a_part_of_the_rest_and_who_pays_now() -> None:
    subscriptions = [question for question in planned(date(2026, 3, 1)) if question.object_name == "subscription"]
    recent, older, active, past_due = subscriptions
    assert recent.window == Window(NOW - timedelta(days=35), NOW)
    assert older.window is not None
    assert older.window.end <= recent.window.start
    assert [(question.status, question.window) for question in (active, past_due)] == [
        ("active", None),
        ("past_due", None),
    ]
    assert active.params["status"] == "active"
    assert recent.params["status"] == "all"


def test_as_many_days_as_the_rotation_has_compare_all_that_is_older() -> None:
    days = [date(2026, 3, 1) + timedelta(days=number) for number in range(30)]
    windows = sorted(question.window for day in days for question in planned(day) if question.object_name == "charge")
    older = [window for window in windows if window.end != NOW]
    assert older[0].start == FIRST_SECOND
    assert all(a.end == b.start for a, b in pairwise(older))
    assert older[-1].end == NOW - timedelta(days=35)
    assert len(older) == 30


def test_a_rotation_of_one_compares_everything_at_once() -> None:
    windows = [question.window for question in planned(date(2026, 3, 1), rotation=1) if question.window]
    assert {window.start for window in windows} == {FIRST_SECOND, NOW - timedelta(days=35)}


@pytest.mark.parametrize("change", [{"recent_days": 0}, {"rotation": 0}])
def test_a_form_that_makes_no_sense_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(TallyhouseError, match="must be at least 1"):
        planned(date(2026, 3, 1), **change)


def test_an_object_that_is_not_compared_is_named() -> None:
    with pytest.raises(TallyhouseError, match="customer is not compared; these are: subscription, invoice"):
        plan_questions(NOW, ["customer"], recent_days=1, rotation=1, oldest=None, today=date(2026, 3, 1))
