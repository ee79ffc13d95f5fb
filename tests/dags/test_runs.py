"""Whole DAG runs against a simulated company and a fresh warehouse: green, repeated, and red for the right reason."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest

from tallyhouse.checks import ChecksFailedError
from tallyhouse.errors import (
    EnrichmentError,
    GapError,
    KindsRefusedError,
    RejectedRowsError,
    StripeAccessError,
    StripeUnavailableError,
)
from tallyhouse.objects import LISTED, MODELS
from tests.dags.runs import Dags, FirstLoad, Run, contents

Sim = Callable[..., dict]


def assert_green(run: Run) -> None:
    assert (run.state, run.not_successful, run.errors) == ("success", {}, {})


def test_each_dag_is_green_and_fills_every_table(first_load: FirstLoad, loaded_dags: Dags) -> None:
    dags = loaded_dags
    backfill, events, warehouse, marts = first_load.runs
    for run in (backfill, events, warehouse, marts):
        assert_green(run)
    assert dags.rows("select count(distinct object_type) from ops.batch where source = 'list'") == [(len(LISTED),)]
    assert len(events.tasks["stage_events"]) == 1
    assert dags.published(backfill) == ["stripe_staged"]
    assert dags.published(events) == ["stripe_staged"]
    assert dags.published(warehouse) == ["warehouse_loaded"]
    filled = {name for name, rows in contents(dags.warehouse).items() if rows}
    # what a payout took along is fetched afterwards
    assert filled >= {model.relation for model in MODELS if model.schema == "dwh"} - {"dwh.payout_transaction_fact"} | {
        "mart.customer_activity_monthly",
        "mart.revenue_daily",
    }


def test_a_second_run_of_each_dag_and_a_rebuild_change_nothing(loaded_dags: Dags) -> None:
    dags = loaded_dags
    first = contents(dags.warehouse)
    backfill, events, warehouse, marts = dags.run_all()
    for run in (backfill, warehouse, marts):
        assert_green(run)
    assert events.not_successful == {"publish_staged": ["skipped"]}  # nothing new to read
    assert contents(dags.warehouse) == first

    rebuild = dags.run("warehouse_rebuild")
    assert_green(rebuild)
    assert dags.published(rebuild) == ["warehouse_loaded"]
    assert contents(dags.warehouse) == first


def test_a_rebuild_beside_a_load_leaves_the_checks_to_the_run_of_marts_that_it_tells(loaded_dags: Dags) -> None:
    dags = loaded_dags
    dags.execute(
        "insert into ops.batch (account_id, livemode, source, run_id, started_at, released_at) "
        "values ('acct_test', false, 'events', 'load', now(), now())"
    )
    rebuild = dags.run("warehouse_rebuild")
    assert rebuild.state == "success"
    assert rebuild.not_successful == {"find_loaded": ["skipped"], "check": ["skipped"]}
    assert dags.published(rebuild) == ["warehouse_loaded"]


def test_what_documents_name_is_fetched_after_a_load_until_nothing_is_wanted_any_more(loaded_dags: Dags) -> None:
    dags = loaded_dags
    # a customer whom nobody has shown, and one whom nobody ever will
    dags.execute(
        """
        create table shown as select object_id from raw.object where object_type = 'customer' order by 1 limit 1;
        delete from raw.object using shown where raw.object.object_id = shown.object_id;
        delete from dwh.customer_dim using shown where customer_id = shown.object_id;
        delete from raw.event using shown where raw.event.object_id = shown.object_id;
        insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at)
        select account_id, livemode, 'customer', object_id, account_id, now() - interval '1 year'
        from (select object_id from shown union all select 'cus_never') as wanted
        cross join (select account_id, livemode from raw.object limit 1) as own
        on conflict do nothing
        """
    )
    fetched = dags.run("stripe_enrichment")
    assert_green(fetched)
    assert dags.published(fetched) == ["stripe_staged"]
    ((customer,),) = dags.rows("select object_id from shown")
    wanted = "select object_id, gone, attempts from ops.enrichment where kind = 'customer' order by 2"
    assert dags.rows(wanted) == [(customer, False, 1), ("cus_never", True, 1)]
    assert_green(dags.run("warehouse"))
    assert dags.rows(f"select count(*) from dwh.customer_dim where customer_id = '{customer}'") == [(1,)]

    again = dags.run("stripe_enrichment")
    assert again.state == "success"
    assert again.not_successful == {"publish_staged": ["skipped"]}
    assert dags.published(again) == []


def test_what_cannot_be_fetched_makes_the_run_red_by_name_after_all_else_is_published(
    loaded_dags: Dags, sim: Sim
) -> None:
    dags = loaded_dags
    customer = dags.rows("select min(object_id) from raw.object where object_type = 'customer'")[0][0]
    invoice = dags.rows("select min(object_id) from raw.object where object_type = 'invoice'")[0][0]
    sim("faults", name="restricted", resources=["invoices"])
    dags.execute(
        f"""
        insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at)
        select account_id, livemode, kind, id, account_id, now() - interval '1 year'
        from (values ('customer', '{customer}'), ('invoice_lines', '{invoice}')) as wanted (kind, id)
        cross join (select account_id, livemode from raw.object limit 1) as own
        on conflict do nothing
        """
    )
    red = dags.run("stripe_enrichment")
    assert red.state == "failed"
    assert red.not_successful == {"report_failures": ["failed"]}
    assert red.tries["report_failures"] == [1]
    assert isinstance(red.errors["report_failures"], EnrichmentError)
    assert f"invoice_lines {invoice}: GET /v1/invoices/{invoice}: Stripe answered 403" in str(
        red.errors["report_failures"]
    )
    assert dags.published(red) == ["stripe_staged"]


def test_backfill_lists_what_the_form_names_and_no_more(dags: Dags) -> None:
    run = dags.run(
        "stripe_backfill",
        objects=["invoice", "customer"],
        created_from="2026-07-01",
        created_to="2026-08-01",
        slice_objects=100,
    )
    assert_green(run)
    assert dags.published(run) == ["stripe_staged"]
    assert dags.rows("select distinct object_type from raw.object order by 1") == [("customer",), ("invoice",)]
    created = [
        datetime.fromtimestamp(at, UTC) for (at,) in dags.rows("select (payload ->> 'created')::bigint from raw.object")
    ]
    assert datetime(2026, 7, 1, tzinfo=UTC) <= min(created) <= max(created) < datetime(2026, 8, 1, tzinfo=UTC)
    planned = dags.rows("select count(*), count(batch_id), bool_or(is_everything) from ops.planned_batch")
    assert planned == [(*dags.rows("select count(*), count(*) from ops.batch")[0], False)]


@pytest.fixture
def told_labels(dags: Dags) -> Iterator[Callable[[], list[str]]]:
    """Every label that the run's page has shown of stage_lists, in their order."""
    with psycopg.connect(dags.metadata, autocommit=True) as metadata:
        metadata.execute(
            """
            create table told_label (place integer generated always as identity, label text);
            create function tell_label() returns trigger language plpgsql as $$
            begin insert into told_label (label) values (new.rendered_map_index); return new; end $$;
            create trigger tell_label after update of rendered_map_index on task_instance for each row
            when (new.task_id = 'stage_lists' and new.rendered_map_index is distinct from old.rendered_map_index)
            execute function tell_label();
            """
        )
        try:
            yield lambda: [label for (label,) in metadata.execute("select label from told_label order by place")]
        finally:
            metadata.execute("drop function tell_label cascade; drop table told_label")


