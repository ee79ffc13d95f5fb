"""Compares what Stripe lists with what the warehouse holds, object by object, and says why they differ."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tallyhouse.client import Account
from tallyhouse.differences import (
    DELETED,
    LATER_THAN_LAG,
    NEVER_SEEN,
    STALE,
    UNEXPLAINED,
    UNKNOWN_SHAPE,
    Difference,
)
from tallyhouse.objects import LISTED
from tallyhouse.questions import COMPARED, ComparedKind, Question
from tallyhouse.rows import only_row
from tallyhouse.windows import floor_second

# What every readable document of these kinds has: null in the warehouse, it could not be read.
_NEVER_NULL = ("status", "currency", "amount_minor", "net_minor", "total_minor")

# What the files in include/sql/reconcile share. They read `listed`, like raw.object, and `wanted`, the keys of what the
# warehouse is asked for; they tell of each object on which side it was seen, when, and what is compared.
_STATES = """
told as (
    {query}
),
state_of as (
    select side, object_id, seen_at, to_jsonb(told) - '{{side,object_id,seen_at}}'::text[] as state
    from told
)
"""
_COMPARED = """
create temporary table compared on commit drop as
with wanted as (
    select account_id, livemode, object_id from pg_temp.listed
    union
    select account_id, livemode, {object_id} from dwh.{relation}
    where account_id = %(account_id)s and livemode = %(livemode)s and {is_asked}
),
{states},
listed_state as (
    select * from state_of where side = 'listed'
),
held_state as (
    select * from state_of where side = 'held'
)
select
    object_id,
    listed_state.seen_at as observed_at,
    held_state.seen_at as version_at,
    listed_state.state as listed,
    held_state.state as held
from listed_state
full join held_state using (object_id)
"""
_NEWEST_RAW = """
with listed as (
    select
        version.account_id, version.livemode, version.object_type, version.object_id,
        version.version_at as observed_at, version.body as payload, version.source = 'event' as is_event
    from unnest(%(ids)s::text[]) as asked (object_id)
    cross join lateral (
        select *
        from staging.staged_versions_of_object(%(account_id)s, %(livemode)s, %(object)s, asked.object_id) as past
        where {is_readable}
        order by version_rank = 3 desc, version_at desc, version_rank desc, version_order desc
        limit 1
    ) as version
),
wanted as (
    select account_id, livemode, object_id from listed where false
),
{states}
select listed.object_id, state_of.state, listed.observed_at, listed.is_event
from listed
inner join state_of using (object_id)
where state_of.side = 'listed'
"""


@dataclass(frozen=True)
class Row:
    """One object as the comparison's query gives it; `listed` or `held` is None where that side has none."""

    object_id: str
    observed_at: datetime | None
    version_at: datetime | None
    listed: dict[str, Any] | None
    held: dict[str, Any] | None

    @property
    def values(self) -> dict[str, tuple[Any, Any]]:
        """The columns that differ."""
        listed, held = self.listed or {}, self.held or {}
        names = list(listed or held)
        return {name: (listed.get(name), held.get(name)) for name in names if listed.get(name) != held.get(name)}

    @property
    def is_ahead(self) -> bool:
        """Whether the warehouse knows a newer state than the list, which took a while to read."""
        return bool(self.version_at and self.observed_at and self.version_at > self.observed_at)


@dataclass(frozen=True)
class Newest:
    """The newest version of an object that the raw layer has: its state, its second, and whether an event told it."""

    state: dict[str, Any]
    version_at: datetime
    is_event: bool

    def is_ahead_of(self, row: Row) -> bool:
        """Whether it is of the second in which the list showed the object, or of a later one.

        A list is read at some moment of its second: what an event of that second tells may be newer.
        """
        return self.is_event and row.observed_at is not None and self.version_at >= floor_second(row.observed_at)


@dataclass(frozen=True)
class Compared:
    """The objects that differ, and how many of each side were compared."""

    rows: list[Row]
    listed: int
    held: int


@dataclass(frozen=True)
class Seen:
    """What Stripe told beside the documents: ids of objects that it no longer has, and of those nobody can read."""

    gone: set[str]
    refused: set[str]


