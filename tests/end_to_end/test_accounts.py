"""Several keys and one warehouse: test and live data of one account, and an account that is connected to another."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from simulator.account import DEFAULT_KEY, Account
from simulator.app import serve_accounts
from simulator.clock import Clock
from simulator.company import Company
from simulator.instance import make_accounts
from simulator.server import serve_in_thread
from tallyhouse.warehouse import refresh_marts
from tests.conftest import SQL_ROOT
from tests.end_to_end.books import assert_marts_equal_books, rows
from tests.end_to_end.mrr_books import assert_mrr_equals_books
from tests.end_to_end.pipeline import Pipeline

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
# so young that its events tell all of its life
FOUNDED = NOW - timedelta(days=27)
LIVE_KEY = "sk_live_tallyhouse"
CONNECTED_KEY = f"{DEFAULT_KEY}_2"

COUNTS = """
    select livemode, 'customer', count(*) from dwh.customer_dim where is_current group by 1
    union all
    select livemode, 'charge', count(*) from dwh.charge_fact group by 1
    union all
    select livemode, 'invoice', count(*) from dwh.invoice_fact group by 1
    union all
    select livemode, 'line', count(*) from dwh.invoice_line_fact group by 1
    union all
    select livemode, 'item', count(*) from dwh.subscription_item_dim group by 1
    union all
    select livemode, 'movement', sum(amount_minor)::bigint from dwh.transaction_fact group by 1
"""


def young_company(seed: int) -> Company:
    return Company(seed, int(FOUNDED.timestamp()), customers=60, months=1)


def test_the_same_ids_in_test_and_in_live_mode_never_meet(warehouse: str) -> None:
    # twins: what happens in one mode happens in the other, under the same ids
    accounts = [Account(young_company(7), key) for key in (DEFAULT_KEY, LIVE_KEY)]
    with serve_in_thread(serve_accounts(accounts, Clock(NOW.timestamp(), frozen=True))) as url:
        test, live = (Pipeline(warehouse, url, key) for key in (DEFAULT_KEY, LIVE_KEY))
        for pipeline in (test, live):
            pipeline.events()
            pipeline.backfill(FOUNDED)
        for pipeline in (test, live):
            pipeline.enrich()
        assert test.account().account_id == live.account().account_id
        counts = {(livemode, name): count for livemode, name, count in rows(warehouse, COUNTS)}
        assert len(counts) == 12
        assert {name: count for (livemode, name), count in counts.items() if livemode} == {
            name: count for (livemode, name), count in counts.items() if not livemode
        }
        # by default the marts show live data alone, where there is any
        for mart in ("revenue_daily", "mrr_daily", "mrr_movement_monthly", "subscriber_churn_monthly"):
            assert rows(warehouse, f"select distinct livemode from mart.{mart}") == {(True,)}
        assert_marts_equal_books(live)
        account_id = live.account().account_id
        assert_mrr_equals_books(live, account_id, livemode=True)
        # and both side by side where a policy says so
        with psycopg.connect(warehouse) as connection:
            connection.execute("update ops.policy set value = 'both' where name = 'reported_modes'")
            connection.commit()
            refresh_marts(connection, SQL_ROOT)
        for livemode in (False, True):
            assert_mrr_equals_books(live, account_id, livemode)
        for pipeline in (test, live):
            assert {str(answer.reasons) for answer in pipeline.reconcile()} == {"{}"}


@pytest.fixture
def platform_url() -> Iterator[str]:
    """A platform behind the default key, and an account that is connected to it and has a key of its own."""
    accounts = make_accounts([young_company(7), young_company(8)], [DEFAULT_KEY], 0, None, None, is_connected=True)
    with serve_in_thread(serve_accounts(accounts, Clock(NOW.timestamp(), frozen=True))) as url:
        yield url


def test_a_connected_account_is_whole_through_its_platform_and_counts_once_with_a_key_of_its_own(
    warehouse: str, platform_url: str
) -> None:
    platform, connected = (Pipeline(warehouse, platform_url, key) for key in (DEFAULT_KEY, CONNECTED_KEY))
    connected_id = connected.account().account_id

    # events alone: what they name of the connected account is fetched in its name
    platform.events()
    platform.enrich()
    fetched = """
        select account_id, kind, bool_or(gone), bool_and(fetched_at is not null) from ops.enrichment group by 1, 2
    """
    of_connected = {row[1:] for row in rows(warehouse, fetched) if row[0] == connected_id}
    assert {kind for kind, _, _ in of_connected} >= {"balance_transaction"}
    # those that events show, but not whole, wait for their list
    assert {row for row in of_connected if not row[2]} == {("coupon", False, False)}
    assert {row[1:] for row in of_connected if row[0] != "coupon"} == {(False, True)}
    for pipeline, account_id in ((platform, platform.account().account_id), (platform, connected_id)):
        assert_marts_equal_books(pipeline, account_id=account_id)
        assert_mrr_equals_books(pipeline, account_id)
    through_platform = rows(warehouse, COUNTS)

    connected.events()
    connected.enrich()
    assert rows(warehouse, COUNTS) == through_platform
    assert {str(answer.reasons) for answer in connected.reconcile()} == {"{}"}
    assert_marts_equal_books(connected)
