"""The migration runner: once, hash-checked, views re-created with their dependents, all or nothing."""

import re
import shutil
import threading
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tallyhouse.migrations import MigrationError, MigrationReport, migrate
from tallyhouse.warehouse import mart_upstream

SQL_ROOT = Path(__file__).parents[2] / "include" / "sql"


@pytest.fixture
def sql_root(tmp_path: Path) -> Path:
    """A small project of its own: a table, a function on it, and two views, one upon the other."""
    files = {
        "migrations/0001_layers.sql": "create schema mart; create table mart.sale (amount integer);",
        "marts/sales.sql": "create materialized view mart.sales as select sum(amount) as total from mart.sale;",
        "marts/best.sql": "create view mart.best as select max(total) as total from mart.sales;",
        "marts/apart.sql": "create view mart.apart as select 1 as one;",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def run(conninfo: str, sql_root: Path) -> MigrationReport:
    with psycopg.connect(conninfo) as connection:
        return migrate(connection, sql_root)


def scalar(conninfo: str, query: str) -> object:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_first_run_applies_everything_and_second_run_nothing(empty_database: str, sql_root: Path) -> None:
    first = run(empty_database, sql_root)
    assert first.applied == ("migrations/0001_layers.sql",)
    assert set(first.recreated) == {"marts/apart.sql", "marts/best.sql", "marts/sales.sql"}
    assert first.recreated.index("marts/sales.sql") < first.recreated.index("marts/best.sql")
    assert run(empty_database, sql_root) == MigrationReport()


def test_edited_migration_is_an_error_that_names_it(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    (sql_root / "migrations/0001_layers.sql").write_text("create schema mart;")
    with pytest.raises(MigrationError, match=r"migrations/0001_layers\.sql was edited"):
        run(empty_database, sql_root)


def test_missing_applied_migration_is_an_error_that_names_it(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    (sql_root / "migrations/0001_layers.sql").unlink()
    with pytest.raises(MigrationError, match=r"0001_layers\.sql was applied .* but the file is gone"):
        run(empty_database, sql_root)


def test_two_migrations_with_one_number_are_refused(empty_database: str, sql_root: Path) -> None:
    (sql_root / "migrations/0001_other.sql").write_text("select 1;")
    with pytest.raises(MigrationError, match="number 0001"):
        run(empty_database, sql_root)


def test_new_migration_below_an_applied_one_is_refused_and_both_are_named(empty_database: str, sql_root: Path) -> None:
    (sql_root / "migrations/0003_later.sql").write_text("create table mart.later (a integer);")
    run(empty_database, sql_root)
    (sql_root / "migrations/0002_between.sql").write_text("create table mart.between (a integer);")
    with pytest.raises(MigrationError, match=r"0002_between\.sql is new, but migrations/0003_later\.sql has been"):
        run(empty_database, sql_root)
    assert scalar(empty_database, "select to_regclass('mart.between')") is None


def test_failing_file_changes_nothing_and_is_named(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    (sql_root / "migrations/0002_table.sql").write_text("create table mart.lost (a integer);")
    (sql_root / "migrations/0003_broken.sql").write_text("create table mart.broken (a nonsense);")
    with pytest.raises(MigrationError, match=r"0003_broken\.sql failed, and nothing was changed"):
        run(empty_database, sql_root)
    assert scalar(empty_database, "select to_regclass('mart.lost')") is None


def test_changed_view_is_recreated_with_its_dependents_only(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    (sql_root / "marts/sales.sql").write_text(
        "create materialized view mart.sales as select count(*) as total, 7 as extra from mart.sale;"
    )
    report = run(empty_database, sql_root)
    assert report.recreated == ("marts/sales.sql", "marts/best.sql")
    assert scalar(empty_database, "select extra from mart.sales") == 7
    assert scalar(empty_database, "select total from mart.best") == 0


def test_removed_view_is_dropped(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    (sql_root / "marts/apart.sql").unlink()
    assert run(empty_database, sql_root).dropped == ("marts/apart.sql",)
    assert scalar(empty_database, "select to_regclass('mart.apart')") is None


def test_what_users_built_on_a_changed_view_is_not_dropped_but_named(empty_database: str, sql_root: Path) -> None:
    run(empty_database, sql_root)
    with psycopg.connect(empty_database) as connection:
        connection.execute("create view public.board as select total from mart.best")
    (sql_root / "marts/best.sql").write_text("create view mart.best as select 1 as total;")
    with pytest.raises(MigrationError, match="view board depends on"):
        run(empty_database, sql_root)
    assert scalar(empty_database, "select total from public.board") is None


def test_runs_at_the_same_time_wait_for_each_other(empty_database: str, sql_root: Path) -> None:
    reports: list[MigrationReport] = []
    threads = [threading.Thread(target=lambda: reports.append(run(empty_database, sql_root))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(report.applied) for report in reports) == [0, 0, 0, 1]


def test_an_untouched_warehouse_is_up_to_date(each_warehouse: str) -> None:
    assert run(each_warehouse, SQL_ROOT) == MigrationReport()


def test_views_are_filled_as_a_refresh_fills_them(each_warehouse: str) -> None:
    with psycopg.connect(each_warehouse) as connection:
        begun = connection.execute("select relation from ops.last_run").fetchall()
    assert {name for (name,) in begun} >= mart_upstream(SQL_ROOT).keys()


def test_every_repeatable_of_the_project_can_be_recreated(each_warehouse: str, tmp_path: Path) -> None:
    root = tmp_path / "sql"
    shutil.copytree(SQL_ROOT, root)
    for path in root.glob("staging/*.sql"):
        path.write_text(path.read_text() + "\n-- changed\n")
    report = run(each_warehouse, root)
    assert "staging/object_version.sql" in report.recreated
    assert not report.applied


def test_rates_from_before_files_had_any_keep_the_keys_that_the_next_load_gives_them(
    empty_database: str, tmp_path: Path
) -> None:
    (tmp_path / "migrations").mkdir()
    for path in (SQL_ROOT / "migrations").glob("*.sql"):
        if path.name < "0060":
            shutil.copy(path, tmp_path / "migrations")
    run(empty_database, tmp_path)
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "insert into dwh.fx_rate_fact values "
            "('acct_1', false, 'balance_transaction', 'txn_1', '2026-01-02', 'jpy', 'usd', 0.0067, now()), "
            "('acct_1', true, 'balance_transaction', 'txn_1', '2026-01-02', 'jpy', 'usd', 0.0067, now())"
        )
    run(empty_database, SQL_ROOT)
    (key,) = re.findall(r"staging\.surrogate_key\((.*)\) as", (SQL_ROOT / "facts" / "fx_rate_fact.sql").read_text())
    with psycopg.connect(empty_database) as connection:
        found = connection.execute(
            sql.SQL("select count(*), bool_and(fx_rate_sk = staging.surrogate_key({})) from dwh.fx_rate_fact").format(
                sql.SQL(key)
            )
        ).fetchone()
    assert found == (2, True)
