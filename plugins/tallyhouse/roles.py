"""The three roles of a warehouse: made where they are missing, or named, with what an administrator has to run once.

Roles belong to the whole server, grants to one database: who may read which table is `ops.grant_roles()`.
"""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from tallyhouse.errors import MigrationError
from tallyhouse.rows import only_row, only_value

LOADER = "tallyhouse_loader"
"""Owns and writes everything."""
ANALYST = "tallyhouse_analyst"
"""Reads mart, and dwh without personal data."""
PII = "tallyhouse_pii"
"""Reads what an analyst reads, and the personal columns of dwh."""

# What must hold, as a query that gives true, and the statement that makes it so. In this order: each may need those
# before it. The loader may become the analyst, as which the Revenue page asks, but has none of its rights meanwhile.
_ROLE = "select exists (select from pg_roles where rolname = '{role}')"
_MEMBER = (
    "select coalesce(bool_and(pg_has_role(member.oid, role.oid, needed)), false) from pg_roles as member "
    "cross join pg_roles as role cross join unnest('{needed}'::text[]) as needed "
    "where member.rolname = {member} and role.rolname = '{role}'"
)
_CREATE = (
    "select coalesce(bool_and(has_database_privilege(oid, current_database(), needed)), false) "
    "from pg_roles cross join unnest('{{create,temporary}}'::text[]) as needed where rolname = '{role}'"
)
_TRIES = 5


def missing_statements(connection: psycopg.Connection) -> list[str]:
    """What is yet to be run, by somebody who may, before this login can migrate this database; none when all is there.

    As SQL to paste, each after those that it needs.
    """
    needed = [
        *((_ROLE.format(role=role), sql.SQL("create role {}").format(_name(role))) for role in (LOADER, ANALYST, PII)),
        (
            _MEMBER.format(role=ANALYST, member=f"'{PII}'", needed="{usage}"),
            sql.SQL("grant {} to {}").format(_name(ANALYST), _name(PII)),
        ),
        (
            _MEMBER.format(role=ANALYST, member=f"'{LOADER}'", needed="{set}"),
            sql.SQL("grant {} to {} with inherit false, set true").format(_name(ANALYST), _name(LOADER)),
        ),
        (
            _MEMBER.format(role=LOADER, member="current_user", needed="{usage,set}"),
            sql.SQL("grant {} to {} with inherit true, set true").format(_name(LOADER), _current(connection, "user")),
        ),
        (
            _CREATE.format(role=LOADER),
            sql.SQL("grant create, temporary on database {} to {}").format(
                _current(connection, "database"), _name(LOADER)
            ),
        ),
    ]
    return [statement.as_string(connection) for query, statement in needed if not _holds(connection, query)]


def ensure_roles(connection: psycopg.Connection) -> None:
    """Makes what is missing, each for itself; other databases of the server may be doing the same.

    Raises MigrationError, which names all that an administrator has to run, where this login may not.
    """
    for _ in range(_TRIES):
        with connection.transaction():
            missing = missing_statements(connection)
        if not missing:
            return
        for statement in missing:
            try:
                with connection.transaction():
                    connection.execute(sql.SQL(statement))
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                continue  # another database has just made it
            except psycopg.errors.InternalError_:
                break  # "tuple concurrently updated": another database is granting the same; look again
            except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedObject):
                break  # what it needs may not be made either
    with connection.transaction():
        missing = missing_statements(connection)
    if missing:
        raise MigrationError(_what_to_run(connection, missing))


def _what_to_run(connection: psycopg.Connection, missing: Sequence[str]) -> str:
    who, database = connection.info.user, connection.info.dbname
    return (
        f"The login {who} may not set up the roles of the warehouse {database}, and nothing was changed. Have somebody "
        f"who may create roles run this once in that database, and run this again: {'; '.join(missing)};"
    )


def _holds(connection: psycopg.Connection, query: str) -> bool:
    holds: bool = only_value(connection, sql.SQL(query))
    return holds


def _name(role: str) -> sql.Identifier:
    return sql.Identifier(role)


def _current(connection: psycopg.Connection, what: str) -> sql.Identifier:
    """The current user or database, quoted."""
    row = only_row(connection, sql.SQL("select current_user, current_database()"))
    return sql.Identifier(row[0] if what == "user" else row[1])