def test_a_share_shows_its_progress_while_it_runs(dags: Dags, told_labels: Callable[[], list[str]]) -> None:
    run = dags.run("stripe_backfill")
    assert_green(run)
    title, *told = told_labels()
    assert title.startswith("stripe_default, customer, product, price and ")
    done = [tuple(map(int, re.findall(r"stripe_default.*: (\d+) of (\d+) slices", label)[0])) for label in told]
    assert len(done) > 2
    assert done == sorted(done)
    assert done[0][0] < done[0][1] == done[-1][0]
    assert "time left" in told[0]
    assert told[-1].startswith("stripe_default, this share done: ")
    assert dags.labels(run, "stage_lists") == [told[-1]]


def test_backfill_whose_dates_make_no_sense_is_red_and_says_so(dags: Dags) -> None:
    run = dags.run("stripe_backfill", created_from="2026-08-01", created_to="2026-07-01")
    assert run.state == "failed"
    assert "created_from (2026-08-01) must be before created_to (2026-07-01)" in str(run.errors["plan_lists"])
    assert run.tries["plan_lists"] == [1]
    assert dags.published(run) == []


def test_nothing_new_to_read_is_green_and_publishes_nothing(dags: Dags) -> None:
    assert_green(dags.run("stripe_events"))
    run = dags.run("stripe_events")
    assert run.state == "success"
    assert run.not_successful == {"publish_staged": ["skipped"]}
    assert dags.published(run) == []


