"""CSV and Parquet files of a query, exact and in bounded memory, cut into parts of so many rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from decimal import Decimal

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

from tallyhouse.errors import TallyhouseError
from tallyhouse.export_folder import ExportedFile, Sink

ROWS_PER_PART = 1_000_000
_CHUNK_ROWS = 20_000

Publish = Callable[[str], AbstractContextManager[Sink]]

_ARROW: Mapping[str, pa.DataType] = {
    "bool": pa.bool_(),
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
# (digits, of which behind the point). PostgreSQL's numeric has no bound, and a type that followed each day's values
# would be another from day to day: the first holds all amounts and nearly all rates, and every engine reads it.
_DECIMALS = ((38, 20), (76, 38))


@dataclass(frozen=True)
class Column:
    """One column of a query: its name, and its type by PostgreSQL's name (`timestamptz`, `numeric`, ...)."""

    name: str
    type: str


def columns_of(connection: psycopg.Connection, query: sql.Composable) -> list[Column]:
    """The columns of a query, which is not run."""
    found = connection.execute(sql.SQL("select * from ({}) as asked limit 0").format(query)).description or ()
    types = connection.adapters.types
    return [Column(column.name, known.name if (known := types.get(column.type_code)) else "text") for column in found]


def write_csv(
    connection: psycopg.Connection, query: sql.Composable, publish: Publish, rows_per_part: int = ROWS_PER_PART
) -> list[ExportedFile]:
    """`part-<n>.csv`: UTF-8 with a header in each; null is empty, an empty text is "", JSON is its text.

    Numbers and instants are as PostgreSQL writes them, every digit of them, in the time zone of the session.
    """
    copy_out = sql.SQL("copy ({}) to stdout (format csv, header)").format(query)
    with connection.cursor() as cursor, cursor.copy(copy_out) as copy:
        # one message a row, by PostgreSQL's protocol, whatever line ends are in it
        rows = iter(copy)
        header = bytes(next(rows))
        return _in_parts("csv", map(bytes, rows), lambda sink: _CsvPart(sink, header), publish, rows_per_part)


def write_parquet(
    connection: psycopg.Connection,
    query: sql.Composable,
    columns: Sequence[Column],
    publish: Publish,
    rows_per_part: int = ROWS_PER_PART,
) -> list[ExportedFile]:
    """`part-<n>.parquet`: numerics as decimals, instants in UTC, what Parquet has no type for as text.

    TallyhouseError where a number has more digits than a Parquet decimal can hold.
    """
    schema = _schema(connection, query, columns)
    # exact text for all that has no type of its own: JSON, uuids, arrays
    listed = sql.SQL(", ").join(
        sql.Identifier(column.name)
        if column.type in _ARROW or column.type == "numeric"
        else sql.SQL("{0}::text as {0}").format(sql.Identifier(column.name))
        for column in columns
    )
    with connection.cursor(name="exported") as cursor:
        cursor.itersize = _CHUNK_ROWS
        cursor.execute(sql.SQL("select {} from ({}) as asked").format(listed, query))
        return _in_parts("parquet", iter(cursor), lambda sink: _ParquetPart(sink, schema), publish, rows_per_part)


class _CsvPart:
    def __init__(self, sink: Sink, header: bytes) -> None:
        self._sink = sink
        sink.write(header)

    def write(self, row: bytes) -> None:
        self._sink.write(row)

    def close(self) -> None:
        """Nothing is held back."""


class _ParquetPart:
    """Rows become a row group by the chunk."""

    def __init__(self, sink: Sink, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(sink, schema, compression="zstd")
        self._rows: list[tuple[object, ...]] = []

    def write(self, row: tuple[object, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) == _CHUNK_ROWS:
            self._flush()

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        values = zip(*self._rows, strict=True)
        arrays = [pa.array(column, field.type) for column, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


def _in_parts(
    file_format: str, rows: Iterator, make: Callable[[Sink], "_CsvPart | _ParquetPart"], publish: Publish, most: int
) -> list[ExportedFile]:
    """Writes rows to parts of at most so many; without any row there is one part, which tells the columns."""
    written: list[ExportedFile] = []
    row = next(rows, None)
    while row is not None or not written:
        name = f"part-{len(written)}.{file_format}"
        count = 0
        with ExitStack() as published:
            sink = published.enter_context(publish(name))
            part = make(sink)
            while row is not None and count < most:
                part.write(row)
                count += 1
                row = next(rows, None)
            part.close()
        written.append(ExportedFile(name, file_format, count, sink.byte_count, sink.sha256))
    return written


def _schema(connection: psycopg.Connection, query: sql.Composable, columns: Sequence[Column]) -> pa.Schema:
    decimals = _decimals(connection, query, [column.name for column in columns if column.type == "numeric"])
    return pa.schema(
        [pa.field(column.name, decimals.get(column.name) or _ARROW.get(column.type, pa.string())) for column in columns]
    )


def _decimals(connection: psycopg.Connection, query: sql.Composable, names: Sequence[str]) -> dict[str, pa.DataType]:
    """A type for each numeric column that holds all its values exactly."""
    if not names:
        return {}
    asked = sql.SQL(", ").join(
        sql.SQL("max(scale(trim_scale({0}))), max(abs(trunc({0})))").format(sql.Identifier(name)) for name in names
    )
    row = connection.execute(sql.SQL("select {} from ({}) as asked").format(asked, query)).fetchone()
    assert row is not None  # noqa: S101 - for the type checker: an aggregate always has one row
    return {name: _decimal(name, row[2 * place] or 0, row[2 * place + 1]) for place, name in enumerate(names)}


def _decimal(name: str, scale: int, greatest: Decimal | None) -> pa.DataType:
    if greatest is None or greatest.is_finite():
        digits = len(str(int(greatest or 0)))
        for precision, places in _DECIMALS:
            if scale <= places and digits <= precision - places:
                return pa.decimal128(precision, places) if precision <= 38 else pa.decimal256(precision, places)
    raise TallyhouseError(
        f"Column {name} has a number that no Parquet decimal holds ({scale} digits behind the point, the greatest is "
        f"{greatest}). Export it as csv, which keeps every digit."
    )
