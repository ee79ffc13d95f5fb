"""CSV and Parquet files of a query, exact and in bounded memory, cut into parts of so many rows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql

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
NUMERIC = pa.decimal128(38, 18)
"""What a numeric is in Parquet, rounded. PostgreSQL's has no bound, but a type that followed each day's values would be
another from day to day, and engines read no more than 38 digits."""


@dataclass(frozen=True)
class Column:
    """One column of a query: its name, and its type by PostgreSQL's name (`timestamptz`, `numeric`, ...)."""

    name: str
    type: str


def parquet_type(column: Column) -> pa.DataType:
    """The type of a column in Parquet, which depends on no value: text for what Parquet has no type for."""
    return NUMERIC if column.type == "numeric" else _ARROW.get(column.type, pa.string())


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
    """`part-<n>.parquet`: numerics as NUMERIC, rounded half away from zero; instants in UTC; other types as text.

    ValueError where a number is too great for that, or none.
    """
    schema = _schema(columns)
    listed = sql.SQL(", ").join(_selected(column) for column in columns)
    with connection.cursor(name="exported") as cursor:
        cursor.itersize = _CHUNK_ROWS
        cursor.execute(sql.SQL("select {} from ({}) as asked").format(listed, query))
        return _in_parts("parquet", iter(cursor), lambda sink: _ParquetPart(sink, schema), publish, rows_per_part)


def _selected(column: Column) -> sql.Composable:
    """A column as Parquet holds it; what has no type of its own (JSON, uuids, arrays) as exact text."""
    if column.type == "numeric":
        return sql.SQL("round({0}, {1}) as {0}").format(sql.Identifier(column.name), sql.Literal(NUMERIC.scale))
    if column.type in _ARROW:
        return sql.Identifier(column.name)
    return sql.SQL("{0}::text as {0}").format(sql.Identifier(column.name))


class _CsvPart:
    def __init__(self, sink: Sink, header: bytes) -> None:
        self._sink = sink
        sink.write(header)

    def write(self, row: bytes) -> None:
        self._sink.write(row)

    def close(self) -> None:
        """Nothing is held back."""

    def discard(self) -> None:
        """Nothing is held open."""


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

    def discard(self) -> None:
        """Left to the garbage collector, the writer would write its end then, into a file that is closed."""
        with suppress(Exception):
            self._writer.close()

    def _flush(self) -> None:
        values = zip(*self._rows, strict=True)
        arrays = [_array(column, field) for column, field in zip(values, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()


def _array(values: Sequence[object], field: pa.Field) -> pa.Array:
    try:
        return pa.array(values, field.type)
    except pa.ArrowInvalid as error:
        raise ValueError(
            f"column {field.name} has a value that {field.type} in Parquet does not hold ({error}): export it as csv, "
            "which keeps every digit"
        ) from error


def _in_parts(
    file_format: str, rows: Iterator, make: Callable[[Sink], "_CsvPart | _ParquetPart"], publish: Publish, most: int
) -> list[ExportedFile]:
    """Writes rows to parts of at most so many; without any row there is one part, which tells the columns."""
    written: list[ExportedFile] = []
    row = next(rows, None)
    while row is not None or not written:
        name = f"part-{len(written)}.{file_format}"
        count = 0
        with publish(name) as sink:
            part = make(sink)
            try:
                while row is not None and count < most:
                    part.write(row)
                    count += 1
                    row = next(rows, None)
                part.close()
            except BaseException:
                part.discard()
                raise
        written.append(ExportedFile(name, file_format, count, sink.byte_count, sink.sha256))
    return written


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([pa.field(column.name, parquet_type(column)) for column in columns])
