"""Whole runs of stripe_reconcile: what was lost is found, healed and loaded; what nobody can explain makes it red."""

from collections.abc import Callable

from tallyhouse.errors import KindsRefusedError, ReconciliationError
from tests.dags.runs import Dags

Sim = Callable[..., dict]
ALL_CHARGES = {"objects": ["charge"], "rotation": 1}


def test_what_was_lost_is_found_healed_and_gone_from_the_next_run(loaded_dags: Dags, sim: Sim) -> None:
    dags = loaded_dags
    kinds = ("charge.succeeded", "charge.failed", "charge.refunded")
    sim("faults", name="dropped", count=3, types=list(kinds))
    sim("clock", advance_seconds=5 * 86_400)
    assert dags.run("stripe_events").state == "success"
    assert dags.run("warehouse").state == "success"

    found = dags.run("stripe_reconcile", **ALL_CHARGES)
    assert (found.state, found.not_successful, found.errors) == ("success", {}, {})
    assert dags.published(found) == ["stripe_staged"]
    differences = "select object_type, reason, count(*)::int from ops.reconciliation group by 1, 2"
    ((kind, reason, count),) = dags.rows(differences)
    assert (kind, reason) == ("charge", "never_seen")
    assert 0 < count <= 3
    labels = dags.labels(found, "compare_lists")
    assert len(labels) == 1
    assert labels[0].startswith("stripe_default: charge, ")
    assert labels[0].endswith(f" held: {count} never_seen")

    assert dags.run("warehouse").state == "success"
    missing = """
        select count(*) from ops.reconciliation as r
        left join dwh.charge_fact as f
            on r.account_id = f.account_id and r.livemode = f.livemode and r.object_id = f.charge_id
        where f.charge_id is null
    """
    assert dags.rows(missing) == [(0,)]
    again = dags.run("stripe_reconcile", **ALL_CHARGES)
    assert (again.state, again.not_successful) == ("success", {"publish_staged": ["skipped"]})
    assert dags.rows(differences) == [(kind, reason, count)]


def test_what_nobody_can_explain_makes_the_run_red_by_name_once(loaded_dags: Dags) -> None:
    dags = loaded_dags
    dags.execute(
        "update dwh.charge_fact set amount_minor = amount_minor + 1 "
        "where charge_id = (select max(charge_id) from dwh.charge_fact)"
    )
    ((charge_id,),) = dags.rows("select max(charge_id) from dwh.charge_fact")
    red = dags.run("stripe_reconcile", **ALL_CHARGES)
    assert (red.state, red.not_successful) == ("failed", {"report_unexplained": ["failed"]})
    assert red.tries["report_unexplained"] == [1]
    error = red.errors["report_unexplained"]
    assert isinstance(error, ReconciliationError)
    assert f"charge {charge_id}" in str(error)
    assert dags.rows("select object_id, reason from ops.reconciliation") == [(charge_id, "unexplained")]


def test_a_key_that_may_not_list_test_clocks_is_named_and_all_else_is_compared(dags: Dags, sim: Sim) -> None:
    assert dags.run("stripe_events").state == "success"
    assert dags.run("warehouse").state == "success"
    sim("faults", name="restricted", resources=["test_helpers/test_clocks"])
    red = dags.run("stripe_reconcile", objects=["subscription", "charge"], recent_days=1, rotation=1)
    assert (red.state, red.not_successful.get("report_refused")) == ("failed", ["failed"])
    assert isinstance(red.errors["report_refused"], KindsRefusedError)
    assert "subscription: GET /v1/test_helpers/test_clocks: Stripe answered 403" in str(red.errors["report_refused"])
    assert set(red.tasks["compare_lists"]) == {"success"}
    assert dags.rows("select count(distinct object_type) from ops.reconciled_slice") == [(2,)]


def test_a_table_that_is_loaded_anew_is_left_out_by_name(loaded_dags: Dags) -> None:
    dags = loaded_dags
    dags.execute("delete from ops.batch_applied where model = 'charge_fact'")
    dags.execute("update ops.batch set committed_at = committed_at - interval '1 day'")
    run = dags.run("stripe_reconcile", objects=["charge", "balance_transaction"], rotation=1)
    assert (run.state, run.errors) == ("success", {})
    (label,) = dags.labels(run, "plan_comparisons")
    assert label == "stripe_default: not compared, since what was staged hours ago is not loaded: charge"
    assert dags.rows("select distinct object_type from ops.reconciled_slice") == [("balance_transaction",)]
