"""What is exported is what the warehouse has, to the last digit; it is there whole or not at all, and only once."""

import csv
import gc
import hashlib
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from tallyhouse import erasure, erasure_record, export
from tallyhouse.errors import TallyhouseError
from tallyhouse.export_folder import MANIFEST, ExportFolder
from tallyhouse.export_formats import columns_of, write_csv, write_parquet
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import SQL_ROOT
from tests.warehouse.raw_rows import ACCOUNT, Version, moment, stage

DAY = date(2026, 3, 1)
BOTH = ("csv", "parquet")
ODD = """
create table mart.odd as
select *
from (
    values
    (1, 0.1::numeric, 'a "quoted", text' || chr(10) || 'of two lines', timestamptz '2026-03-01 23:30:00.123456-05'),
    (2, 123456789012345678.00000000000000000051, '', null),
    (3, -7.000, null, '2026-03-01 00:00:00+00')
) as t (n, amount_minor, label, at)
cross join (
    values (date '2026-03-01', true, '{"b": [1.10, null]}'::jsonb, '{x,"y z"}'::text[])
) as u (d, is_it, j, names);
grant select on mart.odd to tallyhouse_analyst
"""


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@pytest.fixture
def local(tmp_path: Path) -> ExportFolder:
    """A folder of this machine."""
    return ExportFolder(fsspec.filesystem("file"), str(tmp_path))


def make(connection: psycopg.Connection, statement: str) -> None:
    connection.execute(statement)
    connection.commit()


def marts(
    connection: psycopg.Connection, folder: ExportFolder, *names: str, formats: tuple[str, ...] = BOTH, **options: Any
) -> list[export.Exported]:
    return export.export_marts(connection, folder, names, DAY, formats, "run", **options)


def stored(folder: ExportFolder, name: str, day: date = DAY) -> dict[str, bytes]:
    """The files of a partition, by name."""
    folder.files.invalidate_cache()
    path = f"{folder.root}/{name}/day={day}"
    return {
        str(found).rpartition("/")[2]: folder.files.cat_file(found) for found in folder.files.ls(path, detail=False)
    }


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def test_csv_has_every_digit_and_instants_with_their_zone(connection: psycopg.Connection, folder: ExportFolder) -> None:
    make(connection, ODD)
    marts(connection, folder, "odd", formats=("csv",))
    text = stored(folder, "odd")["part-0.csv"].decode()
    rows = csv_rows(text.encode())
    assert [row["amount_minor"] for row in rows] == ["0.1", "123456789012345678.00000000000000000051", "-7.000"]
    assert [row["at"] for row in rows] == ["2026-03-02 04:30:00.123456+00", "", "2026-03-01 00:00:00+00"]
    assert rows[0]["label"] == 'a "quoted", text\nof two lines'
    assert (rows[0]["j"], rows[0]["names"]) == ('{"b": [1.10, null]}', '{x,"y z"}')
    # an empty text and no text at all are two things
    assert [line.split(",")[2] for line in text.splitlines()[3:]] == ['""', ""]


def test_parquet_has_the_types_and_values_of_the_table(connection: psycopg.Connection, folder: ExportFolder) -> None:
    make(connection, ODD)
    marts(connection, folder, "odd", formats=("parquet",))
    table = pq.read_table(io.BytesIO(stored(folder, "odd")["part-0.parquet"]))
    assert table.schema.field("amount_minor").type == pa.decimal128(38, 18)
    assert table.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert table.schema.field("d").type == pa.date32()
    assert table["amount_minor"].to_pylist() == [
        Decimal("0.1"),
        Decimal("123456789012345678.000000000000000001"),
        Decimal(-7),
    ]
    assert table["at"].to_pylist() == [
        datetime(2026, 3, 2, 4, 30, 0, 123456, UTC),
        None,
        datetime(2026, 3, 1, tzinfo=UTC),
    ]
    assert table["label"].to_pylist() == ['a "quoted", text\nof two lines', "", None]
    assert table["j"].to_pylist() == ['{"b": [1.10, null]}'] * 3
    assert table["is_it"].to_pylist() == [True] * 3


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("1e-30", "0"),
        ("0.825::numeric / 3 * 1e-7", "0.0000000275"),
        ("5e-19", "1e-18"),
        ("-99999999999999999999", None),
    ],
)
def test_a_numeric_has_one_type_in_parquet_whatever_its_values_are_and_csv_has_every_digit(
    connection: psycopg.Connection, local: ExportFolder, number: str, kept: str | None
) -> None:
    make(connection, f"create view mart.rate as select ({number})::numeric as n; grant select on mart.rate to public")
    marts(connection, local, "rate")
    table = pq.read_table(io.BytesIO(stored(local, "rate")["part-0.parquet"]))
    assert table.schema.field("n").type == pa.decimal128(38, 18)
    assert table["n"].to_pylist() == [Decimal(kept or number)]
    row = connection.execute(f"select ({number})::numeric::text").fetchone()
    connection.rollback()
    assert row == (csv_rows(stored(local, "rate")["part-0.csv"])[0]["n"],)


