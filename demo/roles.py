"""Whom `make psql` connects as: the analyst, unless somebody asks for more."""

from collections.abc import Mapping

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from demo.errors import DemoError

ROLES = {
    "analyst": "reads schema mart, and dwh without personal data (name columns there: select * asks for all of them).",
    "pii": "reads personal data in dwh too (ops.personal_column lists it).",
    "loader": "reads and writes everything.",
}
"""Name -> what it may do, in words; in the database it is tallyhouse_<name>."""


def conninfo_as(name: str, parameters: Mapping[str, str], *, is_own: bool) -> str:
    """The connection string with which psql is that role.

    On the demo's own server (`is_own`) it logs in as demo_<name>, which is made when it is first asked for. A database
    of the user's own is entered by the user's login, which takes the role for the session. DemoError while there are
    no roles yet, or where that login may not take it.
    """
    role = f"tallyhouse_{name}"
    try:
        with psycopg.connect(make_conninfo(**parameters), autocommit=True) as connection:
            found = connection.execute(
                "select pg_has_role(current_user, oid, 'set') from pg_roles where rolname = %s", [role]
            ).fetchone()
            if found is None:
                raise DemoError(f"There is no role {role} yet: the first run of any DAG makes it (make demo).")
            if is_own:
                return make_conninfo(**{**parameters, "user": _ensure_login(connection, name, role)})
    except psycopg.Error as error:
        raise DemoError(f"The warehouse cannot be reached: {str(error).strip()}.") from None
    if not found[0]:
        raise DemoError(f"The user of WAREHOUSE_URL may not become {role}: grant {role} to that user.")
    return make_conninfo(**{**parameters, "options": f"-c role={role}"})


def _ensure_login(connection: psycopg.Connection, name: str, role: str) -> str:
    login = f"demo_{name}"
    if connection.execute("select from pg_roles where rolname = %s", [login]).fetchone() is None:
        create = sql.SQL("create role {} login in role {}")
        connection.execute(create.format(sql.Identifier(login), sql.Identifier(role)))
    return login
