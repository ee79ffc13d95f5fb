"""The record of erasures, ops.erasure: who asked for which, why, and who has approved or rejected it."""

from dataclasses import dataclass

import psycopg

from tallyhouse.errors import TallyhouseError
from tallyhouse.rows import only_value

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
    account_id, livemode, customer_id, user_hash, reason, reference, requested_by, run_id, answered_by, erased_at,
    rejected_at
)
values (
    %(account)s, %(livemode)s, %(customer)s, ops.user_hash(%(user)s), %(reason)s, %(reference)s, %(requested_by)s,
    %(run)s, %(answered_by)s, {times}
)
on conflict (run_id, account_id, livemode, customer_id, user_hash) do update set
    answered_by = excluded.answered_by, erased_at = excluded.erased_at, rejected_at = excluded.rejected_at
where ops.erasure.rejected_at is not null
returning erasure_id
"""
_RECORD_ERASURE = _RECORD.format(times="clock_timestamp(), null")
_RECORD_REJECTION = _RECORD.format(times="null, clock_timestamp()")


@dataclass(frozen=True)
class Request:
    """Whom to erase, and why.

    `customer_id`: of a guest, the id of a payment; None for somebody of whom only `user_id` is known, the id of a user
    of the app, or its hash. `account_id` None: of whichever account has the customer, if only one has.
    """

    customer_id: str | None
    account_id: str | None
    reason: str
    reference: str | None
    requested_by: str | None
    run_id: str
    user_id: str | None = None


def who(connection: psycopg.Connection, request: Request) -> str:
    """The id by which ops.erasure has the person: that of a customer or payment, or the hash of a user's."""
    known_as: str = only_value(
        connection, "select coalesce(%s, ops.user_hash(%s))", [request.customer_id, request.user_id]
    )
    return known_as


def approve(
    connection: psycopg.Connection,
    request: Request,
    account_id: str | None,
    livemode: bool | None,
    approved_by: str | None,
) -> int | None:
    """Records an erasure that is about to be done; its id, or None when this run has done it before."""
    return _answer(connection, _RECORD_ERASURE, request, account_id, livemode, approved_by)


def reject(
    connection: psycopg.Connection,
    request: Request,
    account_id: str | None,
    livemode: bool | None,
    rejected_by: str | None,
) -> None:
    """Records that an erasure was rejected; TallyhouseError when this run has done it before."""
    if _answer(connection, _RECORD_REJECTION, request, account_id, livemode, rejected_by) is None:
        raise TallyhouseError(
            f"This run has erased {who(connection, request)} of {account_id or 'the app'} before: it cannot be undone, "
            "and ops.erasure keeps the record of it."
        )


def _answer(
    connection: psycopg.Connection,
    statement: str,
    request: Request,
    account_id: str | None,
    livemode: bool | None,
    by: str | None,
) -> int | None:
    row = connection.execute(
        statement,
        {
            "account": account_id,
            "livemode": livemode,
            "customer": request.customer_id,
            "user": request.user_id,
            "reason": request.reason,
            "reference": request.reference,
            "requested_by": request.requested_by,
            "run": request.run_id,
            "answered_by": by,
        },
    ).fetchone()
    return None if row is None else int(row[0])
