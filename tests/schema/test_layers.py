"""The house rules of the SQL, read from the files and from the database's own catalog."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlglot
from sqlglot import exp

from tallyhouse.migrations import read_repeatables
from tallyhouse.objects import MODELS, OBJECTS, Model
from tallyhouse.warehouse import mart_upstream

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"
LAYERS = ["raw", "staging", "dwh", "mart"]
READS = {
    "staging": ["raw", "staging"],
    "dims": ["staging", "dwh"],
    "facts": ["staging", "dwh"],
    "records": ["raw", "staging", "dwh"],
    "marts": ["dwh", "mart"],
}
"""Folder -> layers that its files may read; ops is open to all. Models read in dwh what the registry says."""

FILES = [path for folder in READS for path in sorted((SQL_ROOT / folder).glob("*.sql"))]


def statements(path: Path) -> Iterator[exp.Expression]:
    """The queries of a file, parsed: of its functions' bodies too."""
    text = path.read_text()
    bodies = re.findall(r"\bas \$\$(.*?)\$\$", text, re.DOTALL)
    # a view beside the function that reads its documents, or no function at all
    bodies.append(re.sub(r"create function .*?\$\$.*?\$\$;\n(comment on function .*?';\n)?", "", text, flags=re.DOTALL))
    for body in bodies:
        for statement in sqlglot.parse(body.replace(" on commit drop", ""), dialect="postgres"):
            if statement is None or isinstance(statement, exp.Comment):
                continue
            assert not isinstance(statement, exp.Command), f"not understood: {statement.sql()[:80]}"
            yield statement


def tables(path: Path) -> set[tuple[str, str]]:
    """(schema, name) of every relation that a file names in its queries, from the parsed SQL."""
    return {
        (table.db, table.name) for statement in statements(path) for table in statement.find_all(exp.Table) if table.db
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_file_reads_only_its_own_layer_and_those_before(path: Path) -> None:
    allowed = {*READS[path.parent.name], "ops"}
    own = ({"dims": "dwh", "facts": "dwh", "records": "ops"}.get(path.parent.name, ""), path.stem)
    strangers = {
        f"{schema}.{name}" for schema, name in tables(path) - {own} if schema not in allowed and schema in LAYERS
    }
    assert not strangers


# Where whole documents are: columns of the raw layer and of staging, and parameters of what reads one.
DOCUMENTS = {"body", "payload", "document"}


def openings(statement: exp.Expression) -> Counter[tuple[int, str]]:
    """How often a statement looks into each document, by (the select that it comes from, its name)."""
    found: Counter[tuple[int, str]] = Counter()
    for column in statement.find_all(exp.Column):
        # passed on as it is, it stays closed
        is_opened = not isinstance(column.parent, (exp.Select, exp.Alias))
        if column.name in DOCUMENTS and is_opened:
            found[id(origin_of(column)), column.sql()] += 1
    return found


def origin_of(column: exp.Column) -> exp.Expression:
    """The select whose relation a column is of; of a bare name, which may be a parameter, the whole branch."""
    select = column.find_ancestor(exp.Select)
    assert select
    while isinstance(outer := select.find_ancestor(exp.Select, exp.SetOperation, exp.CTE), exp.Select):
        relations = [select.args.get("from_"), *select.args.get("joins", []), *select.args.get("laterals", [])]
        if column.table in {relation.alias_or_name for relation in relations if relation}:
            break
        select = outer
    return select


def test_two_operators_on_one_document_open_it_twice_and_passing_it_on_does_not() -> None:
    query = "select v.body, v.body -> 'a' as a from v cross join lateral read(v.body) as r where r.b = 'c'"
    assert list(openings(sqlglot.parse_one(query, dialect="postgres")).values()) == [2]


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.parent.name in ("staging", "dims", "facts")],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_no_query_opens_a_document_twice(path: Path) -> None:
    opened = [entry for statement in statements(path) for entry in openings(statement).items()]
    assert [name for (_, name), times in opened if times > 1] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_model_reads_in_dwh_what_the_registry_names_upstream(model: Model) -> None:
    read = {name for schema, name in tables(SQL_ROOT / model.sql_file) if schema == "dwh"} - {model.name}
    assert read == set(model.upstream)
    begins = re.search(r"upstream => '\{(.*?)\}'", (SQL_ROOT / model.sql_file).read_text(), re.DOTALL)
    assert set(re.split(r",\s*", begins.group(1)) if begins else []) == set(model.upstream)


def test_registry_and_model_files_agree() -> None:
    folders = ("dims", "facts", "records")
    files = {f"{folder}/{path.name}" for folder in folders for path in (SQL_ROOT / folder).glob("*")}
    assert {model.sql_file for model in MODELS} == files


