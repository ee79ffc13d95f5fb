"""Whether events stand in the order in which things happened: each update against the event before it."""

import random
from typing import Any

import psycopg
import pytest

from tallyhouse.checks import read_checks, run_checks
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, empty_warehouse, moment, stage

EVENT_ORDER = [model for model in MODELS if model.name == "event_order_contradiction"]


def version(second: int, verb: str, order: int = 0, previous: Any = None, **state: Any) -> Version:
    body = {"object": "customer", "id": "cus_1", **state}
    at = moment(f"2026-03-01T00:00:{second:02d}")
    return Version(at, f"customer.{verb}", body, order, event_id=f"evt_{second}_{order}", previous_attributes=previous)


CREATED = version(1, "created", email="a")
SECOND = version(2, "updated", previous={"email": "a"}, email="b")
THIRD = version(3, "updated", previous={"email": "b"}, email="c")


def load(connection: psycopg.Connection, *batches: list[Version]) -> list[tuple[Any, ...]]:
    for batch in batches:
        stage(connection, batch)
        apply_models(connection, SQL_ROOT, EVENT_ORDER)
    with connection.transaction():
        return connection.execute(
            "select event_id, event_before_id, key, expected, found from ops.event_order_contradiction order by 1, 3"
        ).fetchall()


def test_updates_that_say_what_the_event_before_shows_contradict_nothing(connection: psycopg.Connection) -> None:
    assert load(connection, [CREATED, SECOND, THIRD]) == []


def test_a_missing_event_shows_in_the_update_after_it_until_it_comes(connection: psycopg.Connection) -> None:
    assert load(connection, [CREATED], [THIRD]) == [("evt_3_0", "evt_1_0", "email", "b", "a")]
    assert load(connection, [SECOND]) == []


def test_an_event_before_is_found_in_earlier_batches_and_months(connection: psycopg.Connection) -> None:
    old = Version(moment("2025-11-01T00:00:00"), "customer.created", CREATED.body, event_id="evt_old")
    assert load(connection, [old], [THIRD]) == [("evt_3_0", "evt_old", "email", "b", "a")]


def test_the_order_of_one_second_is_judged_too(connection: psycopg.Connection) -> None:
    right = [
        version(5, "updated", -1, {"email": "c"}, email="d"),
        version(5, "updated", 0, {"email": "d"}, email="e"),
    ]
    assert load(connection, [CREATED, SECOND, THIRD, *right]) == []
    wrong = [
        version(6, "updated", 0, {"email": "e"}, email="f"),
        version(6, "updated", -1, {"email": "f"}, email="g"),
    ]
    assert [row[0] for row in load(connection, wrong)] == ["evt_6_-1", "evt_6_0"]


def test_an_absent_key_is_a_null_one_and_objects_are_compared_key_by_key(connection: psycopg.Connection) -> None:
    first = version(1, "created", metadata={"kept": "1", "was": "x"}, items={"data": [1, 2]})
    update = version(
        2,
        "updated",
        previous={"metadata": {"new": None, "was": "y"}, "name": None, "items": {"data": [1]}},
        metadata={"kept": "1", "new": "2"},
    )
    assert load(connection, [first, update]) == [
        ("evt_2_0", "evt_1_0", "items.data", [1], [1, 2]),
        ("evt_2_0", "evt_1_0", "metadata.was", "y", "x"),
    ]


def test_events_of_two_api_versions_are_not_compared(connection: psycopg.Connection) -> None:
    stage(connection, [CREATED, THIRD])
    connection.execute("update raw.event set api_version = '2020-08-27' where event_id = 'evt_1_0'")
    connection.commit()
    assert load(connection, []) == []


def test_an_update_that_nothing_precedes_contradicts_nothing(connection: psycopg.Connection) -> None:
    assert load(connection, [THIRD]) == []


@pytest.mark.parametrize("seed", range(6))
def test_any_order_of_batches_finds_the_same(connection: psycopg.Connection, seed: int) -> None:
    shuffler = random.Random(seed)
    history = [CREATED] + [
        version(second, "updated", order, {"email": shuffler.choice("abc")}, email=shuffler.choice("abc"))
        for second in range(2, 7)
        for order in (-1, 0)
    ]
    expected = load(connection, history)
    assert expected
    for _ in range(3):
        empty_warehouse(connection)
        shuffler.shuffle(history)
        rows, batches = list(history), []
        while rows:
            size = shuffler.randint(1, 4)
            batches.append(rows[:size])
            rows = rows[size:]
        assert load(connection, *batches) == expected


def test_contradictions_are_counted_and_the_run_is_red_only_above_the_policy(connection: psycopg.Connection) -> None:
    (check,) = [check for check in read_checks(SQL_ROOT) if check.name == "event_order_holds"]
    load(connection, [CREATED, THIRD])
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', '2026-03-02')",
        [ACCOUNT],
    )
    connection.commit()
    (result,) = run_checks(connection, [check], "test")
    assert (result.status, result.failing, result.allowed) == ("failed", 1, 0)
    assert result.sample[0]["most_frequent"] == "customer.email"
    connection.execute("update ops.policy set value = '1' where name = 'order_contradictions_allowed'")
    connection.commit()
    assert run_checks(connection, [check], "test")[0].status == "warned"
    connection.execute("update ops.watermark set through = '2026-05-01'")
    connection.commit()
    assert run_checks(connection, [check], "test")[0].status == "passed"


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        (("2026-02-28", "2026-03-01 00:00:01"), "failed"),
        (("2026-03-01 00:00:02", "2026-03-01 00:00:03"), "passed"),
        (("2026-03-01 00:00:03", "2026-03-02"), "failed"),
    ],
    ids=["before both", "between them", "after both"],
)
def test_what_changed_while_events_were_lost_is_no_contradiction(
    lost: tuple[str, str], status: str, connection: psycopg.Connection
) -> None:
    (check,) = [check for check in read_checks(SQL_ROOT) if check.name == "event_order_holds"]
    load(connection, [CREATED, THIRD])
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', '2026-03-02')",
        [ACCOUNT],
    )
    connection.execute(
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason) "
        "values (%s, false, 'events', %s, %s, 'lost')",
        [ACCOUNT, *lost],
    )
    connection.commit()
    assert run_checks(connection, [check], "test")[0].status == status
