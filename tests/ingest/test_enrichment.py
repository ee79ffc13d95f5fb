"""The queue of what documents lack: fetched once, completed, remembered; what fails stays and is told."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse import chunk_fetching, enrichment, ingest
from tallyhouse.checks import read_checks, run_checks
from tallyhouse.client import Account, StripeClient
from tallyhouse.connected import client_for
from tallyhouse.enrichment import EnrichmentReport, fetch_wanted
from tallyhouse.enrichment_queue import report_failures
from tallyhouse.errors import EnrichmentError, ObjectMissingError
from tallyhouse.warehouse import apply_models
from tallyhouse.windows import Window
from tests.conftest import ROOT, SQL_ROOT
from tests.ingest import enriching_process
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import ACCOUNT, KEY, MISSING, Row, Scripted, ScriptedStripe
from tests.ingest.test_interruptions import one
from tests.waiting import until
from tests.warehouse.raw_rows import Version, stage

Fetch = Callable[..., EnrichmentReport]


@pytest.fixture
def fetch(warehouse: str, stripe: ScriptedStripe, account: Account) -> Fetch:
    """One run of the queue on a connection of its own, with a client that gives up after two attempts."""

    def run(name: str = "run", **options: Any) -> EnrichmentReport:
        client = StripeClient(
            KEY, api_base=stripe.base_url, requests_per_second=None, max_attempts=2, sleep=lambda seconds: None
        )
        with psycopg.connect(warehouse) as own:
            return fetch_wanted(own, client, account, name, **options)

    return run


def want(
    conn: psycopg.Connection,
    kind: str,
    *object_ids: str,
    account_id: str = ACCOUNT,
    hint_at: datetime | None = None,
    minutes_apart: int = 0,
) -> None:
    """Puts rows into the queue, the first one wanted first; of a kind that was listed, and loaded."""
    for number, object_id in enumerate(object_ids):
        conn.execute(
            "insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at, hint_at) "
            "values (%s, false, %s, %s, %s, %s, %s)",
            [
                account_id,
                kind,
                object_id,
                ACCOUNT,
                datetime.fromtimestamp(HOUR, UTC) + timedelta(seconds=number),
                hint_at and hint_at + timedelta(minutes=minutes_apart * number),
            ],
        )
    conn.execute(
        "with listed as (insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at) "
        "values (%s, false, 'list', %s, 'test', now()) returning batch_id) "
        "insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed",
        [ACCOUNT, kind],
    )
    conn.commit()


def list_object(conn: psycopg.Connection, at: datetime, body: dict[str, Any]) -> None:
    """What a list showed at a second."""
    row = conn.execute(
        "insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at) "
        "values (%s, false, 'list', %s, 'test', now()) returning batch_id",
        [ACCOUNT, body["object"]],
    ).fetchone()
    assert row is not None
    conn.execute(
        "insert into raw.object values (%s, false, %s, %s, %s, %s, %s)",
        [ACCOUNT, body["object"], body["id"], at, json.dumps(body), row[0]],
    )
    conn.commit()


WAITING = "select count(*) = 1 from pg_locks where locktype = 'advisory' and not granted"


def seen(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute("select object_type, object_id, payload from raw.object order by 1, 2, observed_at").fetchall()


def queue(conn: psycopg.Connection, columns: str) -> list[tuple[Any, ...]]:
    return conn.execute(f"select {columns} from ops.enrichment order by object_id").fetchall()


def asked(stripe: ScriptedStripe) -> list[str]:
    return [path for path, _ in stripe.requests]


def test_an_object_is_fetched_once_and_expanded_as_its_list_is(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "price_tiers", "price_1")
    body = {"object": "price", "id": "price_1", "tiers": [{"up_to": None, "unit_amount": 5}]}
    stripe.objects["/v1/prices/price_1"] = body
    assert fetch() == EnrichmentReport(fetched=1, staged=1)
    assert seen(conn) == [("price", "price_1", body)]
    assert stripe.calls("/v1/prices/price_1") == [{"expand[0]": "tiers", "expand[1]": "currency_options"}]
    assert conn.execute("select object_type, new_count from ops.batch where source = 'enrichment'").fetchall() == [
        ("price_tiers", 1)
    ]
    assert queue(conn, "attempts, last_error, gone, fetched_at >= wanted_at") == [(1, None, False, True)]
    assert fetch("next") == EnrichmentReport()
    assert len(stripe.requests) == 1


def coupon(percent_off: int, created: int, **more: Any) -> dict[str, Any]:
    body = {"object": "coupon", "id": "B2B", "percent_off": percent_off, "duration": "forever", "created": created}
    return {**body, **more}


def sell_two_products_with(conn: psycopg.Connection, at: int, coupon: dict[str, Any]) -> None:
    """A subscription to two plans of $100 a month, as a list shows it, with a discount on all of it."""
    discount = {"object": "discount", "id": "di_1", "customer": "cus_1", "subscription": "sub_1"}
    discount |= {"coupon": coupon, "start": HOUR}
    recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    price = {"currency": "usd", "unit_amount": 10_000, "recurring": recurring}
    items = [
        {"id": f"si_{plan}", "quantity": 1, "created": at, "price": {"id": plan, "product": f"prod_{plan}", **price}}
        for plan in "ab"
    ]
    body = {"object": "subscription", "id": "sub_1", "customer": "cus_1", "status": "active", "currency": "usd"}
    body |= {"created": at, "items": {"data": items, "has_more": False}, "discounts": [discount]}
    list_object(conn, datetime.fromtimestamp(at, UTC), body)
    conn.commit()
    apply_models(conn, SQL_ROOT)


def worth(conn: psycopg.Connection) -> tuple[int, str]:
    """MRR, and what the check says of the discounts."""
    conn.commit()
    apply_models(conn, SQL_ROOT)
    checks = [check for check in read_checks(SQL_ROOT) if check.name == "mrr_discounts_known"]
    [result] = run_checks(conn, checks, "test")
    row = conn.execute("select sum(mrr_change_minor)::int from dwh.mrr_change_fact").fetchone()
    assert row is not None
    return row[0], result.status


def test_a_coupon_made_after_the_backfill_reduces_its_products_alone_once_it_is_fetched(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "coupon")
    shown = coupon(20, HOUR)
    sell_two_products_with(conn, HOUR + 1, shown)
    assert worth(conn) == (16_000, "warned")
    stripe.now = HOUR + 60
    stripe.objects["/v1/coupons/B2B"] = {**shown, "applies_to": {"products": ["prod_a"]}}
    assert fetch().staged == 1
    assert stripe.calls("/v1/coupons/B2B") == [{"expand[0]": "applies_to", "expand[1]": "currency_options"}]
    assert worth(conn) == (18_000, "passed")
    assert fetch("next") == EnrichmentReport()


def test_a_coupon_that_is_for_all_products_is_asked_for_once(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "coupon")
    shown = coupon(20, HOUR)
    sell_two_products_with(conn, HOUR + 1, shown)
    stripe.now = HOUR + 60
    stripe.objects["/v1/coupons/B2B"] = shown
    assert fetch().staged == 1
    assert worth(conn) == (16_000, "passed")
    sell_two_products_with(conn, HOUR + 99, shown)
    assert fetch("next") == EnrichmentReport()


def test_a_coupon_that_was_gone_and_is_made_anew_is_asked_for_again(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "coupon")
    sell_two_products_with(conn, HOUR, coupon(20, HOUR))
    stripe.objects["/v1/coupons/B2B"] = None
    assert fetch().gone == 1
    assert worth(conn) == (16_000, "warned")
    conn.commit()
    at = datetime.fromtimestamp(HOUR + 90, UTC)
    stage(conn, [Version(at, "coupon.created", coupon(30, HOUR + 90), account_id=ACCOUNT)])
    apply_models(conn, SQL_ROOT)
    stripe.now = HOUR + 120
    stripe.objects["/v1/coupons/B2B"] = coupon(30, HOUR + 90)
    assert fetch("next") == EnrichmentReport(fetched=1, staged=1)


def test_an_invoice_is_completed_to_its_last_line_as_one_observation(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    lines = [{"id": f"il_{n:03}", "object": "line_item", "amount": n, "currency": "usd"} for n in range(250)]
    first = {"object": "list", "data": lines[:10], "has_more": True, "url": "/v1/invoices/in_1/lines"}
    invoice = {"object": "invoice", "id": "in_1", "status": "paid", "subtotal": sum(range(250)), "lines": first}
    stripe.now = HOUR + 100
    at = datetime.fromtimestamp(HOUR + 99, UTC)  # an answer counts from when it was asked for
    list_object(conn, at, invoice)
    conn.commit()
    apply_models(conn, SQL_ROOT)
    assert queue(conn, "kind, object_id") == [("invoice_lines", "in_1")]
    stripe.objects["/v1/invoices/in_1"] = invoice
    stripe.rows["/v1/invoices/in_1/lines"] = [Row(line["id"], 0, json.dumps(line).encode()) for line in lines]
    assert fetch().staged == 1
    whole = seen(conn)[-1][2]
    assert whole == {**invoice, "lines": {**first, "data": lines, "has_more": False}}
    # of one second, the answer is the later one
    versions = conn.execute("select observed_at from raw.object order by 1").fetchall()
    assert versions[0] == (at,)
    assert at < versions[1][0] < at + timedelta(seconds=1)

    conn.commit()
    apply_models(conn, SQL_ROOT)
    assert conn.execute("select count(*), sum(amount_minor) from dwh.invoice_line_fact").fetchall() == [
        (250, sum(range(250)))
    ]
    list_object(conn, at + timedelta(days=1), invoice)
    conn.commit()
    apply_models(conn, SQL_ROOT)
    assert fetch("next") == EnrichmentReport()
    assert conn.execute("select count(*) from dwh.invoice_line_fact").fetchone() == (250,)


def test_a_subscription_is_completed_to_its_last_item_whenever_a_newer_version_shows_a_part(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    items = [{"id": f"si_{n:02}", "object": "subscription_item", "quantity": 1} for n in range(25)]
    part = {"object": "list", "data": items[:20], "has_more": True}
    subscription = {"object": "subscription", "id": "sub_1", "status": "active", "items": part}
    stripe.objects["/v1/subscriptions/sub_1"] = subscription
    stripe.rows["/v1/subscription_items"] = [Row(item["id"], 0, json.dumps(item).encode()) for item in items]
    for day in (1, 2):
        stripe.now = HOUR + 86400 * day + 60
        list_object(conn, datetime.fromtimestamp(HOUR + 86400 * day, UTC), subscription)
        conn.commit()
        apply_models(conn, SQL_ROOT)
        assert fetch(f"day {day}").staged == 1
        assert len(seen(conn)[-1][2]["items"]["data"]) == 25
        conn.commit()
        apply_models(conn, SQL_ROOT)
        assert fetch("again") == EnrichmentReport()
    assert stripe.calls("/v1/subscription_items")[0]["subscription"] == "sub_1"


def test_a_deleted_customer_answers_a_stub_which_is_staged(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "customer", "cus_1")
    stub = {"id": "cus_1", "object": "customer", "deleted": True}
    stripe.objects["/v1/customers/cus_1"] = stub
    assert fetch().staged == 1
    assert seen(conn) == [("customer", "cus_1", stub)]


def test_lists_that_belong_to_an_object_are_read_to_their_end(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge_refunds", "ch_1")
    want(conn, "customer_balance_transactions", "cus_1")
    stripe.rows["/v1/refunds"] = [
        Row(f"re_{n}", 0, json.dumps({"object": "refund", "id": f"re_{n}", "charge": "ch_1"}).encode())
        for n in range(120)
    ]
    body = {"object": "customer_balance_transaction", "id": "cbtxn_1", "amount": -5}
    stripe.rows["/v1/customers/cus_1/balance_transactions"] = [Row("cbtxn_1", 0, json.dumps(body).encode())]
    assert fetch() == EnrichmentReport(fetched=2, staged=121)
    assert {query["charge"] for query in stripe.calls("/v1/refunds")} == {"ch_1"}
    assert conn.execute("select object_type, count(*) from raw.object group by 1 order by 1").fetchall() == [
        ("customer_balance_transaction", 1),
        ("refund", 120),
    ]


def test_what_stripe_does_not_have_is_remembered_as_gone_and_not_asked_for_again(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch, caplog: pytest.LogCaptureFixture
) -> None:
    want(conn, "product", "prod_1", "prod_2")
    stripe.objects["/v1/products/prod_1"] = None
    stripe.objects["/v1/products/prod_2"] = {"object": "product", "id": "prod_2"}
    assert fetch() == EnrichmentReport(fetched=1, staged=1, gone=1)
    assert "Stripe does not have product of acct_scripted: prod_1" in caplog.text
    assert queue(conn, "gone, attempts") == [(True, 1), (False, 1)]
    assert fetch("next") == EnrichmentReport()
    conn.commit()
    report_failures(conn)


def test_what_fails_stays_in_the_queue_and_is_told_by_name_and_fetched_by_a_later_run(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge", "ch_1", "ch_2", "ch_3")
    for n in (1, 2, 3):
        stripe.objects[f"/v1/charges/ch_{n}"] = {"object": "charge", "id": f"ch_{n}"}
    stripe.scripts["/v1/charges/ch_2"] = [Scripted(500, b"{}"), Scripted(500, b"{}")]
    assert fetch() == EnrichmentReport(fetched=2, staged=2, failed=1, left=1)
    with pytest.raises(EnrichmentError, match=r"charge ch_2: GET /v1/charges/ch_2: Stripe answered 500"):
        report_failures(conn)
    assert fetch("next") == EnrichmentReport(fetched=1, staged=1)
    report_failures(conn)
    assert queue(conn, "attempts, last_error") == [(1, None), (2, None), (1, None)]


def test_a_run_ends_when_stripe_does_not_answer_at_all(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge", *(f"ch_{n}" for n in range(100)))
    stripe.script = [Scripted(500, b"{}") for _ in range(1000)]
    report = fetch(threads=2)
    assert 5 <= report.failed <= 6
    assert report.left == 100
    assert len(stripe.requests) <= 14


def test_a_refused_kind_does_not_hold_the_others_back(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge", *(f"ch_{n}" for n in range(100)))
    want(conn, "product", "prod_1")
    stripe.objects["/v1/products/prod_1"] = {"object": "product", "id": "prod_1"}
    for n in range(100):
        stripe.scripts[f"/v1/charges/ch_{n}"] = [Scripted(403, b'{"error": {"message": "no permission"}}')]
    report = fetch(threads=2)
    assert (report.fetched, report.left) == (1, 100)
    assert report.failed <= 2
    assert len(stripe.requests) <= 3
    with pytest.raises(EnrichmentError, match="lacks the permission"):
        report_failures(conn)


def transaction(number: int, created: int) -> Row:
    body = {"object": "balance_transaction", "id": f"txn_{number:04}", "amount": number, "created": created}
    return Row(body["id"], created, json.dumps(body).encode())  # type: ignore[arg-type]


def test_many_balance_transactions_are_listed_by_the_time_of_their_charges(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    start = datetime.fromtimestamp(HOUR, UTC)
    want(conn, "balance_transaction", *(f"txn_{n:04}" for n in range(600)), hint_at=start, minutes_apart=1)
    stripe.rows["/v1/balance_transactions"] = [transaction(n, HOUR + 60 * n + 1) for n in reversed(range(599))]
    last = transaction(599, 0)
    stripe.objects["/v1/balance_transactions/txn_0599"] = json.loads(last.text)
    assert fetch() == EnrichmentReport(fetched=600, staged=600)
    assert asked(stripe) == ["/v1/balance_transactions"] * 6 + ["/v1/balance_transactions/txn_0599"]


def test_a_list_that_brings_less_than_asking_for_each_is_given_up(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime.fromtimestamp(HOUR, UTC)
    want(conn, "balance_transaction", *(f"txn_{n:04}" for n in range(60)), hint_at=start, minutes_apart=100)
    stripe.rows["/v1/balance_transactions"] = [transaction(1000 + n, HOUR + 6000 - n) for n in range(5000)]
    for n in range(60):
        stripe.objects[f"/v1/balance_transactions/txn_{n:04}"] = json.loads(transaction(n, 0).text)
    assert fetch().fetched == 60
    # those that were read ahead when it was given up
    assert len(stripe.calls("/v1/balance_transactions")) <= chunk_fetching.IDLE_CALLS + 1 + 21
    assert len(set(asked(stripe))) == 61


def test_a_run_is_bounded_and_the_oldest_wish_comes_first(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge", "ch_9", "ch_5", "ch_7")
    for n in (5, 7, 9):
        stripe.objects[f"/v1/charges/ch_{n}"] = {"object": "charge", "id": f"ch_{n}"}
    assert fetch(limit=2) == EnrichmentReport(fetched=2, staged=2, left=1)
    assert sorted(asked(stripe)) == ["/v1/charges/ch_5", "/v1/charges/ch_9"]


def test_objects_that_are_only_named_wait_until_their_kind_was_listed_once(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "customer", "cus_1")
    conn.execute("update ops.batch set object_type = 'charge'")
    conn.commit()
    assert fetch() == EnrichmentReport()
    conn.execute("update ops.batch set object_type = 'customer'")
    conn.commit()
    stripe.objects["/v1/customers/cus_1"] = {"object": "customer", "id": "cus_1"}
    assert fetch().fetched == 1


def test_a_payment_method_that_no_list_shows_is_fetched_by_its_id_once_charges_were_listed(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    stripe.objects["/v1/payment_methods/pm_1"] = {"object": "payment_method", "id": "pm_1", "type": "card"}
    customer = {"object": "customer", "id": "cus_1", "invoice_settings": {"default_payment_method": "pm_1"}}
    list_object(conn, datetime.fromtimestamp(HOUR, UTC), customer)
    apply_models(conn, SQL_ROOT)
    fetch("early")
    assert stripe.requests == []
    want(conn, "charge", "ch_listed")  # charges have been listed
    conn.execute("delete from ops.enrichment where kind = 'charge'")
    conn.commit()
    fetch("late")
    apply_models(conn, SQL_ROOT)
    fetch("again")
    assert asked(stripe) == ["/v1/payment_methods/pm_1"]
    assert conn.execute("select payment_method_id, payment_method_type from dwh.payment_method_dim").fetchall() == [
        ("pm_1", "card")
    ]


def test_what_the_list_of_a_connected_account_lacks_is_asked_for_with_the_platforms_key(
    conn: psycopg.Connection, stripe: ScriptedStripe, client: StripeClient, account: Account, fetch: Fetch
) -> None:
    shop = Account("acct_shop", False, account.clock, via=ACCOUNT)
    whole = Window(datetime.fromtimestamp(HOUR - 60, UTC), datetime.fromtimestamp(HOUR + 60, UTC))
    charge = {
        "id": "ch_1", "object": "charge", "created": HOUR, "currency": "usd", "amount": 5, "status": "succeeded",
        "customer": "cus_1", "balance_transaction": "txn_1",
    }  # fmt: skip
    stripe.rows["/v1/charges"] = [Row("ch_1", HOUR, json.dumps(charge).encode())]
    stripe.rows["/v1/customers"] = []
    ingest.stage_list(conn, client, account, "customer", whole, "run")
    ingest.stage_list(conn, client_for(client, shop), shop, "charge", whole, "run")
    apply_models(conn, SQL_ROOT)
    assert queue(conn, "kind, account_id, requested_via") == [
        ("customer", "acct_shop", ACCOUNT),
        ("balance_transaction", "acct_shop", ACCOUNT),
    ]
    stripe.objects["/v1/customers/cus_1"] = {"id": "cus_1", "object": "customer", "created": HOUR}
    stripe.objects["/v1/balance_transactions/txn_1"] = {"id": "txn_1", "object": "balance_transaction"}
    stripe.headers.clear()
    conn.commit()
    assert fetch() == EnrichmentReport(fetched=2, staged=2)
    assert {headers.get("Stripe-Account") for headers in stripe.headers} == {"acct_shop"}


def test_an_upgrade_gives_wishes_of_connected_accounts_to_the_key_that_can_fetch_them(conn: psycopg.Connection) -> None:
    (upgrade,) = SQL_ROOT.glob("migrations/0032_*.sql")
    repair = next(part for part in upgrade.read_text().split(";") if "update ops.enrichment" in part)
    # one is connected only, the other has a key of its own as well
    for account_id, via in (("acct_shop", ACCOUNT), ("acct_both", ACCOUNT), ("acct_both", None)):
        conn.execute(
            "insert into ops.batch (account_id, livemode, source, run_id, started_at, requested_via) "
            "values (%s, false, 'list', 'run', now(), %s)",
            [account_id, via],
        )
    for account_id in ("acct_shop", "acct_both"):
        want(conn, "customer", f"of_{account_id}", account_id=account_id)
    conn.execute("update ops.enrichment set requested_via = account_id")
    conn.execute(repair)  # type: ignore[arg-type]  # a file of ours
    assert queue(conn, "account_id, requested_via") == [("acct_both", "acct_both"), ("acct_shop", ACCOUNT)]


def test_what_belongs_to_a_connected_account_is_asked_for_and_kept_under_its_name(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge_refunds", "ch_1", account_id="acct_connected")
    want(conn, "invoice_lines", "in_1", account_id="acct_connected")
    refund = {"object": "refund", "id": "re_1", "charge": "ch_1"}
    stripe.rows["/v1/refunds"] = [Row("re_1", 0, json.dumps(refund).encode())]
    cut = {"object": "list", "data": [], "has_more": True}
    stripe.objects["/v1/invoices/in_1"] = {"object": "invoice", "id": "in_1", "lines": cut}
    fetch()
    assert [headers.get("Stripe-Account") for headers in stripe.headers] == ["acct_connected"] * 3
    assert conn.execute("select distinct account_id from raw.object").fetchall() == [("acct_connected",)]
    # the key's account: what these objects name is asked for with the same key
    assert conn.execute("select distinct account_id from ops.batch").fetchall() == [(ACCOUNT,)]


def test_an_answer_that_cannot_be_staged_is_rejected_and_not_asked_for_again(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "product", "prod_1")
    stripe.objects["/v1/products/prod_1"] = {"object": "product", "id": "prod_1", "name": "a\0b"}
    assert fetch().staged == 0
    assert conn.execute("select source, row_key from raw.rejected").fetchall() == [("enrichment:product", "prod_1")]
    assert fetch("next") == EnrichmentReport()


def test_a_line_that_cannot_be_staged_rejects_its_invoice(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "invoice_lines", "in_1")
    cut = {"object": "list", "data": [], "has_more": True}
    stripe.objects["/v1/invoices/in_1"] = {"object": "invoice", "id": "in_1", "lines": cut}
    stripe.rows["/v1/invoices/in_1/lines"] = [Row("il_1", 0, b'{"id": "il_1", "description": "a\\u0000b"}')]
    assert fetch().staged == 0
    ((key, reason),) = conn.execute("select row_key, reason from raw.rejected").fetchall()
    assert key == "in_1"
    assert reason.startswith("lines, il_1: holds \\u0000")


def test_a_load_goes_through_while_an_answer_is_awaited_and_what_it_wants_anew_stays_open(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    cut = {"object": "list", "data": [{"id": "si_1", "object": "subscription_item"}], "has_more": True}
    renewed, completed, gone = (
        {"object": "subscription", "id": f"sub_{n}", "status": "active", "items": cut} for n in (1, 2, 3)
    )
    at = datetime.fromtimestamp(HOUR, UTC)
    for body in (renewed, completed, gone):
        list_object(conn, at, body)
        stripe.objects[f"/v1/subscriptions/{body['id']}"] = body
    apply_models(conn, SQL_ROOT)
    stripe.now = HOUR + 60
    stripe.objects["/v1/subscriptions/sub_3"] = None
    slow = Scripted(delay=60, body=json.dumps(renewed).encode())
    stripe.scripts["/v1/subscriptions/sub_1"] = [slow]
    stripe.rows["/v1/subscription_items"] = [Row("si_1", 0, json.dumps(cut["data"][0]).encode())]
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(fetch)
        try:
            until(lambda: "/v1/subscriptions/sub_1" in asked(stripe))
            list_object(conn, at + timedelta(days=1), renewed)
            list_object(conn, at + timedelta(days=1), {**completed, "items": {**cut, "has_more": False}})
            conn.execute("set lock_timeout = '10s'")
            conn.commit()
            apply_models(conn, SQL_ROOT)
            assert queue(conn, "object_id, fetched_at") == [("sub_1", None), ("sub_3", None)]
        finally:
            slow.released.set()
        assert run.result() == EnrichmentReport(fetched=2, staged=2, gone=1, left=1)
    conn.commit()
    assert queue(conn, "object_id, gone, fetched_at < wanted_at") == [("sub_1", False, True), ("sub_3", True, None)]
    stripe.now = HOUR + 2 * 86400
    assert fetch("next") == EnrichmentReport(fetched=1, staged=1)


def test_a_chunk_that_ends_waits_for_a_load_that_is_writing_the_queue(
    conn: psycopg.Connection, warehouse: str, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "product", "prod_1", "prod_2")
    for n in (1, 2):
        stripe.objects[f"/v1/products/prod_{n}"] = {"object": "product", "id": f"prod_{n}"}
    with ThreadPoolExecutor(1) as pool:
        with conn.transaction():
            conn.execute("select ops.begin_model('enrichment')")
            conn.execute("delete from ops.enrichment where object_id = 'prod_2'")
            run = pool.submit(fetch)
            until(lambda: one(warehouse, WAITING))
            # with a row of the queue locked by the chunk, each would wait for the other
            conn.execute("update ops.enrichment set wanted_at = 'infinity'")
        # what is staged now is not asked for again, whenever it was wanted
        assert run.result() == EnrichmentReport(fetched=2, staged=2, left=0)
    assert queue(conn, "object_id, attempts") == [("prod_1", 1)]


def test_two_runs_side_by_side_ask_for_each_thing_once(
    conn: psycopg.Connection, warehouse: str, stripe: ScriptedStripe, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enrichment, "CHUNK", 10)
    want(conn, "charge", *(f"ch_{n:02}" for n in range(40)))
    for n in range(40):
        stripe.objects[f"/v1/charges/ch_{n:02}"] = {"object": "charge", "id": f"ch_{n:02}"}
    slow = Scripted(delay=60, body=b'{"object": "charge", "id": "ch_00"}')
    stripe.scripts["/v1/charges/ch_00"] = [slow]
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(fetch, name) for name in ("one", "other")]
        try:
            until(lambda: one(warehouse, WAITING))
        finally:
            slow.released.set()
        reports = [run.result() for run in runs]
    # chunks of ten, which the two take as they come
    assert sum(report.fetched for report in reports) == 40
    assert min(report.fetched for report in reports) >= 10
    assert sorted(asked(stripe)) == [f"/v1/charges/ch_{n:02}" for n in range(40)]
    assert one(warehouse, "select count(*) from raw.object") == 40


def test_a_task_killed_in_the_middle_fetches_no_more_than_its_last_chunk_again(
    conn: psycopg.Connection, warehouse: str, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "charge", *(f"ch_{n:02}" for n in range(40)))
    for n in range(40):
        stripe.objects[f"/v1/charges/ch_{n:02}"] = {"object": "charge", "id": f"ch_{n:02}"}
    stripe.scripts["/v1/charges/ch_25"] = [Scripted(delay=20)]
    process = subprocess.Popen(
        [sys.executable, "-m", enriching_process.__name__, warehouse, stripe.base_url],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}"},
    )
    until(lambda: "/v1/charges/ch_29" in asked(stripe))
    assert one(warehouse, "select count(*) from raw.object") == 20
    with ThreadPoolExecutor(1) as pool:
        # what the killed one had begun is free as soon as it is dead, for a run that waits for it already
        following = pool.submit(fetch, "next")
        try:
            until(lambda: one(warehouse, WAITING))
        finally:
            process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert following.result() == EnrichmentReport(fetched=20, staged=20)
    assert one(warehouse, "select count(*) from raw.object") == 40
    times = [asked(stripe).count(f"/v1/charges/ch_{n:02}") for n in range(40)]
    assert times[:20] == [1] * 20
    assert times[30:] == [1] * 10


def test_an_object_that_does_not_exist_is_an_error_of_its_own_that_names_the_request(
    stripe: ScriptedStripe, client: StripeClient
) -> None:
    stripe.scripts["/v1/customers/cus_1"] = [MISSING]
    with pytest.raises(ObjectMissingError, match=r"GET /v1/customers/cus_1 of acct_x: Stripe answered 404"):
        client.retrieve("/v1/customers/cus_1", {}, stripe_account="acct_x")


def test_an_id_of_its_owners_choice_is_one_part_of_the_path(
    conn: psycopg.Connection, stripe: ScriptedStripe, fetch: Fetch
) -> None:
    want(conn, "price", "Gold Plan/2")
    stripe.objects["/v1/prices/Gold%20Plan%2F2"] = {"object": "price", "id": "Gold Plan/2"}
    assert fetch().staged == 1
