"""Tasks of stripe_reconcile: what to compare today, each list compared, and what nobody can explain."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import TriggerRule, get_current_context, task

from tallyhouse import questions, reconcile, settings
from tallyhouse.questions import Question
from tallyhouse.tasks.common import run_name
from tallyhouse.windows import Window

log = logging.getLogger(__name__)


@task
def plan_comparisons(
    stripe_conn_id: str = settings.STRIPE_CONN_ID, params: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The lists to compare today, by the trigger form."""
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
            today=datetime.now(UTC).date(),
        )
    log.info("%d lists to compare: %s", len(planned), "; ".join(map(str, planned)))
    return [
        {
            "object_name": question.object_name,
            "window": question.window and question.window.as_dict(),
            "status": question.status,
        }
        for question in planned
    ]


@task(max_active_tis_per_dagrun=4, map_index_template="{{ found }}")
def compare_list(
    question: dict[str, Any], stripe_conn_id: str = settings.STRIPE_CONN_ID, dag_run: Any = None
) -> dict[str, Any]:
    """Compares one list with the warehouse, keeps the differences, and stages what Stripe told of them."""
    window = question["window"] and Window.from_dict(question["window"])
    asked = Question(question["object_name"], window, question["status"])
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        answer = reconcile.compare(connection, client, client.account(), asked, settings.SQL_ROOT, run_name(dag_run))
    get_current_context()["found"] = answer.describe()  # type: ignore[typeddict-unknown-key]
    return asdict(answer)


# What was found must be loaded even if a comparison beside it failed.
@task.short_circuit(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def has_differences(answers: list[dict[str, Any]]) -> bool:
    """Whether anything was staged that the warehouse has to load."""
    reasons: dict[str, int] = {}
    for answer in answers:
        for reason, count in (answer or {}).get("reasons", {}).items():
            reasons[reason] = reasons.get(reason, 0) + count
    log.info("differences: %s", reasons or "none")
    return bool(reasons)


@task(trigger_rule=TriggerRule.ALL_DONE_MIN_ONE_SUCCESS)
def report_unexplained() -> None:
    """Fails, after everything else is in, when there are differences that nothing explains and no run has told of."""
    with settings.warehouse_connection() as connection:
        reconcile.report_unexplained(connection)
    log.info("every difference is explained")
