"""The rebuild: what it makes from raw is what the hourly loads made, and it replaces what is not."""

import random
from threading import Thread
from typing import Any

import psycopg
import pytest

from tallyhouse import rebuild as rebuilding
from tallyhouse.errors import TallyhouseError
from tallyhouse.rebuild import REBUILT, SHADOW, TableChange, rebuild
from tallyhouse.warehouse import apply_models, apply_released, release_batches
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage, table_rows

START = moment("2026-03-01T00:00:00")


def customer(number: int, email: str, second: int = 0) -> Version:
    at = START.replace(second=second)
    body = {"object": "customer", "id": f"cus_{number}", "email": email, "created": int(START.timestamp())}
    return Version(at, "customer.updated" if second else "customer.created", body)


def charge(number: int, amount: int = 700) -> Version:
    body = {
        "object": "charge",
        "id": f"ch_{number}",
        "customer": "cus_1",
        "amount": amount,
        "currency": "usd",
        "status": "succeeded",
        "created": int(START.timestamp()),
    }
    return Version(START, "charge.succeeded", body, number)


def changed(changes: list[TableChange]) -> dict[str, tuple[int, int]]:
    return {change.table: (change.removed, change.added) for change in changes if change.removed or change.added}


def test_a_rebuild_equals_what_the_hourly_loads_made_and_writes_nothing(connection: psycopg.Connection) -> None:
    history = [customer(1, "a"), customer(1, "b", 3), customer(2, "c"), *(charge(number) for number in range(20))]
    random.Random(7).shuffle(history)
    for version in history:
        stage(connection, [version])
        apply_models(connection, SQL_ROOT)
    before = table_rows(connection, "dwh")
    connection.commit()
    changes = rebuild(connection, SQL_ROOT)
    assert changed(changes) == {}
    assert {change.table for change in changes} == {model.name for model in REBUILT}
    assert {change.table: change.rows for change in changes if change.table in before} == {
        name: len(rows) for name, rows in before.items()
    }
    assert table_rows(connection, "dwh") == before


def test_a_rebuild_replaces_what_does_not_follow_from_raw(connection: psycopg.Connection) -> None:
    stage(connection, [customer(1, "a"), charge(1), charge(2)])
    apply_models(connection, SQL_ROOT)
    before = table_rows(connection, "dwh")
    connection.execute("update dwh.charge_fact set amount_minor = 1 where charge_id = 'ch_1'")
    connection.execute("delete from dwh.customer_dim")
    connection.execute(
        'insert into dwh.transaction_fact select (jsonb_populate_record(t, \'{"source_id": "ch_never"}\')).* '
        "from dwh.transaction_fact as t where source_id = 'ch_2'"
    )
    connection.commit()
    assert changed(rebuild(connection, SQL_ROOT)) == {
        "charge_fact": (1, 1),
        "customer_dim": (0, 1),
        "transaction_fact": (1, 0),
    }
    assert table_rows(connection, "dwh") == before


def test_a_rebuild_leaves_nothing_behind_and_nothing_pending(connection: psycopg.Connection) -> None:
    stage(connection, [customer(1, "a")])
    release_batches(connection)
    rebuild(connection, SQL_ROOT)
    left = connection.execute(
        "select nspname from pg_namespace where nspname = %s union all "
        "select model from ops.batch_applied where model like %s union all "
        "select relation from ops.last_run where relation like %s",
        [SHADOW, f"{SHADOW}%", f"{SHADOW}%"],
    ).fetchall()
    assert left == []
    applied = connection.execute("select model from ops.batch_applied order by 1").fetchall()
    assert applied == sorted((model.name,) for model in REBUILT)


