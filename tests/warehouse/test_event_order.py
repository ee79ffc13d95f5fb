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
    assert (result.status, result.failing, result.allowed) == ("warned", 1, 20)
    assert result.sample[0]["most_frequent"] == "customer.email"
    connection.execute("update ops.policy set value = '0' where name = 'order_contradictions_allowed'")
    connection.commit()
    assert run_checks(connection, [check], "test")[0].status == "failed"
    connection.execute("update ops.watermark set through = '2026-05-01'")
    connection.commit()
    assert run_checks(connection, [check], "test")[0].status == "passed"


def status_after(connection: psycopg.Connection, statement: str, values: list[Any]) -> str:
    """What the check says of one contradiction, between seconds 1 and 3, when the warehouse knows of a loss."""
    (check,) = [check for check in read_checks(SQL_ROOT) if check.name == "event_order_holds"]
    load(connection, [CREATED, THIRD])
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', '2026-03-02')",
        [ACCOUNT],
    )
    connection.execute(statement, [ACCOUNT, *values])
    connection.commit()
    return run_checks(connection, [check], "test")[0].status


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        (("2026-02-28", "2026-03-01 00:00:01"), "warned"),
        (("2026-03-01 00:00:02", "2026-03-01 00:00:03"), "passed"),
        (("2026-03-01 00:00:03", "2026-03-02"), "warned"),
    ],
    ids=["before both", "between them", "after both"],
)
def test_what_changed_while_events_were_lost_is_no_contradiction(
    lost: tuple[str, str], status: str, connection: psycopg.Connection
) -> None:
    known = (
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason) "
        "values (%s, false, 'events', %s, %s, 'lost')"
    )
    assert status_after(connection, known, list(lost)) == status


@pytest.mark.parametrize(
    ("reason", "object_id", "observed_at", "status"),
    [
        ("stale", "cus_1", "2026-03-01 00:00:02.5", "passed"),
        ("never_seen", "cus_1", "2026-03-01 00:00:01.2", "passed"),
        ("stale", "cus_1", "2026-03-01 00:00:03.9", "passed"),
        ("stale", "cus_1", "2026-02-28 23:59:59", "warned"),
        ("stale", "cus_1", "2026-03-01 00:00:04", "warned"),
        ("stale", "cus_2", "2026-03-01 00:00:02.5", "warned"),
        ("later_than_lag", "cus_1", "2026-03-01 00:00:02.5", "warned"),
    ],
    ids=["between", "in the first's second", "in the second's", "before", "after", "another object", "no loss"],
)
def test_what_reconciliation_found_to_be_lost_between_two_events_is_no_contradiction(
    reason: str, object_id: str, observed_at: str, status: str, connection: psycopg.Connection
) -> None:
    known = (
        "insert into ops.reconciliation (reconciled_slice_id, account_id, livemode, object_type, object_id, reason, "
        "observed_at, difference) select 1, %s, false, 'customer', object_id, reason, observed_at::timestamptz, '{}' "
        "from (values (%s, %s, %s)) as found (object_id, reason, observed_at)"
    )
    assert status_after(connection, known, [object_id, reason, observed_at]) == status


@pytest.mark.parametrize(
    ("kind", "closed_at", "failing"),
    [("failed", None, 0), ("failed", "2026-03-02", 1), ("expired", "2026-03-02", 0)],
    ids=["not read yet", "read after all", "lost for ever"],
)
def test_a_window_that_was_read_after_all_excuses_no_contradiction(
    kind: str, closed_at: str | None, failing: int, connection: psycopg.Connection
) -> None:
    (check,) = [check for check in read_checks(SQL_ROOT) if check.name == "event_order_holds"]
    load(connection, [CREATED, THIRD])
    connection.execute(
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason, kind, closed_at) "
        "values (%s, false, 'events', '2026-03-01 00:00:02', '2026-03-01 00:00:03', 'lost', %s, %s)",
        [ACCOUNT, kind, closed_at],
    )
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', '2026-03-02')",
        [ACCOUNT],
    )
    connection.commit()
    assert run_checks(connection, [check], "test")[0].failing == failing
