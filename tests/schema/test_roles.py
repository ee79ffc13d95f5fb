"""The roles: who may read what, tried by logging in as each; and how a warehouse gets them, on whose server ever."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from demo.postgres import psql_path
from tallyhouse.migrations import MigrationError, migrate
from tallyhouse.rebuild import rebuild
from tallyhouse.roles import missing_statements
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import ROOT, SQL_ROOT, PostgresServer
from tests.warehouse.raw_rows import Version, moment, stage, table_rows

PERSONAL = re.compile(
    r"(^|_)(name|email|mail|phone|address|ip|fingerprint|description|metadata|device|memo|note|text|last4|street|city"
    r"|postal|zip|birth|user|url)(_|$)"
)
HARMLESS = {
    "ad_spend_fact.adgroup_name": "of an ad",
    "ad_spend_fact.campaign_name": "of an ad",
    "channel_dim.channel_name": "of a channel",
    "client_dim.app_name": "of your app",
    "client_dim.device_name": "a model, as many people have it; what people call theirs is not for files",
    "client_dim.os_name": "of a system",
    "coupon_dim.metadata": "of what is sold",
    "coupon_dim.name": "of what is sold",
    "payout_fact.description": "of your own company's money",
    "payout_fact.metadata": "of your own company's money",
    "price_dim.metadata": "of what is sold",
    "product_dim.description": "of what is sold",
    "product_dim.metadata": "of what is sold",
    "product_dim.name": "of what is sold",
    "user_dim.user_id": "an id, which leads to no person outside the app; of an address a keyed hash",
    "user_first_install_fact.adgroup_name": "of an ad",
    "user_first_install_fact.campaign_name": "of an ad",
    "user_first_install_fact.creative_name": "of an ad",
    "user_first_install_fact.network_name": "of an ad network",
    "user_first_install_fact.user_id": "an id, which leads to no person outside the app; of an address a keyed hash",
}
"""Columns of dwh that look personal and are not, and why."""
HARMLESS_IN_MARTS = {
    "channel_name",
    "check_name",
    "os_name",
    "paying_user_ltv_minor",
    "product_name",
    "user_cost_minor",
    "user_cost_reporting_minor",
    "user_id",
}

LOGINS = {"ana": "tallyhouse_analyst", "pia": "tallyhouse_pii", "lou": "tallyhouse_loader"}
Connect = Callable[[str], psycopg.Connection]


def as_login(conninfo: str, login: str) -> psycopg.Connection:
    return psycopg.connect(make_conninfo(conninfo, user=login), autocommit=True)


@pytest.fixture
def connect(each_warehouse: str) -> Iterator[Connect]:
    """Logs into a fresh warehouse as one of LOGINS, each a real one with one role."""
    opened: list[psycopg.Connection] = []
    with psycopg.connect(each_warehouse, autocommit=True) as admin:
        for login, role in LOGINS.items():
            if admin.execute("select from pg_roles where rolname = %s", [login]).fetchone() is None:
                admin.execute(
                    sql.SQL("create role {} login in role {}").format(sql.Identifier(login), sql.Identifier(role))
                )

    def open_as(login: str) -> psycopg.Connection:
        opened.append(as_login(each_warehouse, login))
        return opened[-1]

    yield open_as
    for connection in opened:
        connection.close()


def columns(connection: psycopg.Connection) -> list[tuple[str, str, str]]:
    """(schema, relation, column) of everything in our schemas, by a superuser's or anybody's catalog."""
    return connection.execute(
        """
        select c.relnamespace::regnamespace::text, c.relname, a.attname
        from pg_class as c
        inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
        where c.relnamespace::regnamespace::text in ('raw', 'staging', 'dwh', 'mart', 'ops')
            and c.relkind in ('r', 'p', 'v', 'm')
        order by 1, 2, a.attnum
        """
    ).fetchall()


def readable(connection: psycopg.Connection) -> set[tuple[str, str, str]]:
    """The columns that the login can select, found by selecting each."""
    found = set()
    for schema, relation, column in columns(connection):
        query = sql.SQL("select {} from {} limit 0").format(sql.Identifier(column), sql.Identifier(schema, relation))
        try:
            connection.execute(query)
        except psycopg.errors.InsufficientPrivilege:
            continue
        found.add((schema, relation, column))
    return found


def personal(connection: psycopg.Connection) -> set[tuple[str, str, str]]:
    return {("dwh", *row) for row in connection.execute("select relation, column_name from ops.personal_column")}


FOR_FUNCTIONS = {"policy", "reported_mode"}


def test_an_analyst_reads_mart_and_dwh_without_personal_data_and_nothing_else(connect: Connect) -> None:
    ana, lou = connect("ana"), connect("lou")
    wanted = {
        column
        for column in columns(lou)
        if column[0] in ("dwh", "mart") or (column[0] == "ops" and column[1] in FOR_FUNCTIONS)
    }
    assert readable(ana) == wanted - personal(lou)
    assert len(personal(lou)) > 10


def test_pii_reads_the_personal_columns_too_and_nothing_else(connect: Connect) -> None:
    ana, pia, lou = connect("ana"), connect("pia"), connect("lou")
    assert readable(pia) - readable(ana) == personal(lou)


def test_the_list_names_columns_that_there_are(connect: Connect) -> None:
    lou = connect("lou")
    assert personal(lou) - set(columns(lou)) == set()


def test_an_analyst_can_call_what_analysts_call(connect: Connect) -> None:
    ana = connect("ana")
    months = "* from mart.asked_months(null, false, '2026-01-01', '2026-02-01', 'month', null)"
    sums = "dwh.whole_sum(net_minor) * dwh.gross_margin() from mart.revenue_daily"
    seen = ("* from dwh.subscribed_at(now())", "dwh.is_subscribed('u', now())", "* from dwh.reporting_rates()")
    for call in (*seen, months, sums):
        ana.execute(f"select {call}")


@pytest.mark.parametrize("login", ["ana", "pia"])
def test_nobody_but_the_loader_can_try_whose_a_hash_is(connect: Connect, login: str) -> None:
    call = "select ops.user_hash('anna@example.com')"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="erasure_key"):
        connect(login).execute(call)
    connect("lou").execute(call)


@pytest.mark.parametrize("login", ["ana", "pia"])
def test_who_reads_changes_nothing(connect: Connect, login: str) -> None:
    reader = connect(login)
    for change in (
        "delete from dwh.customer_dim",
        "update dwh.charge_fact set status = 'failed'",
        "update ops.policy set value = 'UTC'",
        "refresh materialized view mart.revenue_daily",
        "create table mart.mine (a integer)",
        "select ops.grant_roles()",
        "set role tallyhouse_loader",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(change)


def test_the_loader_asks_as_the_analyst_for_one_transaction(connect: Connect) -> None:
    lou = connect("lou")
    with lou.transaction():
        lou.execute("set local role tallyhouse_analyst")
        lou.execute("select * from mart.mrr_daily")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), lou.transaction():
            lou.execute("select email from dwh.customer_dim")
    lou.execute("select email from dwh.customer_dim")


def test_rights_follow_what_is_created_and_re_created(each_warehouse: str, connect: Connect, tmp_path: Path) -> None:
    link = tmp_path / "sql"
    link.mkdir()
    for path in SQL_ROOT.iterdir():
        (link / path.name).symlink_to(path)
    for folder in ("marts", "migrations", "ops"):
        (link / folder).unlink()
        (link / folder).mkdir()
        for path in (SQL_ROOT / folder).iterdir():
            (link / folder / path.name).symlink_to(path)
    (link / "migrations" / "9999_later.sql").write_text(
        "alter table dwh.client_dim add column owner_name text; create table dwh.later_dim (later_id text, note text);"
    )
    for name in ("marts/freshness.sql", "ops/personal_column.sql"):
        text = (
            (link / name)
            .read_text()
            .replace("('credit_note_fact', 'memo'", "('client_dim', 'owner_name', 'new'), ('credit_note_fact', 'memo'")
        )
        (link / name).unlink()
        (link / name).write_text(text + "\n-- changed\n")
    with psycopg.connect(each_warehouse) as admin:
        report = migrate(admin, link)
    assert {"marts/freshness.sql", "ops/personal_column.sql"} <= set(report.recreated)
    ana = connect("ana")
    assert columns_of(ana, "dwh", "client_dim") == {"client_sk", "os_name", "app_name", "app_version", "device_name"}
    assert columns_of(ana, "dwh", "later_dim") == {"later_id", "note"}
    assert "data_through" in columns_of(ana, "mart", "freshness")


def columns_of(connection: psycopg.Connection, schema: str, relation: str) -> set[str]:
    rows = connection.execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 "
        "and has_column_privilege(attrelid, attnum, 'select')",
        [f"{schema}.{relation}"],
    )
    return {name for (name,) in rows}


def test_a_column_that_looks_personal_is_in_the_list_or_said_to_be_harmless(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        named = {f"{relation}.{column}" for _, relation, column in personal(connection)}
        looks = {
            f"{relation}.{column}"
            for schema, relation, column in columns(connection)
            if schema == "dwh" and PERSONAL.search(column.removeprefix("credit_note_"))
        }
    assert looks - named == set(HARMLESS), "add a new one to ops.personal_column, or here with the reason"
    assert named & set(HARMLESS) == set()


# that no mart shows the values either is tested where a company is loaded: tests/end_to_end/test_erasure.py
def test_no_mart_has_a_column_that_looks_personal(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        looks = {column for schema, _, column in columns(connection) if schema == "mart" and PERSONAL.search(column)}
    assert looks <= HARMLESS_IN_MARTS


# A server on which nobody has made the roles yet, and its steps in their order.


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    folder = tmp_path_factory.mktemp("bare")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)  # as root, the server runs as a user of its own
    server = PostgresServer(16, folder / "16")
    yield server
    server.handle.cleanup()


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """A project of one migration: the roles come with any."""
    (tmp_path / "migrations").mkdir()
    (tmp_path / "migrations" / "0001_layers.sql").write_text("create schema mart;")
    return tmp_path


@pytest.fixture
def bare(bare_server: PostgresServer) -> Iterator[PostgresServer]:
    """The server without roles and without databases of anybody's."""
    yield bare_server
    with psycopg.connect(bare_server.conninfo("postgres"), autocommit=True) as admin:
        made = "select datname from pg_database where datname <> 'postgres' and not datistemplate"
        for (name,) in admin.execute(made).fetchall():
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
        for (name,) in admin.execute("select rolname from pg_roles where rolname !~ '^(pg_|postgres$)'").fetchall():
            admin.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(name)))