def test_every_mart_is_exported_with_a_margin_of_many_digits(
    connection: psycopg.Connection, local: ExportFolder
) -> None:
    customer = Version(moment("2026-03-01T00:00:00"), "customer.created", {"object": "customer", "id": "cus_1"})
    paid = [charge(f"ch_{n}", f"2026-0{n}-01T01:00:00", customer="cus_1", amount=700 + n) for n in (1, 2, 3)]
    stage(connection, [customer, *paid])
    connection.execute("update ops.policy set value = '0.825' where name = 'gross_margin'")
    connection.commit()
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    views = export.mart_names(SQL_ROOT)
    exported = marts(connection, local, *views)
    assert [each.name for each in exported] == views
    (value,) = csv_rows(stored(local, "customer_lifetime_value")["part-0.csv"])
    assert len(value["expected_margin_next_month_minor"].partition(".")[2]) > 18


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("select 'NaN'::numeric as n", "column n has a value that decimal128"),
        ("select 1e20::numeric as n", "column n has a value that decimal128"),
        ("select 1 / (n - 1) as n from generate_series(1, 2) as n", "division by zero"),
    ],
)
def test_a_view_that_cannot_be_written_holds_back_no_other_and_is_named_at_the_end(
    connection: psycopg.Connection, local: ExportFolder, broken: str, told: str
) -> None:
    make(connection, f"create view mart.broken as {broken}; grant select on mart.broken to public")
    with pytest.raises(TallyhouseError, match=f"1 of 3 views of 2026-03-01 were not exported.* broken: {told}"):
        marts(connection, local, "policy", "broken", "revenue_daily")
    assert MANIFEST not in stored(local, "broken")
    assert {MANIFEST, "part-0.parquet"} <= set(stored(local, "revenue_daily"))


def test_a_manifest_tells_columns_rows_and_hashes_of_what_is_there(
    connection: psycopg.Connection, folder: ExportFolder
) -> None:
    make(connection, ODD)
    (exported,) = marts(connection, folder, "odd", rows_per_part=2)
    files = stored(folder, "odd")
    manifest = json.loads(files.pop(MANIFEST))
    assert {file["name"]: (file["row_count"], file["byte_count"], file["sha256"]) for file in manifest["files"]} == {
        name: (1 if "-1" in name else 2, len(content), hashlib.sha256(content).hexdigest())
        for name, content in files.items()
    }
    assert set(files) == {"part-0.csv", "part-1.csv", "part-0.parquet", "part-1.parquet"}
    assert [len(csv_rows(files[f"part-{n}.csv"])) for n in (0, 1)] == [2, 1]
    assert manifest["columns"][1] == {
        "name": "amount_minor", "type": "numeric", "parquet_type": "decimal128(38, 18)"
    }  # fmt: skip
    assert (manifest["name"], manifest["day"], manifest["run_id"]) == ("odd", "2026-03-01", "run")
    assert (manifest["data_through"], manifest["is_complete"], exported.row_count) == (None, False, 3)


def test_a_view_without_rows_still_tells_its_columns(connection: psycopg.Connection, folder: ExportFolder) -> None:
    marts(connection, folder, "revenue_daily")
    files = stored(folder, "revenue_daily")
    assert files["part-0.csv"].startswith(b"account_id,livemode,currency,day,")
    assert pq.read_table(io.BytesIO(files["part-0.parquet"])).num_rows == 0


