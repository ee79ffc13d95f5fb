"""Reconciliation: each way in which the warehouse can differ from Stripe is found, named and healed."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse import reading_ahead, reconciled
from tallyhouse.asking import Asker
from tallyhouse.client import Account, StripeClient
from tallyhouse.comparison import Comparison
from tallyhouse.differences import Difference
from tallyhouse.errors import ReconciliationError, RejectedRowsError, TallyhouseError
from tallyhouse.ingest import report_rejects
from tallyhouse.objects import LISTED, MODELS
from tallyhouse.questions import COMPARED, Question, being_loaded, plan_questions, read_reached
from tallyhouse.reconcile import compare, compare_share, known_test_clocks, report_unexplained, share_questions
from tallyhouse.reconciled import Answer
from tallyhouse.warehouse import apply_models
from tallyhouse.windows import Window
from tests.ingest.scripted import KEY, Row, Scripted, ScriptedStripe, event, scripted_stripe
from tests.waiting import until
from tests.warehouse.people import erase
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage

pytestmark = pytest.mark.either_version

NOON = moment("2026-03-01T12:00:00")
SECOND = int(NOON.timestamp())
LISTING = Account(ACCOUNT, False, NOON + timedelta(hours=1))
CHARGES = Question("charge", Window(NOON - timedelta(days=1), NOON + timedelta(hours=1)))


def charge(number: int, **changes: Any) -> dict[str, Any]:
    body = {
        "object": "charge",
        "id": f"ch_{number}",
        "customer": "cus_1",
        "amount": 700,
        "currency": "usd",
        "status": "succeeded",
        "created": SECOND,
        "livemode": False,
    }
    return body | changes


def subscription(status: str = "active", quantity: int = 1, **changes: Any) -> dict[str, Any]:
    price = {"id": "price_1", "currency": "usd", "unit_amount": 2900, "recurring": {"interval": "month"}}
    items = [{"id": "si_1", "quantity": quantity, "price": price, "created": SECOND}]
    body = {
        "object": "subscription",
        "id": "sub_1",
        "customer": "cus_1",
        "status": status,
        "items": {"data": items, "has_more": False},
        "created": SECOND,
        "livemode": False,
    }
    return body | changes


def invoice(number: int, **changes: Any) -> dict[str, Any]:
    body = {
        "object": "invoice",
        "id": f"in_{number}",
        "customer": "cus_1",
        "total": 700,
        "subtotal": 700,
        "amount_due": 700,
        "amount_paid": 0,
        "amount_remaining": 700,
        "currency": "usd",
        "status": "draft",
        "lines": {"data": [], "has_more": False},
        "created": SECOND,
        "livemode": False,
    }
    return body | changes


def lines(*amounts: int, has_more: bool = False) -> dict[str, Any]:
    """The lines of an invoice as a document shows them."""
    data = [{"id": f"il_{number}", "amount": amount, "currency": "usd"} for number, amount in enumerate(amounts)]
    return {"data": data, "has_more": has_more}


def movement(number: int, net: int = 670, **changes: Any) -> dict[str, Any]:
    body = {
        "object": "balance_transaction",
        "id": f"txn_{number}",
        "amount": net + 30,
        "fee": 30,
        "net": net,
        "currency": "usd",
        "type": "charge",
        "status": "available",
        "available_on": SECOND,
        "created": SECOND,
    }
    return body | changes


class Books:
    """A scripted Stripe and a warehouse beside it."""

    def __init__(self, stripe: ScriptedStripe, client: StripeClient, connection: psycopg.Connection) -> None:
        self.stripe = stripe
        self.client = client
        self.connection = connection
        self.settle = timedelta(0)

    def loaded(self, *bodies: dict[str, Any], verb: str = "updated", at: datetime = NOON) -> None:
        """The warehouse has read an event of each, and loaded it."""
        versions = [Version(at, f"{body['object']}.{verb}", body, order) for order, body in enumerate(bodies)]
        stage(self.connection, versions)
        apply_models(self.connection, SQL_ROOT)

    def lists(self, *bodies: dict[str, Any]) -> None:
        """Stripe lists these, and has no others."""
        path = {
            "charge": "/v1/charges",
            "invoice": "/v1/invoices",
            "subscription": "/v1/subscriptions",
            "balance_transaction": "/v1/balance_transactions",
        }
        for name in path.values():
            self.stripe.rows[name] = []
        for body in bodies:
            text = json.dumps(body).encode()
            self.stripe.rows[path[body["object"]]].append(Row(body["id"], body["created"], text))

    def compare(self, question: Question = CHARGES, run_id: str = "test") -> Answer:
        with Asker(self.client) as asker:
            return compare(self.connection, self.client, LISTING, question, SQL_ROOT, run_id, asker, settle=self.settle)

    def differences(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(object, reason, what differed) of all comparisons, in their order."""
        with self.connection.transaction():
            return self.connection.execute(
                "select object_id, reason, difference from ops.reconciliation order by reconciliation_id"
            ).fetchall()

    def heal(self) -> None:
        """The load that follows."""
        apply_models(self.connection, SQL_ROOT)


