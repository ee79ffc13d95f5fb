"""The house rules of the SQL, read from the files and from the database's own catalog."""

import re
from pathlib import Path

import psycopg
import pytest
import sqlglot
from sqlglot import exp

from tallyhouse.migrations import read_repeatables
from tallyhouse.objects import LISTED, MODELS, OBJECTS, Model
from tallyhouse.warehouse import mart_upstream

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"
LAYERS = ["raw", "staging", "dwh", "mart"]
READS = {
    "staging": ["raw", "staging"],
    "dims": ["staging", "dwh"],
    "facts": ["staging", "dwh"],
    "marts": ["dwh", "mart"],
    "queues": ["raw", "staging", "dwh"],
}
"""Folder -> layers that its files may read; ops is open to all. Models read in dwh what the registry says."""

FILES = [path for folder in READS for path in sorted((SQL_ROOT / folder).glob("*.sql"))]


def tables(path: Path) -> set[tuple[str, str]]:
    """(schema, name) of every relation that a file names in its queries, from the parsed SQL."""
    text = path.read_text()
    bodies = re.findall(r"\bas \$\$(.*?)\$\$", text, re.DOTALL) or [text]
    found = set()
    for body in bodies:
        for statement in sqlglot.parse(body.replace(" on commit drop", ""), dialect="postgres"):
            if statement is None or isinstance(statement, exp.Comment):
                continue
            assert not isinstance(statement, exp.Command), f"not understood: {statement.sql()[:80]}"
            found |= {(table.db, table.name) for table in statement.find_all(exp.Table) if table.db}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_file_reads_only_its_own_layer_and_those_before(path: Path) -> None:
    allowed = {*READS[path.parent.name], "ops"}
    own = ("dwh" if path.parent.name in ("dims", "facts") else "", path.stem)
    strangers = {
        f"{schema}.{name}" for schema, name in tables(path) - {own} if schema not in allowed and schema in LAYERS
    }
    assert not strangers


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_model_reads_in_dwh_what_the_registry_names_upstream(model: Model) -> None:
    read = {name for schema, name in tables(SQL_ROOT / model.sql_file) if schema == "dwh"} - {model.name}
    assert read == set(model.upstream)
    begins = re.search(r"upstream => '\{(.*?)\}'", (SQL_ROOT / model.sql_file).read_text())
    assert set(begins.group(1).split(",") if begins else []) == set(model.upstream)


def test_registry_and_model_files_agree() -> None:
    files = {
        f"{folder}/{path.name}" for folder in ("dims", "facts", "queues") for path in (SQL_ROOT / folder).glob("*")
    }
    assert {model.sql_file for model in MODELS} == files


def test_upstream_models_come_first_in_the_registry() -> None:
    seen: set[str] = set()
    for model in MODELS:
        assert seen.issuperset(model.upstream), model.name
        seen.add(model.name)


def test_every_listed_object_has_a_typed_reading() -> None:
    functions = {path.stem for path in (SQL_ROOT / "staging").glob("*.sql")}
    assert set(LISTED) <= functions
    assert len({item.name for item in OBJECTS}) == len(OBJECTS)


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SQL_ROOT.rglob("*.sql")) if path.parent.name in ("dims", "facts", "marts", "queues")],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_file_begins_with_its_grain(path: Path) -> None:
    assert path.read_text().startswith("/* Grain: one ")


def test_file_stem_is_the_relation(warehouse: str) -> None:
    schemas = {"dims": "dwh", "facts": "dwh", "marts": "mart"}
    with psycopg.connect(warehouse) as connection:
        existing = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select relnamespace::regnamespace::text, relname from pg_class where relkind in ('r', 'v', 'm')"
            )
        }
    for folder, schema in schemas.items():
        for path in (SQL_ROOT / folder).glob("*.sql"):
            assert f"{schema}.{path.stem}" in existing


def test_every_schema_table_view_column_and_function_has_a_comment(each_warehouse: str) -> None:
    with psycopg.connect(each_warehouse) as connection:
        missing = connection.execute(
            """
            with ours as (
                select oid, nspname from pg_namespace where nspname in ('raw', 'staging', 'dwh', 'mart', 'ops')
            )
            select nspname from ours where obj_description(oid, 'pg_namespace') is null
            union all
            select c.oid::regclass::text
            from pg_class c inner join ours on c.relnamespace = ours.oid
            where c.relkind in ('r', 'p', 'v', 'm') and obj_description(c.oid, 'pg_class') is null
            union all
            select c.oid::regclass::text || '.' || a.attname
            from pg_class c inner join ours on c.relnamespace = ours.oid
            inner join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
                and col_description(c.oid, a.attnum) is null
            union all
            select p.oid::regprocedure::text
            from pg_proc p inner join ours on p.pronamespace = ours.oid
            where obj_description(p.oid, 'pg_proc') is null
            """
        ).fetchall()
    assert missing == []


def test_every_materialized_view_has_a_unique_index_and_refreshes_concurrently(each_warehouse: str) -> None:
    names = mart_upstream(SQL_ROOT)
    assert len(names) >= 6
    with psycopg.connect(each_warehouse, autocommit=True) as connection:
        for name in names:
            connection.execute(f"refresh materialized view concurrently mart.{name}")


def test_marts_come_after_those_that_they_read() -> None:
    seen: set[str] = set()
    for name, upstream in mart_upstream(SQL_ROOT).items():
        assert seen.issuperset(upstream)
        seen.add(name)


def test_every_repeatable_file_defines_the_relation_that_it_is_named_after() -> None:
    for file in read_repeatables(SQL_ROOT):
        assert re.search(rf"create (materialized view|view|function) {file.schema}\.{file.relation}\b", file.text), (
            file.name
        )


def test_the_checks_on_history_see_every_dimension_that_has_one(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        with_history = {
            name
            for (name,) in connection.execute(
                "select table_name from information_schema.columns "
                "where table_schema = 'dwh' and column_name = 'valid_from'"
            )
        }
    text = (SQL_ROOT / "ops" / "dim_history.sql").read_text()
    assert set(re.findall(r"from dwh\.(\w+)", text)) == with_history
