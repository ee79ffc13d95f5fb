"""PostgreSQL's binary COPY: rows to bytes, and bytes to a table, setting aside the rows that it refuses."""

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import psycopg

# https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format": signature, flags, header extension.
HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)
NULL = struct.pack("!i", -1)
# Seconds from 1970 to 2000, where PostgreSQL's timestamps begin.
EPOCH = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())

# Written at once, so that a COPY makes few calls and holds little twice.
_BLOCK_BYTES = 256 * 1024

_length = struct.Struct("!i").pack
_row_head = struct.Struct("!h").pack
_timestamp = struct.Struct("!iq").pack
_bigint = struct.Struct("!iq").pack


def row_head(columns: int) -> bytes:
    """The beginning of a row of so many columns."""
    return _row_head(columns)


def text(value: str | None) -> bytes:
    """A text field."""
    if value is None:
        return NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def boolean(value: bool) -> bytes:
    """A boolean field."""
    return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


def bigint(value: int) -> bytes:
    """A bigint field."""
    return _bigint(8, value)


def timestamptz(seconds: int) -> bytes:
    """A timestamptz field, from whole seconds since 1970."""
    return _timestamp(8, (seconds - EPOCH) * 1_000_000)


def jsonb(payload: bytes) -> bytes:
    """A jsonb field, from UTF-8 JSON text. The 1 is the version of jsonb's external form."""
    return _length(len(payload) + 1) + b"\1" + payload


def copy_rows(conn: psycopg.Connection, statement: str, rows: Sequence[bytes]) -> dict[int, str]:
    """Copies encoded rows in a savepoint; those that PostgreSQL refuses are left out: {index: its reason}.

    `statement` is a COPY ... FROM STDIN (FORMAT BINARY). Refusals are errors of data (class 22) or of limits
    (class 54); any other error is raised.
    """
    refused: dict[int, str] = {}
    waiting = [(0, len(rows))]
    while waiting:
        start, end = waiting.pop()
        try:
            with conn.transaction(), conn.cursor() as cursor, cursor.copy(statement) as copy:
                copy.write(HEADER)
                for block in _blocks(rows, start, end):
                    copy.write(block)
                copy.write(TRAILER)
        except psycopg.Error as error:
            if (error.sqlstate or "")[:2] not in ("22", "54"):
                raise
            if end - start == 1:
                refused[start] = f"PostgreSQL refuses it: {error.diag.message_primary}"
            else:
                middle = (start + end) // 2
                waiting += [(middle, end), (start, middle)]
    return refused


def _blocks(rows: Sequence[bytes], start: int, end: int) -> Iterator[bytes]:
    """Rows joined into blocks of some size."""
    block: list[bytes] = []
    size = 0
    for index in range(start, end):
        block.append(rows[index])
        size += len(rows[index])
        if size >= _BLOCK_BYTES:
            yield b"".join(block)
            block, size = [], 0
    yield b"".join(block)
