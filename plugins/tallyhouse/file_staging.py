"""Loads the files of a folder into raw.file_row, each content once, each file as one committed batch."""

import hashlib
import io
import logging
import time
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import psycopg

from tallyhouse import ledger
from tallyhouse.errors import TallyhouseError
from tallyhouse.file_kinds import FILE_KINDS, kind_of
from tallyhouse.file_reading import BadRow, CsvReader, UnreadableFileError
from tallyhouse.file_rows import SOURCE, FileRowStager, LoadedFile
from tallyhouse.objects import MODELS
from tallyhouse.report import Tally
from tallyhouse.rows import only_row, only_value
from tallyhouse.warehouse import apply_released

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1 << 20


class FileChangedError(TallyhouseError):
    """A file was written to while it was read; nothing of it was loaded."""


class StoredFile(Protocol):
    """What is needed of a file: a pathlib.Path, or Airflow's ObjectStoragePath."""

    def stat(self) -> Any: ...  # noqa: D102 - as pathlib's
    def open(self, mode: str) -> Any: ...  # noqa: D102 - as pathlib's


@dataclass(frozen=True)
class FileReport:
    """What became of one file. `is_new` is false for one that was loaded before: nothing was done."""

    name: str
    kind: str | None
    is_new: bool
    rows: int = 0
    new: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0

    def describe(self) -> str:
        """One line for a log."""
        if not self.is_new:
            return f"{self.name}: loaded before"
        return (
            f"{self.name}: {self.rows:,} rows of kind {self.kind or 'unknown'}: {self.new:,} loaded, "
            f"{self.duplicates:,} repeated, {self.rejected:,} rejected, {self.seconds:.1f} s"
        )