@dataclass(frozen=True)
class Comparison:
    """One kind of object of one account, compared by include/sql/reconcile/<object>.sql."""

    kind: ComparedKind
    account: Account
    query: str

    @classmethod
    def read(cls, sql_root: Path, object_name: str, account: Account) -> "Comparison":
        """Reads the query's file."""
        text = (sql_root / "reconcile" / f"{object_name}.sql").read_text()
        return cls(COMPARED[object_name], account, text.replace("%", "%%"))

    def run(self, conn: psycopg.Connection, question: Question) -> Compared:
        """Compares the temporary table listed with what the warehouse holds for the question and for what is listed."""
        conditions = [sql.SQL("true")]
        if question.window:
            conditions.append(sql.SQL("created_at >= %(start)s and created_at < %(end)s"))
        if question.status:
            conditions.append(sql.SQL("status = %(status)s and is_current"))
        if LISTED[question.object_name].has_test_clocks:
            conditions.append(sql.SQL("test_clock_id is not distinct from %(test_clock)s and is_current"))
        conn.execute(
            sql.SQL(_COMPARED).format(
                object_id=sql.Identifier(f"{question.object_name}_id"),
                relation=sql.Identifier(self.kind.relation),
                is_asked=sql.SQL(" and ").join(conditions),
                states=self._states(),
            ),
            {
                **self._key([]),
                "start": question.window and question.window.start,
                "end": question.window and question.window.end,
                "status": question.status,
                "test_clock": question.test_clock,
            },
        )
        listed, held = only_row(conn, "select count(listed), count(held) from compared")
        rows = conn.execute("select * from compared where listed is distinct from held order by object_id").fetchall()
        return Compared([Row(*row) for row in rows], listed, held)

    def classify(self, conn: psycopg.Connection, rows: list[Row], in_flight: set[str], seen: Seen) -> list[Difference]:
        """Why each of these objects differs.

        `in_flight`: objects that changed after the events that are loaded. All that this reads must be of one moment,
        or a load that commits meanwhile would explain nothing: a transaction with one snapshot.
        """
        ids = [row.object_id for row in rows]
        waiting = in_flight | self._pending(conn, ids)
        newest = self._newest_raw(conn, ids)
        unreadable = self._unreadable(conn, ids)
        differences = []
        for row in rows:
            known = newest.get(row.object_id)
            if known is not None and known.is_ahead_of(row):
                continue
            is_staged = known is not None and known.state == row.listed
            if row.object_id in waiting:
                reason = LATER_THAN_LAG
            elif row.object_id in seen.gone:
                reason = DELETED
            elif row.object_id in unreadable or row.object_id in seen.refused:
                reason = UNKNOWN_SHAPE
            elif known is None:
                reason = NEVER_SEEN
            elif is_staged:
                # the raw layer holds this very state, and the warehouse does not
                reason = UNEXPLAINED
            elif any(name in _NEVER_NULL and theirs is None for name, (_, theirs) in row.values.items() if row.held):
                reason = UNKNOWN_SHAPE
            else:
                reason = STALE
            differences.append(Difference(row.object_id, reason, row.values, row.observed_at, is_staged))
        told = {row.object_id for row in rows}
        differences += [Difference(each, UNKNOWN_SHAPE, {}, None) for each in sorted(seen.refused - told)]
        return differences

    def _states(self) -> sql.Composed:
        return sql.SQL(_STATES).format(query=sql.SQL(self.query))

    def _pending(self, conn: psycopg.Connection, ids: list[str]) -> set[str]:
        """Of these objects those of which a batch waits to be loaded."""
        found = conn.execute(
            """
            select distinct version.object_id
            from ops.batch
            cross join lateral staging.versions_in_batch(batch.batch_id, %(object)s) as version
            where
                exists (
                    select from unnest(%(models)s::text[]) as needed (model)
                    where not exists (
                        select from ops.batch_applied as applied
                        where applied.model = needed.model and applied.batch_id = batch.batch_id
                    )
                )
                and version.account_id = %(account_id)s and version.livemode = %(livemode)s
                and version.object_id = any(%(ids)s)
            """,
            {"models": list(self.kind.models), **self._key(ids)},
        )
        return {object_id for (object_id,) in found}

    def _newest_raw(self, conn: psycopg.Connection, ids: list[str]) -> dict[str, Newest]:
        """The newest state of each of these objects that the raw layer has, read as a listed one is.

        What cannot be read, and waits for the load that will set it aside, is passed over.
        """
        query = sql.SQL(_NEWEST_RAW)
        try:
            with conn.transaction():
                found = conn.execute(query.format(states=self._states(), is_readable=sql.SQL("true")), self._key(ids))
        except psycopg.DataError:
            readable = sql.SQL("ops.unreadable_reason(past.object_type, past.body) is null")
            found = conn.execute(query.format(states=self._states(), is_readable=readable), self._key(ids))
        return {object_id: Newest(*told) for object_id, *told in found}

    def _unreadable(self, conn: psycopg.Connection, ids: list[str]) -> set[str]:
        """Of these objects those of which a document was set aside that is newer than all that could be read."""
        found = conn.execute(
            """
            with unread as (
                select object_id, created_at as at, staging.event_rank(type) as rank, listing_order as place
                from raw.event
                where account_id = %(account_id)s and livemode = %(livemode)s and object_type = %(object)s
                    and object_id = any(%(ids)s) and unreadable is not null
                union all
                select
                    object_id,
                    date_trunc('second', observed_at),
                    -1,
                    extract(microseconds from observed_at)::bigint %% 1000000
                from raw.object
                where account_id = %(account_id)s and livemode = %(livemode)s and object_type = %(object)s
                    and object_id = any(%(ids)s) and unreadable is not null
            )
            select object_id
            from unread
            where not exists (
                select from staging.staged_versions_of_object(
                    %(account_id)s, %(livemode)s, %(object)s, unread.object_id, unread.at
                ) as readable
                where
                    (readable.version_at, readable.version_rank, readable.version_order)
                    > (unread.at, unread.rank, unread.place)
            )
            """,
            self._key(ids),
        )
        return {object_id for (object_id,) in found}

    def _key(self, ids: list[str]) -> dict[str, Any]:
        return {
            "object": self.kind.object_name,
            "account_id": self.account.account_id,
            "livemode": self.account.livemode,
            "ids": ids,
        }
