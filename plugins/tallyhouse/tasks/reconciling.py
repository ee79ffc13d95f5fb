"""Tasks of stripe_reconcile: what to compare today, the lists compared, and what nobody can explain."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import task

from tallyhouse import questions, reconcile, reconciled, settings
from tallyhouse.questions import Question
from tallyhouse.tasks.common import run_name
from tallyhouse.tasks.labels import BY_CONNECTION, label_by, set_label

log = logging.getLogger(__name__)


@task(map_index_template=BY_CONNECTION)
def plan_comparisons(
    stripe_conn_id: str, params: Mapping[str, Any] | None = None, dag_run: Any = None
) -> list[dict[str, Any]]:
    """The lists of one account to compare today, by the trigger form: in slices, and these in shares, one a task.

    A kind whose tables are being loaded anew is left out, by name.
    """
    form = params or {}
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        account = client.account()
        now = account.clock - stripe.lag
        unready = questions.being_loaded(connection, form["objects"])
        objects = [name for name in form["objects"] if name not in unready]
        clocks, refusal = reconcile.known_test_clocks(connection, client, account, objects)
        if refusal is not None:
            reconcile.keep_unknown_clocks(connection, account, run_name(dag_run), objects, refusal)
        planned = questions.plan_questions(
            now,
            objects,
            recent_days=form["recent_days"],
            rotation=form["rotation"],
            oldest=questions.oldest_created(connection, account),
            reached=questions.read_reached(connection, account),
            test_clocks=clocks,
        )
        shares = reconcile.share_questions(client, planned, now, form["slice_objects"])
    if unready:
        left_out = f"not compared, since what was staged hours ago is not loaded: {', '.join(sorted(unready))}"
        log.warning("%s", left_out)
        set_label(f"{stripe_conn_id}: {left_out}")
    log.info("%d lists to compare, in %d tasks: %s", len(planned), len(shares), "; ".join(map(str, planned)))
    return [
        {
            "stripe_conn_id": stripe_conn_id,
            "title": f"{share[0].object_name}, {len(share)} lists",
            "questions": [question.as_dict() for question in share],
        }
        for share in shares
    ]


@task(
    max_active_tis_per_dagrun=3,
    map_index_template=label_by("task.op_kwargs['share']['stripe_conn_id'] ~ ', ' ~ task.op_kwargs['share']['title']"),
)
def compare_lists(share: dict[str, Any], dag_run: Any = None) -> None:
    """Compares the lists of one share with the warehouse, several at once, each of them committed.

    The differences are kept, and what Stripe told of them is staged. A try that follows goes on with what is left.
    """
    stripe = settings.stripe_settings(share["stripe_conn_id"])
    asked = [Question.from_dict(question) for question in share["questions"]]
    with stripe.client() as client:
        answers = reconcile.compare_share(
            settings.warehouse_connection,
            client,
            client.account(),
            asked,
            settings.SQL_ROOT,
            run_name(dag_run),
            settle=stripe.lag,
        )
    set_label(f"{stripe.conn_id}: {reconciled.describe_all(answers, asked[0].object_name)}")


@task
def report_unexplained(dag_run: Any = None) -> dict[str, int]:
    """Counts the differences by reason; fails when there are some that nothing explains and no run has told of."""
    with settings.warehouse_connection() as connection:
        counts = reconciled.count_reasons(connection, run_name(dag_run))
        log.info("differences: %s", counts or "none")
        reconcile.report_unexplained(connection)
    return counts