def test_an_event_without_an_object_makes_the_run_red_after_all_else_is_staged_and_published(
    dags: Dags, sim: Sim
) -> None:
    seconds = sim("clock")["unix"]
    odd = {"id": "evt_odd", "object": "event", "type": "charge.succeeded", "created": int(seconds) - 100, "data": {}}
    sim("events", raw=json.dumps(odd))
    red = dags.run("stripe_events")
    assert red.state == "failed"
    assert red.not_successful == {"report_rejects": ["failed"]}
    assert red.tries["report_rejects"] == [1]
    error = red.errors["report_rejects"]
    assert isinstance(error, RejectedRowsError)
    assert "evt_odd" in str(error)
    assert dags.published(red) == ["stripe_staged"]
    assert dags.rows("select row_key from raw.rejected") == [("evt_odd",)]
    assert dags.rows("select count(*) > 100 from raw.event") == [(True,)]
    assert dags.rows("select sum(row_count - duplicate_count - new_count) from ops.batch") == [(1,)]

    sim("clock", advance_seconds=3600)
    green = dags.run("stripe_events")  # its window overlaps the first one, and holds the odd event again
    assert_green(green)
    assert dags.rows("select count(*) from raw.rejected") == [(1,)]
    assert_green(dags.run("warehouse"))


def test_a_document_that_cannot_be_read_makes_warehouse_red_after_all_else_is_loaded_and_published(
    loaded_dags: Dags, sim: Sim
) -> None:
    dags = loaded_dags
    at = int(sim("clock", advance_seconds=3600)["unix"]) - 100
    charge = {"id": "ch_odd", "object": "charge", "amount": "12x", "currency": "usd", "created": at}
    event = {"id": "evt_odd", "object": "event", "type": "charge.updated", "created": at, "data": {"object": charge}}
    sim("events", raw=json.dumps({**event, "livemode": False}))
    assert_green(dags.run("stripe_events"))
    red = dags.run("warehouse")
    assert red.state == "failed"
    assert red.not_successful == {"report_rejects": ["failed"]}
    assert "evt_odd" in str(red.errors["report_rejects"])
    assert dags.published(red) == ["warehouse_loaded"]
    loaded = dags.rows("select count(*) > 40, count(*) filter (where charge_id = 'ch_odd') from dwh.charge_fact")
    assert loaded == [(True, 0)]
    assert_green(dags.run("warehouse"))


