"""Reads a CSV file row by row in bounded chunks, and tells the good rows from the bad ones, each with its line.

Records are cut by the standard library's reader, which knows on which line one begins and goes on after one of the
wrong width; a chunk of them is judged column by column as a pandas frame.
"""

import csv
import io
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from typing import BinaryIO, NamedTuple

import pandas as pd

from tallyhouse.errors import TallyhouseError
from tallyhouse.file_kinds import CURRENCY, PERSONAL, USER, Column, FileKind

CHUNK_ROWS = 20_000

_SHOWN = 60  # characters of a value in a reason


class UnreadableFileError(TallyhouseError):
    """A file of which no row can be told from another: its message says why."""


@dataclass(frozen=True)
class BadRow:
    """A row that is not loaded: the line on which it begins, why, its text, and the user of the app that it names."""

    line: int
    reason: str
    text: str
    user_id: str | None = None


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file: the good ones as (line, column -> text, without empty fields), and the bad ones."""

    rows: list[tuple[int, dict[str, str]]]
    bad: list[BadRow]


class _Record(NamedTuple):
    line: int
    fields: list[str]


class CsvReader:
    """One file of a kind. `columns` are those of its header, and `unknown` those of them that nobody reads."""

    def __init__(
        self,
        stream: BinaryIO,
        kind: FileKind,
        currencies: Collection[str],
        *,
        keeps_personal: bool = True,
        chunk_rows: int = CHUNK_ROWS,
    ) -> None:
        """Reads the header. UnreadableFileError when a required column is missing, or the header is none.

        `keeps_personal` false: column ip_address is not even looked at.
        """
        self._kind = kind
        self._currencies = frozenset(currencies)
        self._keeps_personal = keeps_personal
        self._chunk_rows = chunk_rows
        # What is not UTF-8 stays in the text as surrogates, so that only its row is bad.
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._records = _read_records(text)
        header = next(self._records, None)
        self.columns = [name.strip().lower() for name in header.fields] if header else []
        self._require_columns()
        self.unknown = [name for name in self.columns if kind.column(name) is None]

    def chunks(self) -> Iterator[Chunk]:
        """The rows in the file's order. UnreadableFileError where a quoted field does not end."""
        while records := list(islice(self._records, self._chunk_rows)):
            yield self._judge(records)

    def _require_columns(self) -> None:
        twice = sorted({name for name in self.columns if self.columns.count(name) > 1})
        if twice:
            raise UnreadableFileError(f"its header names {', '.join(twice)} more than once")
        missing = [c.name for c in self._kind.columns if c.is_required and c.name not in self.columns]
        if missing:
            raise UnreadableFileError(
                f"its header has no {', '.join(missing)}: a file of kind {self._kind.name} has the columns "
                + ", ".join(
                    f"{column.name}{'' if column.is_required else ' (optional)'}" for column in self._kind.columns
                )
            )

    def _judge(self, records: list[_Record]) -> Chunk:
        bad: list[BadRow] = []
        whole: list[_Record] = []
        for record in records:
            if len(record.fields) == len(self.columns):
                whole.append(record)
            else:
                reason = f"has {len(record.fields)} fields, and the header has {len(self.columns)}"
                bad.append(BadRow(record.line, reason, self._text_of(record), self._user_of(record)))
        frame = pd.DataFrame([record.fields for record in whole], columns=self.columns, dtype=object)
        if not self._keeps_personal:
            frame = frame.drop(columns=PERSONAL, errors="ignore")
        frame = frame.apply(lambda values: values.str.strip())
        reasons: list[list[str]] = [[] for _ in whole]
        for name in frame.columns:
            self._find_faults(name, frame[name], reasons)
        for name in frame.columns:
            column = self._kind.column(name)
            if column and column.rule.reads_as:
                frame[name] = frame[name].map(column.rule.reads_as)
        self._find_equals(frame, reasons)
        names = list(frame.columns)
        rows: list[tuple[int, dict[str, str]]] = []
        for record, found, values in zip(whole, reasons, frame.itertuples(index=False, name=None), strict=True):
            if found:
                bad.append(BadRow(record.line, "; ".join(found), self._text_of(record), self._user_of(record)))
            else:
                stored = {name: value for name, value in zip(names, values, strict=True) if value}
                rows.append((record.line, stored))
        return Chunk(rows, sorted(bad, key=lambda row: row.line))

    def _user_of(self, record: _Record) -> str | None:
        """Whose row it is, where that can be told; in a row of too few fields or too many it cannot."""
        if USER not in self.columns or len(record.fields) != len(self.columns):
            return None
        return user_of(record.fields[self.columns.index(USER)])

    def _find_faults(self, name: str, values: pd.Series, reasons: list[list[str]]) -> None:
        """Adds what is wrong with each value of a column to the reasons of its row."""
        column = self._kind.column(name) or Column(name, self._kind.columns[0].rule)
        is_empty = (values == "").to_numpy(dtype=bool)
        if column.is_required:
            for place in is_empty.nonzero()[0]:
                reasons[place].append(f"{name} is empty")
        given = values[~is_empty]
        if given.empty:
            return
        is_good = column.rule.is_good(given).astype(bool)
        for place, value in given[~is_good].items():
            reasons[place].append(f"{name} {_shown(value)} is not {column.rule.name}")
        if column.rule is CURRENCY:
            for place, value in given[is_good & ~given.str.lower().isin(self._currencies)].items():
                reasons[place].append(f"{name} {_shown(value)} is none that Stripe has")
        foreign = given[~given.map(str.isascii).astype(bool)]
        for place, value in foreign[foreign.map(_is_not_text).astype(bool)].items():
            reasons[place].append(f"{name} {_shown(value)} is not UTF-8")

    def _find_equals(self, frame: pd.DataFrame, reasons: list[list[str]]) -> None:
        """Adds which columns have the same value in a row, and should not, to the reasons of the row."""
        for name, other in combinations(self._kind.differing, 2):
            for place, value in frame.loc[(frame[name] == frame[other]) & (frame[name] != ""), name].items():
                reasons[place].append(f"{name} and {other} are both {_shown(value)}")

    def _text_of(self, record: _Record) -> str:
        """A row as CSV again, for raw.rejected; nothing of it where a personal field may be anywhere in it."""
        fields = record.fields
        if not self._keeps_personal and PERSONAL in self.columns:
            if len(fields) != len(self.columns):
                return ""
            fields = [value for name, value in zip(self.columns, fields, strict=True) if name != PERSONAL]
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(_without_surrogates(field) for field in fields)
        return line.getvalue().replace("\0", "\\0")


def _read_records(text: io.TextIOWrapper) -> Iterator[_Record]:
    """Each record that is no empty line, with the line on which it begins."""
    reader = csv.reader(text)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            raise UnreadableFileError(
                f"line {line}: {error} (does a quoted field that begins there never end?)"
            ) from error
        if fields is None:
            return
        if fields:
            yield _Record(line, fields)


def user_of(cell: str | None) -> str | None:
    """The user whom a cell names; None where it is empty, or nothing that PostgreSQL holds."""
    user_id = (cell or "").strip()
    return user_id if user_id and "\0" not in user_id and not _is_not_text(user_id) else None


def _is_not_text(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)


def _without_surrogates(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def _shown(value: str) -> str:
    shown = _without_surrogates(value)
    return repr(shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "...")
