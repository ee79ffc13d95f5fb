"""Erasure on single documents: what belongs to a person, what stays of it, and that no order of arrival matters."""

import itertools
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from tallyhouse import erasure
from tallyhouse.errors import TallyhouseError
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, release_batches
from tests.warehouse.people import (
    AT,
    CHARGE,
    CREATED,
    CUSTOMER,
    DISPUTE,
    NAME,
    OTHER,
    REVIEW,
    body_of,
    erase,
    loaded,
    request,
    texts,
    version,
)
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, empty_warehouse, stage, table_rows


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse on the newest PostgreSQL."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@pytest.fixture
def each_connection(each_warehouse: str) -> Iterator[psycopg.Connection]:
    """The same on every supported version."""
    with psycopg.connect(each_warehouse) as opened:
        yield opened


def test_what_names_the_customer_only_through_its_charge_is_redacted_and_nobody_elses_is(
    each_connection: psycopg.Connection,
) -> None:
    connection = each_connection
    loaded(connection, CUSTOMER, CHARGE, DISPUTE, REVIEW, OTHER)
    erase(connection)
    assert body_of(connection, "dp_1") == {
        "object": "dispute", "id": "dp_1", "created": CREATED, "charge": "ch_1", "amount": 700, "currency": "usd",
        "status": "lost", "reason": "fraudulent", "evidence": {},
    }  # fmt: skip
    assert body_of(connection, "prv_1") == {
        "object": "review", "id": "prv_1", "created": CREATED, "charge": "ch_1", "session": {},
    }  # fmt: skip
    assert body_of(connection, "ch_2") == OTHER.body


