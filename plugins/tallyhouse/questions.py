"""Which lists are compared with the warehouse on a day: what is recent, a part of what is older, and who pays now."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tallyhouse.balance_sums import differing_sums
from tallyhouse.client import Account, StripeClient
from tallyhouse.differences import Difference
from tallyhouse.errors import TallyhouseError
from tallyhouse.objects import LISTED
from tallyhouse.rows import only_value
from tallyhouse.slices import plan_slices
from tallyhouse.windows import Window, floor_second

SumDifferences = Callable[[psycopg.Connection, Account, "Window | None", list[Difference]], list[Difference]]


@dataclass(frozen=True)
class ComparedKind:
    """One kind of object that is compared; include/sql/reconcile/<object_name>.sql says what of it.

    `models` hold it: a load of all of them has brought what is there, and the first is the table of the objects
    themselves. `statuses` are listed whatever the age of the objects. `differing_sums` finds what only sums show.
    """

    object_name: str
    models: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    differing_sums: SumDifferences | None = None

    @property
    def relation(self) -> str:
        """The table in dwh that holds the objects."""
        return self.models[0]


COMPARED: Mapping[str, ComparedKind] = {
    kind.object_name: kind
    for kind in (
        ComparedKind("subscription", ("subscription_dim", "subscription_item_dim"), statuses=("active", "past_due")),
        ComparedKind("invoice", ("invoice_fact", "invoice_line_fact")),
        ComparedKind("charge", ("charge_fact",)),
        ComparedKind("balance_transaction", ("balance_transaction_fact",), differing_sums=differing_sums),
    )
}
"""What MRR, revenue and the ledger of money rest on. A new kind is a line here and a file in include/sql/reconcile/."""

LOADED_WITHIN = timedelta(hours=3)
"""Older batches than this are loaded, unless a table is loaded anew or loads fail."""

FIRST_SECOND = datetime(2011, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Question:
    """One list to compare: a kind of object, by time of creation, by status, or of one test clock.

    `is_older`: of what is older than the last days, where the next run goes on after `stretch`. A question that was
    cut (`cut`) is about a slice of the stretch; `estimated_calls` are the requests that listing it should take.
    """

    object_name: str
    window: Window | None = None
    status: str | None = None
    is_older: bool = False
    test_clock: str | None = None
    stretch: Window | None = None
    estimated_calls: int = 1

    def __post_init__(self) -> None:
        if self.stretch is None:
            object.__setattr__(self, "stretch", self.window)

    def __str__(self) -> str:
        parts = [self.object_name]
        if self.status:
            parts.append(f"with status {self.status}")
        if self.test_clock:
            parts.append(f"on test clock {self.test_clock}")
        if self.window:
            parts.append(f"created {self.window}")
        return " ".join(parts)

    @property
    def path(self) -> str:
        """The list endpoint; one object is under it by its id."""
        return LISTED[self.object_name].endpoint

    @property
    def scope(self) -> str | None:
        """What the list is narrowed to beside time and status, as in ops.batch."""
        return f"test_clock={self.test_clock}" if self.test_clock else None

    @property
    def params(self) -> dict[str, str]:
        """What the list endpoint is asked."""
        asked = dict(LISTED[self.object_name].params)
        if self.window:
            asked |= self.window.created_params
        if self.status:
            asked["status"] = self.status
        if self.test_clock:
            asked["test_clock"] = self.test_clock
        return asked

    def cut(self, client: StripeClient, until: datetime, rows_per_slice: int) -> list["Question"]:
        """Slices of about so many objects, by time of creation; a list by status ends at `until`.

        The list of a test clock stays whole. Errors as of StripeClient.pages.
        """
        if self.test_clock:
            return [self]
        item = LISTED[self.object_name]
        if self.status:
            item = replace(item, list_params={**item.list_params, "status": self.status})
        window = self.window or Window(FIRST_SECOND, floor_second(until))
        pieces = plan_slices(client, item, window, rows_per_slice)
        if len(pieces) == 1:
            return [self]
        return [
            replace(self, window=piece.window, stretch=window, estimated_calls=piece.estimated_calls)
            for piece in pieces
        ]

    def as_dict(self) -> dict[str, Any]:
        """JSON's types only, to hand from task to task."""
        return {
            "object_name": self.object_name,
            "window": self.window and self.window.as_dict(),
            "status": self.status,
            "is_older": self.is_older,
            "test_clock": self.test_clock,
            "stretch": self.stretch and self.stretch.as_dict(),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "Question":
        """The question that `as_dict` described."""
        window, stretch = (value[key] and Window.from_dict(value[key]) for key in ("window", "stretch"))
        return cls(value["object_name"], window, value["status"], value["is_older"], value["test_clock"], stretch)


def plan_questions(
    now: datetime,
    objects: Iterable[str],
    *,
    recent_days: int,
    rotation: int,
    oldest: datetime | None,
    reached: Mapping[str, datetime],
    test_clocks: Iterable[str] = (),
) -> list[Question]:
    """What to compare now: all of the last days, one part in `rotation` of what is older, and who pays now.

    What is older than `recent_days` is compared from its beginning on, in stretches of a `rotation`-th of its length,
    each beginning where the last one ended (`reached`, by kind), until less than a stretch is left before the recent
    days, which belongs to the last one: then again from the beginning. So nothing is left out, on whatever days this
    runs. `oldest` is when the oldest known object was created. What lives by one of `test_clocks` is listed by it,
    whatever its age.
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
        questions += [Question(name, status=status) for status in COMPARED[name].statuses]
        if LISTED[name].has_test_clocks:
            questions += [Question(name, test_clock=clock) for clock in test_clocks]
    return questions


def being_loaded(conn: psycopg.Connection, objects: Iterable[str]) -> set[str]:
    """Of these kinds those whose tables lack what was staged hours ago: they are loaded anew, or not at all.

    Compared with Stripe, all that is not loaded yet would differ.
    """
    kinds = [COMPARED[name] for name in objects if name in COMPARED]
    with conn.transaction():
        found = conn.execute(
            "select needed.model from unnest(%s::text[]) as needed (model) "
            "where exists (select from ops.batch where batch.committed_at < clock_timestamp() - %s "
            "and not exists (select from ops.batch_applied as applied "
            "where applied.model = needed.model and applied.batch_id = batch.batch_id))",
            [[model for kind in kinds for model in kind.models], LOADED_WITHIN],
        ).fetchall()
    behind = {model for (model,) in found}
    return {kind.object_name for kind in kinds if behind.intersection(kind.models)}


def read_reached(conn: psycopg.Connection, account: Account) -> dict[str, datetime]:
    """Where the last stretch of what is older ended of which a run has compared every slice, by kind of object."""
    with conn.transaction():
        found = conn.execute(
            "select distinct on (object_type) object_type, stretch_to from ("
            "select object_type, stretch_to, max(reconciled_slice_id) as last_id from ops.reconciled_slice "
            "where account_id = %s and livemode = %s and is_older "
            "group by object_type, run_id, stretch_from, stretch_to "
            "having range_agg(tstzrange(created_from, created_to)) @> tstzrange(stretch_from, stretch_to)"
            ") as whole order by object_type, last_id desc",
            [account.account_id, account.livemode],
        ).fetchall()
    return {name: at.astimezone(UTC) for name, at in found}


def held_test_clocks(conn: psycopg.Connection, account: Account) -> set[str]:
    """The test clocks by which subscriptions of the warehouse live; Stripe may have deleted some."""
    with conn.transaction():
        found = conn.execute(
            "select distinct test_clock_id from dwh.subscription_dim where account_id = %s and livemode = %s "
            "and is_current and deleted_at is null and test_clock_id is not null",
            [account.account_id, account.livemode],
        ).fetchall()
    return {clock for (clock,) in found}


def oldest_created(conn: psycopg.Connection, account: Account) -> datetime | None:
    """When the oldest subscription, invoice or charge in the warehouse was created; None without any."""
    with conn.transaction():
        oldest: datetime | None = only_value(
            conn,
            """
            select least(
                (select min(created_at) from dwh.subscription_dim where account_id = %(id)s and livemode = %(mode)s),
                (select min(created_at) from dwh.invoice_fact where account_id = %(id)s and livemode = %(mode)s),
                (select min(created_at) from dwh.charge_fact where account_id = %(id)s and livemode = %(mode)s)
            )
            """,
            {"id": account.account_id, "mode": account.livemode},
        )
        return oldest
