"""Writes docs/data-model.md from the database's own catalog and comments: what there is, its grain, keys and sources.

`python -m docs.data_model` (`make docs`) writes it from an empty warehouse on a PostgreSQL of its own.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psycopg

from bench.warehouse import SQL_ROOT, bench_warehouse
from tallyhouse.objects import MODELS, OBJECTS, Model

PATH = Path(__file__).parent / "data-model.md"

_OWNERS = ("account_id", "livemode")
"""Columns that every key of Stripe's begins with."""

_EVERYWHERE = ("currency_dim", "date_dim")
"""What nearly every table refers to: drawn, it would hide the rest."""

_SCHEMAS = {
    "mart": "What analysts read, refreshed after each load.",
    "dwh": "Dimensions and facts: a function of the set of raw rows.",
    "staging": "One history of every object, and typed readings of the kinds that have no table of their own.",
    "raw": "What Stripe sent, append-only but for erasures.",
    "ops": "The pipeline's own books.",
}

_RELATIONS = """
select
    n.nspname,
    c.relname,
    case c.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
    coalesce(obj_description(c.oid, 'pg_class'), ''),
    (
        select array_agg(a.attname::text order by k.place)
        from pg_index as i
        cross join unnest(i.indkey) with ordinality as k (attnum, place)
        inner join pg_attribute as a on i.indrelid = a.attrelid and k.attnum = a.attnum
        where i.indrelid = c.oid and i.indisunique and i.indpred is null
        group by i.indexrelid, i.indisprimary
        order by i.indisprimary desc, i.indexrelid
        limit 1
    )
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
order by array_position(%s, n.nspname::text), c.relname
"""
_COLUMNS = """
select
    a.attrelid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum)
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = any(%s) and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
    and a.attnum > 0 and not a.attisdropped
order by a.attrelid, a.attnum
"""


@dataclass(frozen=True)
class Column:
    """One column, its type as PostgreSQL writes it, and its comment."""

    name: str
    type_name: str
    comment: str


@dataclass(frozen=True)
class Relation:
    """One table or view. `key`: the columns of its primary key or first unique index, empty for plain views."""

    schema: str
    name: str
    kind: str
    comment: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def own_key(self) -> str | None:
        """The column by which others name a row of it: the one of its key that is no owner and no time."""
        rest = [name for name in self.key if name not in _OWNERS and name != "valid_from"]
        return rest[0] if len(rest) == 1 else None


def read_relations(connection: psycopg.Connection) -> list[Relation]:
    """Every table and view of the warehouse, by schema (marts first) and name."""
    schemas = list(_SCHEMAS)
    columns: dict[str, list[Column]] = {}
    for relation, name, type_name, comment in connection.execute(_COLUMNS, [schemas]):
        columns.setdefault(relation, []).append(Column(name, type_name, comment or ""))
    return [
        Relation(schema, name, kind, comment, tuple(key or ()), tuple(columns[f"{schema}.{name}"]))
        for schema, name, kind, comment, key in connection.execute(_RELATIONS, [schemas, schemas])
    ]


def source_objects(text: str) -> list[str]:
    """The kinds of Stripe objects that a model's file names, and those they are read from inside of, as registered."""
    named = set(re.findall(r"[\w.]+", " ".join(re.findall(r"'([^']*)'", re.sub(r"--[^\n]*|/\*.*?\*/", "", text)))))
    readings = set(re.findall(r"kinds_of\('(\w+)'\)", text))
    named |= {item.name for item in OBJECTS if item.reading in readings}
    if "documents_in_batch" in text:
        places = re.findall(r"\(\s*'([\w.]+)',\s*'(\w+)',\s*'\$", (SQL_ROOT / "staging" / "nesting.sql").read_text())
        named |= {parent for parent, child in places if child in named}
    return [item.name for item in OBJECTS if item.name in named]


