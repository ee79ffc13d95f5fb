"""Erasure of installs, which files bring and a user's id links to a customer: what goes, what stays, and whose."""

import hashlib
import hmac
import threading
from collections.abc import Iterator

import psycopg
import pytest

from tallyhouse import erasure
from tallyhouse import rebuild as rebuilding
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.people import AT, CUSTOMER, erase, loaded, request, texts, version
from tests.warehouse.raw_rows import SQL_ROOT, StoredRow, stage, stage_rows, table_rows
from tests.warehouse.traces import figures

INSTALL = {
    "user_id": "u1", "install_id": "i1", "installed_at": "2026-03-01T00:00:00Z", "os_name": "iOS",
    "app_name": "Notes", "channel_name": "search", "device_id": "device-1", "ip_address": "203.0.113.9",
}  # fmt: skip
JOINED = (
    "select f.device_id like 'erased:%', f.ip_address from dwh.user_first_install_fact as f "
    "inner join dwh.user_dim using (user_id)"
)
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


@pytest.mark.parametrize("user_id", ["u1", "anna@example.com"], ids=["an id", "an address"])
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
    assert ("@" in texts(connection)) is False
    assert differences(connection) == []


def test_installs_do_not_come_back_with_a_rebuild_that_had_read_them_before(
    connection: psycopg.Connection, warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installs(connection, {"user_id": "anna@example.com", "device_name": "Anna's iPhone"})
    loaded(connection, version("customer", "cus_1", metadata={"user_id": "anna@example.com"}))
    loads_waiting = rebuilding._loads_waiting

    def erase_first(rebuilding_connection: psycopg.Connection) -> object:
        with psycopg.connect(warehouse) as other:
            erased = erasure.erase(other, request())
            assert erased.rows["raw.file_row"] == 1
        return loads_waiting(rebuilding_connection)

    monkeypatch.setattr(rebuilding, "_loads_waiting", erase_first)
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
        "select f.user_id, c.os_name, c.app_name, c.device_name from dwh.user_first_install_fact as f "
        "left join dwh.client_dim as c using (client_sk) order by 1"
    ).fetchall()
    assert clients == [("u1", "iOS", "Notes", None), ("u2", "iOS", "Notes", "iPhone 15")]
    assert "Anna" not in texts(connection)
    assert differences(connection) == []


def test_the_name_of_a_device_stays_where_another_has_it_too(connection: psycopg.Connection) -> None:
    # whose version and spelling clients leave out
    phone = {"os_name": "iOS 17.2", "device_name": "iPhone 15"}
    installs(connection, phone, phone | {"user_id": "u2", "os_name": "ios"})
    loaded(connection, CUSTOMER)
    told = figures(connection)
    erase(connection)
    names = connection.execute(
        "select f.user_id, c.device_name from dwh.user_first_install_fact as f "
        "left join dwh.client_dim as c using (client_sk) order by 1"
    ).fetchall()
    assert names == [("u1", None), ("u2", "iPhone 15")]
    assert figures(connection) == told
    assert differences(connection) == []


def test_duplicated_installs_are_counted_as_before(connection: psycopg.Connection) -> None:
    installs(connection, {}, {"install_id": "i2", "device_id": "device-2"}, {"install_id": "i3"})
    loaded(connection, CUSTOMER)
    refresh_marts(connection, SQL_ROOT)
    before = table_rows(connection, "mart")["install_duplicate_daily"]
    assert ",3,2,1," in str(before)
    connection.commit()
    erase(connection)
    # a file that comes later has one of them once more
    installs(connection, {"install_id": "i3"}, sha256="1", day=2)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    assert table_rows(connection, "mart")["install_duplicate_daily"] == before
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


@pytest.mark.parametrize("choice", ["yes", "no"])
def test_an_address_as_user_id_is_shown_as_policy_says(connection: psycopg.Connection, choice: str) -> None:
    connection.execute("update ops.policy set value = %s where name = 'hash_user_addresses'", [choice])
    connection.commit()
    installs(connection, {"user_id": "anna@example.com"}, {"user_id": "u2"})
    loaded(connection, version("customer", "cus_1", metadata={"user_id": "anna@example.com"}))
    (shown, plain) = (user_id for user_id, _ in devices(connection))
    assert (shown == "anna@example.com") == (choice == "no")
    assert plain == "u2"
    assert connection.execute("select user_id from dwh.user_dim").fetchall() == [(shown,)]
    erase(connection)
    assert connection.execute(JOINED).fetchall() == [(True, None)]
    assert "@" not in texts(connection)
    assert differences(connection) == []
