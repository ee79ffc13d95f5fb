"""Brings dims, facts and marts up to date: the steps that the DAGs' tasks, rebuilds, tests and benches are made of."""

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import sql

from tallyhouse import locks
from tallyhouse.ledger import require_idle
from tallyhouse.migrations import read_repeatables
from tallyhouse.objects import MODELS, Model
from tallyhouse.redaction import look_again
from tallyhouse.rows import only_row, only_value

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
_NAMES = [model.name for model in MODELS]


def mart_upstream(sql_root: Path) -> dict[str, list[str]]:
    """Names of the materialized views of schema mart, each after those that it reads -> the ones it reads."""
    materialized = {
        file.relation: file for file in read_repeatables(sql_root) if file.schema == "mart" and file.is_materialized
    }
    return {
        name: [other for other in materialized if ("mart", other) in file.references]
        for name, file in materialized.items()
    }


def release_batches(connection: psycopg.Connection) -> int:
    """Lets the models apply what is staged by now, and nothing that comes later; returns how many batches were new.

    All models of a run apply the same batches, so that its end is a state in which the tables fit one another.
    What came of erased customers before anybody could know that it is theirs is redacted first.
    """
    require_idle(connection)
    look_again(connection)
    with connection.transaction():
        count: int = only_value(connection, "select ops.release_batches()")
        return count


@dataclass(frozen=True)
class LoadState:
    """`mark`: a word that any load changes, as it begins and as it goes on.

    `is_partial`: some models have yet to apply what was released.
    """

    mark: str
    is_partial: bool


def read_load_state(connection: psycopg.Connection) -> LoadState:
    """How far loads have come by now, or by the snapshot of the transaction that is open."""
    with connection.transaction():
        row = only_row(
            connection,
            """
            select
                (
                    select count(*) || ' until ' || coalesce(max(a.applied_at)::text, 'never')
                    from ops.batch_applied as a
                    where a.model = any(%(models)s)
                ) || ', of ' || (select count(b.released_at) from ops.batch as b),
                exists (
                    select from unnest(%(models)s::text[]) as m (model) cross join lateral ops.pending_batches(m.model)
                )
            """,
            {"models": _NAMES},
        )
    return LoadState(*row)


def is_up_to_date(connection: psycopg.Connection) -> bool:
    """Whether every model has applied every released batch, and the checks of layer load have passed since."""
    if read_load_state(connection).is_partial:
        return False
    with connection.transaction():
        have_passed: bool = only_value(
            connection,
            """
            select coalesce(bool_and(c.status <> 'failed' and c.checked_at > r.began_at), false)
            from ops.check_result as c
            cross join (
                select max(began_at) as began_at from ops.last_run where relation = any(%(models)s)
            ) as r
            where c.layer = 'load' and c.run_id = (
                select run_id from ops.check_result where layer = 'load' order by check_result_id desc limit 1
            )
            """,
            {"models": _NAMES},
        )
        return have_passed


def apply_models(connection: psycopg.Connection, sql_root: Path, models: Sequence[Model] = MODELS) -> None:
    """Releases every batch that is staged and applies it to the models: a load, as the DAG warehouse does it.

    ValueError when the connection has a transaction open: nothing would be committed.
    """
    release_batches(connection)
    apply_released(connection, sql_root, models)


def load_alone(connection: psycopg.Connection, sql_root: Path, patience: timedelta = timedelta(minutes=15)) -> None:
    """A load beside the DAG warehouse: waits for one that is under way, and none begins before the end of this one.

    After `patience` it goes on all the same, and says so: a model that stays red must not hold it up for ever.
    ValueError when the connection has a transaction open.
    """
    require_idle(connection)
    deadline = time.monotonic() + patience.total_seconds()
    while True:
        with locks.held(connection, [locks.RELEASE]):
            is_partial = read_load_state(connection).is_partial
            is_late = time.monotonic() >= deadline
            if is_partial and is_late:
                log.warning("A load has not ended for %s: until it does, tables show different states.", patience)
            if is_late or not is_partial:
                apply_models(connection, sql_root)
                return
        time.sleep(POLL_SECONDS)


def apply_released(
    connection: psycopg.Connection, sql_root: Path, models: Sequence[Model] = MODELS, schema: str = "dwh"
) -> None:
    """Applies every batch that is released to the models, each in a transaction of its own.

    `schema` other than dwh: tables of the same names there, with a ledger of their own (see `rebuild`).
    ValueError when the connection has a transaction open: nothing would be committed.
    """
    require_idle(connection)
    for model in models:
        text = _in_schema((sql_root / model.sql_file).read_text(), schema)

        def run(model: Model = model, query: str = text) -> None:
            with connection.transaction():
                connection.execute("select set_config('tallyhouse.schema', %s, true)", [schema])
                connection.execute(sql.SQL(query))
            if schema != "dwh":
                # nobody else has filled it, and the models after it read it
                connection.execute(sql.SQL("analyze {}").format(sql.Identifier(schema, model.name)))
                connection.commit()

        name = model.name if schema == "dwh" else f"{schema}.{model.name}"
        run_despite_unreadable(run, lambda: nullcontext(connection), name)


_MODEL_TABLE = re.compile(rf"\bdwh\.(?=({'|'.join(model.name for model in MODELS)})\b)")


def _in_schema(text: str, schema: str) -> str:
    """A model's file with the tables of models in another schema than dwh."""
    return text if schema == "dwh" else _MODEL_TABLE.sub(f"{schema}.", text)


def run_despite_unreadable(
    run: Callable[[], object], connect: Callable[[], AbstractContextManager[psycopg.Connection]], ledger_name: str
) -> None:
    """Runs a model; when a document stops it, sets aside all that cannot be read, and runs it again.

    A document that the types of its columns cannot hold would otherwise block the model in every run. What is set
    aside is marked in the raw layer and kept in raw.rejected with the reason. Another model may have done so just
    before; an error that no document causes is raised by the second run. `connect` is called only when it is needed.
    `ledger_name` is the model's name in ops.batch_applied.
    """
    try:
        run()
    except (psycopg.DataError, psycopg.errors.NotNullViolation):
        with connect() as connection, connection.transaction():
            odd = connection.execute("select * from ops.set_aside_unreadable(%s)", [ledger_name]).fetchall()
        for object_type, object_id, reason in odd:
            log.error("%s: %s %s cannot be read and is set aside: %s", ledger_name, object_type, object_id, reason)
        run()


def refresh_statement(mart: str) -> str:
    """The SQL that refreshes one materialized view while its readers go on reading."""
    return f"select ops.begin_refresh('{mart}'); refresh materialized view concurrently mart.\"{mart}\""


def refresh_marts(connection: psycopg.Connection, sql_root: Path, names: Collection[str] | None = None) -> None:
    """Refreshes the materialized views of schema mart of these names, or all, readers undisturbed."""
    for name in mart_upstream(sql_root):
        if names is not None and name not in names:
            continue
        with connection.transaction():
            connection.execute(sql.SQL(refresh_statement(name)))