def owned_database(server: PostgresServer, login: str, may: str = "") -> str:
    """A new database whose owner is a new login with no other right than `may`."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL(f"create role {{}} login {may}").format(sql.Identifier(login)))
        admin.execute(sql.SQL("create database {0} owner {0}").format(sql.Identifier(login)))
    return make_conninfo(server.conninfo(login), user=login)


def test_a_login_that_may_create_roles_makes_them(bare: PostgresServer, small_root: Path) -> None:
    conninfo = owned_database(bare, "maker", "createrole")
    with psycopg.connect(conninfo) as connection:
        migrate(connection, small_root)
        assert missing_statements(connection) == []


def test_a_login_that_may_not_is_told_all_that_has_to_be_run_and_nothing_is_changed(
    bare: PostgresServer, small_root: Path
) -> None:
    conninfo = owned_database(bare, "plain")
    with psycopg.connect(conninfo) as connection:
        with pytest.raises(MigrationError, match=r"login plain may not set up the roles .* plain") as caught:
            migrate(connection, small_root)
        assert connection.execute("select to_regnamespace('mart'), to_regnamespace('ops')").fetchone() == (None, None)
    statements = str(caught.value).partition(": ")[2]
    with psycopg.connect(make_conninfo(conninfo, user="postgres"), autocommit=True) as admin:
        admin.execute(statements)
    with psycopg.connect(conninfo) as connection:
        assert migrate(connection, small_root).applied == ("migrations/0001_layers.sql",)


def test_many_databases_of_one_server_make_them_at_once(bare: PostgresServer, small_root: Path) -> None:
    databases = [bare.create_database() for _ in range(6)]
    start = threading.Barrier(len(databases))
    failures: list[Exception] = []

    def run(conninfo: str) -> None:
        try:
            with psycopg.connect(conninfo) as connection:
                start.wait()
                migrate(connection, small_root)
                assert missing_statements(connection) == []
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[conninfo]) for conninfo in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_warehouse_of_docker_compose_is_migrated_loaded_refreshed_and_rebuilt_by_a_login_that_is_no_superuser(
    bare: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_PASSWORD", "it's 0a1b")
    monkeypatch.setenv("WAREHOUSE_ANALYST_PASSWORD", "it's 2c3d")
    made = subprocess.run(
        [psql_path(), "--no-psqlrc", "--dbname", bare.conninfo("postgres"), "--file", ROOT / "docker/warehouse.sql"],
        capture_output=True,
        text=True,
    )
    assert (made.returncode, made.stderr) == (0, "")
    at = moment("2026-03-01T00:00:00")
    customer = {"object": "customer", "id": "cus_1", "email": "a@b.c", "created": int(at.timestamp())}
    charge = {
        "object": "charge", "id": "ch_1", "customer": "cus_1", "amount": 700, "currency": "usd",
        "status": "succeeded", "created": int(at.timestamp()),
    }  # fmt: skip
    own = make_conninfo(bare.conninfo("warehouse"), user="tallyhouse")
    with psycopg.connect(own) as connection:
        migrate(connection, SQL_ROOT)
        stage(connection, [Version(at, "customer.created", customer), Version(at, "charge.succeeded", charge)])
        apply_models(connection, SQL_ROOT)
        refresh_marts(connection, SQL_ROOT)
        rows = table_rows(connection, "dwh")
        assert (len(rows["customer_dim"]), len(rows["charge_fact"])) == (1, 1)
        who = connection.execute("select rolsuper or rolcreaterole from pg_roles where rolname = current_user")
        assert who.fetchone() == (False,)
    # what the Revenue page logs in as, and analysts do
    with psycopg.connect(make_conninfo(own, user="analyst"), autocommit=True) as connection:
        assert connection.execute("select count(*) from mart.revenue_daily").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from raw.event")
    with psycopg.connect(make_conninfo(own, user="postgres"), autocommit=True) as admin:
        admin.execute("create role second login in role tallyhouse_loader")
    # another login of the loader goes on where the first was, also with what that one has created
    with psycopg.connect(make_conninfo(own, user="second")) as connection:
        migrate(connection, SQL_ROOT)
        customer["email"] = "d@e.f"
        stage(connection, [Version(moment("2026-04-01T00:00:00"), "customer.updated", customer)])
        apply_models(connection, SQL_ROOT)
        refresh_marts(connection, SQL_ROOT)
        assert [change.table for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []
        assert len(table_rows(connection, "dwh")["customer_dim"]) == 2
    assert conninfo_to_dict(own)["user"] == "tallyhouse"