@pytest.fixture
def books(connection: psycopg.Connection) -> Iterator[Books]:
    with scripted_stripe() as stripe:
        stripe.now = SECOND + 3600
        client = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None, sleep=lambda seconds: None)
        connection.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) "
            "select %s, false, stream, %s from unnest('{events,list:balance_transaction}'::text[]) as stream",
            [ACCOUNT, NOON + timedelta(minutes=30)],
        )
        connection.commit()
        yield Books(stripe, client, connection)
        client.close()


def test_what_agrees_is_no_difference(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    books.lists(charge(1), charge(2))
    answer = books.compare()
    assert (answer.listed, answer.held, answer.reasons) == (2, 2, {})
    assert books.differences() == []
    with books.connection.transaction():
        kept = books.connection.execute(
            "select object_type, listed_count, held_count, difference_count, data_through from ops.reconciled_slice"
        ).fetchall()
    assert kept == [("charge", 2, 2, 0, NOON + timedelta(minutes=30))]


def test_an_object_that_was_never_seen_is_found_and_healed(books: Books) -> None:
    books.loaded(charge(1))
    books.lists(charge(1), charge(2, amount=900))
    assert books.compare().reasons == {"never_seen": 1}
    object_id, reason, difference = books.differences()[0]
    assert (object_id, reason, difference["amount_minor"]) == ("ch_2", "never_seen", [900, None])
    books.heal()
    assert books.compare().reasons == {}


def test_a_state_whose_event_was_lost_is_found_to_the_cent_and_healed(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    books.lists(charge(1, amount_refunded=1), charge(2))
    assert books.compare().reasons == {"stale": 1}
    assert books.differences() == [("ch_1", "stale", {"amount_refunded_minor": [1, 0]})]
    books.heal()
    assert books.compare().reasons == {}


GONE = b'{"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such thing"}}'


@pytest.mark.parametrize("has_stub", [True, False], ids=["a stub", "404"])
def test_what_stripe_no_longer_has_is_deleted(books: Books, has_stub: bool) -> None:
    question = Question("invoice", CHARGES.window)
    books.loaded(invoice(1), invoice(2))
    books.lists(invoice(1))
    stub = json.dumps({"id": "in_2", "object": "invoice", "deleted": True}).encode()
    books.stripe.scripts["/v1/invoices/in_2"] = [Scripted(body=stub) if has_stub else Scripted(status=404, body=GONE)]
    assert books.compare(question).reasons == {"deleted": 1}
    books.heal()
    assert books.compare(question).reasons == {}
    with books.connection.transaction():
        kept = books.connection.execute(
            "select invoice_id, total_minor, deleted_at is not null from dwh.invoice_fact order by 1"
        ).fetchall()
    assert kept == [("in_1", 700, False), ("in_2", 700, True)]


def test_a_charge_that_went_with_all_test_data_is_told_and_stays(books: Books) -> None:
    books.loaded(charge(1))
    books.lists()
    books.stripe.scripts["/v1/charges/ch_1"] = [Scripted(status=404, body=GONE)]
    assert books.compare().reasons == {"deleted": 1}
    books.heal()
    with books.connection.transaction():
        assert books.connection.execute("select charge_id from dwh.charge_fact").fetchall() == [("ch_1",)]
        assert books.connection.execute("select from raw.rejected").fetchall() == []


def test_what_only_the_list_leaves_out_is_no_difference(books: Books) -> None:
    books.loaded(charge(1))
    books.lists()
    books.stripe.scripts["/v1/charges/ch_1"] = [Scripted(body=json.dumps(charge(1)).encode())]
    assert books.compare().reasons == {}


def test_what_changed_after_the_events_that_were_read_is_later_than_the_lag(books: Books) -> None:
    books.loaded(charge(1))
    changed = charge(1, amount_refunded=700)
    books.lists(changed)
    books.stripe.rows["/v1/events"] = [event("evt_1", SECOND + 3500, type="charge.refunded", object=changed)]
    assert books.compare().reasons == {"later_than_lag": 1}


def test_an_event_from_before_the_watermark_that_is_not_staged_became_visible_late(books: Books) -> None:
    read = Version(NOON + timedelta(minutes=29), "charge.refunded", charge(2, amount_refunded=1), event_id="evt_2")
    books.loaded(charge(1), charge(2))
    stage(books.connection, [read])
    books.heal()
    late = charge(1, amount_refunded=700)
    second = int(read.at.timestamp())
    books.stripe.rows["/v1/events"] = [
        event("evt_1", second, type="charge.refunded", object=late),
        event("evt_2", second, type="charge.refunded", object=read.body),
    ]
    # of the other, all that Stripe shows is read, and an event was lost
    books.lists(late, charge(2, amount_refunded=2))
    assert books.compare().reasons == {"later_than_lag": 1, "stale": 1}
    # once it is staged, it explains no more
    stage(books.connection, [Version(read.at, "charge.refunded", late, event_id="evt_1")])
    books.heal()
    books.lists(charge(1, amount_refunded=699), charge(2, amount_refunded=2))
    assert books.compare(run_id="another").reasons == {"stale": 1}


def test_what_seems_lost_is_looked_at_again_when_its_event_must_be_visible(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.loaded(charge(1), charge(2))
    changed = charge(1, amount_refunded=700)
    books.lists(changed, charge(2, amount_refunded=1))
    books.settle = timedelta(minutes=1)
    waited = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        books.stripe.rows["/v1/events"] = [event("evt_1", SECOND + 3599, type="charge.refunded", object=changed)]

    monkeypatch.setattr("tallyhouse.reconcile._pause", wait)
    assert books.compare().reasons == {"later_than_lag": 1, "stale": 1}
    assert len(waited) == 1
    assert 50 < waited[0] <= 60


def test_nobody_waits_for_what_is_explained(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    books.loaded(charge(1))
    changed = charge(1, amount_refunded=700)
    books.lists(changed)
    books.stripe.rows["/v1/events"] = [event("evt_1", SECOND + 3500, type="charge.refunded", object=changed)]
    monkeypatch.setattr("tallyhouse.reconcile._pause", pytest.fail)
    assert books.compare().reasons == {"later_than_lag": 1}


def test_who_waits_for_another_to_read_ahead_holds_no_transaction_open(
    books: Books, each_warehouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.loaded(charge(1))
    books.lists(charge(1, amount_refunded=1))
    name = f"tallyhouse {ACCOUNT} False {reading_ahead.STREAM}"
    states: list[str] = []
    tries: list[bool] = []
    try_lock = reading_ahead._try_lock
    monkeypatch.setattr(reading_ahead, "_try_lock", lambda *lock: tries.append(try_lock(*lock)) or tries[-1])
    with ThreadPoolExecutor(1) as pool, psycopg.connect(each_warehouse, autocommit=True) as other:
        other.execute("select pg_advisory_lock(hashtextextended(%s, 0))", [name])
        comparing = pool.submit(books.compare)
        until(lambda: tries)
        for _ in range(20):
            found = other.execute(
                "select state from pg_stat_activity where pid = %s", [books.connection.info.backend_pid]
            )
            states += [state for (state,) in found]
            time.sleep(0.02)
        assert not comparing.done()
        other.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", [name])
        assert comparing.result().reasons == {"stale": 1}
    # an instant of each look at the lock apart
    assert states.count("idle") > 10


def test_what_is_staged_and_waits_to_be_loaded_is_later_than_the_lag(books: Books) -> None:
    books.loaded(charge(1))
    stage(books.connection, [Version(NOON + timedelta(seconds=9), "charge.refunded", charge(1, amount_refunded=700))])
    books.lists(charge(1, amount_refunded=700))
    assert books.compare().reasons == {"later_than_lag": 1}


def test_a_document_that_could_not_be_read_is_of_unknown_shape(books: Books) -> None:
    books.loaded(charge(1), charge(2, amount="12x"))
    books.lists(charge(1), charge(2))
    assert books.compare().reasons == {"unknown_shape": 1}
    books.heal()
    assert books.compare().reasons == {}


def test_an_old_document_that_could_not_be_read_explains_no_new_difference(books: Books) -> None:
    books.loaded(charge(1, amount="12x"))
    books.loaded(charge(1), at=NOON + timedelta(seconds=1))
    books.lists(charge(1, amount_refunded=1))
    assert books.compare().reasons == {"stale": 1}


def test_a_newer_document_that_could_not_be_read_explains_the_difference(books: Books) -> None:
    books.loaded(charge(1))
    books.loaded(charge(1, amount_refunded="1x"), at=NOON + timedelta(seconds=1))
    books.lists(charge(1, amount_refunded=1))
    assert books.compare().reasons == {"unknown_shape": 1}


def test_what_stripe_answers_in_no_readable_way_is_of_unknown_shape_and_kept(books: Books) -> None:
    books.loaded(charge(1))
    books.lists()
    odd = json.dumps(charge(1)).replace('"cus_1"', '"cus\\u0000"')
    books.stripe.scripts["/v1/charges/ch_1"] = [Scripted(body=odd.encode())]
    assert books.compare().reasons == {"unknown_shape": 1}
    with books.connection.transaction():
        assert books.connection.execute("select source, row_key from raw.rejected").fetchall() == [
            ("list:charge", "ch_1")
        ]


@pytest.mark.parametrize("is_held", [True, False], ids=["held", "never seen"])
def test_a_listed_document_that_no_column_can_hold_costs_itself_alone(books: Books, is_held: bool) -> None:
    books.loaded(charge(1), charge(3), *([charge(2)] if is_held else []))
    books.stripe.objects["/v1/charges/ch_3"] = None
    books.lists(charge(1, amount_refunded=1), charge(2, amount_refunded="1x"))
    assert books.compare().reasons == {"deleted": 1, "stale": 1, "unknown_shape": 1}
    with books.connection.transaction():
        kept = "select source, row_key, reason from raw.rejected"
        ((source, row_key, reason),) = books.connection.execute(kept).fetchall()
    assert (source, row_key) == ("list:charge", "ch_2")
    assert '"1x"' in reason
    with pytest.raises(RejectedRowsError, match="charge ch_2"):
        report_rejects(books.connection)
    # told once; and it is not asked for by its id, which shows the same
    books.heal()
    assert books.compare(run_id="another").reasons == {"deleted": 1, "unknown_shape": 1}
    report_rejects(books.connection)
    assert books.stripe.calls("/v1/charges/ch_2") == []


@pytest.mark.parametrize("odd", ["1x", "\0"], ids=["no column can hold it", "jsonb cannot hold it"])
def test_what_is_set_aside_of_an_erased_person_is_emptied_even_if_the_comparison_fails(
    books: Books, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    books.loaded(charge(1))
    erase(books.connection)
    books.lists(charge(1), charge(2, amount_refunded=odd, description="Anna Smith"))

    def fail(*_: object) -> None:
        raise psycopg.OperationalError("the server closed the connection")

    monkeypatch.setattr(reconciled, "keep", fail)
    with pytest.raises(psycopg.OperationalError):
        books.compare()
    assert books.connection.execute("select payload, reason ~ 'was erased' from raw.rejected").fetchall() == [
        ("", True)
    ]


def test_a_balance_transaction_that_no_column_can_hold_costs_itself_alone(books: Books) -> None:
    books.lists(movement(1), movement(2) | {"net": "1x"})
    answer = books.compare(Question("balance_transaction", CHARGES.window))
    assert answer.reasons == {"never_seen": 1, "unknown_shape": 1}


def test_a_staged_document_that_no_column_can_hold_stops_no_comparison(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    later = NOON + timedelta(seconds=9)
    stage(books.connection, [Version(later, "charge.refunded", charge(1, amount_refunded="1x"))])
    books.lists(charge(1, amount_refunded=1), charge(2, amount_refunded=1))
    assert books.compare().reasons == {"later_than_lag": 1, "stale": 1}
    books.heal()
    assert books.compare(run_id="another").reasons == {}


def test_what_only_waits_to_be_loaded_is_not_staged_again(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    stage(books.connection, [Version(NOON + timedelta(seconds=9), "charge.refunded", charge(1, amount_refunded=1))])
    # of the other, an event waits, and a later one was lost
    stage(books.connection, [Version(NOON + timedelta(seconds=9), "charge.refunded", charge(2, amount_refunded=1))])
    books.lists(charge(1, amount_refunded=1), charge(2, amount_refunded=2))
    assert books.compare().reasons == {"later_than_lag": 2}
    with books.connection.transaction():
        assert books.connection.execute("select object_id from raw.object").fetchall() == [("ch_2",)]


@pytest.mark.parametrize("seconds_later", [0, 60])
def test_items_that_changed_after_the_list_was_read_are_no_difference(books: Books, seconds_later: int) -> None:
    books.loaded(subscription(quantity=1))
    # the change of an item is no new version of the subscription itself
    books.loaded(subscription(quantity=3), at=NOON + timedelta(hours=1, seconds=seconds_later))
    books.lists(subscription(quantity=1))
    books.stripe.now = SECOND + 3600 + 0.5
    assert books.compare(Question("subscription", CHARGES.window)).reasons == {}


def test_an_object_that_stripe_does_not_understand_is_of_unknown_shape_and_holds_no_other_back(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    books.lists()
    books.stripe.scripts["/v1/charges/ch_1"] = [Scripted(400, b'{"error": {"message": "Invalid id"}}')]
    books.stripe.objects["/v1/charges/ch_2"] = None
    assert books.compare().reasons == {"deleted": 1, "unknown_shape": 1}
    with pytest.raises(RejectedRowsError, match="charge ch_1: GET /v1/charges/ch_1: Stripe answered 400"):
        report_rejects(books.connection)


def test_every_compared_kind_has_a_file_and_every_file_a_kind() -> None:
    assert {path.stem for path in (SQL_ROOT / "reconcile").glob("*")} == set(COMPARED)
    models = {model.name for model in MODELS}
    for name, kind in COMPARED.items():
        assert kind.object_name == name
        assert name in LISTED
        assert set(kind.models) <= models


def test_events_that_nobody_has_read_are_read_once_and_then_from_where_that_ended(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    changed = charge(1, amount_refunded=700)
    books.lists(changed, charge(2))
    books.stripe.rows["/v1/events"] = [event("evt_1", SECOND + 2000, type="charge.refunded", object=changed)]
    assert books.compare().reasons == {"later_than_lag": 1}
    books.stripe.rows["/v1/events"].insert(0, event("evt_2", SECOND + 7000, object=charge(2, amount_refunded=9)))
    books.stripe.now = SECOND + 7200
    books.lists(changed, charge(2, amount_refunded=9))
    books.stripe.requests.clear()
    # the first is remembered, the second seen, and all else is no explanation
    assert books.compare(run_id="another").reasons == {"later_than_lag": 2}
    (asked,) = [query for query in books.stripe.calls("/v1/events") if query["limit"] != "1"]
    assert int(asked["created[gte]"]) == pytest.approx(SECOND + 3600 - 300, abs=2)


def test_without_a_difference_no_event_is_read(books: Books) -> None:
    books.loaded(charge(1))
    books.lists(charge(1))
    books.compare()
    assert [query for query in books.stripe.calls("/v1/events") if query["limit"] != "1"] == []


def test_a_change_that_was_read_ahead_explains_nothing_once_it_is_staged(books: Books) -> None:
    books.loaded(charge(1))
    changed = charge(1, amount_refunded=700)
    books.lists(changed)
    books.stripe.rows["/v1/events"] = [event("evt_1", SECOND + 2000, type="charge.refunded", object=changed)]
    assert books.compare().reasons == {"later_than_lag": 1}
    books.heal()
    books.connection.execute("update ops.watermark set through = %s", [NOON + timedelta(hours=1)])
    books.connection.commit()
    books.lists(charge(1, amount_refunded=699))
    assert books.compare(run_id="another").reasons == {"stale": 1}


def test_a_status_that_the_reading_missed_is_of_unknown_shape(books: Books) -> None:
    moved = charge(1)
    moved["state_of_affairs"] = moved.pop("status")
    books.loaded(moved)
    books.lists(charge(1))
    assert books.compare().reasons == {"unknown_shape": 1}


def test_what_the_raw_layer_has_and_the_warehouse_has_not_is_unexplained_and_told_once(books: Books) -> None:
    books.loaded(charge(1))
    books.connection.execute("update dwh.charge_fact set amount_minor = 1")
    books.connection.commit()
    books.lists(charge(1))
    assert books.compare().reasons == {"unexplained": 1}
    with pytest.raises(ReconciliationError, match=r"charge ch_1: .*amount_minor.*700, 1.*warehouse_rebuild"):
        report_unexplained(books.connection)
    report_unexplained(books.connection)


def test_a_warehouse_that_is_ahead_of_a_slow_list_is_no_difference(books: Books) -> None:
    books.loaded(charge(1), at=NOON + timedelta(hours=2))
    books.lists(charge(1, amount=800))
    assert books.compare().reasons == {}


def test_a_row_that_two_pages_show_counts_once(books: Books) -> None:
    books.loaded(charge(1), charge(2))
    books.lists(charge(1), charge(2))
    books.stripe.rows["/v1/charges"].append(books.stripe.rows["/v1/charges"][0])
    answer = books.compare()
    assert (answer.listed, answer.reasons) == (2, {})


def test_a_canceled_subscription_that_is_active_for_ever_is_found(books: Books) -> None:
    books.loaded(subscription("active"))
    books.lists()
    canceled = subscription("canceled", ended_at=SECOND + 60)
    books.stripe.scripts["/v1/subscriptions/sub_1"] = [Scripted(body=json.dumps(canceled).encode())]
    assert books.compare(Question("subscription", status="active")).reasons == {"stale": 1}
    assert books.differences()[0][2]["status"] == ["canceled", "active"]
    books.heal()
    assert books.compare(Question("subscription", status="active")).reasons == {}


def test_the_items_of_a_subscription_are_compared(books: Books) -> None:
    books.loaded(subscription(quantity=1))
    books.lists(subscription(quantity=3))
    question = Question("subscription", CHARGES.window)
    assert books.compare(question).reasons == {"stale": 1}
    assert books.differences()[0][2] == {
        "items": [{"si_1": ["price_1", 3, 2900, []]}, {"si_1": ["price_1", 1, 2900, []]}]
    }
    books.heal()
    assert books.compare(question).reasons == {}


def with_item_discounts(*discounts: Any) -> dict[str, Any]:
    """A subscription whose item has these discounts, by id or whole."""
    body = subscription()
    body["items"]["data"][0]["discounts"] = list(discounts)
    return body


def numbered(body: dict[str, Any], number: int) -> dict[str, Any]:
    """The same with other ids."""
    return json.loads(re.sub(r'_1"', f'_{number + 10}"', json.dumps(body)))


# what an event that was lost would have told, and in which columns that shows
LOST_OF_SUBSCRIPTIONS = [
    (subscription(discounts=["di_1"]), {"discounts"}),
    (with_item_discounts("di_1"), {"items"}),
    (subscription(pause_collection={"behavior": "void", "resumes_at": None}), {"pause_behavior"}),
    (subscription(pause_collection={"behavior": "void", "resumes_at": 9}), {"pause_behavior", "pause_resumes_at"}),
    (subscription(collection_method="send_invoice"), {"collection_method"}),
    (subscription(cancel_at_period_end=True), {"is_cancel_at_period_end"}),
    (subscription(cancel_at=SECOND), {"cancel_at"}),
]
LOST_OF_INVOICES = [
    (invoice(1, total_discount_amounts=[{"amount": 70, "discount": "di_1"}]), {"discount_minor"}),
    (invoice(1, ending_balance=-200), {"ending_balance_minor"}),
    (invoice(1, status="open", starting_balance=-200), {"status", "starting_balance_minor"}),
    (invoice(1, lines=lines(700)), {"line_count", "lines_minor"}),
]


@pytest.mark.parametrize(
    ("before", "lost"),
    [(subscription(), LOST_OF_SUBSCRIPTIONS), (invoice(1), LOST_OF_INVOICES)],
    ids=["subscription", "invoice"],
)
def test_all_that_money_rests_on_is_found_when_the_event_that_changed_it_was_lost(
    books: Books, before: dict[str, Any], lost: list[tuple[dict[str, Any], set[str]]]
) -> None:
    books.loaded(*(numbered(before, number) for number in range(len(lost))))
    books.lists(*(numbered(body, number) for number, (body, _) in enumerate(lost)))
    question = Question(before["object"], CHARGES.window)
    assert books.compare(question).reasons == {"stale": len(lost)}
    assert [difference.keys() for _, _, difference in books.differences()] == [names for _, names in lost]
    books.heal()
    assert books.compare(question).reasons == {}


def test_discounts_are_the_same_in_any_order_and_as_ids_or_whole(books: Books) -> None:
    books.loaded(with_item_discounts("di_1", "di_2") | {"discounts": ["di_3", "di_4"]})
    whole = [{"id": f"di_{number}", "object": "discount"} for number in range(5)]
    books.lists(with_item_discounts(whole[2], whole[1]) | {"discounts": [whole[4], whole[3]]})
    assert books.compare(Question("subscription", CHARGES.window)).reasons == {}


def test_the_lines_that_a_list_cuts_and_the_balance_that_a_draft_shows_are_not_compared(books: Books) -> None:
    books.loaded(invoice(1, lines=lines(300, 300, 100), starting_balance=0))
    books.lists(invoice(1, lines=lines(300, has_more=True), starting_balance=-200))
    assert books.compare(Question("invoice", CHARGES.window)).reasons == {}


def test_a_line_that_is_cheaper_by_a_cent_is_found(books: Books) -> None:
    books.loaded(invoice(1, lines=lines(300, 400)))
    books.lists(invoice(1, lines=lines(300, 399)))
    assert books.compare(Question("invoice", CHARGES.window)).reasons == {"stale": 1}
    assert books.differences()[0][2] == {"lines_minor": [699, 700]}


def test_balance_transactions_are_compared_one_by_one_and_as_sums(books: Books) -> None:
    question = Question("balance_transaction", CHARGES.window)
    stage(books.connection, [Version(NOON, None, movement(1)), Version(NOON, None, movement(2))])
    books.heal()
    books.lists(movement(1), movement(2), movement(3, 100))
    assert books.compare(question).reasons == {"never_seen": 1}
    books.heal()
    assert books.compare(question).reasons == {}
    # a row that the day of its sum does not count
    books.connection.execute("update dwh.balance_transaction_fact set created_at = created_at - interval '1 day'")
    books.connection.commit()
    answer = books.compare(Question("balance_transaction", Window(NOON - timedelta(days=2), CHARGES.window.end)))  # type: ignore[union-attr]
    assert answer.reasons == {"unexplained": 2}
    assert {object_id for object_id, reason, _ in books.differences() if reason == "unexplained"} == {
        "usd 2026-02-28 charge",
        "usd 2026-03-01 charge",
    }


def test_a_balance_transaction_that_the_next_poll_will_bring_is_later_than_the_lag(books: Books) -> None:
    created = (SECOND + 1800, SECOND + 1799, SECOND + 1500, SECOND + 1499)
    books.lists(*(movement(number, created=second) for number, second in enumerate(created)))
    question = Question("balance_transaction", CHARGES.window)
    # the watermark is at the first of these seconds, and the poll begins five minutes before it
    assert books.compare(question).reasons == {"later_than_lag": 3, "never_seen": 1}
    (lost,) = [object_id for object_id, reason, _ in books.differences() if reason == "never_seen"]
    assert lost == "txn_3"


def test_a_load_that_commits_meanwhile_leaves_nothing_unexplained(
    books: Books, monkeypatch: pytest.MonkeyPatch, each_warehouse: str
) -> None:
    books.loaded(charge(1))
    stage(books.connection, [Version(NOON + timedelta(seconds=9), "charge.refunded", charge(1, amount_refunded=700))])
    books.lists(charge(1, amount_refunded=700))
    classify = Comparison.classify
    looks = iter(range(2))

    def after_a_load(*arguments: Any) -> list[Difference]:
        # what is asked and read ahead comes between the two looks; the second one counts
        if next(looks) == 1:
            with psycopg.connect(each_warehouse) as other:
                apply_models(other, SQL_ROOT)
        return classify(*arguments)

    monkeypatch.setattr(Comparison, "classify", after_a_load)
    assert books.compare().reasons == {"later_than_lag": 1}
    monkeypatch.undo()
    books.heal()
    assert books.compare(run_id="another").reasons == {}


def test_without_any_events_there_is_nothing_to_compare_with(books: Books) -> None:
    books.connection.execute("delete from ops.watermark")
    books.connection.commit()
    with pytest.raises(TallyhouseError, match="No events of acct_test were read yet: run stripe_events"):
        books.compare()


def test_a_list_that_breaks_off_leaves_nothing_behind(books: Books) -> None:
    books.loaded(charge(1))
    books.lists(charge(1), charge(2))
    books.stripe.scripts["/v1/charges"] = [Scripted(status=401, body=b'{"error": {"message": "bad key"}}')]
    with pytest.raises(TallyhouseError):
        books.compare()
    assert books.differences() == []
    with books.connection.transaction():
        assert books.connection.execute("select from ops.batch where source = 'reconcile'").fetchall() == []


def test_the_moment_of_the_comparison_is_stripes(books: Books) -> None:
    books.loaded(charge(1))
    books.lists(charge(1, amount=800))
    books.compare()
    with books.connection.transaction():
        observed = books.connection.execute("select observed_at from ops.reconciliation").fetchall()
    # never later than it was: the time that the answer took is taken off
    assert NOON + timedelta(minutes=59) < observed[0][0] <= NOON + timedelta(hours=1)


def test_what_two_lists_of_a_run_show_is_told_once(books: Books) -> None:
    books.loaded(subscription(quantity=1))
    books.lists(subscription(quantity=3))
    assert books.compare(Question("subscription", CHARGES.window)).reasons == {"stale": 1}
    assert books.compare(Question("subscription", status="active")).reasons == {}
    # until it is loaded, another run finds it on its way
    assert books.compare(Question("subscription", status="active"), "another").reasons == {"later_than_lag": 1}


def test_a_large_list_is_cut_and_a_stretch_is_reached_when_every_slice_was_compared(
    books: Books, each_warehouse: str
) -> None:
    bodies = [charge(number, created=SECOND - number * 60) for number in range(250)]
    books.loaded(*bodies)
    books.lists(*bodies)
    stretch = Window(NOON - timedelta(days=1), NOON + timedelta(minutes=1))
    ((*slices,),) = share_questions(books.client, [Question("charge", stretch, is_older=True)], NOON, 100)
    assert len(slices) >= 3
    assert {each.stretch for each in slices} == {stretch}
    # as it goes from task to task
    slices = [Question.from_dict(json.loads(json.dumps(each.as_dict()))) for each in slices]

    def compare_slices() -> list[Answer]:
        connect = lambda: psycopg.connect(each_warehouse)  # noqa: E731
        return compare_share(connect, books.client, LISTING, slices, SQL_ROOT, "test", streams=1)

    # one slice is refused, and ends the try
    books.stripe.scripts["/v1/charges"] = [Scripted(), Scripted(status=401, body=b'{"error": {"message": "bad key"}}')]
    with pytest.raises(TallyhouseError):
        compare_slices()
    assert read_reached(books.connection, LISTING) == {}
    books.stripe.requests.clear()
    answers = compare_slices()
    assert sum(answer.listed for answer in answers) == sum(answer.held for answer in answers) == 250
    assert read_reached(books.connection, LISTING) == {"charge": stretch.end}
    # what was compared is not listed again
    assert str(int(slices[0].window.start.timestamp())) not in {  # type: ignore[union-attr]
        query["created[gte]"] for query in books.stripe.calls("/v1/charges")
    }


def test_no_transaction_is_open_while_stripe_is_asked(books: Books, each_warehouse: str) -> None:
    books.loaded(charge(1), charge(2))
    books.lists(charge(1, amount_refunded=1))
    books.stripe.objects["/v1/charges/ch_2"] = None
    open_ones: list[int] = []
    answer = books.stripe.answer

    def look(path: str, query: dict[str, str]) -> Scripted:
        with psycopg.connect(each_warehouse, autocommit=True) as other:
            found = other.execute(
                "select count(*) from pg_stat_activity where datname = current_database() "
                "and state like 'idle in transaction%'"
            ).fetchone()
        open_ones.append(found[0] if found else -1)
        return answer(path, query)

    books.stripe.answer = look  # type: ignore[method-assign]
    assert books.compare().reasons == {"deleted": 1, "stale": 1}
    assert len(open_ones) >= 4
    assert set(open_ones) == {0}


def test_subscriptions_on_test_clocks_are_compared_by_clock(books: Books) -> None:
    on_clock = subscription("active", test_clock="clock_1")
    none: dict[str, Any] = {"data": [], "has_more": False}
    books.loaded(on_clock, subscription("active", id="sub_2", test_clock="clock_gone", items=none))
    books.lists()
    books.stripe.rows["/v1/test_helpers/test_clocks"] = [
        Row("clock_1", SECOND, b'{"id": "clock_1", "object": "test_helpers.test_clock"}')
    ]
    books.stripe.by_clock = {
        ("/v1/subscriptions", "clock_1"): [
            Row("sub_1", SECOND, json.dumps(subscription("canceled", test_clock="clock_1")).encode())
        ]
    }
    clocks, refusal = known_test_clocks(books.connection, books.client, LISTING, ["subscription"])
    assert (clocks, refusal) == (["clock_1", "clock_gone"], None)
    questions = plan_questions(
        NOON, ["subscription"], recent_days=1, rotation=1, oldest=None, reached={}, test_clocks=clocks
    )
    by_clock = [question for question in questions if question.test_clock]
    no_clock = {
        "type": "invalid_request_error",
        "code": "resource_missing",
        "param": "test_clock",
        "message": "No such",
    }
    # an object of a clock that is gone is gone with it
    books.stripe.scripts["/v1/subscriptions"] = [
        Scripted(),
        Scripted(status=400, body=json.dumps({"error": no_clock}).encode()),
    ]
    books.stripe.scripts["/v1/subscriptions/sub_2"] = [Scripted(status=404, body=GONE)]
    assert [books.compare(question).reasons for question in by_clock] == [{"stale": 1}, {"deleted": 1}]
    # lists without a clock do not show them, and miss nothing
    assert [books.compare(each, "another").reasons for each in questions if not each.test_clock] == [{}] * 4
    books.heal()
    books.stripe.scripts["/v1/subscriptions/sub_2"] = [Scripted(status=404, body=GONE)]
    assert [books.compare(question, "third").reasons for question in by_clock] == [{}, {}]


def test_a_kind_whose_table_is_loaded_anew_is_not_ready_to_be_compared(books: Books) -> None:
    books.loaded(subscription(), charge(1))
    ready = lambda: set(COMPARED) - being_loaded(books.connection, COMPARED)  # noqa: E731
    assert ready() == set(COMPARED)
    # as a migration does it: what was loaded long ago, and what came just now
    books.connection.execute("delete from ops.batch_applied where model in ('charge_fact', 'subscription_item_dim')")
    books.connection.commit()
    assert ready() == set(COMPARED)
    books.connection.execute("update ops.batch set committed_at = committed_at - interval '4 hours'")
    books.connection.commit()
    assert ready() == {"invoice", "balance_transaction"}
    books.heal()
    assert ready() == set(COMPARED)
