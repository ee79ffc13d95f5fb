"""Exports a day: views of mart as they are now, and how the day's charges were paid, from one snapshot of each."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tallyhouse.errors import TallyhouseError
from tallyhouse.export_folder import ExportedFile, ExportFolder
from tallyhouse.export_formats import ROWS_PER_PART, Column, columns_of, parquet_type, write_csv, write_parquet
from tallyhouse.ledger import require_idle
from tallyhouse.roles import ANALYST, LOADER
from tallyhouse.rows import only_value

log = logging.getLogger(__name__)

FORMATS: Mapping[str, tuple[str, ...]] = {"csv": ("csv",), "parquet": ("parquet",), "both": ("csv", "parquet")}
"""What the form may ask for -> the formats that are written."""

CHARGE_SOURCE = "charge_source"
"""Folder of how the day's charges were paid."""

DEFAULT_MARTS = (
    "mrr_daily",
    "mrr_movement_monthly",
    "mrr_by_plan_monthly",
    "revenue_daily",
    "revenue_retention_monthly",
    "subscriber_churn_monthly",
    "cohort_retention_monthly",
    "cohort_revenue_retention_monthly",
    "customer_activity_monthly",
    "arpu_churn_ltv_monthly",
)
"""Aggregates, without a row for each customer."""


@dataclass(frozen=True)
class Exported:
    """One relation of one day, as it was written."""

    name: str
    day: date
    files: Sequence[ExportedFile]
    removed: int
    data_through: datetime | None
    seconds: float

    @property
    def row_count(self) -> int:
        """Rows in each format."""
        return sum(file.row_count for file in self.files) // len({file.format for file in self.files})

    def describe(self) -> str:
        """One line for a log."""
        size = sum(file.byte_count for file in self.files)
        rate = self.row_count / self.seconds if self.seconds else 0.0
        removed = f", {self.removed} stale files removed" if self.removed else ""
        return (
            f"{self.name} of {self.day}: {self.row_count:,} rows, {size / 1e6:,.1f} MB in {len(self.files)} files"
            f"{removed}, {self.seconds:.1f} s, {rate:,.0f} rows/s"
        )


def mart_names(sql_root: Path) -> list[str]:
    """Every view of schema mart, by name: what can be exported."""
    files = (sql_root / "marts").glob("*.sql")
    return sorted(path.stem for path in files if f"view mart.{path.stem} " in path.read_text())


def day_of(asked: str | None, run_after: datetime) -> date:
    """The day of a form (YYYY-MM-DD), or without one the last UTC day that was over when the run was due."""
    return date.fromisoformat(asked) if asked else (run_after.astimezone(UTC) - timedelta(days=1)).date()


def export_marts(
    connection: psycopg.Connection,
    folder: ExportFolder,
    names: Sequence[str],
    day: date,
    formats: Sequence[str],
    run_id: str,
    *,
    rows_per_part: int = ROWS_PER_PART,
) -> list[Exported]:
    """Writes views of mart as they are now, read as the role tallyhouse_analyst; all of them show one moment.

    One that cannot be read or written holds back no other: when all others are there, TallyhouseError names it.
    ValueError when the connection has a transaction open, which would be that moment.
    """
    exported: list[Exported] = []
    failed: dict[str, Exception] = {}
    with _snapshot(connection, ANALYST):
        through = _data_through(connection, day)
        refreshed: dict[str, datetime | None] = dict(
            connection.execute("select mart, refreshed_at from mart.refresh_status").fetchall()
        )
        for name in names:
            try:
                with connection.transaction():
                    exported.append(
                        _export(
                            connection,
                            folder,
                            name,
                            sql.SQL("select * from {}").format(sql.Identifier("mart", name)),
                            day,
                            formats,
                            rows_per_part,
                            {"run_id": run_id, "refreshed_at": _iso(refreshed.get(name))},
                            through,
                        )
                    )
            # what is wrong with the view or its values; a store or server that fails would fail the others, too
            except (ValueError, psycopg.DataError, psycopg.ProgrammingError) as error:
                log.error("%s of %s was not exported: %s", name, day, error)
                failed[name] = error
    if failed:
        raise TallyhouseError(
            f"{len(failed)} of {len(names)} views of {day} were not exported, and have no manifest there; all others "
            f"are complete. {'; '.join(f'{name}: {error}' for name, error in failed.items())}. Mend that, or leave "
            "them out of the form, and clear the task."
        ) from next(iter(failed.values()))
    return exported


