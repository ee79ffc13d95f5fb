"""Writes the rows of one file into raw.file_row, and keeps those that it cannot write in raw.rejected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
import psycopg

from tallyhouse import copy_rows as fields
from tallyhouse import ledger
from tallyhouse.file_kinds import USER, FileKind
from tallyhouse.file_reading import BadRow, Chunk, user_of
from tallyhouse.pages import Reject
from tallyhouse.report import Tally

SOURCE = "file"
"""As ops.batch names it."""

_CREATE = "create temporary table arriving_row (line bigint, payload jsonb) on commit drop"
_COPY = "copy arriving_row from stdin (format binary)"
_COLUMNS = 2
_INSERT = """
insert into raw.file_row (batch_id, line, file_kind, file_name, sha256, modified_at, row_key, payload)
select
    %(batch_id)s, line, %(kind)s, %(name)s, %(sha256)s, %(modified_at)s, staging.file_row_key(payload, %(key)s), payload
from arriving_row
order by line
on conflict (batch_id, row_key) do nothing
"""
# Of two rows with one key the first is in; they may say the same.
_NOT_INSERTED = """
select a.line, f.line, a.payload = f.payload, a.payload::text, a.payload ->> %(user)s
from arriving_row as a
inner join raw.file_row as f
    on f.batch_id = %(batch_id)s and f.row_key = staging.file_row_key(a.payload, %(key)s)
where f.line <> a.line
order by a.line
"""


@dataclass(frozen=True)
class LoadedFile:
    """A file in the making: its batch, its name below the folder, its kind (None: nobody knows), hash and time."""

    batch_id: int
    name: str
    kind: FileKind | None
    sha256: str
    modified_at: datetime


class FileRowStager:
    """Takes the chunks of one file and writes them inside the caller's transaction."""

    def __init__(self, conn: psycopg.Connection, file: LoadedFile, tally: Tally) -> None:
        self._conn = conn
        self._file = file
        self._tally = tally

    def add(self, chunk: Chunk) -> None:
        """Writes a chunk."""
        self._tally.rows += len(chunk.rows) + len(chunk.bad)
        self.reject([*chunk.bad, *(self._write(chunk.rows) if chunk.rows else ())])

    def reject(self, bad: Sequence[BadRow]) -> None:
        """Keeps rows in raw.rejected, for `ledger.claim_rejects` to tell of them; line 0 is the whole file."""
        if not bad:
            return
        # The same line of another content is another row.
        content = self._file.sha256[:12]
        rejects = [
            Reject(
                f"line {row.line} of {content}" if row.line else f"all of {content}", row.reason, row.text, row.user_id
            )
            for row in bad
        ]
        kept = ledger.keep_rejects(self._conn, None, f"{SOURCE}:{self._file.name}", self._file.batch_id, rejects)
        self._tally.see_rejects(kept)
        self._tally.duplicates += len(rejects) - len(kept)

    def _write(self, rows: Sequence[tuple[int, dict[str, str]]]) -> list[BadRow]:
        """Copies rows; returns those that PostgreSQL refuses, and those that contradict a row before them."""
        kind = self._file.kind
        assert kind is not None  # noqa: S101 - for the type checker: of a file of no kind no row is read
        parameters = {
            "batch_id": self._file.batch_id,
            "kind": kind.name,
            "key": list(kind.key),
            "name": self._file.name,
            "sha256": self._file.sha256,
            "modified_at": self._file.modified_at,
            "user": USER,
        }
        self._conn.execute(_CREATE)
        texts = [orjson.dumps(payload) for _, payload in rows]
        head = fields.row_head(_COLUMNS)
        encoded = [head + fields.bigint(line) + fields.jsonb(text) for (line, _), text in zip(rows, texts, strict=True)]
        refused = fields.copy_rows(self._conn, _COPY, encoded)
        bad = [
            BadRow(rows[index][0], reason, texts[index].decode(), user_of(rows[index][1].get(USER)))
            for index, reason in refused.items()
        ]
        self._tally.new += self._conn.execute(_INSERT, parameters).rowcount
        for line, first, is_same, text, user_id in self._conn.execute(_NOT_INSERTED, parameters).fetchall():
            if is_same:
                self._tally.duplicates += 1
            else:
                reason = f"has the {', '.join(kind.key)} of line {first}, and differs from it"
                bad.append(BadRow(line, reason, text, user_id))
        self._conn.execute("drop table arriving_row")
        return bad
