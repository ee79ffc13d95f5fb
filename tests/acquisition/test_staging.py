"""Files staged: each content once, each file whole or not at all, and what is bad told once."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from threading import Thread

import psycopg
import pytest

from tallyhouse import file_staging, ingest
from tallyhouse.errors import RejectedRowsError, TallyhouseError
from tallyhouse.file_staging import FileChangedError
from tallyhouse.warehouse import apply_models
from tests.acquisition.conftest import Folder
from tests.conftest import ROOT, SQL_ROOT
from tests.waiting import until

HEADER = "user_id,install_id,installed_at,os_name,channel_name\n"
ONE = HEADER + "u1,i1,2026-01-02T03:04:05Z,iOS,search\n"
TWO = ONE + "u2,i2,2026-01-03T03:04:05Z,Android,search\n"
LOADED = "select file_name, line, row_key, payload ->> 'channel_name' from raw.file_row order by batch_id, line"
OLD, NEW = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def is_new(folder: Folder) -> list[bool]:
    return [report.is_new for report in folder.load()]


def test_a_file_is_loaded_with_its_batch(folder: Folder) -> None:
    file = folder.write("installs/january.csv", TWO)
    (report,) = folder.load("acquisition/run_1")
    assert (report.rows, report.new, report.duplicates, report.rejected) == (2, 2, 0, 0)
    assert folder.rows(LOADED) == [
        ("installs/january.csv", 2, ["u1", "i1"], "search"),
        ("installs/january.csv", 3, ["u2", "i2"], "search"),
    ]
    assert folder.rows(
        "select account_id, livemode, source, object_type, scope, run_id, row_count, new_count, byte_count "
        "from ops.batch"
    ) == [(None, None, "file", "install", "installs/january.csv", "acquisition/run_1", 2, 2, file.stat().st_size)]


def test_a_content_is_loaded_once_under_whatever_name(folder: Folder) -> None:
    folder.write("installs.csv", ONE)
    assert is_new(folder) == [True]
    folder.write("installs_copy.csv", ONE)
    assert is_new(folder) == [False, False]
    assert len(folder.rows(LOADED)) == 1


def test_a_file_that_is_touched_only_is_not_loaded_again(folder: Folder) -> None:
    folder.write("installs.csv", ONE, OLD)
    folder.load()
    folder.write("installs.csv", ONE, NEW)
    assert is_new(folder) == [False]


def test_a_file_that_is_replaced_is_a_new_file_and_so_is_one_that_is_put_back(folder: Folder) -> None:
    for text in (ONE, TWO, ONE):
        # whatever time the copy has
        folder.write("installs.csv", text, OLD)
        assert is_new(folder) == [True]
        assert is_new(folder) == [False]
    times = folder.rows("select modified_at from ops.file order by batch_id")
    assert times == sorted(set(times))


def test_what_is_not_a_csv_file_is_left_alone(folder: Folder) -> None:
    folder.write("README.txt", "x")
    folder.write("installs.csv.gz", b"x")
    assert folder.load() == []


def test_good_rows_load_and_bad_ones_are_told_once_with_file_line_and_reason(folder: Folder) -> None:
    folder.write("installs.csv", TWO + "u3,i3,yesterday,iOS,search\nu4\n")
    (report,) = folder.load()
    assert (report.rows, report.new, report.rejected) == (4, 2, 2)
    with pytest.raises(RejectedRowsError) as raised:
        ingest.report_rejects(folder.connection)
    assert "2 row(s)" in str(raised.value)
    assert "file:installs.csv line 4 of " in str(raised.value)
    assert "installed_at 'yesterday' is not an instant" in str(raised.value)
    assert "has 1 fields, and the header has 5" in str(raised.value)
    ingest.report_rejects(folder.connection)
    assert folder.rows("select payload from raw.rejected order by rejected_id") == [
        ("u3,i3,yesterday,iOS,search",),
        ("u4",),
    ]
    # mended, and put there again
    folder.write("installs.csv", TWO + "u3,i3,2026-01-04,iOS,search\n")
    assert is_new(folder) == [True]
    ingest.report_rejects(folder.connection)


def test_a_bad_line_of_another_content_is_told_again(folder: Folder) -> None:
    for user in ("u1", "u2"):
        folder.write("installs.csv", f"{HEADER}{user},i1,never,iOS,search\n")
        folder.load()
        with pytest.raises(RejectedRowsError, match="'never'"):
            ingest.report_rejects(folder.connection)


def test_of_rows_with_one_key_in_a_file_the_first_counts_and_one_that_differs_is_refused(folder: Folder) -> None:
    row = "u1,i1,2026-01-02T03:04:05Z,iOS,search\n"
    folder.write("installs.csv", HEADER + row + row + row.replace("search", "social"))
    (report,) = folder.load()
    assert (report.rows, report.new, report.duplicates, report.rejected) == (3, 1, 1, 1)
    assert folder.rows("select row_key, reason from raw.rejected")[0][0].startswith("line 4 of ")
    assert folder.rows("select reason from raw.rejected") == [
        ("has the user_id, install_id of line 2, and differs from it",)
    ]


def test_keys_are_compared_across_chunks(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_staging.CsvReader.__init__, "__kwdefaults__", {"keeps_personal": True, "chunk_rows": 1})
    folder.write("installs.csv", TWO + "u1,i1,2026-01-02T03:04:05Z,Android,search\n")
    (report,) = folder.load()
    assert (report.new, report.rejected) == (2, 1)


def test_what_postgresql_cannot_hold_costs_its_own_row(folder: Folder) -> None:
    folder.write("installs.csv", TWO + "u\0,i3,2026-01-04,iOS,search\n")
    (report,) = folder.load()
    assert (report.new, report.rejected) == (2, 1)
    assert folder.rows("select reason from raw.rejected")[0][0].startswith("PostgreSQL refuses it")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("spend.csv", ONE, "its name begins with none of installs, clients, channels, ad_spend, fx_rates"),
        ("installs.csv", "a,b\n1,2\n", "its header has no user_id"),
        ("installs.csv", TWO + 'u3,"' + "x" * 200_000, "line 4: field larger"),
    ],
    ids=["name", "header", "quote"],
)
def test_an_unreadable_file_loads_nothing_is_told_once_and_holds_no_other_back(
    folder: Folder, name: str, text: str, reason: str
) -> None:
    folder.write(name, text)
    folder.write("channels.csv", "channel_name\nsearch\n")
    assert [report.new for report in folder.load()] in ([1, 0], [0, 1])
    assert folder.rows("select distinct file_kind from raw.file_row") == [("channel",)]
    with pytest.raises(RejectedRowsError, match=reason):
        ingest.report_rejects(folder.connection)
    assert is_new(folder) == [False, False]
    ingest.report_rejects(folder.connection)


def test_spend_may_be_in_any_currency_of_stripes_before_anything_else_was_loaded(folder: Folder) -> None:
    header = "day,channel_name,currency,spend\n"
    folder.write("ad_spend.csv", header + "2026-01-02,search,KWD,1.234\n2026-01-02,search,xbt,1\n")
    (report,) = folder.load()
    assert (report.new, report.rejected) == (1, 1)
    assert folder.rows("select reason from raw.rejected") == [("currency 'xbt' is none that Stripe has",)]


def test_rates_load_and_those_that_cannot_be_are_told_with_file_line_and_reason(folder: Folder) -> None:
    rows = "2026-01-02,EUR,usd,1.0852,ECB\n2026-01-02,GBP,USD,0,ECB\n02.01.2026,EUR,USD,1.1,\n"
    rows += "2026-01-02,XBT,USD,9,\n2026-01-02,USD,usd,1,\n"
    folder.write("fx_rates/2026-01.csv", "date,from_currency,to_currency,rate,source\n" + rows)
    (report,) = folder.load()
    assert (report.kind, report.new, report.rejected) == ("fx_rate", 1, 4)
    with pytest.raises(RejectedRowsError) as raised:
        ingest.report_rejects(folder.connection)
    for line, reason in (
        (3, "rate '0' is not a rate above 0"),
        (4, "date '02.01.2026' is not a day"),
        (5, "from_currency 'XBT' is none that Stripe has"),
        (6, "from_currency and to_currency are both 'usd'"),
    ):
        assert re.search(rf"file:fx_rates/2026-01\.csv line {line} of \w+: {re.escape(reason)}", str(raised.value))
    apply_models(folder.connection, SQL_ROOT)
    assert folder.rows("select source_type, from_currency, to_currency, rate, rate_source from dwh.fx_rate_fact") == [
        ("file", "eur", "usd", Decimal("1.0852"), "ECB")
    ]


def test_an_address_is_not_stored_where_the_policy_says_no(folder: Folder) -> None:
    with folder.connection.transaction():
        folder.connection.execute("update ops.policy set value = 'no' where name = 'keep_ip_addresses'")
    header = HEADER.strip() + ",ip_address\n"
    folder.write("installs.csv", header + "u1,i1,2026-01-02,iOS,search,10.1.2.3\nu2,i2,x,iOS,search,10.1.2.4\n")
    folder.load()
    assert "10.1.2" not in str(folder.rows("select * from raw.file_row"))
    assert "10.1.2" not in str(folder.rows("select * from raw.rejected"))


def test_a_folder_that_is_not_there_is_named_with_the_variable(folder: Folder) -> None:
    with pytest.raises(TallyhouseError, match=r"There is no folder .*gone.* tallyhouse_acquisition_path"):
        file_staging.find_files(folder.path / "gone")


def test_a_file_that_is_written_to_while_it_is_read_is_left_for_the_next_run(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.write("installs.csv", ONE)
    folder.write("channels.csv", "channel_name\nsearch\n")
    wanted = file_staging._is_wanted

    def write_meanwhile(conn: psycopg.Connection, name: str, kind: str | None, sha256: str) -> bool:
        if name == "installs.csv":
            file.write_text(TWO)
        return wanted(conn, name, kind, sha256)

    with monkeypatch.context() as patch:
        patch.setattr(file_staging, "_is_wanted", write_meanwhile)
        with pytest.raises(FileChangedError, match=r"installs\.csv was written to while it was read"):
            folder.load()
    assert folder.rows("select file_name from ops.file") == [("channels.csv",)]
    assert is_new(folder) == [False, True]
    assert len(folder.rows(LOADED)) == 3


def test_two_runs_at_once_load_a_file_once(make_folder: Callable[[], Folder]) -> None:
    first, second = make_folder(), make_folder()
    first.write("installs.csv", HEADER + "".join(f"u{n},i{n},2026-01-02,iOS,search\n" for n in range(5000)))
    found: list[bool] = []
    threads = [Thread(target=lambda one=one: found.extend(is_new(one))) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, True]
    assert first.rows("select count(*) from raw.file_row") == [(5000,)]


def test_a_load_that_is_killed_leaves_nothing_and_the_next_one_loads_all(folder: Folder, warehouse: str) -> None:
    row = "user_{0},install_{0},2026-01-02T03:04:05Z,Android,search\n"
    folder.write("installs.csv", HEADER + "".join(map(row.format, range(20_000))))
    holder = psycopg.connect(warehouse)
    # read before a file is committed: nobody shows what comes of erased customers
    holder.execute("lock table ops.erased_object")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.acquisition.loading_process", warehouse, str(folder.path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "plugins")},
    )
    try:
        # once the rows are written, which nobody else can see
        held_up = "select from pg_locks where not granted and relation = 'ops.erased_object'::regclass"
        until(lambda: folder.rows(held_up))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        holder.close()
    assert folder.rows("select from ops.batch union all select from raw.file_row") == []
    (report,) = folder.load()
    assert (report.is_new, report.new) == (True, 20_000)
