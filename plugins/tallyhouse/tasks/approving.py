"""Asks a person, on Airflow's page of required actions, before somebody's data is erased for good."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator

from tallyhouse.erasure import Found
from tallyhouse.erasure_record import REASONS, Request
from tallyhouse.errors import TallyhouseError
from tallyhouse.tasks.notifying import TellWaiting

log = logging.getLogger(__name__)

HOURS = 24
"""How long a run waits for an answer."""


class ErasureApproval(HITLOperator):
    """Waits for Approve or Reject; its result has the answer and who gave it. Without one it fails: nothing is erased.

    Not Airflow's ApprovalOperator, which skips what follows a rejection: that has to be recorded. Airflow's page knows
    an approval by its two options.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            options=[ApprovalOperator.APPROVE, ApprovalOperator.REJECT],
            response_timeout=timedelta(hours=HOURS),
            notifiers=[TellWaiting()],
            **kwargs,
        )

    def process_trigger_event_error(self, event: dict[str, Any]) -> None:
        """Says in plain words what a timeout leads to."""
        if event["error_type"] == "timeout":
            raise TallyhouseError(
                f"Nobody has approved or rejected the erasure within {HOURS} hours: nothing was erased. Clear this "
                "task to be asked again."
            )
        super().process_trigger_event_error(event)


def ask(found: Any) -> ErasureApproval:
    """The task that asks, with what a count has found to decide by (Markdown, or the task that returns it)."""
    return ErasureApproval(task_id="approve", subject="Erase {{ params.customer_id | trim }} for good?", body=found)


def describe(request: Request, found: Found) -> str:
    """What a person has to know to decide, as Markdown: ids and counts, and nothing personal."""
    where = " and ".join(
        f"account {account_id} ({'live' if livemode else 'test'} data)" for account_id, livemode in found.owners
    )
    asked = f"Asked for by {request.requested_by or 'somebody whom Airflow does not know'}: {REASONS[request.reason]}"
    reference = f" ({request.reference})" if request.reference else ""
    return "\n".join(
        [
            f"**{request.customer_id}** of {where}. {asked}{reference}.",
            "",
            f"{found.documents:,} documents of Stripe's hold something of the person, and rows of these tables:",
            "",
            "| table | rows |",
            "|---|---:|",
            *(f"| {table} | {number:,} |" for table, number in found.rows.items()),
            "",
            "Who may be the same person, by what they have in common:"
            if found.others
            else "Nobody else seems to be the same person.",
            "",
            *(f"- {line}" for line in found.describe_others()),
            "",
            f"**Approve** takes it out for good: it cannot be undone. **Reject** leaves everything as it is, and so "
            f"does no answer within {HOURS} hours.",
        ]
    )


def is_approved(answer: Mapping[str, Any] | None) -> bool:
    """Whether a person has approved; TallyhouseError when nobody has answered, as after a task was marked by hand."""
    if not answer:
        raise TallyhouseError(
            "Nobody has approved the erasure: nothing was erased. Clear the task approve to be asked again."
        )
    return list(answer["chosen_options"]) == [ApprovalOperator.APPROVE]


def who(answer: Mapping[str, Any]) -> str | None:
    """The Airflow user who answered."""
    user = answer.get("responded_by_user")
    return user["name"] if user else None
