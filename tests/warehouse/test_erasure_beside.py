"""Erasure beside whatever else goes on: rebuilds, loads, batches of other accounts; and what it costs them."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from tallyhouse import erasure, locks, redaction
from tallyhouse import rebuild as rebuilding
from tallyhouse import warehouse as warehouse_steps
from tallyhouse.client import Account
from tallyhouse.connected import connected_accounts
from tallyhouse.erasure_list import put_on_list
from tallyhouse.rebuild import SHADOW, rebuild
from tallyhouse.rows import only_value
from tallyhouse.warehouse import apply_models, apply_released, release_batches
from tests.waiting import until
from tests.warehouse.people import (
    AT,
    CHARGE,
    CREATED,
    CUSTOMER,
    DISPUTE,
    NAME,
    body_of,
    erase,
    loaded,
    request,
    version,
)
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage, table_rows

CONNECTED = "acct_connected"
SUBSCRIPTION = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd"}
WAITING = "select count(*) from pg_locks where locktype = 'advisory' and not granted"


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse on the newest PostgreSQL."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@pytest.fixture
def other(warehouse: str) -> Iterator[psycopg.Connection]:
    """Another connection to it."""
    with psycopg.connect(warehouse) as opened:
        yield opened


def of_connected(made: Version) -> Version:
    """As an event of a connected account, which its platform's key brings."""
    return Version(made.at, made.event_type or "charge.updated", made.body, account_id=CONNECTED)


def test_a_connected_account_keeps_the_key_that_reads_it_and_gets_no_freshness_of_its_own(
    connection: psycopg.Connection,
) -> None:
    of_other = version("charge", "ch_3", customer="cus_3", currency="usd", amount=1, status="failed")
    invoiced = Version(CHARGE.at, None, {**CHARGE.body, "balance_transaction": "txn_1"})
    loaded(connection, of_connected(CUSTOMER), of_connected(invoiced), CUSTOMER, CHARGE, of_connected(of_other))
    wishes = "select account_id, kind, object_id, requested_via from ops.enrichment order by 1, 2, 3"
    before = connection.execute(wishes).fetchall()
    assert (CONNECTED, "balance_transaction", "txn_1", ACCOUNT) in before
    connection.commit()
    erased = erasure.erase(connection, request(account_id=CONNECTED))
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    batches = connection.execute(
        "select account_id, livemode, requested_via from ops.batch where source = 'erasure'"
    ).fetchall()
    assert batches == [(CONNECTED, False, ACCOUNT)]
    assert connection.execute(wishes).fetchall() == before
    assert connection.execute("select account_id from mart.freshness").fetchall() == [(ACCOUNT,)]
    connection.execute("delete from raw.event where object_id = 'ch_3'")  # all that is left was erased
    known = connected_accounts(connection, Account(ACCOUNT, False, AT))
    assert [account.account_id for account in known] == [CONNECTED]


def test_each_account_has_a_batch_of_its_own(connection: psycopg.Connection) -> None:
    loaded(connection, of_connected(CUSTOMER), CUSTOMER)
    for account_id in (ACCOUNT, CONNECTED):
        erasure.erase(connection, request(f"of {account_id}", account_id=account_id))
    stage(connection, [of_connected(CHARGE), CHARGE])
    redaction.look_again(connection)
    batches = connection.execute(
        "select account_id, requested_via, row_count from ops.batch where source = 'erasure' and run_id = 'load' "
        "order by 1"
    ).fetchall()
    assert batches == [(CONNECTED, ACCOUNT, 1), (ACCOUNT, None, 1)]


