"""Brings the warehouse's schema to what include/sql says: migrations once, views whenever their file changes."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

import psycopg
from psycopg import sql

from tallyhouse import roles
from tallyhouse.errors import MigrationError, without_rows
from tallyhouse.rows import only_value

REPEATABLE_FOLDERS = {"functions": "dwh", "ops": "ops", "staging": "staging", "marts": "mart"}
"""Folder under include/sql -> schema of the relations (views, functions) that its files define."""

_BEGIN_REFRESH = ("ops", "begin_refresh")
_LOCK_KEY = 7_215_309_411
_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_REFERENCE = re.compile(r"\b(ops|staging|dwh|mart)\.([a-z_0-9]+)")


@dataclass(frozen=True)
class SqlFile:
    """One file: `name` is its path under include/sql, which identifies it for ever."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of its text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Repeatable(SqlFile):
    """A file that defines one relation, schema.stem, and is re-run when it changes."""

    schema: str
    relation: str

    @cached_property
    def references(self) -> frozenset[tuple[str, str]]:
        """(schema, name) of everything in our repeatable schemas that its SQL names, itself left out."""
        found = frozenset(_REFERENCE.findall(_COMMENT.sub(" ", self.text)))
        return found - {(self.schema, self.relation)}

    @property
    def is_materialized(self) -> bool:
        """Whether it defines a materialized view, which is filled as it is created."""
        return "create materialized view" in self.text


@dataclass(frozen=True)
class MigrationReport:
    """What one call did: names of the migrations applied, relations re-created and relations dropped."""

    applied: tuple[str, ...] = ()
    recreated: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()

    def describe(self) -> str:
        """One line for a log."""
        if not (self.applied or self.recreated or self.dropped):
            return "schema is up to date"
        parts = {"applied": self.applied, "re-created": self.recreated, "dropped": self.dropped}
        return "; ".join(f"{what} {', '.join(names)}" for what, names in parts.items() if names)


def read_migrations(sql_root: Path) -> list[SqlFile]:
    """The numbered migrations in order. Raises MigrationError when two share a number."""
    files = [
        SqlFile(f"migrations/{path.name}", path.read_text()) for path in sorted((sql_root / "migrations").glob("*.sql"))
    ]
    numbers = [Path(file.name).name.split("_")[0] for file in files]
    for number in {number for number in numbers if numbers.count(number) > 1}:
        raise MigrationError(f"Two migrations have the number {number}: renumber the newer one.")
    return files


def read_repeatables(sql_root: Path) -> list[Repeatable]:
    """The repeatable files, each after those that it refers to."""
    files = {
        (schema, path.stem): Repeatable(f"{folder}/{path.name}", path.read_text(), schema, path.stem)
        for folder, schema in REPEATABLE_FOLDERS.items()
        for path in sorted((sql_root / folder).glob("*.sql"))
    }
    graph = {
        key: sorted((file.references | ({_BEGIN_REFRESH} if file.is_materialized else set())) & files.keys())
        for key, file in files.items()
    }
    return [files[key] for key in TopologicalSorter(graph).static_order()]


def migrate(connection: psycopg.Connection, sql_root: Path) -> MigrationReport:
    """Applies what is missing, all in one transaction under an advisory lock; commits it.

    The roles come first, in transactions of their own, since all databases of the server share them; what each may
    do is granted last, whatever was created or re-created. Cheap when nothing changed (a few small queries).
    Raises MigrationError, with nothing changed, when an applied
    migration was edited or removed, when a new one has a number below an applied one's, when a file fails, when
    something of the user's own depends on a view that must be re-created, or when roles are missing that this login
    may not create.
    """
    migrations, repeatables = read_migrations(sql_root), read_repeatables(sql_root)
    wanted = {file.name: file.sha256 for file in (*migrations, *repeatables)}
    with connection.transaction():
        if _recorded(connection) == wanted and not roles.missing_statements(connection):
            return MigrationReport()
    roles.ensure_roles(connection)
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK_KEY])
        _bootstrap(connection)
        recorded = _recorded(connection)
        applied = _apply_migrations(connection, migrations, recorded)
        recreated, dropped = _apply_repeatables(connection, repeatables, recorded)
        _grant(connection)
    return MigrationReport(tuple(applied), tuple(recreated), tuple(dropped))


def _bootstrap(connection: psycopg.Connection) -> None:
    connection.execute(
        """
        create schema if not exists ops;
        comment on schema ops is 'The pipeline''s own books: migrations, batches, watermarks, checks, policies.';
        create table if not exists ops.migration (
            name text primary key,
            sha256 text not null,
            applied_at timestamptz not null default clock_timestamp()
        );
        comment on table ops.migration is 'Grain: one row per SQL file that shaped this database.';
        comment on column ops.migration.name is 'Path of the file under include/sql.';
        comment on column ops.migration.sha256 is 'Hash of its text when it was applied.';
        comment on column ops.migration.applied_at is 'When it was applied last.';
        """
    )


