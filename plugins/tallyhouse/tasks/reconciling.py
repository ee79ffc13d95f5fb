"""Tasks of stripe_reconcile: what to compare today, each list compared, and what nobody can explain."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from airflow.sdk import TriggerRule, task

from tallyhouse import questions, reconcile, settings
from tallyhouse.questions import Question
from tallyhouse.tasks.common import run_name
from tallyhouse.tasks.labels import BY_CONNECTION, label_by, set_label
from tallyhouse.windows import Window

log = logging.getLogger(__name__)


@task(map_index_template=BY_CONNECTION)
def plan_comparisons(stripe_conn_id: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The lists of one account to compare today, by the trigger form."""
    form = params or {}
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        account = client.account()
        planned = questions.plan_questions(
            account.clock - stripe.lag,
            form["objects"],
            recent_days=form["recent_days"],
            rotation=form["rotation"],
            oldest=questions.oldest_created(connection, account),
            reached=questions.read_reached(connection, account),
        )
    log.info("%d lists to compare: %s", len(planned), "; ".join(map(str, planned)))
    return [
        {
            "stripe_conn_id": stripe_conn_id,
            "object_name": question.object_name,
            "window": question.window and question.window.as_dict(),
            "status": question.status,
            "is_older": question.is_older,
        }
        for question in planned
    ]


# An account whose plan failed must not hold the others back; it makes the run red along another way.
@task(trigger_rule=TriggerRule.ALL_DONE)
def gather_comparisons(planned: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """The comparisons of all accounts, a mapped task each."""
    return [question for of_account in planned for question in of_account or ()]


@task(max_active_tis_per_dagrun=4, map_index_template=label_by("task.op_kwargs['question']['object_name']"))
def compare_list(question: dict[str, Any], dag_run: Any = None) -> dict[str, Any]:
    """Compares one list with the warehouse, keeps the differences, and stages what Stripe told of them."""
    window = question["window"] and Window.from_dict(question["window"])
    asked = Question(question["object_name"], window, question["status"], question["is_older"])
    stripe = settings.stripe_settings(question["stripe_conn_id"])
    with settings.warehouse_connection() as connection, stripe.client() as client:
        answer = reconcile.compare(connection, client, client.account(), asked, settings.SQL_ROOT, run_name(dag_run))
    set_label(f"{stripe.conn_id}: {answer.describe()}")
    return asdict(answer)


@task
def report_unexplained(answers: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Counts the differences by reason; fails when there are some that nothing explains and no run has told of."""
    counts = reconcile.count_reasons(answers)
    log.info("differences: %s", counts or "none")
    with settings.warehouse_connection() as connection:
        reconcile.report_unexplained(connection)
    return counts
