"""Which lists are compared with the warehouse on a day: what is recent, a part of what is older, and who pays now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

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
    """One list to compare: a kind of object, by time of creation, or by status whatever its age."""

    object_name: str
    window: Window | None = None
    status: str | None = None

    def __str__(self) -> str:
        return f"{self.object_name} " + (f"created {self.window}" if self.window else f"with status {self.status}")

    @property
    def path(self) -> str:
        """The list endpoint; one object is under it by its id."""
        path = LISTED[self.object_name].list_path
        assert path is not None  # noqa: S101 - for the type checker: LISTED holds what has one
        return path

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
    now: datetime, objects: Iterable[str], *, recent_days: int, rotation: int, oldest: datetime | None, today: date
) -> list[Question]:
    """What to compare today: all of the last days, one part in `rotation` of what is older, and who pays now.

    What is older than `recent_days` is cut into `rotation` stretches of equal length, of which a day compares
    one: after so many days all has been compared. `oldest` is when the oldest known object was created.
    """
    if recent_days < 1 or rotation < 1:
        raise TallyhouseError(f"recent_days and rotation must be at least 1; got {recent_days} and {rotation}.")
    end = floor_second(now)
    recent = end - timedelta(days=recent_days)
    begin = min(oldest or recent, recent)
    turn = today.toordinal() % rotation
    span = (recent - begin) / rotation
    # whole seconds, without a hole; the first stretch reaches back to the beginning
    edges = [FIRST_SECOND, *(floor_second(begin + span * part) for part in range(1, rotation)), recent]
    questions = []
    for name in objects:
        if name not in COMPARED:
            raise TallyhouseError(f"{name} is not compared; these are: {', '.join(COMPARED)}.")
        questions.append(Question(name, Window(recent, end)))
        if edges[turn] < edges[turn + 1]:
            questions.append(Question(name, Window(edges[turn], edges[turn + 1])))
        if name == "subscription":
            questions += [Question(name, status=status) for status in ("active", "past_due")]
    return questions


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
