"""The record of erasures, ops.erasure: who asked for which, why, and who has approved or rejected it."""

from dataclasses import dataclass

import psycopg

from tallyhouse.errors import TallyhouseError

REASONS = {
    "request": "the person asked for it",
    "retention": "it was kept long enough",
    "authority": "a court or an authority asked for it",
    "mistake": "it should not have been collected",
}
"""Reason -> what it means. Words of the user's own might name the person, in the very record of the erasure."""

# A row of each run, account and mode: of several answers the last one counts, until it was erased.
_RECORD = """
insert into ops.erasure (
    account_id, livemode, customer_id, reason, reference, requested_by, run_id, answered_by, erased_at, rejected_at
)
values (
    %(account)s, %(livemode)s, %(customer)s, %(reason)s, %(reference)s, %(requested_by)s, %(run)s, %(answered_by)s,
    {times}
)
on conflict (run_id, account_id, livemode, customer_id) do update set
    answered_by = excluded.answered_by, erased_at = excluded.erased_at, rejected_at = excluded.rejected_at
where ops.erasure.rejected_at is not null
returning erasure_id
"""
_RECORD_ERASURE = _RECORD.format(times="clock_timestamp(), null")
_RECORD_REJECTION = _RECORD.format(times="null, clock_timestamp()")


@dataclass(frozen=True)
class Request:
    """Whom to erase, and why.

    `customer_id`: of a guest, the id of the charge or checkout session. `account_id` None: of whichever account has
    it, if only one has.
    """

    customer_id: str
    account_id: str | None
    reason: str
    reference: str | None
    requested_by: str | None
    run_id: str


def approve(
    connection: psycopg.Connection, request: Request, account_id: str, livemode: bool, approved_by: str | None
) -> int | None:
    """Records an erasure that is about to be done; its id, or None when this run has done it before."""
    return _answer(connection, _RECORD_ERASURE, request, account_id, livemode, approved_by)


def reject(
    connection: psycopg.Connection, request: Request, account_id: str, livemode: bool, rejected_by: str | None
) -> None:
    """Records that an erasure was rejected; TallyhouseError when this run has done it before."""
    if _answer(connection, _RECORD_REJECTION, request, account_id, livemode, rejected_by) is None:
        raise TallyhouseError(
            f"This run has erased {request.customer_id} of {account_id} before: that cannot be undone, and ops.erasure "
            "keeps the record of it."
        )


def _answer(
    connection: psycopg.Connection, statement: str, request: Request, account_id: str, livemode: bool, by: str | None
) -> int | None:
    row = connection.execute(
        statement,
        {
            "account": account_id,
            "livemode": livemode,
            "customer": request.customer_id,
            "reason": request.reason,
            "reference": request.reference,
            "requested_by": request.requested_by,
            "run": request.run_id,
            "answered_by": by,
        },
    ).fetchone()
    return None if row is None else int(row[0])
