"""A warehouse and a folder of files, loaded as the DAG acquisition does."""

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse.file_staging import FileReport, load_files
from tests.conftest import SQL_ROOT


class Folder:
    """A folder of files, and the warehouse that they are loaded into."""

    def __init__(self, path: Path, connection: psycopg.Connection) -> None:
        self.path = path
        self.connection = connection

    def write(self, name: str, text: str | bytes, modified: datetime | None = None) -> Path:
        """Writes a file, with a time of its last change where one is given."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        if modified is not None:
            os.utime(file, (modified.timestamp(), modified.timestamp()))
        return file

    def load(self, run_id: str = "test") -> list[FileReport]:
        """As the DAG's task."""
        return load_files(self.connection, SQL_ROOT, self.path, run_id)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Asks the warehouse."""
        with self.connection.transaction():
            return self.connection.execute(query).fetchall()


@pytest.fixture
def make_folder(warehouse: str, tmp_path: Path) -> Iterator[Callable[[], Folder]]:
    """Folders over one warehouse, each with a connection of its own."""
    opened: list[psycopg.Connection] = []

    def make() -> Folder:
        opened.append(psycopg.connect(warehouse))
        return Folder(tmp_path, opened[-1])

    yield make
    for connection in opened:
        connection.close()


@pytest.fixture
def folder(make_folder: Callable[[], Folder]) -> Folder:
    """An empty folder."""
    return make_folder()
