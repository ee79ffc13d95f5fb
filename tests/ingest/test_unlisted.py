"""What a whole list does not show although it is known is asked for: deletions whose event nobody read."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tallyhouse import backfill
from tallyhouse.backfill import BackfillPlan, plan_backfill, stage_share
from tallyhouse.client import Account, StripeClient
from tallyhouse.connected import client_for, connected_accounts
from tallyhouse.errors import RejectedRowsError, StripeAccessError, StripeUnavailableError
from tallyhouse.gaps import ask_relisting, awaits_relisting, close_gaps, keep_refusal, record_expired
from tallyhouse.ingest import report_rejects, stage_events
from tallyhouse.objects import LISTED
from tallyhouse.plans import refused_kinds
from tallyhouse.unlisted import Unlisted, stage_unlisted
from tallyhouse.warehouse import apply_models
from tallyhouse.windows import Window
from tests.conftest import SQL_ROOT
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Scripted, ScriptedStripe, event
from tests.ingest.test_backfill import ALL, FORBIDDEN, row, rows

CUSTOMERS = [row("customer", f"cus_{n}", HOUR - n * 1200) for n in range(5)]
GONE = "select object_id from raw.object where is_deleted order by 1"

Backfill = Callable[..., None]


@pytest.fixture(autouse=True)
def _objects(stripe: ScriptedStripe) -> None:
    stripe.now = HOUR
    for item in LISTED.values():
        stripe.rows[item.endpoint] = []
    stripe.rows[backfill.TEST_CLOCKS] = []
    stripe.rows["/v1/customers"] = list(CUSTOMERS)
    stripe.rows["/v1/charges"] = [row("charge", "ch_1")]


@pytest.fixture
def lists(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> Backfill:
    """Lists kinds whole, as a run; the question what is unlisted is left."""

    later = iter(range(HOUR, HOUR + 600, 60))

    def run(run_id: str, *kinds: str, window: Window = ALL, is_everything: bool = True) -> None:
        stripe.now = next(later)
        plan_backfill(
            conn, client, account, run_id, kinds or LISTED, window, rows_per_slice=200, is_everything=is_everything
        )
        stage_share(lambda: psycopg.connect(warehouse), client, account, run_id, 0)

    return run


def known(stripe: ScriptedStripe, object_id: str, answer: dict[str, Any] | None) -> None:
    """What Stripe answers when it is asked for a customer."""
    stripe.objects[f"/v1/customers/{object_id}"] = answer


def test_what_the_list_lacks_is_asked_for_and_what_stripe_deleted_is_staged_as_deleted(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, lists: Backfill
) -> None:
    lists("before")
    assert stage_unlisted(conn, client, account, "before") == Unlisted(0, 0)
    stripe.rows["/v1/customers"] = CUSTOMERS[:2]
    # charges are never deleted: they are not asked for
    stripe.rows["/v1/charges"] = []
    known(stripe, "cus_2", {"id": "cus_2", "object": "customer", "deleted": True})
    known(stripe, "cus_3", None)
    known(stripe, "cus_4", json.loads(CUSTOMERS[4].text))
    stripe.requests.clear()
    lists("again")
    assert stage_unlisted(conn, client, account, "again") == Unlisted(3, 2)
    with conn.transaction():
        assert conn.execute(GONE).fetchall() == [("cus_2",), ("cus_3",)]
    asked = [path for path, _ in stripe.requests if path.startswith(("/v1/customers/", "/v1/charges/"))]
    assert sorted(asked) == [f"/v1/customers/cus_{n}" for n in (2, 3, 4)]
    # known as deleted, they are not asked for by any later run
    lists("third")
    assert stage_unlisted(conn, client, account, "third") == Unlisted(1, 0)


def test_a_try_that_breaks_off_asks_for_nothing_twice(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    lists: Backfill,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tallyhouse.unlisted.CHUNK", 1)
    lists("before", "customer")
    stripe.rows["/v1/customers"] = CUSTOMERS[:2]
    for n in (2, 3, 4):
        known(stripe, f"cus_{n}", None)
    stripe.scripts["/v1/customers/cus_3"] = [Scripted(500, b"{}")] * 8
    lists("again", "customer")
    with pytest.raises(StripeUnavailableError):
        stage_unlisted(conn, client, account, "again")
    stripe.requests.clear()
    assert stage_unlisted(conn, client, account, "again") == Unlisted(3, 3)
    assert [path for path, _ in stripe.requests if path.startswith("/v1/customers/")] == [
        "/v1/customers/cus_3",
        "/v1/customers/cus_4",
    ]
    stripe.requests.clear()
    assert stage_unlisted(conn, client, account, "again") == Unlisted(3, 3)
    assert stripe.requests == []


def test_a_list_of_a_part_or_one_that_is_not_read_to_its_end_says_nothing_about_what_is_missing(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    warehouse: str,
    lists: Backfill,
) -> None:
    lists("before", "customer")
    stripe.rows["/v1/customers"] = []
    lists("part", "customer", is_everything=False)
    assert stage_unlisted(conn, client, account, "part") == Unlisted(0, 0)
    stripe.rows["/v1/customers"] = CUSTOMERS[:2]
    plan_backfill(conn, client, account, "planned", ["customer"], ALL, rows_per_slice=200, is_everything=True)
    assert stage_unlisted(conn, client, account, "planned") == Unlisted(0, 0)
    assert rows(warehouse, GONE) == []


def test_a_kind_that_the_key_may_not_read_is_named_and_holds_no_other_back(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, lists: Backfill
) -> None:
    stripe.rows["/v1/coupons"] = [row("coupon", "free / trial")]
    lists("before")
    stripe.rows["/v1/customers"] = CUSTOMERS[:4]
    stripe.rows["/v1/coupons"] = []
    stripe.scripts["/v1/customers/cus_4"] = [Scripted(403, FORBIDDEN)]
    stripe.objects["/v1/coupons/free%20%2F%20trial"] = None
    lists("again")
    assert stage_unlisted(conn, client, account, "again") == Unlisted(1, 1)
    assert [kind for _, kind, _ in refused_kinds(conn, "again")] == ["customer"]


def test_an_object_that_stripe_does_not_understand_is_kept_as_a_reject_and_holds_no_other_back(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    warehouse: str,
    lists: Backfill,
) -> None:
    lists("before")
    stripe.rows["/v1/customers"] = CUSTOMERS[:2]
    odd = b'{"error": {"type": "invalid_request_error", "message": "Invalid id"}}'
    known(stripe, "cus_2", None)
    known(stripe, "cus_4", None)
    for run_id in ("again", "third"):
        stripe.scripts["/v1/customers/cus_3"] = [Scripted(400, odd)]
        lists(run_id)
        gone = 2 if run_id == "again" else 0
        assert stage_unlisted(conn, client, account, run_id) == Unlisted(gone, gone)
        done = f"select count(*) - count(batch_id) from ops.planned_batch where run_id = '{run_id}'"
        assert rows(warehouse, done) == [(0,)]
    ((source, row_key, reason, payload),) = rows(warehouse, "select source, row_key, reason, payload from raw.rejected")
    assert (source, row_key, payload) == ("list:customer", "cus_3", odd.decode())
    assert "GET /v1/customers/cus_3: Stripe answered 400" in reason
    # told once
    with pytest.raises(RejectedRowsError, match="cus_3"):
        report_rejects(conn)
    report_rejects(conn)


@pytest.mark.parametrize(
    ("kind", "before", "after", "gone"),
    [
        ("customer", {"discount": {"id": "di_1", "object": "discount"}}, {"discount": None}, ["di_1"]),
        ("subscription", {"discounts": ["di_1", "di_2"]}, {"discounts": [{"id": "di_2"}]}, ["di_1"]),
        ("subscription", {"discount": {"id": "di_1"}}, {"discount": {"id": "di_1"}, "discounts": ["di_1"]}, []),
        ("subscription", {"items": {"data": [{"discounts": ["di_1"]}]}}, {"items": {"data": []}}, ["di_1"]),
    ],
    ids=["a customer's", "one of a subscription's", "in another shape", "an item's"],
)
def test_a_discount_that_the_list_names_no_more_is_staged_as_deleted(
    kind: str,
    before: dict[str, Any],
    after: dict[str, Any],
    gone: list[str],
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    warehouse: str,
    lists: Backfill,
) -> None:
    stripe.rows["/v1/customers"] = []
    path = f"/v1/{kind}s"
    stripe.rows[path] = [row(kind, "holder", **before)]
    lists("before")
    assert stage_unlisted(conn, client, account, "before") == Unlisted()
    stripe.rows[path] = [row(kind, "holder", **after)]
    # a list of a part says nothing
    lists("part", kind, is_everything=False)
    assert stage_unlisted(conn, client, account, "part") == Unlisted()
    lists("again")
    assert stage_unlisted(conn, client, account, "again") == Unlisted(discounts=len(gone))
    assert rows(warehouse, GONE) == [(discount,) for discount in gone]
    assert rows(warehouse, "select count(*) from ops.planned_batch where batch_id is null and run_id = 'again'") == [
        (0,)
    ]
    apply_models(conn, SQL_ROOT)
    deleted = "select discount_id from dwh.discount_dim where deleted_at is not null order by 1"
    assert rows(warehouse, deleted) == [(discount,) for discount in gone]
    lists("third")
    assert stage_unlisted(conn, client, account, "third") == Unlisted()


def test_a_discount_that_was_given_while_the_list_was_read_is_not_gone(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, lists: Backfill
) -> None:
    later = {"id": "cus_0", "object": "customer", "discount": {"id": "di_1", "object": "discount"}}
    stripe.rows["/v1/events"] = [event("evt_1", HOUR + 1, type="customer.updated", object=later)]
    stage_events(conn, client, account, Window(ALL.end, ALL.end.replace(minute=1)), "events")
    lists("listing")
    assert stage_unlisted(conn, client, account, "listing") == Unlisted()


def test_a_gap_closes_only_when_what_was_not_listed_was_asked_for(
    client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str, lists: Backfill
) -> None:
    with conn.transaction():
        record_expired(conn, account, Window(ALL.start, ALL.end), "nobody read them")
    lists("listing")
    with conn.transaction():
        conn.execute("insert into ops.batch_applied select 'model', batch_id, 0, 0 from ops.batch")
    assert close_gaps(conn, ["model"]) == []
    stage_unlisted(conn, client, account, "listing")
    assert close_gaps(conn, ["model"]) == []  # asked for, but not loaded
    with conn.transaction():
        conn.execute(
            "insert into ops.batch_applied select 'model', batch_id, 0, 0 from ops.batch on conflict do nothing"
        )
    assert len(close_gaps(conn, ["model"])) == 1


def test_a_connected_account_is_known_by_its_events_and_asked_in_its_name(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection, warehouse: str
) -> None:
    from tallyhouse import ingest

    assert connected_accounts(conn, account) == []
    stripe.rows["/v1/events"] = [event("evt_2", HOUR - 1, account="acct_shop"), event("evt_1", HOUR - 2)]
    ingest.stage_events(conn, client, account, Window(ALL.end.replace(hour=11), ALL.end), "test")
    (shop,) = connected_accounts(conn, account)
    assert shop == Account("acct_shop", False, account.clock, via=account.account_id)
    stripe.headers.clear()
    acting = client_for(client, shop)
    plan_backfill(conn, acting, shop, "run", LISTED, ALL, rows_per_slice=200, is_everything=True)
    stage_share(lambda: psycopg.connect(warehouse), acting, shop, "run", 0)
    stage_unlisted(conn, acting, shop, "run")
    assert {headers.get("Stripe-Account") for headers in stripe.headers} == {"acct_shop"}
    assert rows(warehouse, "select distinct account_id from raw.object") == [("acct_shop",)]
    assert rows(warehouse, "select distinct account_id, requested_via from ops.batch where run_id = 'run'") == [
        ("acct_shop", account.account_id)
    ]
    # its own connection reads it better
    with conn.transaction():
        conn.execute("insert into ops.watermark values ('acct_shop', false, 'events', now())")
    assert connected_accounts(conn, account) == []


@pytest.mark.parametrize("status", [403, 401])
def test_a_connected_account_that_refuses_every_list_is_asked_for_no_more(
    status: int,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    warehouse: str,
) -> None:
    shop = Account("acct_shop", False, account.clock, via=account.account_id)
    with conn.transaction():
        record_expired(conn, shop, ALL, "nobody read them")
    assert awaits_relisting(conn, shop)
    for item in LISTED.values():
        stripe.scripts[item.endpoint] = [Scripted(status, FORBIDDEN)]
    stripe.scripts[backfill.TEST_CLOCKS] = [Scripted(status, FORBIDDEN)]
    acting = client_for(client, shop)

    def listing(run_id: str) -> BackfillPlan:
        return plan_backfill(conn, acting, shop, run_id, LISTED, ALL, rows_per_slice=200, is_everything=True)

    plan = listing("run")
    keep_refusal(conn, shop, plan.refusal)
    assert len({kind for _, kind, _ in refused_kinds(conn, "run")}) == len(LISTED)
    assert ask_relisting(conn) == []
    assert not awaits_relisting(conn, shop)
    assert rows(warehouse, "select bool_and(is_refused) from mart.gap_daily") == [(True,)]
    ((refusal,),) = rows(warehouse, "select refusal from ops.gap")
    assert f"Stripe answered {status}" in refusal
    # a person has granted access again, and runs it
    assert awaits_relisting(conn, shop, even_refused=True)
    keep_refusal(conn, shop, listing("again").refusal)
    assert awaits_relisting(conn, shop)
    assert rows(warehouse, "select bool_or(is_refused) from mart.gap_daily") == [(False,)]


def test_a_refusal_of_the_keys_own_account_ends_the_plan(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    stripe.scripts["/v1/charges"] = [Scripted(401, FORBIDDEN)]
    with pytest.raises(StripeAccessError, match="is not valid"):
        plan_backfill(conn, client, account, "run", LISTED, ALL, rows_per_slice=200, is_everything=True)