def test_a_gap_makes_the_run_red_once_and_holds_nothing_back(dags: Dags, sim: Sim) -> None:
    assert_green(dags.run("stripe_events"))
    sim("clock", advance_seconds=40 * 86_400)
    red = dags.run("stripe_events")
    assert red.state == "failed"
    assert red.not_successful == {"report_gaps": ["failed"]}
    assert red.tries["report_gaps"] == [1]
    assert isinstance(red.errors["report_gaps"], GapError)
    assert "stripe_backfill" in str(red.errors["report_gaps"])
    assert sorted(dags.published(red)) == ["stripe_gap_found", "stripe_staged"]
    sim("clock", advance_seconds=3600)
    green = dags.run("stripe_events")
    assert_green(green)
    assert dags.published(green) == ["stripe_staged"]
    assert dags.rows("select count(*) from ops.gap") == [(1,)]


@pytest.mark.parametrize(("dag_id", "task_id"), [("stripe_events", "plan_windows"), ("stripe_backfill", "plan_lists")])
def test_a_revoked_key_is_red_after_one_try_and_names_the_connection(
    dag_id: str, task_id: str, dags: Dags, sim: Sim
) -> None:
    sim("faults", name="revoke_key")
    run = dags.run(dag_id)
    assert run.state == "failed"
    assert set(run.tasks[task_id]) == {"failed"}
    assert set(run.tries[task_id]) == {1}
    assert isinstance(run.errors[task_id], StripeAccessError)
    assert "stripe_default" in str(run.errors[task_id])
    assert dags.published(run) == []


def test_a_kind_of_object_that_the_key_may_not_list_is_red_and_holds_no_other_back(dags: Dags, sim: Sim) -> None:
    sim("faults", name="restricted", resources=["refunds"])
    run = dags.run("stripe_backfill", objects=["customer", "refund"])
    assert run.state == "failed"
    assert run.not_successful == {"report_refused": ["failed"]}
    assert run.tries["report_refused"] == [1]
    assert isinstance(run.errors["report_refused"], KindsRefusedError)
    assert "listed, and everything else is in: refund." in str(run.errors["report_refused"])
    assert "stripe_default" in str(run.errors["report_refused"])
    assert dags.published(run) == ["stripe_staged"]
    assert dags.rows("select distinct object_type from raw.object") == [("customer",)]


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (
            """
            insert into dwh.customer_dim (account_id, livemode, customer_id, customer_sk, valid_from, is_current)
            select account_id, livemode, customer_id, 1, valid_from + interval '1 second', true
            from dwh.customer_dim where is_current limit 1
            """,
            "dim_keys_unique",
        ),
        (
            """
            insert into dwh.transaction_fact (account_id, livemode, transaction_type, source_id, currency, amount_minor)
            select account_id, livemode, 'charge', 'ch_of_nobody', 'usd', 100 from dwh.charge_fact limit 1
            """,
            "transaction_totals_equal_sources",
        ),
    ],
    ids=["a second current row", "a movement of money without a source"],
)
def test_marts_are_not_refreshed_from_tables_that_break_a_rule(break_it: str, rule: str, loaded_dags: Dags) -> None:
    dags = loaded_dags
    dags.execute(break_it)
    run = dags.run("marts")
    assert run.state == "failed"
    assert run.not_successful.pop("check_tables") == ["failed"]
    assert run.not_successful.keys() >= {"revenue_daily", "payment_cohort_monthly", "check"}
    error = run.errors["check_tables"]
    assert isinstance(error, ChecksFailedError)
    assert rule in str(error)
    kept = dags.rows(
        "select check_name, failing_count, jsonb_array_length(sample) > 0 from ops.check_result where status = 'failed'"
    )
    assert rule in {name for name, _, _ in kept}
    assert all(count > 0 and has_sample for _, count, has_sample in kept)


def test_a_failed_check_makes_warehouse_red_after_one_try_and_publishes_nothing(loaded_dags: Dags) -> None:
    dags = loaded_dags
    dags.execute(
        """
        insert into ops.event_order_contradiction (
            account_id, livemode, object_type, object_id, event_id, event_at, event_before_id, event_before_at, key
        )
        select
            account_id, livemode, 'charge', charge_id, 'evt_' || charge_id, now(), 'evt_1', now() - interval '1 day',
            'amount'
        from dwh.charge_fact
        limit 21
        """
    )
    run = dags.run("warehouse")
    assert run.state == "failed"
    assert run.not_successful == {"check": ["failed"], "publish_loaded": ["upstream_failed"]}
    assert run.tries["check"] == [1]
    error = run.errors["check"]
    assert isinstance(error, ChecksFailedError)
    assert "contradict the event before them" in str(error)
    assert dags.published(run) == []