def references(relations: Sequence[Relation]) -> Iterator[tuple[Relation, Relation, str]]:
    """(from, to, column): a column of dwh that holds the key of another table of dwh, by its name."""
    tables = [relation for relation in relations if relation.schema == "dwh"]
    owners: dict[str, Relation] = {}
    for table in tables:
        # of two tables with one key, the one that is named after it
        if table.own_key and (table.own_key not in owners or table.name.startswith(table.own_key.removesuffix("_id"))):
            owners[table.own_key] = table
    # a name may end like a key and be that of another kind: customer_balance_transaction_id
    kinds = {f"{item.reading}_id" for item in OBJECTS}
    for table in tables:
        for column in table.columns:
            for key, owner in owners.items():
                is_role = column.name.endswith(f"_{key}") and column.name not in kinds
                names_it = column.name == key or (is_role and column.name not in owners)
                if names_it and owner is not table:
                    yield table, owner, column.name


def render(connection: psycopg.Connection, sql_root: Path) -> str:
    """The document, Markdown with a Mermaid diagram; the same database always gives the same text."""
    relations = read_relations(connection)
    models = {model.name: model for model in MODELS}
    sources = {name: source_objects((sql_root / model.sql_file).read_text()) for name, model in models.items()}
    parts = [
        dedent(
            """\
            # Data model

            Generated by `make docs` from the database's own catalog and comments: edit those, not this file.

            Keys of what comes from Stripe begin with `account_id` and `livemode`. Amounts are in the currency's minor
            unit (`dwh.currency_dim` has the decimals), times are UTC instants. There are no foreign keys, since objects
            arrive in any order: a check counts the references that lead nowhere.

            """
        )
    ]
    for schema, purpose in _SCHEMAS.items():
        own = [relation for relation in relations if relation.schema == schema]
        parts.append(f"- [`{schema}`](#{schema}): {purpose} {len(own)} tables and views.\n")
    parts.append("\n## Dimensions and facts\n\n" + _diagram(relations))
    for schema, purpose in _SCHEMAS.items():
        parts.append(f"\n## {schema}\n\n{purpose}\n")
        for relation in relations:
            if relation.schema == schema:
                model = models.get(relation.name) if schema == "dwh" else None
                parts.append(_section(relation, model, sources))
    return "".join(parts)


def _section(relation: Relation, model: Model | None, sources: Mapping[str, list[str]]) -> str:
    lines = [f"\n### {relation.schema}.{relation.name}\n\n{_text(relation.comment)}\n"]
    facts = [f"a {relation.kind}"]
    if relation.key:
        facts.append("key " + ", ".join(f"`{name}`" for name in relation.key))
    if model is not None:
        if sources[model.name]:
            facts.append("from Stripe's " + ", ".join(f"`{name}`" for name in sources[model.name]))
        if model.upstream:
            facts.append("reads " + ", ".join(f"`{name}`" for name in model.upstream))
    facts[0] = facts[0].capitalize()
    lines.append("\n" + "; ".join(facts) + ".\n\n| column | type | |\n|---|---|---|\n")
    lines += [f"| `{column.name}` | {column.type_name} | {_text(column.comment)} |\n" for column in relation.columns]
    return "".join(lines)


def _diagram(relations: Sequence[Relation]) -> str:
    """An entity diagram of schema dwh: each table with its key, each reference with the column that holds it."""
    lines = [
        "Not drawn: every `currency` is one of `currency_dim`, every `date_sk` one of `date_dim`.\n\n",
        "```mermaid\nerDiagram\n",
    ]
    for relation in relations:
        if relation.schema == "dwh" and relation.name not in _EVERYWHERE:
            key = [name for name in relation.key if name not in _OWNERS]
            types = {column.name: column.type_name.split(" ")[0] for column in relation.columns}
            rows = "".join(f"        {types[name]} {name} PK\n" for name in key)
            lines.append(f"    {relation.name} {{\n{rows}    }}\n")
    drawn: dict[tuple[str, str], list[str]] = {}
    for table, owner, column in references(relations):
        if owner.name not in _EVERYWHERE:
            drawn.setdefault((owner.name, table.name), []).append(column)
    for (owner_name, name), columns in drawn.items():
        lines.append(f'    {owner_name} |o--o{{ {name} : "{", ".join(columns)}"\n')
    lines.append("```\n")
    return "".join(lines)


def _text(comment: str) -> str:
    return comment.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Writes the document beside this file."""
    with bench_warehouse() as conninfo, psycopg.connect(conninfo) as connection:
        PATH.write_text(render(connection, SQL_ROOT))


if __name__ == "__main__":
    main()