def export_sources(
    connection: psycopg.Connection,
    folder: ExportFolder,
    day: date,
    formats: Sequence[str],
    run_id: str,
    *,
    is_personal: bool = False,
    rows_per_part: int = ROWS_PER_PART,
) -> Exported:
    """Writes how the charges were paid of which events of the day told (UTC), as Stripe's JSON told it.

    The raw layer is the loader's alone, so it reads as tallyhouse_loader. Without `is_personal` the JSON has only what
    an erasure would leave of it; what was erased is not there in either case.
    """
    query = sql.SQL("select * from ops.charge_source({}, {})").format(sql.Literal(day), sql.Literal(is_personal))
    with _snapshot(connection, ANALYST):
        through = _data_through(connection, day)
    with _snapshot(connection, LOADER):
        about = {"run_id": run_id, "is_personal": is_personal}
        return _export(connection, folder, CHARGE_SOURCE, query, day, formats, rows_per_part, about, through)


def _export(
    connection: psycopg.Connection,
    folder: ExportFolder,
    name: str,
    query: sql.Composable,
    day: date,
    formats: Sequence[str],
    rows_per_part: int,
    about: Mapping[str, Any],
    through: datetime | None,
) -> Exported:
    began = time.monotonic()
    partition = folder.partition(name, day)
    columns = columns_of(connection, query)
    # the same rows give the same files
    ordered = sql.SQL("select * from ({}) as asked order by {}").format(
        query, sql.SQL(", ").join(sql.Literal(place + 1) for place in range(len(columns)))
    )
    files: list[ExportedFile] = []
    with _named_trouble(folder):
        partition.begin()
        if "csv" in formats:
            files += write_csv(connection, ordered, partition.publish, rows_per_part)
        if "parquet" in formats:
            files += write_parquet(connection, ordered, columns, partition.publish, rows_per_part)
        manifest = {
            "name": name,
            "day": f"{day}",
            "exported_at": _iso(datetime.now(UTC)),
            "data_through": _iso(through),
            "is_complete": _is_complete(day, through),
            **about,
            "columns": [_described(column, formats) for column in columns],
            "files": [asdict(file) for file in files],
        }
        removed = partition.finish(manifest, [file.name for file in files])
    exported = Exported(name, day, files, removed, through, time.monotonic() - began)
    log.info("%s", exported.describe())
    return exported


def _described(column: Column, formats: Sequence[str]) -> dict[str, str]:
    """A column for the manifest; its type in Parquet tells to how many digits a numeric is rounded there."""
    return {**asdict(column), **({"parquet_type": f"{parquet_type(column)}"} if "parquet" in formats else {})}


@contextmanager
def _snapshot(connection: psycopg.Connection, role: str) -> Iterator[None]:
    """A read-only transaction of one moment, as a role, that writes instants in UTC."""
    require_idle(connection)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        try:
            connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
        except (psycopg.errors.InvalidParameterValue, psycopg.errors.InsufficientPrivilege) as error:
            raise TallyhouseError(
                f"The login {connection.info.user} of the connection warehouse may not become the role {role}, which "
                f"the export reads as. Run the DAG again after migrate_schema, or grant it: "
                f'grant {role} to "{connection.info.user}".'
            ) from error
        connection.execute("set local timezone to 'UTC'")
        connection.execute("set local datestyle to 'ISO'")
        yield


@contextmanager
def _named_trouble(folder: ExportFolder) -> Iterator[None]:
    """What the store says when the folder is wrong, with what to do about it."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise TallyhouseError(
            f"Nothing can be written to {folder.root}: {error}. Mend the folder or bucket that the Airflow Variable "
            "tallyhouse_export_path names, or the rights of the connection in it, and clear the task."
        ) from error


def _data_through(connection: psycopg.Connection, day: date) -> datetime | None:
    """Up to when the data of every account is there, None before anything is; warns when that is not all of the day."""
    through: datetime | None = only_value(connection, "select min(data_through) from mart.freshness")
    if not _is_complete(day, through):
        log.warning(
            "The data reaches to %s, so %s is not complete: export this day again when stripe_events has caught up",
            _iso(through) or "no day at all", day,
        )  # fmt: skip
    return through


def _is_complete(day: date, through: datetime | None) -> bool:
    return through is not None and through >= datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