def test_a_failed_check_of_the_marts_makes_marts_red(loaded_dags: Dags) -> None:
    dags = loaded_dags
    # MRR that came from nowhere
    dags.execute("update dwh.mrr_movement_fact set closing_mrr_minor = closing_mrr_minor + 1 where movement = 'new'")
    run = dags.run("marts")
    assert run.state == "failed"
    assert run.not_successful == {"check": ["failed"]}
    assert isinstance(run.errors["check"], ChecksFailedError)
    assert "mrr_equals_ledger" in str(run.errors["check"])


def test_stripe_down_for_longer_than_the_client_waits_is_retried_and_green(dags: Dags, sim: Sim) -> None:
    sim("faults", name="server_error", count=12)
    run = dags.run("stripe_events")
    assert (run.state, run.not_successful) == ("success", {})
    # whichever of the two asked first
    first = {"plan_windows", "poll_lists"} & run.errors.keys()
    assert sorted(run.tries["plan_windows"] + run.tries["poll_lists"]) == [1, 2]
    assert [type(run.errors[name]) for name in first] == [StripeUnavailableError]


def test_a_run_of_warehouse_that_others_triggered_is_skipped_once_all_is_loaded_and_checked(dags: Dags) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from tallyhouse.tasks import models

    def triggered(run_type: str) -> str:
        try:
            models.find_pending.function(dag_run=SimpleNamespace(run_type=run_type))
        except AirflowSkipException:
            return "skipped"
        return "goes on"

    assert_green(dags.run("stripe_events"))
    assert triggered("asset_triggered") == "goes on"
    assert_green(dags.run("warehouse"))
    assert (triggered("asset_triggered"), triggered("manual")) == ("skipped", "goes on")
    dags.execute("update ops.check_result set status = 'failed' where check_name = 'batch_applied_by_every_model'")
    assert triggered("asset_triggered") == "goes on"
    assert_green(dags.run("warehouse"))
    assert triggered("asset_triggered") == "skipped"
    assert_green(dags.run("stripe_backfill", objects=["product"]))
    assert triggered("asset_triggered") == "goes on"


def test_a_run_of_marts_that_a_load_overtakes_leaves_the_checks_to_the_run_after_it(loaded_dags: Dags) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from tallyhouse.tasks import common, models

    by_asset = SimpleNamespace(run_type="asset_triggered", run_id="overtaken")
    loaded = models.find_loaded.function(dag_run=by_asset)
    common.check.function("mart", loaded, dag_run=by_asset)
    loaded_dags.execute("update dwh.transaction_fact set amount_minor = amount_minor + 1")
    with pytest.raises(ChecksFailedError):
        common.check.function("mart", loaded, dag_run=by_asset)
    # a batch that one model has applied, and the others have not
    loaded_dags.execute(
        """
        insert into ops.batch (account_id, livemode, source, run_id, started_at, released_at)
        select account_id, livemode, 'events', 'next', now(), now() from dwh.charge_fact limit 1;
        insert into ops.batch_applied (model, batch_id, object_count, row_count)
        select 'charge_fact', max(batch_id), 0, 0 from ops.batch
        """
    )
    with pytest.raises(AirflowSkipException, match="the run that follows that load checks it"):
        common.check.function("mart", loaded, dag_run=by_asset)
    with pytest.raises(AirflowSkipException, match="is loading"):
        models.find_loaded.function(dag_run=by_asset)
    assert models.find_loaded.function(dag_run=SimpleNamespace(run_type="manual")) > loaded
