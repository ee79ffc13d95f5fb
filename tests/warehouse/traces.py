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


# A client is told by what it is, but for the name of a device, which goes and takes the key with it; a user by the hash
# that stays of an erased one's id.
STAND_INS = {
    "client_sk": "(select to_jsonb(c) - '{client_sk,device_name}'::text[] from dwh.client_dim as c "
    "where c.client_sk = t.client_sk)",
    "user_id": "to_jsonb(ops.user_hash(t.user_id))",
}


def figures(connection: psycopg.Connection) -> dict[str, set[str]]:
    """All that dwh and mart say, but for personal columns, places in the order of versions, and how long a row held."""
    personal: dict[str, list[str]] = {}
    for relation, column in connection.execute("select relation, column_name from ops.personal_column").fetchall():
        personal.setdefault(relation, []).append(column)
    tables = connection.execute(
        "select c.relnamespace::regnamespace::text, c.relname, array_agg(a.attname::text) from pg_class as c "
        "inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped "
        "where c.relnamespace::regnamespace::text in ('dwh', 'mart') and c.relkind in ('r', 'm') group by 1, 2"
    ).fetchall()
    told = {}
    for schema, name, columns in tables:
        left_out = [*PLACES, *personal.get(name, [])]
        if name == "customer_dim":
            # stretches that differed in personal columns alone are one
            left_out += ["customer_sk", "valid_from", "valid_to", "is_current", "deleted_at"]
        whole = "to_jsonb(t) - %s::text[]" + "".join(
            f" || jsonb_build_object('{column}', {instead})"
            for column, instead in STAND_INS.items()
            if column in columns
        )
        query = sql.SQL("select ({})::text from {} as t").format(sql.SQL(whole), sql.Identifier(schema, name))
        told[f"{schema}.{name}"] = {row[0] for row in connection.execute(query, [left_out])}
    connection.rollback()
    return told