def _recorded(connection: psycopg.Connection) -> dict[str, str]:
    if not only_value(connection, "select to_regclass('ops.migration') is not null"):
        return {}
    return dict(connection.execute("select name, sha256 from ops.migration").fetchall())


def _apply_migrations(connection: psycopg.Connection, migrations: list[SqlFile], recorded: dict[str, str]) -> list[str]:
    known = {file.name for file in migrations}
    for name in sorted(recorded):
        if name.startswith("migrations/") and name not in known:
            raise MigrationError(
                f"{name} was applied to this database, but the file is gone. Restore it (an older release of "
                "the code may be running against a newer database)."
            )
    applied: list[str] = []
    newest = max((name for name in recorded if name.startswith("migrations/")), default="")
    for file in migrations:
        if file.name not in recorded:
            if file.name < newest:
                raise MigrationError(
                    f"{file.name} is new, but {newest} has been applied to this database already: a new database "
                    "would apply them the other way round. Give the new one a number above it."
                )
            _run(connection, file)
            applied.append(file.name)
        elif recorded[file.name] != file.sha256:
            raise MigrationError(
                f"{file.name} was edited after it was applied (hash {recorded[file.name][:12]} then, "
                f"{file.sha256[:12]} now). Restore it and put the change into a new migration."
            )
    return applied


def _apply_repeatables(
    connection: psycopg.Connection, repeatables: list[Repeatable], recorded: dict[str, str]
) -> tuple[list[str], list[str]]:
    stale: set[tuple[str, str]] = set()
    for file in repeatables:  # in dependency order, so that staleness spreads to dependents
        if recorded.get(file.name) != file.sha256 or file.references & stale:
            stale.add((file.schema, file.relation))
    known = {file.name for file in repeatables}
    removed = [name for name in sorted(recorded) if not name.startswith("migrations/") and name not in known]

    # Dependents first: a removed file's relation may be read by a stale one, but not the other way round.
    for file in reversed(repeatables):
        if (file.schema, file.relation) in stale:
            _drop(connection, file.schema, file.relation)
    for name in removed:
        folder, _, file_name = name.partition("/")
        _drop(connection, REPEATABLE_FOLDERS[folder], Path(file_name).stem)
        connection.execute("delete from ops.migration where name = %s", [name])
    recreated = [file for file in repeatables if (file.schema, file.relation) in stale]
    for file in recreated:
        if file.is_materialized and any((f.schema, f.relation) == _BEGIN_REFRESH for f in repeatables):
            # of a large warehouse it has as much to read as a refresh
            connection.execute("select ops.begin_refresh(%s)", [file.relation])
        _run(connection, file)
    return [file.name for file in recreated], removed


def _run(connection: psycopg.Connection, file: SqlFile) -> None:
    try:
        connection.execute(sql.SQL(file.text))
    except psycopg.OperationalError:
        raise  # a lost connection, a deadlock: the next try may succeed
    except psycopg.Error as error:
        # what is in the way is told in the detail, and names objects of the schema; other details quote rows
        is_in_the_way = isinstance(error, psycopg.errors.DependentObjectsStillExist)
        said = str(error) if is_in_the_way else without_rows(error)
        raise MigrationError(f"{file.name} failed, and nothing was changed: {said}") from error
    connection.execute(
        """
        insert into ops.migration (name, sha256) values (%s, %s)
        on conflict (name) do update set sha256 = excluded.sha256, applied_at = clock_timestamp()
        """,
        [file.name, file.sha256],
    )


def _grant(connection: psycopg.Connection) -> None:
    """Gives the roles their rights on all that there is now; one that is re-created has lost them."""
    if not only_value(connection, "select to_regprocedure('ops.grant_roles()') is not null"):
        return
    try:
        connection.execute("select ops.grant_roles()")
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"The login {connection.info.user} may not give everything to {roles.LOADER}, and nothing was changed: "
            f"{error.diag.message_primary}. Migrate once with the login that made it, or as a superuser."
        ) from error


def _drop(connection: psycopg.Connection, schema: str, relation: str) -> None:
    """Drops a view, materialized view or function of this name, if there is one; never cascades."""
    kinds = connection.execute(
        """
        select 1 as place, case c.relkind when 'm' then 'materialized view' else 'view' end, c.oid::regclass::text
        from pg_class c
        where c.relnamespace = to_regnamespace(%(schema)s) and c.relname = %(name)s and c.relkind in ('v', 'm')
        union all
        select 2, 'routine', p.oid::regprocedure::text
        from pg_proc p
        where p.pronamespace = to_regnamespace(%(schema)s) and p.proname = %(name)s
        -- a view may call the function of its name
        order by place
        """,
        {"schema": schema, "name": relation},
    ).fetchall()
    for _, kind, identity in kinds:  # regclass and regprocedure quote what needs quoting
        try:
            connection.execute(sql.SQL(f"drop {kind} {identity}"))
        except psycopg.errors.DependentObjectsStillExist as error:
            raise MigrationError(
                f"{schema}.{relation} must be re-created, but something of yours depends on it: "
                f"{error.diag.message_detail} Drop that, run again, and create it anew; nothing was changed."
            ) from error
