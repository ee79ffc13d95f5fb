"""How far the warehouse is, from the real tables of the pipeline's books."""

import psycopg

from demo.counts import Counts, is_listed, read

BATCH = """
insert into ops.batch (account_id, livemode, source, run_id, new_count, rejected_count, started_at)
values ('acct_1', false, %s, 'r', %s, %s, now()) returning batch_id
"""
APPLY = "insert into ops.batch_applied (model, batch_id, object_count, row_count) values (%s, %s, 1, 1)"


def test_an_empty_database_counts_as_nothing_loaded(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        assert read(connection, ["charge_fact"]) == Counts(models=1)


def test_no_model_is_done_before_there_is_a_batch(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        assert read(connection, ["charge_fact"]).models_done == 0


def test_rows_and_batches_are_counted_by_source(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        for source, rows, rejected in (("events", 10, 1), ("events", 5, 0), ("list", 7, 2)):
            connection.execute(BATCH, [source, rows, rejected])
        connection.execute(
            "insert into ops.batch (source, run_id, new_count, started_at) values ('file', 'r', 9, now())"
        )
        state = read(connection, [])
    assert (state.file_rows, state.files) == (9, 1)
    assert (state.events, state.event_batches) == (15, 2)
    assert (state.objects, state.list_batches) == (7, 1)
    assert (state.rejected, state.batches) == (3, 3)


def test_a_model_lags_until_it_has_applied_every_batch(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        ids = [connection.execute(BATCH, ["events", 1, 0]).fetchone() for _ in range(2)]
        applied = [("charge_fact", 0), ("charge_fact", 1), ("refund_fact", 0)]
        for model, number in applied:
            connection.execute(APPLY, [model, *(ids[number] or ())])
        state = read(connection, ["charge_fact", "invoice_fact", "refund_fact"])
    assert state.models_done == 1
    assert state.lagging == ("invoice_fact", "refund_fact")
    assert state.last_applied_at is not None


def test_an_account_is_listed_once_a_list_of_its_own_mode_is_committed(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute(BATCH, ["events", 1, 0])
        assert not is_listed(connection, "acct_1", False)
        connection.execute(BATCH, ["list", 1, 0])
        assert is_listed(connection, "acct_1", False)
        assert not is_listed(connection, "acct_2", False)
        assert not is_listed(connection, "acct_1", True)


def test_nothing_is_listed_in_an_empty_database(empty_database: str) -> None:
    with psycopg.connect(empty_database) as connection:
        assert not is_listed(connection, "acct_1", False)