def test_what_loads_bring_during_a_rebuild_is_not_lost(
    connection: psycopg.Connection, each_warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(connection, [customer(1, "a"), charge(1)])
    runs = []

    def apply_and_go_on(*arguments: Any, **options: Any) -> None:
        apply_released(*arguments, **options)
        if not runs:
            with psycopg.connect(each_warehouse) as other:
                stage(other, [customer(1, "b", 5), charge(2)])
                apply_models(other, SQL_ROOT)
        runs.append(options)

    monkeypatch.setattr(rebuilding, "apply_released", apply_and_go_on)
    assert set(changed(rebuild(connection, SQL_ROOT))) == set()
    assert len(runs) == 2
    assert len(table_rows(connection, "dwh")["charge_fact"]) == 2
    connection.commit()
    apply_models(connection, SQL_ROOT)
    assert [row[0] for row in connection.execute("select email from dwh.customer_dim order by valid_from")] == [
        "a",
        "b",
    ]


def test_a_rebuild_that_dies_changes_nothing_and_the_next_one_works(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(connection, [customer(1, "a"), charge(1)])
    apply_models(connection, SQL_ROOT)
    connection.execute("update dwh.charge_fact set amount_minor = 1")
    connection.commit()
    before = table_rows(connection, "dwh")
    models = [model.name for model in REBUILT]
    of_models = "select model, batch_id from ops.batch_applied where model = any(%s) order by 1, 2"
    ledger = connection.execute(of_models, [models]).fetchall()
    connection.commit()

    def die(*arguments: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(rebuilding, "_swap_ledger", die)
        with pytest.raises(RuntimeError, match="killed"):
            rebuild(connection, SQL_ROOT)
    assert table_rows(connection, "dwh") == before
    assert connection.execute(of_models, [models]).fetchall() == ledger
    connection.commit()
    assert changed(rebuild(connection, SQL_ROOT)) == {"charge_fact": (1, 1)}


def test_a_second_rebuild_at_the_same_time_is_refused(connection: psycopg.Connection, each_warehouse: str) -> None:
    with psycopg.connect(each_warehouse) as other:
        other.execute("select pg_advisory_lock(hashtextextended('ops.rebuild', 0))")
        other.commit()
        with pytest.raises(TallyhouseError, match="Another rebuild is running"):
            rebuild(connection, SQL_ROOT)


def test_a_document_that_cannot_be_read_is_set_aside_by_a_rebuild_too(connection: psycopg.Connection) -> None:
    stage(connection, [charge(1), charge(2, amount="12x")])  # type: ignore[arg-type]
    release_batches(connection)
    rebuild(connection, SQL_ROOT)
    assert [row[0] for row in connection.execute("select charge_id from dwh.charge_fact")] == ["ch_1"]
    assert [row[0] for row in connection.execute("select row_key from raw.rejected")] != []


def test_a_document_that_had_been_set_aside_counts_again_once_it_can_be_read(connection: psycopg.Connection) -> None:
    stage(connection, [charge(1), charge(2)])
    connection.execute("update raw.event set unreadable = 'a reading of last year' where object_id = 'ch_2'")
    connection.commit()
    apply_models(connection, SQL_ROOT)
    assert len(table_rows(connection, "dwh")["charge_fact"]) == 1
    connection.commit()
    assert changed(rebuild(connection, SQL_ROOT))["charge_fact"] == (0, 1)


def test_loads_wait_for_the_swap(
    connection: psycopg.Connection, each_warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(connection, [charge(1)])
    apply_models(connection, SQL_ROOT)
    stage(connection, [charge(2)])
    released = "select count(*) from ops.batch where released_at is not null"

    def load() -> None:
        with psycopg.connect(each_warehouse) as other:
            apply_models(other, SQL_ROOT)

    loading = Thread(target=load)
    swap_ledger = rebuilding._swap_ledger

    def swap_and_load(*arguments: psycopg.Connection) -> None:
        loading.start()
        loading.join(0.5)
        assert loading.is_alive()
        # not even begun: the tables that are swapped in show one state
        assert connection.execute(released).fetchone() == (1,)
        swap_ledger(*arguments)

    monkeypatch.setattr(rebuilding, "_swap_ledger", swap_and_load)
    rebuild(connection, SQL_ROOT)
    loading.join(20)
    assert len(connection.execute("select from dwh.charge_fact").fetchall()) == 2
