"""How far the warehouse is, read from the pipeline's own books: batches, and who has applied them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Counts:
    """Counts from ops.batch and ops.batch_applied.

    `events`, `objects` and `file_rows` are new rows staged from events, lists and files; `models_done` of `models` have
    applied every batch; `lagging` names the others; `last_applied_at` is when any model last applied one.
    """

    events: int = 0
    event_batches: int = 0
    objects: int = 0
    list_batches: int = 0
    file_rows: int = 0
    files: int = 0
    rejected: int = 0
    models: int = 0
    models_done: int = 0
    lagging: tuple[str, ...] = ()
    last_applied_at: datetime | None = None

    @property
    def batches(self) -> int:
        """Batches of both sources."""
        return self.event_batches + self.list_batches


def is_listed(connection: Connection, account_id: str, livemode: bool) -> bool:
    """Whether any list of the account's objects has been committed."""
    there = connection.execute("select to_regclass('ops.batch')").fetchone()
    if there == (None,):
        return False
    found = connection.execute(
        "select exists (select from ops.batch where source = 'list' and livemode = %s and account_id = %s)",
        [livemode, account_id],
    ).fetchone()
    return found == (True,)


def read(connection: Connection, models: Sequence[str]) -> Counts:
    """The state now; all zero before the first migration has made the tables."""
    there = connection.execute("select to_regclass('ops.batch'), to_regclass('ops.batch_applied')").fetchone()
    if there is None or None in there:
        return Counts(models=len(models))
    sources = {
        source: (rows, batches, rejected)
        for source, rows, batches, rejected in connection.execute(
            "select source, sum(new_count)::bigint, count(*), sum(rejected_count)::bigint"
            " from ops.batch group by source"
        )
    }
    # Counting is enough: a model applies a batch once, and batches are never deleted.
    applied: dict[str, int] = dict(
        connection.execute(
            "select a.model, count(*) from ops.batch_applied as a"
            " inner join ops.batch as b using (batch_id) where a.model = any(%s) group by a.model",
            [list(models)],
        ).fetchall()
    )
    last = connection.execute("select max(applied_at) from ops.batch_applied").fetchone()
    event_rows, event_batches, event_rejects = sources.get("events", (0, 0, 0))
    list_rows, list_batches, list_rejects = sources.get("list", (0, 0, 0))
    file_rows, files, file_rejects = sources.get("file", (0, 0, 0))
    batches = sum(count for _, count, _ in sources.values())
    lagging = tuple(name for name in models if applied.get(name, 0) < batches)
    return Counts(
        events=event_rows,
        event_batches=event_batches,
        objects=list_rows,
        list_batches=list_batches,
        file_rows=file_rows,
        files=files,
        rejected=event_rejects + list_rejects + file_rejects,
        models=len(models),
        models_done=len(models) - len(lagging) if batches else 0,
        lagging=lagging,
        last_applied_at=last[0] if last else None,
    )
