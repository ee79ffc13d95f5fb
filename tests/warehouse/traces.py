"""What a warehouse still holds of a person, and what it says of everything else: for tests of erasure."""

from collections.abc import Sequence

import psycopg
from psycopg import sql

PLACES = ["version_at", "version_rank", "version_order", "links_at", "links_rank", "links_order"]


def rows_with(connection: psycopg.Connection, words: Sequence[str], schemas: Sequence[str]) -> dict[str, int]:
    """Rows that hold one of the words, of every table and view of these schemas that does, in columns that the
    connection's role may read."""
    names = connection.execute(
        """
        select c.relnamespace::regnamespace::text, c.relname, array_agg(a.attname::text)
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        where
            c.relnamespace::regnamespace::text = any(%s)
            and c.relkind in ('r', 'v', 'm')
            and has_schema_privilege(c.relnamespace, 'usage')
            and has_column_privilege(c.oid, a.attnum, 'select')
        group by c.relnamespace, c.relname
        """,
        [list(schemas)],
    ).fetchall()
    found = {}
    for *name, columns in names:
        query = sql.SQL("select count(*) from (select {} from {}) as t where lower(t::text) like any(%s)").format(
            sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(*name)
        )
        row = connection.execute(query, [[f"%{word.lower()}%" for word in words]]).fetchone()
        if row and row[0]:
            found[".".join(name)] = row[0]
    connection.rollback()
    return found


def figures(connection: psycopg.Connection) -> dict[str, set[str]]:
    """All that dwh and mart say, but for personal columns, places in the order of versions, and how long a row held."""
    personal: dict[str, list[str]] = {}
    for relation, column in connection.execute("select relation, column_name from ops.personal_column").fetchall():
        personal.setdefault(relation, []).append(column)
    names = connection.execute(
        "select relnamespace::regnamespace::text, relname from pg_class "
        "where relnamespace::regnamespace::text in ('dwh', 'mart') and relkind in ('r', 'm')"
    ).fetchall()
    told = {}
    for schema, name in names:
        left_out = [*PLACES, *personal.get(name, [])]
        if name == "customer_dim":
            # stretches that differed in personal columns alone are one
            left_out += ["customer_sk", "valid_from", "valid_to", "is_current", "deleted_at"]
        if name in ("client_dim", "user_first_install_fact", "user_acquisition"):
            # what people call their device goes, and with it the client that it tells apart
            left_out += ["client_sk", "device_name"]
        query = sql.SQL("select (to_jsonb(t) - %s::text[])::text from {} as t").format(sql.Identifier(schema, name))
        told[f"{schema}.{name}"] = {row[0] for row in connection.execute(query, [left_out])}
    connection.rollback()
    return told
