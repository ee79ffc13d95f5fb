"""The embedded server starts, keeps its data, and survives what a crash leaves."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from demo.errors import DemoError
from demo.postgres import EmbeddedPostgres
from demo.preflight import check_warehouse
from demo.roles import conninfo_as
from tallyhouse.roles import ensure_roles


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("local") / "postgres")
    server.start()
    yield server
    server.stop()


def _value(server: EmbeddedPostgres, query: str, database: str = "warehouse") -> object:
    with psycopg.connect(make_conninfo(**server.parameters(database))) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


def test_it_is_version_18_and_listens_on_no_address(server: EmbeddedPostgres) -> None:
    assert str(_value(server, "show server_version", "postgres")).startswith("18.")
    assert _value(server, "show listen_addresses", "postgres") == ""


def test_its_configuration_is_in_force(server: EmbeddedPostgres) -> None:
    assert _value(server, "show max_connections", "postgres") == "150"


def test_a_database_is_created_once(server: EmbeddedPostgres) -> None:
    assert server.ensure_database("once")
    assert not server.ensure_database("once")


def test_a_program_that_has_the_number_of_a_crashed_server_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n1\n5432\n\n\n\nready\n")
    assert not EmbeddedPostgres(tmp_path).stop()  # which would interrupt this test
    assert not (tmp_path / "postmaster.pid").exists()


def test_data_survives_a_restart_after_a_crash_with_a_reused_process_number(server: EmbeddedPostgres) -> None:
    server.ensure_database("warehouse")
    with psycopg.connect(make_conninfo(**server.parameters("warehouse"))) as connection:
        connection.execute("create table kept as select 42 as answer")
    server.stop()
    # After a crash of the machine the file stays, and its number may be that of any program: of this one.
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n1\n5432\n\n\n\nready\n")
    server.start()
    assert _value(server, "select answer from kept") == 42


def test_parameters_of_a_server_that_does_not_run_say_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match="make demo"):
        EmbeddedPostgres(tmp_path / "postgres").parameters("warehouse")


def test_a_warehouse_that_is_not_there_is_reported_without_its_password() -> None:
    with pytest.raises(DemoError, match="WAREHOUSE_URL") as caught:
        check_warehouse("postgresql://me:hush-hush@127.0.0.1:1/none")
    assert "hush-hush" not in str(caught.value)


def test_a_user_who_may_not_create_schemas_is_told_the_grant(server: EmbeddedPostgres) -> None:
    server.ensure_database("foreign")
    with psycopg.connect(make_conninfo(**server.parameters("foreign"))) as connection:
        connection.execute("create role reader login")
    parameters = server.parameters("foreign") | {"user": "reader"}
    with pytest.raises(DemoError, match="grant create on database foreign"):
        check_warehouse(make_conninfo(**parameters))


def test_a_user_who_may_not_create_roles_is_told_what_to_have_run(server: EmbeddedPostgres) -> None:
    with psycopg.connect(make_conninfo(**server.parameters("postgres")), autocommit=True) as connection:
        connection.execute("create role owner_only login")
        connection.execute("create database theirs owner owner_only")
    url = make_conninfo(**(server.parameters("theirs") | {"user": "owner_only"}))
    with pytest.raises(DemoError, match='create role "tallyhouse_loader"'):
        check_warehouse(url)


def test_psql_before_the_first_run_says_what_makes_the_roles(server: EmbeddedPostgres) -> None:
    with pytest.raises(DemoError, match="no role tallyhouse_analyst yet"):
        conninfo_as("analyst", server.parameters("postgres"), is_own=True)


@pytest.mark.parametrize("is_own", [True, False], ids=["its own login", "the role of the user's login"])
def test_psql_is_the_role_that_was_asked_for(server: EmbeddedPostgres, is_own: bool) -> None:
    server.ensure_database("migrated")
    parameters = server.parameters("migrated")
    with psycopg.connect(make_conninfo(**parameters)) as connection:
        ensure_roles(connection)
    for _ in range(2):
        with psycopg.connect(conninfo_as("pii", parameters, is_own=is_own)) as connection:
            who = connection.execute("select current_user, pg_has_role('tallyhouse_pii', 'usage')").fetchone()
    assert who == ("demo_pii" if is_own else "tallyhouse_pii", True)


def test_a_warehouse_that_can_be_used_passes(server: EmbeddedPostgres) -> None:
    server.ensure_database("mine")
    url = make_conninfo(**server.parameters("mine"))
    check_warehouse(url)
    # as it said, schemas can be made there; and it made none itself
    own = "select array_agg(nspname::text order by 1) from pg_namespace where nspname !~ '^(pg_|information_schema)'"
    assert _value(server, own, "mine") == ["public"]
    with psycopg.connect(url) as connection:
        connection.execute("create schema raw")
    assert _value(server, own, "mine") == ["public", "raw"]