def find_files(folder: Any) -> list[tuple[str, StoredFile]]:
    """(name below the folder, file) of every CSV file in it, by name; `folder` is a path like pathlib's.

    TallyhouseError when there is no such folder.
    """
    if not folder.is_dir():
        raise TallyhouseError(
            f"There is no folder {folder} to read installs, ad spend and rates from: mend the Airflow Variable "
            "tallyhouse_acquisition_path, or create the folder."
        )
    found = ((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
    return sorted((name, path) for name, path in found if name.lower().endswith(".csv"))


def load_files(conn: psycopg.Connection, sql_root: Path, folder: Any, run_id: str) -> list[FileReport]:
    """Loads every file of a folder that was not loaded yet, one after another, each committed for itself.

    Rows that cannot be loaded, and files that cannot be read, are kept in raw.rejected with file, line and reason:
    `ingest.report_rejects` tells of them. A file that changes while it is read is left for the next run; when all
    others are in, FileChangedError names it.
    """
    ledger.require_idle(conn)
    files = find_files(folder)
    # Files may come before any of Stripe's rows: the currencies that they are checked against must be there.
    apply_released(conn, sql_root, [model for model in MODELS if model.name == "currency_dim"])
    with conn.transaction():
        currencies = {currency for (currency,) in conn.execute("select currency from dwh.currency_dim")}
        row = conn.execute("select value = 'yes' from ops.policy where name = 'keep_ip_addresses'").fetchone()
    keeps_personal = row is None or row[0]
    reports, changed = [], []
    for name, path in files:
        try:
            report = load_file(conn, name, path, run_id, currencies, keeps_personal=keeps_personal)
        except FileChangedError as error:
            changed.append(str(error))
            continue
        log.info("%s", report.describe())
        reports.append(report)
    if changed:
        raise FileChangedError("; ".join(changed))
    return reports


def load_file(
    conn: psycopg.Connection,
    name: str,
    path: StoredFile,
    run_id: str,
    currencies: Collection[str],
    *,
    keeps_personal: bool = True,
) -> FileReport:
    """Loads one file as one batch, all of its good rows or nothing; of one that was loaded before, nothing.

    `name` is its name below the folder. `currencies` are those that its rows may name. FileChangedError when it is
    written to meanwhile.
    """
    began = time.monotonic()
    kind = kind_of(name)
    kind_name = kind.name if kind else None
    modified = getattr(path.stat(), "st_mtime", None)
    with closing(path.open("rb")) as stream:
        sha256, byte_count = _hash(stream)
    with conn.transaction():
        # Two runs at once: the second waits, and then finds that the first has loaded the file.
        conn.execute("select pg_advisory_xact_lock(hashtextextended('tallyhouse files', 0))")
        if not _is_wanted(conn, name, kind_name, sha256):
            return FileReport(name, kind_name, is_new=False)
        batch_id = ledger.open_batch(conn, None, SOURCE, kind_name, None, run_id, scope=name)
        modified_at = _record(conn, [batch_id, name, kind_name, sha256, byte_count], name, modified)
        file = LoadedFile(batch_id, name, kind, sha256, modified_at)
        tally, unknown = Tally(byte_count=byte_count), {}
        try:
            # A file that turns out to be unreadable leaves none of its rows.
            with conn.transaction(), closing(path.open("rb")) as stream:
                unknown = _stage_rows(conn, file, stream, currencies, keeps_personal, tally)
        except UnreadableFileError as error:
            tally = Tally(byte_count=byte_count)
            FileRowStager(conn, file, tally).reject([BadRow(0, str(error), "")])
        ledger.close_batch(conn, batch_id, tally, {"fields": unknown} if unknown else {})
    seconds = time.monotonic() - began
    return FileReport(name, kind_name, True, tally.rows, tally.new, tally.duplicates, tally.rejected, seconds)


def _stage_rows(
    conn: psycopg.Connection,
    file: LoadedFile,
    stream: BinaryIO,
    currencies: Collection[str],
    keeps_personal: bool,
    tally: Tally,
) -> dict[str, int]:
    """Writes a file's rows inside the caller's transaction; returns the columns that nobody reads, with their rows."""
    if file.kind is None:
        prefixes = ", ".join(kind.prefix for kind in FILE_KINDS)
        raise UnreadableFileError(f"its name begins with none of {prefixes}, so nobody knows what it holds")
    watched = _Watched(stream)
    reader = CsvReader(io.BufferedReader(watched), file.kind, currencies, keeps_personal=keeps_personal)
    stager = FileRowStager(conn, file, tally)
    for chunk in reader.chunks():
        stager.add(chunk)
    if watched.sha256 != file.sha256:
        raise FileChangedError(
            f"{file.name} was written to while it was read, and nothing of it was loaded: the next run reads it. "
            "Write files elsewhere and move them into the folder."
        )
    return {f"{file.kind.name}.{column}": tally.rows for column in reader.unknown}


def _is_wanted(conn: psycopg.Connection, name: str, kind: str | None, sha256: str) -> bool:
    """Whether a file's content is new, or replaces another under its name; a copy under a new name is not."""
    row = only_row(
        conn,
        "select (select sha256 from ops.file where file_name = %(name)s order by batch_id desc limit 1), "
        "exists (select from ops.file where sha256 = %(sha256)s and file_kind is not distinct from %(kind)s)",
        {"name": name, "sha256": sha256, "kind": kind},
    )
    there, is_known = row
    return there != sha256 if there else not is_known


def _record(conn: psycopg.Connection, file: list[Any], name: str, modified: float | None) -> datetime:
    """Writes a row of ops.file, of these columns, and returns when the file was modified.

    That decides which of two files wins. What replaces a file wins over it, whatever a clock or a copy made of its
    time; where the storage tells none, it is now.
    """
    modified_at: datetime = only_value(
        conn,
        "insert into ops.file (batch_id, file_name, file_kind, sha256, byte_count, modified_at) values ("
        "%s, %s, %s, %s, %s, greatest(coalesce(to_timestamp(%s), clock_timestamp()), "
        "(select max(modified_at) + interval '1 microsecond' from ops.file where file_name = %s))) "
        "returning modified_at",
        [*file, modified or None, name],
    )
    return modified_at


class _Watched(io.RawIOBase):
    """A stream that hashes what is read of it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of what was read, hex."""
        return self._digest.hexdigest()

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As io.RawIOBase has it."""
        block = self._stream.read(len(buffer))
        self._digest.update(block)
        buffer[: len(block)] = block
        return len(block)


def _hash(stream: BinaryIO) -> tuple[str, int]:
    """SHA-256 (hex) and size of a stream."""
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
