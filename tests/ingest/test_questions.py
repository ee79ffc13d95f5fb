"""Which lists are compared on which day: in the end, all of them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tallyhouse.errors import TallyhouseError
from tallyhouse.questions import FIRST_SECOND, Question, plan_questions
from tallyhouse.windows import Window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FOUNDED = datetime(2024, 1, 1, tzinfo=UTC)


def planned(now: datetime = NOW, reached: dict[str, datetime] | None = None, **changes: int) -> list[Question]:
    options = {"recent_days": 35, "rotation": 30, **changes}
    return plan_questions(now, ["subscription", "charge"], oldest=FOUNDED, reached=reached or {}, **options)


def test_the_last_days_and_a_part_of_the_rest_and_who_pays_now() -> None:
    subscriptions = [question for question in planned() if question.object_name == "subscription"]
    recent, older, active, past_due = subscriptions
    assert recent.window == Window(NOW - timedelta(days=35), NOW)
    assert older.is_older
    assert older.window is not None
    assert older.window.start == FIRST_SECOND
    assert older.window.end <= recent.window.start
    assert [(question.status, question.window) for question in (active, past_due)] == [
        ("active", None),
        ("past_due", None),
    ]
    assert active.params["status"] == "active"
    assert recent.params["status"] == "all"


@pytest.mark.parametrize("missed", [set(), {3, 4, 17}], ids=["every day", "some days missed"])
def test_all_that_is_older_is_compared_without_a_hole_while_time_goes_on(missed: set[int]) -> None:
    reached: dict[str, datetime] = {}
    older: list[Window] = []
    for day in range(40):
        if day in missed:
            continue
        now = NOW + timedelta(days=day, seconds=day * 37)
        (question,) = [each for each in planned(now, reached) if each.is_older and each.object_name == "charge"]
        assert question.window is not None
        older.append(question.window)
        reached["charge"] = question.window.end
        if question.window.end == now - timedelta(days=35):
            break
    assert older[0].start == FIRST_SECOND
    assert all(a.end == b.start for a, b in pairwise(older))
    assert older[-1].end == now - timedelta(days=35)
    assert 28 <= len(older) <= 33
    # and then from the beginning, although the recent days have moved on
    tomorrow = now + timedelta(days=1)
    (again,) = [each for each in planned(tomorrow, reached) if each.is_older and each.object_name == "charge"]
    assert again.window is not None
    assert again.window.start == FIRST_SECOND


def test_a_rotation_of_one_compares_everything_at_once() -> None:
    windows = [question.window for question in planned(rotation=1) if question.window]
    assert {window.start for window in windows} == {FIRST_SECOND, NOW - timedelta(days=35)}
    assert {window.end for window in windows} == {NOW - timedelta(days=35), NOW}


def test_a_young_company_has_its_first_days_compared_all_the_same() -> None:
    questions = plan_questions(NOW, ["charge"], recent_days=35, rotation=30, oldest=None, reached={})
    assert [question.window for question in questions] == [
        Window(NOW - timedelta(days=35), NOW),
        Window(FIRST_SECOND, NOW - timedelta(days=35)),
    ]


@pytest.mark.parametrize("change", [{"recent_days": 0}, {"rotation": 0}])
def test_a_form_that_makes_no_sense_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(TallyhouseError, match="must be at least 1"):
        planned(**change)


def test_an_object_that_is_not_compared_is_named() -> None:
    with pytest.raises(TallyhouseError, match="customer is not compared; these are: subscription, invoice"):
        plan_questions(NOW, ["customer"], recent_days=1, rotation=1, oldest=None, reached={})