def test_of_a_charge_money_links_and_the_kind_of_card_stay(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    erase(connection)
    assert body_of(connection, "ch_1") == {
        "object": "charge", "id": "ch_1", "created": CREATED, "customer": "cus_1", "amount": 700, "currency": "usd",
        "status": "succeeded", "billing_details": {"address": {"country": "DE"}}, "payment_method": "pm_1",
        "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
    }  # fmt: skip
    row = connection.execute("select brand, last4 from dwh.payment_method_dim").fetchone()
    assert row == ("visa", None)


def test_an_attribute_that_nobody_knows_yet_does_not_stay(connection: psycopg.Connection) -> None:
    loaded(connection, version("customer", "cus_1", voice_print="abc", shoe_size=43, is_left_handed=True))
    erase(connection)
    assert body_of(connection, "cus_1").keys() == {"object", "id", "created", "is_left_handed"}


def test_an_event_loses_what_was_before_and_the_key_of_its_request(connection: psycopg.Connection) -> None:
    changed = version("customer", "cus_1", "customer.updated", 5, email="b@example.com", balance=5)
    told = Version(changed.at, "customer.updated", changed.body, previous_attributes={"email": "a@b.c", "balance": 3})
    loaded(connection, CUSTOMER, told)
    connection.execute(
        'update raw.event set payload = payload || \'{"request": {"id": "req_1", "idempotency_key": "Anna"}}\''
    )
    erase(connection)
    row = connection.execute("select payload -> 'request', payload -> 'data' from raw.event").fetchone()
    assert row is not None
    assert row[0] == {"id": "req_1"}
    assert row[1]["previous_attributes"] == {"balance": 3}
    assert row[1]["object"]["balance"] == 5
    assert "email" not in row[1]["object"]


def test_of_a_payout_only_the_transactions_of_the_person_are_redacted(connection: psycopg.Connection) -> None:
    transactions = [
        {"object": "balance_transaction", "id": f"txn_{n}", "source": f"ch_{n}", "amount": 1, "description": NAME}
        for n in (1, 2)
    ]
    payout = version(
        "payout", "po_1", amount=2, currency="usd", description="Payout to Anna's bank", status="paid",
        balance_transactions={"object": "list", "data": transactions, "has_more": False},
    )  # fmt: skip
    loaded(connection, CUSTOMER, CHARGE, OTHER, payout)
    erase(connection)
    listed = body_of(connection, "po_1")
    assert listed["description"] == "Payout to Anna's bank"
    assert [each.get("description") for each in listed["balance_transactions"]["data"]] == [None, NAME]


TAKEN_OVER = {"object": "subscription", "id": "sub_1", "created": CREATED, "currency": "usd", "status": "active"}


def test_a_customer_who_takes_a_subscription_over_is_let_be(connection: psycopg.Connection) -> None:
    taken = {**TAKEN_OVER, "customer": "cus_2", "metadata": {"for": "Bert"}, "default_payment_method": "pm_2"}
    before = {"customer": "cus_1", "metadata": {"for": NAME}, "default_payment_method": "pm_1"}
    event = Version(AT.replace(second=5), "customer.subscription.updated", taken, previous_attributes=before)
    bert = version("customer", "cus_2", name="Bert")
    item = version("subscription_item", "si_1", subscription="sub_1", metadata={"for": "Bert"})
    invoice = version(
        "invoice", "in_2", customer="cus_2", subscription="sub_1", currency="usd", customer_name="Bert", charge=None
    )
    ours = version("subscription", "sub_1", customer="cus_1", metadata={"for": NAME})
    loaded(connection, CUSTOMER, ours, event, bert, invoice, OTHER)
    erase(connection)
    listed = {row[0] for row in connection.execute("select object_id from ops.erased_object")}
    assert listed == {"cus_1", "sub_1", "pm_1"}
    assert [body_of(connection, each) for each in ("cus_2", "sub_1", "in_2", "ch_2")] == [
        bert.body, taken, invoice.body, OTHER.body,
    ]  # fmt: skip
    row = connection.execute("select payload -> 'data' -> 'previous_attributes' from raw.event").fetchone()
    assert row == ({"customer": "cus_1", "default_payment_method": "pm_1"},)
    connection.commit()
    # and in whatever comes later
    later = {**taken, "items": {"object": "list", "data": [item.body]}}
    loaded(connection, Version(AT.replace(second=9), "customer.subscription.updated", later))
    assert body_of(connection, "sub_1") == later
    assert texts(connection).count(NAME) == 1  # in what is OTHER's
    assert [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []


def test_a_payment_that_another_customer_takes_over_stays_as_it_is_now(connection: psycopg.Connection) -> None:
    now = {**CHARGE.body, "customer": "cus_2", "amount_refunded": 300}
    taken = Version(AT.replace(second=5), "charge.updated", now, previous_attributes={"customer": "cus_1"})
    loaded(connection, CUSTOMER, CHARGE, taken)
    erase(connection)
    row = connection.execute("select customer_id, amount_refunded_minor from dwh.charge_fact").fetchone()
    assert row == ("cus_2", 300)
    assert body_of(connection, "ch_1") == now


def test_prices_products_and_coupons_stay_whole(connection: psycopg.Connection) -> None:
    price = {"object": "price", "id": "price_1", "nickname": "Gold", "unit_amount": 900, "metadata": {"tier": "1"}}
    subscription = version(
        "subscription", "sub_1", customer="cus_1", status="active", currency="usd", metadata={"for": NAME},
        items={"object": "list", "data": [{"object": "subscription_item", "id": "si_1", "price": price}]},
    )  # fmt: skip
    loaded(connection, CUSTOMER, subscription)
    erase(connection)
    told = body_of(connection, "sub_1")
    assert told["items"]["data"][0]["price"] == price
    assert "metadata" not in told


def test_what_could_not_be_staged_is_emptied(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    with connection.transaction():
        connection.execute(
            "insert into raw.rejected (account_id, livemode, source, row_key, reason, payload, batch_id) values "
            "(%(a)s, false, 'events', 'evt_1', 'bad: Anna', '{\"customer\": \"cus_1\", \"name\": \"Anna', 1), "
            "(%(a)s, false, 'events', 'evt_2', 'bad', '{\"customer\": \"cus_2\"}', 1)",
            {"a": ACCOUNT},
        )
    erase(connection)
    kept = connection.execute("select row_key, payload from raw.rejected order by 1").fetchall()
    assert kept == [("evt_1", ""), ("evt_2", '{"customer": "cus_2"}')]
    assert "Anna" not in texts(connection)


def test_whatever_comes_after_the_erasure_in_whatever_order_is_redacted(connection: psycopg.Connection) -> None:
    for order in itertools.permutations([CHARGE, DISPUTE, REVIEW]):
        empty_warehouse(connection)
        stage(connection, [CUSTOMER])
        erasure.erase(connection, request())
        for each in order:
            stage(connection, [each])
            release_batches(connection)
        assert "description" not in body_of(connection, "ch_1")
        assert body_of(connection, "dp_1")["evidence"] == {}
        assert "ip_address" not in body_of(connection, "prv_1")


def test_erasing_before_after_or_between_gives_the_same_tables(connection: psycopg.Connection) -> None:
    later = version("customer", "cus_1", "customer.updated", 7, name="Anna Miller", balance=100)
    found = []
    for before, after in (
        ([CUSTOMER, CHARGE, DISPUTE, later, OTHER], []),
        ([CUSTOMER, OTHER], [later, DISPUTE, CHARGE]),
        ([CUSTOMER, CHARGE], [DISPUTE, OTHER, later]),
    ):
        empty_warehouse(connection)
        loaded(connection, *before)
        erase(connection)
        for each in after:
            stage(connection, [each])
        apply_models(connection, SQL_ROOT)
        found.append(table_rows(connection, "dwh"))
        connection.rollback()
    assert [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []
    assert all(tables == found[0] for tables in found)
    assert (len(found[0]["charge_fact"]), len(found[0]["customer_dim"])) == (2, 2)


def test_a_batch_that_ends_while_an_erasure_goes_on_waits_and_is_redacted(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    connection.execute("select pg_advisory_xact_lock(hashtextextended('ops.erasure', 0))")
    ended = threading.Event()

    def arrive() -> None:
        with psycopg.connect(connection.info.dsn) as other:
            stage(other, [CHARGE])
        ended.set()

    thread = threading.Thread(target=arrive)
    thread.start()
    time.sleep(0.3)
    assert not ended.is_set()
    with connection.transaction():
        connection.execute(
            "insert into ops.erased_object (account_id, livemode, object_id, erasure_id) "
            "values (%s, false, 'cus_1', 1)",
            [ACCOUNT],
        )
    connection.commit()
    thread.join()
    assert "description" not in body_of(connection, "ch_1")


def test_a_try_that_follows_erases_nothing_twice(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    first = erase(connection)
    assert erasure.erase(connection, request()) == first
    assert connection.execute("select count(*) from ops.erasure").fetchone() == (1,)
    connection.commit()
    # another run finds the documents, and nothing more in them
    second = erase(connection, "another")
    assert "dwh.customer_dim" not in second.rows
    assert NAME not in texts(connection)


ANSWERS = "select answered_by, erased_at is not null, rejected_at is not null from ops.erasure"


def test_a_rejection_is_recorded_and_changes_nothing_and_a_later_approval_of_the_run_counts(
    connection: psycopg.Connection,
) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    told = texts(connection)
    for name in ("rita", "rob"):  # the task was cleared, and asked again
        erasure.reject(connection, request(), name)
        assert connection.execute(ANSWERS).fetchall() == [(name, False, True)]
        connection.commit()
    assert texts(connection) == told
    erasure.erase(connection, request(), "ada")
    assert connection.execute(ANSWERS).fetchall() == [("ada", True, False)]
    assert body_of(connection, "cus_1") is not None
    assert "name" not in body_of(connection, "cus_1")


def test_what_was_erased_cannot_be_rejected_any_more(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    erasure.erase(connection, request(), "ada")
    with pytest.raises(TallyhouseError, match=r"has erased cus_1 of acct_test before.*cannot be undone"):
        erasure.reject(connection, request(), "rita")
    assert connection.execute(ANSWERS).fetchall() == [("ada", True, False)]


def test_loads_look_at_nothing_more_when_nothing_of_the_erased_has_come(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    erase(connection)
    stage(connection, [OTHER])
    release_batches(connection)
    assert connection.execute("select count(*) from ops.batch where source = 'erasure'").fetchone() == (1,)


def test_an_unknown_customer_is_an_error_that_names_the_accounts_there_are(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    with pytest.raises(TallyhouseError, match=r"no customer cus_9 of any account.*acct_test"):
        erasure.count(connection, request(customer_id="cus_9"))
    with pytest.raises(TallyhouseError, match="no customer cus_1 of account acct_else"):
        erasure.count(connection, request(account_id="acct_else"))


def test_a_customer_of_two_accounts_has_to_be_told_apart(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER, Version(AT, None, CUSTOMER.body, account_id="acct_else"))
    with pytest.raises(TallyhouseError, match=r"Several accounts .* acct_else, acct_test"):
        erasure.erase(connection, request())
    erasure.erase(connection, request(account_id="acct_else"))
    kept = connection.execute("select account_id from raw.object where payload ? 'name'").fetchall()
    assert kept == [(ACCOUNT,)]


def test_what_is_left_in_dims_makes_it_fail(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER)
    erased = erasure.erase(connection, request())
    apply_models(connection, SQL_ROOT)
    connection.execute("update dwh.customer_dim set email = 'anna@example.com'")
    connection.commit()
    with pytest.raises(TallyhouseError, match=r"customer_dim.*warehouse_rebuild"):
        erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    assert connection.execute("select verified_at from ops.erasure").fetchone() == (None,)