def test_upstream_models_come_first_in_the_registry() -> None:
    seen: set[str] = set()
    for model in MODELS:
        assert seen.issuperset(model.upstream), model.name
        seen.add(model.name)


def readings(connection: psycopg.Connection) -> set[str]:
    """Names of the functions of schema staging that read a document: jsonb in, typed columns out."""
    query = """
        select proname
        from pg_proc
        where pronamespace = 'staging'::regnamespace and proretset and proargtypes::regtype[]::text = '[0:0]={jsonb}'
    """
    return {name for (name,) in connection.execute(query)}


def test_the_registry_names_each_object_once() -> None:
    assert len({item.name for item in OBJECTS}) == len(OBJECTS)


def test_every_object_of_the_registry_has_a_reading_and_every_reading_is_of_one(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        assert readings(connection) == {item.reading for item in OBJECTS}


def test_every_reading_is_used_by_a_model_or_has_a_view_of_its_own(warehouse: str) -> None:
    models = "".join((SQL_ROOT / model.sql_file).read_text() for model in MODELS)
    used = {one or other for one, other in re.findall(r"staging\.(\w+)\(|read_touched\('(\w+)'\)", models)}
    with psycopg.connect(warehouse) as connection:
        views = {
            name
            for (name,) in connection.execute(
                "select relname from pg_class where relnamespace = 'staging'::regnamespace and relkind = 'v'"
            )
        }
        assert readings(connection) - used == readings(connection) & views


def test_the_database_knows_what_the_registry_says_of_readings(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        aliases = connection.execute("select object_type, reading from staging.reads_as").fetchall()
        assert sorted(aliases) == sorted((item.name, item.reads_as) for item in OBJECTS if item.reads_as)
        for item in OBJECTS:
            assert connection.execute("select staging.reading(%s)", [item.name]).fetchone() == (item.reading,)
        for reading in {item.reading for item in OBJECTS}:
            kinds = {kind for (kind,) in connection.execute("select staging.kinds_of(%s)", [reading])}
            assert kinds == {item.name for item in OBJECTS if item.reading == reading} | {reading}


def test_what_no_model_reads_is_read_by_the_model_of_the_views(warehouse: str) -> None:
    views = {path.stem for path in (SQL_ROOT / "staging").glob("*.sql") if "create view" in path.read_text()}
    with psycopg.connect(warehouse) as connection:
        found = connection.execute("select object_type, reading from ops.staging_view").fetchall()
    assert sorted(found) == sorted((item.name, item.reading) for item in OBJECTS if item.reading in views)


def test_every_view_of_one_kind_shows_the_kind_that_the_registry_names() -> None:
    kinds = {item.reading: item.name for item in OBJECTS}
    texts = {path.stem: path.read_text() for path in (SQL_ROOT / "staging").glob("*.sql") if path.stem in kinds}
    views = {stem: text for stem, text in texts.items() if "create view" in text}
    assert len(views) >= 8
    for stem, text in views.items():
        assert f"where latest.object_type = '{kinds[stem]}';" in text
        assert f"latest.object_id as {stem}_id," in text


# The contract: other programs rely on these names.
TABLES = """
    ad_spend_fact balance_transaction_fact channel_dim charge_fact client_dim coupon_dim credit_note_fact currency_dim
    customer_dim date_dim dispute_fact invoice_fact invoice_line_fact invoice_payment_fact mrr_change_fact
    payment_intent_fact payment_method_dim payout_fact price_dim product_dim refund_fact subscription_dim
    subscription_item_dim transaction_fact user_dim user_first_install_fact
"""


def test_every_table_of_the_contract_is_there(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        tables = {
            name
            for (name,) in connection.execute(
                "select relname from pg_class where relnamespace = 'dwh'::regnamespace and relkind in ('r', 'v')"
            )
        }
    assert tables >= set(TABLES.split())
    assert {model.name for model in MODELS if model.schema == "dwh"} == tables


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(SQL_ROOT.rglob("*.sql")) if path.parent.name in ("dims", "facts", "records", "marts")],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_file_begins_with_its_grain(path: Path) -> None:
    assert path.read_text().startswith("/* Grain: one ")


def test_file_stem_is_the_relation_or_the_function(warehouse: str) -> None:
    schemas = {"dims": "dwh", "facts": "dwh", "records": "ops", "marts": "mart"}
    with psycopg.connect(warehouse) as connection:
        existing = {
            f"{schema}.{name}"
            for schema, name in connection.execute(
                "select relnamespace::regnamespace::text, relname from pg_class where relkind in ('r', 'v', 'm') "
                "union select pronamespace::regnamespace::text, proname from pg_proc"
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
        kind = "(materialized view|view|function|aggregate)"
        assert re.search(rf"create {kind} {file.schema}\.{file.relation}\b", file.text), file.name


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