def test_another_run_leaves_the_same_files_and_none_of_an_earlier_one(
    connection: psycopg.Connection, folder: ExportFolder
) -> None:
    make(connection, ODD)
    marts(connection, folder, "odd", rows_per_part=1)
    (second,) = marts(connection, folder, "odd")
    files = stored(folder, "odd")
    assert set(files) == {"part-0.csv", "part-0.parquet", MANIFEST}
    assert second.removed == 4
    marts(connection, folder, "odd")
    again = stored(folder, "odd")
    assert {name: content for name, content in again.items() if name != MANIFEST} == {
        name: content for name, content in files.items() if name != MANIFEST
    }
    marts(connection, folder, "odd", formats=("csv",))
    assert set(stored(folder, "odd")) == {"part-0.csv", MANIFEST}


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("file_format", BOTH)
def test_an_error_after_the_first_rows_leaves_the_file_of_before_and_no_half_one(
    connection: psycopg.Connection, folder: ExportFolder, file_format: str
) -> None:
    partition = folder.partition("odd", DAY)
    partition.begin()
    with partition.publish(f"part-0.{file_format}") as sink:
        sink.write(b"whole")
    # not sorted, so that rows come before the one that fails
    query = sql.SQL("select n / (60000 - n) as n from generate_series(1, 60000) as n")
    write = {
        "csv": lambda: write_csv(connection, query, partition.publish),
        "parquet": lambda: write_parquet(connection, query, columns_of(connection, query), partition.publish),
    }[file_format]
    with pytest.raises(psycopg.errors.DivisionByZero):
        write()
    assert stored(folder, "odd") == {f"part-0.{file_format}": b"whole"}
    # which would complain of a file that is written to when it is closed
    gc.collect()


def test_a_run_that_fails_leaves_no_manifest_and_the_next_one_clears_up(
    connection: psycopg.Connection, folder: ExportFolder
) -> None:
    make(connection, "create view mart.odd as select n from generate_series(1, 3) as n")
    make(connection, "grant select on mart.odd to tallyhouse_analyst")
    marts(connection, folder, "odd", formats=("csv",))
    whole = stored(folder, "odd")["part-0.csv"]
    make(connection, "create or replace view mart.odd as select n / (3 - n) as n from generate_series(1, 3) as n")
    with pytest.raises(TallyhouseError, match="division by zero"):
        marts(connection, folder, "odd")
    assert stored(folder, "odd") == {"part-0.csv": whole}
    # as a run that was killed leaves it in a folder
    folder.files.pipe_file(f"{folder.root}/odd/day={DAY}/_part-0.csv.unfinished", b"half")
    make(connection, "create or replace view mart.odd as select n from generate_series(1, 3) as n")
    marts(connection, folder, "odd", formats=("csv",))
    assert set(stored(folder, "odd")) == {"part-0.csv", MANIFEST}


def test_marts_are_read_as_the_analyst_of_one_moment(connection: psycopg.Connection, tmp_path: Path) -> None:
    folder = ExportFolder(fsspec.filesystem("file"), str(tmp_path))
    for name in ("who", "who_else"):
        make(connection, f"create view mart.{name} as select current_user as who, pg_current_snapshot()::text as at")
        make(connection, f"grant select on mart.{name} to tallyhouse_analyst")
    marts(connection, folder, "who", "who_else", formats=("csv",))
    rows = [csv_rows(stored(folder, name)["part-0.csv"])[0] for name in ("who", "who_else")]
    assert rows[0] == rows[1]
    assert rows[0]["who"] == "tallyhouse_analyst"


def test_what_the_analyst_may_not_read_is_not_exported(connection: psycopg.Connection, tmp_path: Path) -> None:
    make(connection, "create table mart.hidden as select 1 as n")
    with pytest.raises(TallyhouseError, match="hidden: permission denied"):
        marts(connection, ExportFolder(fsspec.filesystem("file"), str(tmp_path)), "hidden")


def test_a_bucket_that_is_not_there_is_named_with_the_variable_to_mend(
    connection: psycopg.Connection, s3_url: str
) -> None:
    files = fsspec.filesystem("s3", endpoint_url=s3_url, key="testing", secret="testing")
    with pytest.raises(TallyhouseError, match=r"no-such-bucket.*tallyhouse_export_path"):
        marts(connection, ExportFolder(files, "no-such-bucket/exports"), "policy")


def test_memory_does_not_grow_with_the_number_of_rows(connection: psycopg.Connection, tmp_path: Path) -> None:
    folder = ExportFolder(fsspec.filesystem("file"), str(tmp_path))
    view = "create or replace view mart.many as select n, repeat(md5(n::text), 8) as t from generate_series(1, {}) as n"
    peaks = []
    for rows in (45_000, 110_000):  # several chunks and many: two are held at a time
        make(connection, view.format(rows) + "; grant select on mart.many to tallyhouse_analyst")
        held = pa.total_allocated_bytes()
        tracemalloc.start()
        (exported,) = marts(connection, folder, "many")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert exported.row_count == rows
        assert pa.total_allocated_bytes() - held < 1 << 20
    assert peaks[1] < 1.2 * peaks[0]


