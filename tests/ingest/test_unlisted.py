"""What a whole list does not show although it is known is asked for: deletions whose event nobody read."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tallyhouse import backfill
from tallyhouse.backfill import plan_backfill, stage_share
from tallyhouse.client import Account, StripeClient
from tallyhouse.connected import client_for, connected_accounts
from tallyhouse.errors import StripeUnavailableError
from tallyhouse.gaps import close_gaps, record_expired
from tallyhouse.objects import LISTED
from tallyhouse.plans import refused_kinds
from tallyhouse.unlisted import Unlisted, stage_unlisted
from tallyhouse.windows import Window
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
