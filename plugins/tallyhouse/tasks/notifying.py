"""Tells people, by e-mail and Slack where configured, of tasks that failed or wait for an answer, and of late runs."""

import html
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any

import psycopg

# its type stubs leave them out
from airflow.sdk import AsyncCallback, BaseNotifier, DeadlineAlert  # type: ignore[attr-defined]
from asgiref.sync import sync_to_async

from tallyhouse import settings
from tallyhouse.errors import TallyhouseError, without_rows
from tallyhouse.tasks.deadlines import FirstQueued

log = logging.getLogger(__name__)

MOST_CHARACTERS = 2000
"""Of an error in a message: Slack cuts at 4,000; the log has all of it."""


def tell_failure(context: Mapping[str, Any]) -> None:
    """Tells of a task that has failed for good. Without configuration it does nothing."""
    instance, error = context["ti"], context.get("exception")
    which = f"{instance.dag_id}: {instance.task_id}"
    if instance.map_index is not None and instance.map_index >= 0:
        which += f" [{context.get('label') or instance.map_index}]"
    _tell(
        f"{which} failed",
        [
            _shortened(_described(error)),
            f"Run: {instance.run_id}, try {instance.try_number}",
            f"Log: {instance.log_url}",
            f'What to do: the page of the DAG {instance.dag_id} says it under "When it is red".',
        ],
        context,
    )


class TellWaiting(BaseNotifier):
    """Tells of a task that waits for a person's answer; it waits also where nobody could be told."""

    def notify(self, context: Any) -> None:
        """Sends the message, with a link to where one answers."""
        instance, task = context["ti"], context["task"]
        try:
            _tell(
                f"{instance.dag_id} waits for an answer: {task.subject}",
                [
                    f"Nothing is done until somebody chooses: {' or '.join(task.options)}.",
                    f"Run: {instance.run_id}",
                    f"Answer: {task.generate_link_to_ui_from_context(context=context)}",
                ],
                context,
            )
        except TallyhouseError as error:
            log.warning("%s", error)


async def tell_lateness(context: Mapping[str, Any]) -> None:
    """Tells of a run that has not ended by its deadline. Awaited by Airflow's triggerer."""
    # the client of connections and variables wants a thread of its own
    await sync_to_async(_tell_lateness)(context)


def due_within(hours: int) -> DeadlineAlert:
    """The deadline of a DAG's runs: so many hours after they were queued.

    By the triggerer, and not by an executor: a run may be late because no worker is free.
    """
    return DeadlineAlert(
        reference=FirstQueued(),
        interval=timedelta(hours=hours),
        callback=AsyncCallback(tell_lateness),
    )


def _tell_lateness(context: Mapping[str, Any]) -> None:
    run, deadline = context["dag_run"], context["deadline"]
    _tell(
        f"{run['dag_id']} is late",
        [
            f"It was to have ended by {deadline['deadline_time']}, and is {run['state']}.",
            f"Run: {run['dag_run_id']}",
            f'What to do: the page of the DAG {run["dag_id"]} says it under "When it is late".',
        ],
        context,
    )


def _tell(subject: str, lines: list[str], context: Mapping[str, Any]) -> None:
    """Sends a message along every way that is configured; the failure of one does not hold back another."""
    alerts = settings.alert_settings()
    ways: list[tuple[str, Callable[[], Any]]] = []
    if alerts.emails:
        ways.append((settings.ALERT_EMAILS, lambda: _email(alerts.emails, subject, lines)))
    if alerts.slack_conn_id:
        ways.append((settings.ALERT_SLACK, lambda: _slack(str(alerts.slack_conn_id), subject, lines)))
    failed = []
    for variable, make in ways:
        try:
            # not called, which would render the message as a template: an error may have anything in it
            make().notify(context)
        except Exception as error:
            log.exception("Nobody was told by way of the Variable %s: %s", variable, subject)
            failed.append(f"{variable}: {type(error).__name__}: {error}")
        else:
            log.info("told by way of the Variable %s: %s", variable, subject)
    if failed:
        raise TallyhouseError(f"{subject}, and not everybody could be told. {'; '.join(failed)}")


def _email(addresses: list[str], subject: str, lines: list[str]) -> Any:
    notifier = _provided("airflow.providers.smtp.notifications.smtp", "SmtpNotifier", settings.ALERT_EMAILS, "smtp")
    content = "".join(f"<pre>{html.escape(line)}</pre>" for line in lines)
    return notifier(to=addresses, subject=f"[Tallyhouse] {subject}", html_content=content)


def _slack(conn_id: str, subject: str, lines: list[str]) -> Any:
    module = "airflow.providers.slack.notifications.slack_webhook"
    notifier = _provided(module, "SlackWebhookNotifier", settings.ALERT_SLACK, "slack")
    # what Slack would read as a mention or a link
    text = "\n".join([f"*{subject}*", *lines]).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return notifier(slack_webhook_conn_id=conn_id, text=text)


def _provided(module: str, name: str, variable: str, provider: str) -> Any:
    """A class of a provider, which need not be installed where nothing asks for it."""
    try:
        return getattr(import_module(module), name)
    except ImportError as error:
        raise TallyhouseError(
            f"The Airflow Variable {variable} is set, but Airflow lacks apache-airflow-providers-{provider}: install "
            f"it, or delete the Variable ({error})."
        ) from error


def _described(error: object) -> str:
    """An error in words; people who read it need not be among those who may read the rows that PostgreSQL quotes."""
    if error is None:
        # of a task that fails by itself, its process tells the error; this is told by the dag-processor
        return "It was killed, or its worker was lost: no error is known. Its log ends where that happened."
    said = f"{without_rows(error)} (the log has the rest)" if isinstance(error, psycopg.Error) else str(error)
    return f"{type(error).__name__}: {said}"


def _shortened(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}... (the log has the rest)"
