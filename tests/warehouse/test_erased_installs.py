"""Erasure of installs, which files bring and a user's id links to a customer: what goes, what stays, and whose."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse import erasure
from tallyhouse import rebuild as rebuilding
from tallyhouse.errors import TallyhouseError
from tallyhouse.file_staging import load_files
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, apply_released, refresh_marts
from tests.warehouse.people import AT, CUSTOMER, erase, loaded, request, request_of_user, texts, version
from tests.warehouse.raw_rows import SQL_ROOT, StoredRow, stage, stage_rows
from tests.warehouse.traces import figures, rows_with

INSTALL = {
    "user_id": "u1", "install_id": "i1", "installed_at": "2026-03-01T00:00:00Z", "os_name": "iOS",
    "app_name": "Notes", "channel_name": "search", "device_id": "device-1", "ip_address": "203.0.113.9",
}  # fmt: skip
JOINED = (
    "select f.device_id like 'erased:%', f.ip_address from dwh.user_first_install_fact as f "
    "inner join dwh.user_dim using (user_id)"
)
WHO = "case when f.user_id ~ '^hmac:[0-9a-f]{64}$' then 'erased' else f.user_id end as who"
REBUILT = "dwh_rebuild"


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse on the newest PostgreSQL."""
    with psycopg.connect(warehouse) as opened:
        yield opened


def installs(connection: psycopg.Connection, *rows: dict[str, str], sha256: str = "0", day: int = 1) -> None:
    """Stages rows as one file, each like INSTALL but for what is named."""
    stage_rows(
        connection,
        [StoredRow(AT.replace(day=day), "install", INSTALL | row, line, sha256) for line, row in enumerate(rows, 2)],
    )


def devices(connection: psycopg.Connection) -> list[tuple[str, str | None]]:
    found = connection.execute("select user_id, device_id from dwh.user_first_install_fact order by 1, 2").fetchall()
    connection.rollback()
    return found


def differences(connection: psycopg.Connection) -> list[rebuilding.TableChange]:
    connection.commit()
    return [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed]


@pytest.mark.parametrize("user_id", ["u1", "anna@example.com", "+49 30 1234567", "Anna Smith"])
def test_installs_lose_address_and_device_and_stay_with_their_customer(
    connection: psycopg.Connection, user_id: str
) -> None:
    installs(connection, {"user_id": user_id}, {"user_id": "u2"})
    loaded(connection, version("customer", "cus_1", metadata={"user_id": user_id}))
    erase(connection)
    assert connection.execute(JOINED).fetchall() == [(True, None)]
    assert "203.0.113.9" in texts(connection)  # of the other
    installs(connection, {"user_id": user_id}, sha256="1", day=2)
    apply_models(connection, SQL_ROOT)
    assert connection.execute(JOINED).fetchall() == [(True, None)]
    assert user_id not in texts(connection)
    assert differences(connection) == []


