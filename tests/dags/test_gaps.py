"""Gaps from their beginning to their end, by real runs of the DAGs: found, shown, filled and closed by themselves."""

from collections.abc import Callable

import pytest

from demo import airflow_config
from tallyhouse.errors import GapError, StripeAccessError
from tests.dags.runs import Dags
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import KEY, Scripted, scripted_stripe

Sim = Callable[..., dict]
OPEN = "select kind, closed_at is null from ops.gap order by gap_from"


def test_lost_events_are_listed_again_and_the_gap_closes_when_all_is_loaded(dags: Dags, sim: Sim) -> None:
    dags.run_all()
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