def charge(charge_id: str, at: str, event: str | None = "charge.succeeded", **attributes: Any) -> Version:
    body = {
        "object": "charge", "id": charge_id, "amount": 700, "currency": "usd", "status": "succeeded",
        "created": int(moment("2026-03-01T00:00:00").timestamp()), **attributes,
    }  # fmt: skip
    return Version(moment(at), event, body)


def details(last4: str) -> dict[str, Any]:
    card = {"brand": "visa", "last4": last4, "fingerprint": "fp", "country": "DE", "exp_year": 2030}
    return {"payment_method": "pm_1", "payment_method_details": {"type": "card", "card": card}}


def sources(connection: psycopg.Connection, folder: ExportFolder, day: date = DAY, **options: Any) -> list[Any]:
    """(charge, payment method, event type, source) of each row."""
    export.export_sources(connection, folder, day, ("csv",), "run", **options)
    return [
        (row["charge_id"], row["payment_method_id"], row["event_type"], json.loads(row["source"] or "null"))
        for row in csv_rows(stored(folder, "charge_source", day)["part-0.csv"])
    ]


def test_each_charge_of_the_days_events_is_there_once_as_its_last_event_told_it(
    connection: psycopg.Connection, local: ExportFolder
) -> None:
    stage(
        connection,
        [
            charge("ch_1", "2026-02-28T23:59:59", **details("0000")),
            charge("ch_1", "2026-03-01T00:00:00", **details("1111")),
            charge("ch_1", "2026-03-01T23:59:59", "charge.refunded", **details("2222")),
            charge("ch_1", "2026-03-02T00:00:00", "charge.updated", **details("3333")),
            charge("ch_2", "2026-03-02T00:00:00", **details("4444")),
        ],
    )
    found = sources(connection, local, is_personal=True)
    assert [(charge_id, event) for charge_id, _, event, _ in found] == [("ch_1", "charge.refunded")]
    assert found[0][3] == details("2222")["payment_method_details"]


def test_a_source_is_told_in_every_shape_and_none_is_told_as_none(
    connection: psycopg.Connection, local: ExportFolder
) -> None:
    card = {"object": "card", "id": "card_1", "brand": "Visa"}
    stage(
        connection,
        [
            charge("ch_1", "2026-03-01T01:00:00", source=card),
            charge("ch_2", "2026-03-01T02:00:00", card=card),
            charge("ch_3", "2026-03-01T03:00:00", **details("4242")),
            charge("ch_4", "2026-03-01T04:00:00"),
        ],
    )
    found = sources(connection, local, is_personal=True)
    assert [row[3] for row in found] == [card, card, details("4242")["payment_method_details"], None]
    assert [row[1] for row in found] == ["card_1", "card_1", "pm_1", ""]


def test_what_tells_who_paid_is_left_out_unless_it_is_asked_for(
    connection: psycopg.Connection, local: ExportFolder
) -> None:
    card = {"object": "card", "id": "card_1", "brand": "Visa", "name": "Anna Smith", "address_zip": "10115"}
    stage(
        connection,
        [charge("ch_1", "2026-03-01T01:00:00", **details("4242")), charge("ch_2", "2026-03-01T02:00:00", source=card)],
    )
    assert [row[3] for row in sources(connection, local)] == [
        {"type": "card", "card": {"brand": "visa", "country": "DE", "exp_year": 2030}},
        {"object": "card", "id": "card_1", "brand": "Visa"},
    ]
    assert sources(connection, local, is_personal=True)[1][3] == card


def test_what_was_erased_is_not_exported_even_as_personal_data(
    connection: psycopg.Connection, local: ExportFolder
) -> None:
    customer = Version(
        moment("2026-03-01T00:00:00"), "customer.created", {"object": "customer", "id": "cus_1", "name": "Anna"}
    )
    stage(connection, [customer, charge("ch_1", "2026-03-01T01:00:00", customer="cus_1", **details("4242"))])
    apply_models(connection, SQL_ROOT)
    erasure.erase(connection, erasure_record.Request("cus_1", ACCOUNT, "request", None, None, "erase"))
    ((_, _, _, source),) = sources(connection, local, is_personal=True)
    assert source == {"type": "card", "card": {"brand": "visa", "country": "DE", "exp_year": 2030}}


def test_the_day_of_a_run_is_the_one_before_it_was_due_unless_the_form_names_one() -> None:
    due = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert export.day_of(None, due) == date(2026, 3, 1)
    assert export.day_of("2025-12-31", due) == date(2025, 12, 31)


def test_what_is_exported_by_default_are_views_that_there_are() -> None:
    assert set(export.DEFAULT_MARTS) < set(export.mart_names(SQL_ROOT))