def test_what_a_killed_rebuild_left_behind_goes_with_the_person(
    connection: psycopg.Connection, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(connection, CUSTOMER, CHARGE)

    def die(rebuilding_connection: psycopg.Connection, names: list[str]) -> None:
        rebuilding_connection.close()
        raise RuntimeError("killed")

    monkeypatch.setattr(locks, "held", die)
    with pytest.raises(RuntimeError, match="killed"):
        rebuild(other, SQL_ROOT)
    assert NAME in str(table_rows(connection, SHADOW))
    connection.commit()
    erasure.erase(connection, request())
    assert connection.execute("select to_regnamespace(%s)", [SHADOW]).fetchone() == (None,)


def test_a_person_counts_as_erased_when_the_rebuild_that_goes_on_has_ended(
    connection: psycopg.Connection, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    following = threading.Thread(target=lambda: erasure.follow(connection, SQL_ROOT, [1]))
    passes = []

    def apply_and_erase(*arguments: Any, **options: Any) -> None:
        apply_released(*arguments, **options)
        if not passes:
            erasure.erase(connection, request())
            following.start()
            following.join(0.3)
            assert following.is_alive()
        passes.append(options)

    monkeypatch.setattr(rebuilding, "apply_released", apply_and_erase)
    rebuild(other, SQL_ROOT)
    following.join()
    assert connection.execute("select verified_at is not null from ops.erasure").fetchone() == (True,)
    assert NAME not in str(table_rows(connection, "dwh"))


def one(connection: psycopg.Connection, query: LiteralString) -> Any:
    with connection.transaction():
        return only_value(connection, query)


def test_an_erasure_waits_for_a_load_that_is_under_way(
    connection: psycopg.Connection, other: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = []
    read = warehouse_steps.read_load_state
    monkeypatch.setattr(warehouse_steps, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(warehouse_steps, "read_load_state", lambda own: [looked.append(own), read(own)][1])
    loaded(connection, CUSTOMER)
    stage(connection, [CHARGE])
    release_batches(connection)
    erased = erasure.erase(connection, request())
    following = threading.Thread(target=lambda: erasure.follow(connection, SQL_ROOT, erased.erasure_ids), daemon=True)
    following.start()
    until(lambda: len(looked) > 2)
    assert one(other, "select count(*) from ops.batch where source = 'erasure' and released_at is null") == 1
    apply_released(other, SQL_ROOT)
    following.join(60)
    assert one(other, "select count(*) from ops.erasure where verified_at is not null") == 1


def test_no_load_begins_while_somebody_holds_it_off(connection: psycopg.Connection, other: psycopg.Connection) -> None:
    stage(connection, [CHARGE])
    began = []
    waiting = threading.Thread(target=lambda: began.append(release_batches(other)), daemon=True)
    with locks.held(connection, [locks.RELEASE]):
        waiting.start()
        until(lambda: one(connection, WAITING))
        assert began == []
    waiting.join(30)
    assert began == [1]


def test_a_load_that_begins_while_an_erasure_is_not_committed_loses_nothing(
    connection: psycopg.Connection, other: psycopg.Connection, warehouse: str
) -> None:
    loaded(connection, CUSTOMER)
    stage(connection, [CHARGE])
    waiting = threading.Thread(target=lambda: release_batches(other), daemon=True)
    with connection.transaction():
        redaction.lock(connection)
        ids = put_on_list(connection, request(), [(ACCOUNT, False)], None)
        redaction.redact(connection, "run")
        waiting.start()
        with psycopg.connect(warehouse) as third:
            until(lambda: one(third, WAITING))
    waiting.join(30)
    apply_released(other, SQL_ROOT)
    erasure.follow(connection, SQL_ROOT, ids)
    assert one(connection, "select count(*) from dwh.charge_fact") == 1
    assert NAME not in str(table_rows(connection, "dwh"))


def test_a_load_that_never_ends_holds_no_erasure_up_for_ever(
    connection: psycopg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    stage(connection, [CHARGE])
    release_batches(connection)
    with caplog.at_level("WARNING"):
        warehouse_steps.load_alone(connection, SQL_ROOT, timedelta(0))
    assert "A load has not ended for 0:00:00" in caplog.text
    assert not warehouse_steps.read_load_state(connection).is_partial


def test_an_erasure_in_the_middle_of_a_load_hides_nothing_from_its_models(connection: psycopg.Connection) -> None:
    price = {"object": "price", "id": "pro", "currency": "usd", "unit_amount": 10000}
    price |= {"recurring": {"interval": "month"}}
    item = {"id": "si_1", "quantity": 1, "price": price}
    subscription = Version(AT, None, {**SUBSCRIPTION, "items": {"data": [item]}, "created": int(AT.timestamp())})
    loaded(connection, CUSTOMER, subscription)
    worth = "select sum(mrr_change_minor) from dwh.mrr_change_fact"
    assert connection.execute(worth).fetchone() == (10000,)
    connection.commit()
    # of the subscription the load reads again because of its price; what comes meanwhile stays in its batch
    stage(connection, [Version(AT + timedelta(days=1), "price.updated", {**price, "nickname": "Pro"})])
    release_batches(connection)
    batch_id = stage(connection, [CHARGE])
    erasure.erase(connection, request())
    apply_released(connection, SQL_ROOT)
    with connection.transaction():
        assert connection.execute(worth).fetchone() == (10000,)
        assert connection.execute("select count(*) from dwh.subscription_item_dim").fetchone() == (1,)
        assert connection.execute("select count(*) from dwh.charge_fact").fetchone() == (0,)
        of_charge = "select batch_id, body::text from staging.object_version where object_id = 'ch_1'"
        kept = connection.execute(of_charge).fetchone()
        assert kept is not None
        assert kept[0] == batch_id
        assert NAME not in kept[1]
    apply_models(connection, SQL_ROOT)
    assert connection.execute("select count(*) from dwh.charge_fact").fetchone() == (1,)
    assert NAME not in str(table_rows(connection, "dwh"))


def test_what_is_set_aside_while_an_erasure_goes_on_is_a_copy_of_what_that_left(
    connection: psycopg.Connection, other: psycopg.Connection
) -> None:
    stage(connection, [CUSTOMER, Version(AT, None, {**CHARGE.body, "amount": "12x"})])
    release_batches(connection)
    redaction.lock(connection)
    connection.execute(
        "insert into ops.erased_object (account_id, livemode, object_id, erasure_id) values (%s, false, 'cus_1', 1)",
        [ACCOUNT],
    )
    redaction.redact(connection, "test")

    def set_aside() -> None:
        with other.transaction():
            other.execute("select * from ops.set_aside_unreadable('charge_fact')")

    thread = threading.Thread(target=set_aside)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    connection.execute("select ops.release_batches()")
    connection.commit()
    thread.join()
    apply_models(connection, SQL_ROOT)
    kept = connection.execute("select row_key, payload from raw.rejected").fetchall()
    assert NAME not in str(kept)


def test_a_count_waits_for_nobody_and_touches_no_document(
    connection: psycopg.Connection, other: psycopg.Connection
) -> None:
    loaded(connection, CUSTOMER, CHARGE, DISPUTE)
    # a batch that ends, and somebody who writes these rows
    other.execute("select pg_advisory_xact_lock_shared(hashtextextended('ops.erasure', 0))")
    other.execute("select * from raw.object for update")
    other.execute("select * from dwh.customer_dim for update")
    connection.execute("set lock_timeout = '2s'")
    connection.commit()
    counted = erasure.count(connection, request())
    other.rollback()
    erased = erasure.erase(connection, request())
    assert counted.rows == erased.rows
    assert counted.rows["raw.object"] == 3


def reads(connection: psycopg.Connection) -> dict[str, int]:
    """Partition of raw.event -> how often this session has read of it."""
    return dict(
        connection.execute(
            "select relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) from pg_stat_xact_user_tables "
            "where relname like 'event\\_y%'"
        ).fetchall()
    )


def test_what_is_new_of_an_erased_customer_is_not_looked_for_in_months_before_it(
    connection: psycopg.Connection,
) -> None:
    loaded(connection, CUSTOMER, version("charge", "ch_0", "charge.succeeded", customer="cus_1", currency="usd"))
    erase(connection)
    later = moment("2026-06-01T00:00:00")
    fresh = {**CHARGE.body, "created": int(later.timestamp()), "balance_transaction": "txn_1", "payment_method": None}
    dispute = {**DISPUTE.body, "created": int(later.timestamp())}
    stage(connection, [Version(later, "charge.dispute.created", dispute)])
    stage(connection, [Version(later, "charge.succeeded", fresh)])
    with connection.transaction():
        before = reads(connection)
        rows = redaction.redact(connection, "test")
        after = reads(connection)
    assert rows["raw.event"] == 2
    assert after["event_y2026m06"] > before["event_y2026m06"]
    assert after["event_y2026m03"] == before["event_y2026m03"]
    assert body_of(connection, "dp_1")["evidence"] == {}


def test_what_came_long_before_the_customer_was_known_to_have_it_is_found_all_the_same(
    connection: psycopg.Connection,
) -> None:
    loaded(connection, CUSTOMER)
    erase(connection)
    old = {"object": "mandate", "id": "mandate_1", "payment_method": "pm_9", "payment_method_details": {"name": NAME}}
    stage(connection, [Version(AT, "mandate.updated", old)])
    later = moment("2026-06-01T00:00:00")
    fresh = {**CHARGE.body, "created": CREATED + 90 * 86_400, "payment_method": "pm_9"}
    stage(connection, [Version(later, "charge.succeeded", fresh)])
    release_batches(connection)
    assert NAME not in str(body_of(connection, "mandate_1"))


def test_a_batch_that_arrives_reads_of_the_erased_only_what_its_documents_name(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    erase(connection)
    connection.execute(
        "insert into ops.erased_object (account_id, livemode, object_id, erasure_id, batch_id) "
        "select %s, false, 'ch_x' || n, 1, 1 from generate_series(1, 20000) as n",
        [ACCOUNT],
    )
    connection.execute("analyze ops.erased_object")
    connection.commit()
    batch_id = stage(connection, [DISPUTE])
    read = "select seq_tup_read from pg_stat_xact_user_tables where relid = 'ops.erased_object'::regclass"
    with connection.transaction():
        connection.execute("select ops.erase_arrived(%s)", [batch_id])
        ((rows,),) = connection.execute(read).fetchall()
    assert rows < 200
    assert body_of(connection, "dp_1")["evidence"] == {}
