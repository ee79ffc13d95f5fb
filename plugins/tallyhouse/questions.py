"""Which lists are compared with the warehouse on a day: what is recent, a part of what is older, and who pays now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from tallyhouse.client import Account
from tallyhouse.errors import TallyhouseError
from tallyhouse.objects import LISTED
from tallyhouse.windows import Window, floor_second

COMPARED: dict[str, tuple[str, ...]] = {
    "subscription": ("subscription_dim", "subscription_item_dim"),
    "invoice": ("invoice_fact",),
    "charge": ("charge_fact",),
    "balance_transaction": ("balance_transaction_fact",),
}
"""What is compared -> the models that hold it: what MRR, revenue and the ledger of money rest on."""

DELETABLE = ("subscription", "invoice")
"""Of these the kinds that Stripe deletes (an invoice while it is a draft, a subscription with its test clock).

Of charges and balance transactions only all test data of an account can go at once; their tables know no deletion."""

FIRST_SECOND = datetime(2011, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Question:
    """One list to compare: a kind of object, by time of creation, or by status whatever its age.

    `is_older`: a stretch of what is older than the last days, which the next run goes on after.
    """

    object_name: str
    window: Window | None = None
    status: str | None = None
    is_older: bool = False

    def __str__(self) -> str:
        return f"{self.object_name} " + (f"created {self.window}" if self.window else f"with status {self.status}")

    @property
    def path(self) -> str:
        """The list endpoint; one object is under it by its id."""
        return LISTED[self.object_name].endpoint

    @property
    def params(self) -> dict[str, str]:
        """What the list endpoint is asked."""
        asked = dict(LISTED[self.object_name].params)
        if self.window:
            asked |= self.window.created_params
        if self.status:
            asked["status"] = self.status
        return asked


def plan_questions(
    now: datetime,
    objects: Iterable[str],
    *,
    recent_days: int,
    rotation: int,
    oldest: datetime | None,
    reached: Mapping[str, datetime],
) -> list[Question]:
    """What to compare now: all of the last days, one part in `rotation` of what is older, and who pays now.

    What is older than `recent_days` is compared from its beginning on, in stretches of a `rotation`-th of its length,
    each beginning where the last one ended (`reached`, by kind), until less than a stretch is left before the recent
    days, which belongs to the last one: then again from the beginning. So nothing is left out, on whatever days this
    runs. `oldest` is when the oldest known object was created.
    """
    if recent_days < 1 or rotation < 1:
        raise TallyhouseError(f"recent_days and rotation must be at least 1; got {recent_days} and {rotation}.")
    end = floor_second(now)
    recent = end - timedelta(days=recent_days)
    begin = min(oldest or recent, recent)
    # longer than a day, by which the recent days move on between two runs
    stretch = max((recent - begin) / rotation, timedelta(days=2))
    questions = []
    for name in objects:
        if name not in COMPARED:
            raise TallyhouseError(f"{name} is not compared; these are: {', '.join(COMPARED)}.")
        questions.append(Question(name, Window(recent, end)))
        start = reached.get(name, recent)
        # once the recent days were met, from the beginning: they move on meanwhile
        is_first = start >= recent - stretch
        # the first stretch reaches back to what nobody has seen yet
        stop = floor_second((begin if is_first else start) + stretch)
        if stop >= recent - stretch:
            stop = recent
        questions.append(Question(name, Window(FIRST_SECOND if is_first else start, stop), is_older=True))
        if name == "subscription":
            questions += [Question(name, status=status) for status in ("active", "past_due")]
    return questions


def read_reached(conn: psycopg.Connection, account: Account) -> dict[str, datetime]:
    """Where the last stretch of what is older ended that was compared, by kind of object."""
    with conn.transaction():
        found = conn.execute(
            "select distinct on (object_type) object_type, created_to from ops.reconciled_slice "
            "where account_id = %s and livemode = %s and is_older order by object_type, reconciled_slice_id desc",
            [account.account_id, account.livemode],
        ).fetchall()
    return {name: at.astimezone(UTC) for name, at in found}


def oldest_created(conn: psycopg.Connection, account: Account) -> datetime | None:
    """When the oldest subscription, invoice or charge in the warehouse was created; None without any."""
    with conn.transaction():
        row = conn.execute(
            """
            select least(
                (select min(created_at) from dwh.subscription_dim where account_id = %(id)s and livemode = %(mode)s),
                (select min(created_at) from dwh.invoice_fact where account_id = %(id)s and livemode = %(mode)s),
                (select min(created_at) from dwh.charge_fact where account_id = %(id)s and livemode = %(mode)s)
            )
            """,
            {"id": account.account_id, "mode": account.livemode},
        ).fetchone()
    return row[0] if row else None