def test_installs_do_not_come_back_with_a_rebuild_that_had_read_them_before(
    connection: psycopg.Connection, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs(connection, {"user_id": "anna@example.com", "device_name": "Anna's iPhone"})
    loaded(connection, version("customer", "cus_1", metadata={"user_id": "anna@example.com"}))
    erased = []

    def apply_and_erase(*arguments: Any, **options: Any) -> None:
        apply_released(*arguments, **options)
        if not erased:
            with psycopg.connect(warehouse) as other:
                erased.append(erasure.erase(other, request()))
            assert erased[0].rows["raw.file_row"] == 1

    monkeypatch.setattr(rebuilding, "apply_released", apply_and_erase)
    rebuild(connection, SQL_ROOT)
    monkeypatch.undo()
    apply_models(connection, SQL_ROOT)
    assert connection.execute(JOINED).fetchall() == [(True, None)]
    assert "Anna" not in texts(connection)
    assert differences(connection) == []


def test_an_erasure_waits_for_a_model_of_installs_that_runs(connection: psycopg.Connection, warehouse: str) -> None:
    installs(connection, {})
    loaded(connection, CUSTOMER)
    installs(connection, {"install_id": "i2"}, sha256="1", day=2)
    connection.execute("select ops.release_batches()")
    connection.commit()
    connection.execute((SQL_ROOT / "facts" / "user_first_install_fact.sql").read_text().encode())
    with psycopg.connect(warehouse) as other:
        thread = threading.Thread(target=lambda: erasure.erase(other, request()))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        connection.commit()
        thread.join()
    assert [device for _, device in devices(connection) if not (device or "").startswith("erased:")] == []
    assert len(devices(connection)) == 2


def test_columns_of_a_file_that_nobody_knows_go_and_so_does_the_name_of_the_device(
    connection: psycopg.Connection,
) -> None:
    told = {"device_name": "Anna's iPhone", "shoe_size": "38", "phone": "+49 30 123456"}
    installs(connection, told, {"user_id": "u2", "device_name": "iPhone 15"})
    loaded(connection, CUSTOMER)
    erase(connection)
    kept = connection.execute("select payload from raw.file_row order by line").fetchall()
    assert kept[0][0].keys() == INSTALL.keys() - {"ip_address"}
    clients = connection.execute(
        f"select {WHO}, c.os_name, c.app_name, c.device_name from dwh.user_first_install_fact as f "
        "left join dwh.client_dim as c using (client_sk) order by 1"
    ).fetchall()
    assert clients == [("erased", "iOS", "Notes", None), ("u2", "iOS", "Notes", "iPhone 15")]
    assert "Anna" not in texts(connection)
    assert differences(connection) == []


def test_the_name_of_a_device_stays_where_another_has_it_too(connection: psycopg.Connection) -> None:
    # whose version and spelling clients leave out
    phone = {"os_name": "iOS 17.2", "device_name": "iPhone 15"}
    installs(connection, phone, phone | {"user_id": "u2", "os_name": "ios"})
    loaded(connection, CUSTOMER)
    refresh_marts(connection, SQL_ROOT)
    told = figures(connection)
    erase(connection)
    names = connection.execute(
        f"select {WHO}, c.device_name from dwh.user_first_install_fact as f "
        "left join dwh.client_dim as c using (client_sk) order by 1"
    ).fetchall()
    assert names == [("erased", None), ("u2", "iPhone 15")]
    assert figures(connection) == told
    assert differences(connection) == []


def test_duplicated_installs_are_counted_as_before(connection: psycopg.Connection) -> None:
    installs(connection, {}, {"install_id": "i2", "device_id": "device-2"}, {"install_id": "i3"})
    loaded(connection, CUSTOMER)
    refresh_marts(connection, SQL_ROOT)
    before = figures(connection)["mart.install_duplicate_daily"]
    assert '"installs": 3' in str(before)
    erase(connection)
    # a file that comes later has one of them once more
    installs(connection, {"install_id": "i3"}, sha256="1", day=2)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    assert figures(connection)["mart.install_duplicate_daily"] == before
    assert "device-1" not in str(devices(connection))


def test_a_customer_of_test_mode_takes_no_installs_with_it_where_live_data_is_shown(
    connection: psycopg.Connection,
) -> None:
    installs(connection, {})
    loaded(connection, CUSTOMER)
    connection.execute("update ops.policy set value = 'live' where name = 'reported_modes'")
    erase(connection)
    assert devices(connection) == [("u1", "device-1")]


def test_installs_go_with_the_last_customer_of_their_user(connection: psycopg.Connection) -> None:
    installs(connection, {})
    loaded(connection, CUSTOMER, version("customer", "cus_2", metadata={"user_id": "u1"}))
    connection.commit()
    counted = erasure.count(connection, request())
    assert "raw.file_row" not in counted.rows
    assert counted.others == {"the same user of the app, whose installs go with the last of them": ["cus_2"]}
    erase(connection)
    assert devices(connection) == [("u1", "device-1")]
    erased = erasure.erase(connection, request("another", "cus_2"))
    assert erased.rows["raw.file_row"] == 1
    assert devices(connection)[0][1] != "device-1"


def test_a_file_and_the_customer_who_is_its_user_may_end_together(
    connection: psycopg.Connection, warehouse: str
) -> None:
    loaded(connection, version("customer", "cus_1"))
    erase(connection)
    with psycopg.connect(warehouse) as other, other.transaction():
        # neither sees what the other has brought
        installs(other, {})
        stage(connection, [version("customer", "cus_1", "customer.updated", 5, metadata={"user_id": "u1"})])
    apply_models(connection, SQL_ROOT)
    assert connection.execute(JOINED).fetchall() == [(True, None)]
    assert "203.0.113.9" not in texts(connection)


def test_an_erased_user_is_remembered_by_a_hash_with_a_key(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    erase(connection)
    (inner,) = connection.execute("select inner_block from ops.erasure_key").fetchone() or ()
    key = bytes(byte ^ 0x36 for byte in inner)
    assert key.rstrip(b"\0") != b""
    expected = hmac.new(key, hashlib.sha256(b"u1").digest(), hashlib.sha256).hexdigest()
    assert connection.execute("select user_hash from ops.erased_user").fetchall() == [(f"hmac:{expected}",)]
    # of a hash without a key, as releases before had it, and of itself
    old = "sha256:" + hashlib.sha256(b"u1").hexdigest()
    row = connection.execute("select ops.user_hash(%s), ops.user_hash(ops.user_hash(%s))", [old, "u1"]).fetchone()
    assert row == (f"hmac:{expected}",) * 2


@pytest.mark.parametrize(
    ("choice", "hashed"),
    [("yes", {"anna@example.com"}), ("no", set()), ("all", {"anna@example.com", "+49 30 1234567"})],
)
def test_an_id_of_a_user_is_shown_as_policy_says_and_never_after_an_erasure(
    connection: psycopg.Connection, choice: str, hashed: set[str]
) -> None:
    connection.execute("update ops.policy set value = %s where name = 'hash_user_addresses'", [choice])
    connection.commit()
    users = ["+49 30 1234567", "anna@example.com"]
    installs(connection, *({"user_id": user_id} for user_id in users))
    customers = [version("customer", f"cus_{n}", metadata={"user_id": user_id}) for n, user_id in enumerate(users, 1)]
    loaded(connection, *customers)
    for relation in ("user_first_install_fact", "user_dim"):
        shown = {user_id for (user_id,) in connection.execute(f"select user_id from dwh.{relation}")}
        assert set(users) - shown == hashed
        assert len(shown) == 2
    connection.commit()
    for n in (1, 2):
        erased = erasure.erase(connection, request(f"run {n}", f"cus_{n}"))
        erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    assert connection.execute(JOINED).fetchall() == [(True, None)] * 2
    assert [user_id for user_id in users if user_id in texts(connection)] == []
    assert differences(connection) == []


ADDRESS = "+49 30 1234567"


@pytest.mark.parametrize("is_hash", [False, True], ids=["an id", "its hash"])
def test_a_user_of_the_app_who_never_became_a_customer_is_erased_for_good(
    connection: psycopg.Connection, is_hash: bool
) -> None:
    installs(connection, {"user_id": ADDRESS, "device_name": "Anna's iPhone"}, {"user_id": "u2"})
    loaded(connection, CUSTOMER)
    refresh_marts(connection, SQL_ROOT)
    told = figures(connection)
    who = ADDRESS
    if is_hash:
        ((who,),) = connection.execute("select ops.user_hash(%s)", [ADDRESS]).fetchall()
        connection.execute("update ops.policy set value = 'all' where name = 'hash_user_addresses'")
        connection.commit()
        rebuild(connection, SQL_ROOT)
    counted = erasure.count(connection, request_of_user(who))
    erased = erasure.erase(connection, request_of_user(who))
    assert dict(erased.rows) == dict(counted.rows)
    assert (erased.rows["raw.file_row"], erased.rows["dwh.client_dim"]) == (1, 1)
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    # a try that follows finds it done
    assert erasure.erase(connection, request_of_user(who)) == erased
    installs(connection, {"user_id": ADDRESS, "ip_address": "198.51.100.7"}, sha256="1", day=2)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    assert [word for word in (ADDRESS, "Anna's", "198.51") if word in texts(connection)] == []
    assert figures(connection) == told
    record = "select customer_id, account_id, user_hash = ops.user_hash(%s), verified_at is not null from ops.erasure"
    assert connection.execute(record, [ADDRESS]).fetchall() == [(None, None, True, True)]
    assert differences(connection) == []


def test_a_user_who_is_a_customer_goes_with_the_customer(connection: psycopg.Connection) -> None:
    installs(connection, {})
    loaded(connection, CUSTOMER)
    connection.commit()
    ((hashed,),) = connection.execute("select ops.user_hash('u1')").fetchall()
    connection.commit()
    for who in ("u1", hashed):
        with pytest.raises(TallyhouseError, match="is a customer: erase cus_1"):
            erasure.count(connection, request_of_user(who))


def test_a_user_whom_no_file_names_is_refused(connection: psycopg.Connection) -> None:
    installs(connection, {})
    with pytest.raises(TallyhouseError, match="No file of installs"):
        erasure.erase(connection, request_of_user("u9"))
    assert connection.execute("select count(*) from ops.erased_user").fetchone() == (0,)


@pytest.mark.parametrize(
    "left",
    [
        "update dwh.user_dim set user_id = 'u1'",
        "update dwh.user_first_install_fact set user_id = 'u1'",
        "insert into dwh.client_dim values (1, 'iOS', 'Notes', null, 'Anna''s iPhone')",
        "insert into dwh.client_dim values (1, 'iOS', 'Notes', null, 'Anna''s iPhone'); "
        "update dwh.user_first_install_fact set client_sk = 1",
    ],
    ids=["user of a customer", "user of an install", "device of nobody", "device"],
)
def test_an_erasure_counts_as_verified_only_where_no_user_id_or_device_is_left(
    connection: psycopg.Connection, left: str
) -> None:
    installs(connection, {}, {"user_id": "u2", "install_id": "i2", "device_name": "iPhone 15"})
    loaded(connection, CUSTOMER)
    erased = erasure.erase(connection, request())
    apply_models(connection, SQL_ROOT)
    connection.execute(left + (" where user_id <> 'u2'" if left.startswith("update") or "; update" in left else ""))
    connection.commit()
    with pytest.raises(TallyhouseError, match="Something personal is left"):
        erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    assert connection.execute("select verified_at from ops.erasure").fetchone() == (None,)


def test_an_erasure_is_verified_when_the_marts_show_the_user_no_more(connection: psycopg.Connection) -> None:
    connection.execute("update ops.policy set value = 'no' where name = 'hash_user_addresses'")
    connection.commit()
    address = "anna@example.com"
    installs(connection, {"user_id": address}, {"user_id": address, "install_id": "i2"})
    loaded(connection, version("customer", "cus_1", metadata={"user_id": address}))
    refresh_marts(connection, SQL_ROOT)
    assert rows_with(connection, [address], ["mart"]).keys() == {
        "mart.user_acquisition",
        "mart.install_duplicate_daily",
    }
    ((left,),) = connection.execute("select count(*) from ops.erasure where verified_at is not null").fetchall()
    connection.commit()
    erase(connection)
    assert rows_with(connection, [address], ["mart"]) == {}
    assert left == 0
    assert connection.execute("select count(verified_at) from ops.erasure").fetchone() == (1,)


@pytest.mark.parametrize("name", ["Smith, Anna", 'Anna "A" Smith', "u1"])
def test_a_row_of_a_file_that_was_set_aside_is_found_by_its_user_however_it_is_quoted(
    connection: psycopg.Connection, tmp_path: Path, name: str
) -> None:
    cell = '"' + name.replace('"', '""') + '"'
    lines = (
        "user_id,install_id,installed_at,os_name,channel_name,ip_address",
        f"{cell},i1,never,iOS,search,203.0.113.9",
        f"{cell},i2,2026-03-01T00:00:00Z,iOS,search,",
        f"{cell},i2,2026-03-02T00:00:00Z,iOS,search,203.0.113.9",
        "u2,i3,never,iOS,search,198.51.100.7",
    )
    (tmp_path / "installs_1.csv").write_text("\n".join(lines))
    load_files(connection, SQL_ROOT, tmp_path, "run")
    apply_models(connection, SQL_ROOT)
    assert erasure.count(connection, request_of_user(name)).rows["raw.rejected"] == 2
    erasure.erase(connection, request_of_user(name))
    kept = connection.execute("select payload, user_id from raw.rejected order by rejected_id").fetchall()
    assert [user for _, user in kept] == [None, "u2", None]
    assert [text.strip() for text, _ in kept if text] == [lines[4]]
    connection.commit()
    (tmp_path / "installs_2.csv").write_text("\n".join(lines[:2]))
    load_files(connection, SQL_ROOT, tmp_path, "run")
    assert len(connection.execute("select from raw.rejected where payload <> ''").fetchall()) == 1
