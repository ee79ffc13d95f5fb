"""Gaps from their beginning to their end, by real runs of the DAGs: found, shown, filled and closed by themselves."""

from collections.abc import Callable

import httpx
import pytest

from demo import airflow_config
from simulator.app import DEFAULT_KEY
from simulator.instance import simulator_thread
from tallyhouse.errors import GapError, StripeAccessError
from tests.dags.conftest import NOW
from tests.dags.runs import Dags
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import KEY, Scripted, scripted_stripe

Sim = Callable[..., dict]
OPEN = "select kind, closed_at is null from ops.gap order by gap_from"


def test_lost_events_are_listed_again_and_the_gap_closes_when_all_is_loaded(loaded_dags: Dags, sim: Sim) -> None:
    dags = loaded_dags
    sim("clock", advance_seconds=35 * 86_400)
    red = dags.run("stripe_events")
    assert isinstance(red.errors["report_gaps"], GapError)
    assert "stripe_gap_found" in dags.published(red)
    assert dags.rows(OPEN) == [("expired", True)]
    touched = "select count(*), bool_and(is_expired), bool_or(is_relisted) from mart.gap_daily"
    ((days, expired, relisted),) = dags.rows(touched)
    assert (expired, relisted) == (True, False)
    assert days == 7  # from the last minute of September to the sixth of October
    assert dags.rows("select open_gaps from mart.freshness") == [(1,)]

    # What is loaded without the listing closes nothing, and neither does a listing of a part.
    assert dags.run("stripe_backfill", objects=["customer"]).state == "success"
    assert dags.run("warehouse").state == "success"
    assert dags.rows(OPEN) == [("expired", True)]

    listing = dags.run("stripe_backfill")
    assert listing.state == "success"
    assert dags.rows(OPEN) == [("expired", True)]  # listed, but not loaded
    assert dags.run("warehouse").state == "success"
    assert dags.rows(OPEN) == [("expired", False)]
    assert dags.rows("select relisted_by from ops.gap") == [(f"stripe_backfill/{listing.run_id}",)]
    assert dags.rows("select count(*) from mart.gap_daily") == [(0,)]
    assert dags.rows("select open_gaps from mart.freshness") == [(0,)]


def test_a_window_that_failed_for_good_is_a_gap_until_a_later_run_has_read_it(
    dags: Dags, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted_stripe() as stripe:
        connection = airflow_config.stripe_connection(KEY, stripe.base_url, {"requests_per_second": 1000})
        monkeypatch.setenv("AIRFLOW_CONN_STRIPE_DEFAULT", connection)
        stripe.now = HOUR
        assert dags.run("stripe_events").state == "success"
        stripe.now = HOUR + 7200
        # What the plan asks is answered; both listings are refused, so that no other try is made.
        stripe.script = [Scripted(400, b"{}")] * 2
        red = dags.run("stripe_events")
        assert red.state == "failed"
        assert isinstance(red.errors["stage_events"], StripeAccessError)
        assert red.tries["stage_events"] == [1]
        assert dags.rows(OPEN) == [("failed", True)]
        ((reason,),) = dags.rows("select reason from ops.gap")
        assert "BadRequestError: GET /v1/events created [2026-03-01" in reason
        assert dags.published(red) == []
        assert dags.rows("select day::text, is_expired from mart.gap_daily") == [("2026-03-01", False)]

        assert dags.run("stripe_events").state == "success"
        assert dags.rows(OPEN) == [("failed", True)]  # read, but not loaded
        assert dags.run("warehouse").state == "success"
        assert dags.rows(OPEN) == [("failed", False)]


def test_what_was_deleted_in_a_gap_is_deleted_when_it_closes_on_connected_accounts_too(
    dags: Dags, monkeypatch: pytest.MonkeyPatch
) -> None:
    # each company deletes a coupon ninety days after its beginning, which it had made twenty days before
    with simulator_thread(
        now=NOW, founded="2026-07-15", customers=8, months=1, seed=11, accounts=2, is_connected=True
    ) as url:
        connection = airflow_config.stripe_connection(DEFAULT_KEY, url, {"requests_per_second": 1000})
        monkeypatch.setenv("AIRFLOW_CONN_STRIPE_DEFAULT", connection)
        ids = []
        for key in (DEFAULT_KEY, f"{DEFAULT_KEY}_2"):
            account = httpx.get(f"{url}/v1/account", headers={"Authorization": f"Bearer {key}"}).json()
            ids.append(account["id"])
        platform, shop = ids
        assert dags.run("stripe_events").state == "success"
        assert dags.rows("select distinct account_id from ops.batch") == [(platform,)]
        httpx.post(f"{url}/_sim/clock", json={"advance_seconds": 50 * 86_400}).raise_for_status()

        red = dags.run("stripe_events")
        assert isinstance(red.errors["report_gaps"], GapError)
        gaps = "select account_id, closed_at is null from ops.gap order by account_id"
        assert dags.rows(gaps) == sorted([(platform, True), (shop, True)])
        listing = dags.run("stripe_backfill")
        assert listing.not_successful == {}
        (label,) = dags.labels(listing, "stage_unlisted")
        assert label.endswith(" known objects were not listed, 2 of them are deleted")
        assert dags.run("warehouse").state == "success"
        assert dags.rows(gaps) == sorted([(platform, False), (shop, False)])
        assert {row[0] for row in dags.rows("select distinct requested_via from ops.batch")} == {None, platform}
        # connected accounts are fetched with their platform
        assert dags.rows("select account_id from mart.freshness") == [(platform,)]

        deleted = "select account_id, count(*) from dwh.coupon_dim where deleted_at is not null group by 1 order by 1"
        assert dags.rows(deleted) == sorted([(platform, 1), (shop, 1)])
