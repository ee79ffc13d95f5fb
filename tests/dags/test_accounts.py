"""Several connections to Stripe: each account on its own, none holding another back, and the mode that marts show."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from demo import airflow_config
from simulator.instance import simulator_thread
from tests.dags.conftest import NOW
from tests.dags.runs import Dags

Sim = Callable[..., dict]
FAST = {"requests_per_second": 1000}


@pytest.fixture
def shop_url() -> Iterator[str]:
    """Another company, behind another key, which is for live data."""
    with simulator_thread(now=NOW, seed=8, customers=15, months=2, api_key="sk_live_tallyhouse") as url:
        yield url


@pytest.fixture
def shop(shop_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    extra = {**FAST, "account_id": "acct_shop"}
    connection = airflow_config.stripe_connection("sk_live_tallyhouse", shop_url, extra)
    monkeypatch.setenv("AIRFLOW_CONN_STRIPE_SHOP", connection)
    return shop_url


def test_every_account_is_read_under_its_own_name(dags: Dags, shop: str) -> None:
    for dag_id in ("stripe_backfill", "stripe_events"):
        assert dags.run(dag_id).not_successful == {}
    accounts = dags.rows("select distinct account_id, livemode, source from ops.batch order by 1, 2, 3")
    assert len(accounts) == 8
    assert {account_id for account_id, _, _ in accounts} >= {"acct_shop"}
    assert dags.rows("select count(*) from ops.watermark") == [(4,)]
    assert dags.rows("select count(distinct account_id) from raw.event") == [(2,)]
    assert dags.rows("select count(*) from ops.rate_limit") == [(2,)]


@pytest.mark.parametrize("dag_id", ["stripe_events", "stripe_backfill"])
def test_an_account_that_fails_holds_no_other_back(dag_id: str, dags: Dags, shop: str) -> None:
    httpx.post(f"{shop}/_sim/faults", json={"name": "revoke_key"}).raise_for_status()
    run = dags.run(dag_id)
    assert run.state == "failed"
    planner = "plan_windows" if dag_id == "stripe_events" else "plan_lists"
    assert sorted(run.tasks[planner]) == ["failed", "success"]
    assert "stripe_shop" in str(run.errors[planner])
    assert dags.published(run) == ["stripe_staged"]
    ((accounts, batches),) = dags.rows("select count(distinct account_id), count(*) from ops.batch")
    assert accounts == 1
    assert batches > 0
    assert dags.rows("select count(*) from ops.planned_batch where batch_id is null") == [(0,)]


def test_the_form_names_the_connections_to_list(dags: Dags, shop: str) -> None:
    run = dags.run("stripe_backfill", connections=["stripe_shop"], objects=["customer"])
    assert run.not_successful == {}
    assert dags.rows("select distinct account_id from ops.batch") == [("acct_shop",)]
    odd = dags.run("stripe_backfill", connections=["stripe_nowhere"])
    assert odd.state == "failed"
    assert "The form names stripe_nowhere" in str(odd.errors["list_accounts"])


def test_an_event_of_a_connected_account_lands_under_its_account(loaded_dags: Dags, sim: Sim) -> None:
    dags = loaded_dags
    at = int(sim("clock", advance_seconds=3600)["unix"]) - 100
    charge = {
        "id": "ch_connected",
        "object": "charge",
        "amount": 500,
        "currency": "usd",
        "created": at,
        "status": "succeeded",
        "customer": "cus_connected",
    }
    event = {"id": "evt_connected", "object": "event", "type": "charge.succeeded", "created": at, "livemode": False}
    sim("events", raw=json.dumps({**event, "account": "acct_connected", "data": {"object": charge}}))
    for dag_id in ("stripe_events", "warehouse", "marts"):
        assert dags.run(dag_id).state == "success"
    for relation in ("dwh.charge_fact", "dwh.transaction_fact", "mart.customer_lifetime_value"):
        found = dags.rows(f"select count(*) from {relation} where account_id = 'acct_connected'")
        assert found == [(1,)], relation
    assert dags.rows("select count(*) from dwh.charge_fact where charge_id = 'ch_connected'") == [(1,)]


def test_marts_show_live_data_where_there_is_any_and_what_the_policy_says(
    loaded_dags: Dags, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = "select distinct livemode from mart.revenue_daily order by 1"
    dags = loaded_dags
    assert dags.rows(shown) == [(False,)]
    for dag_id in ("stripe_backfill", "warehouse", "marts"):
        form = {"connections": ["stripe_shop"]} if dag_id == "stripe_backfill" else {}
        assert dags.run(dag_id, **form).state == "success"
    for policy, modes in {
        "live_if_any": [(True,)],
        "test": [(False,)],
        "both": [(False,), (True,)],
        "live": [(True,)],
    }.items():
        dags.execute(f"update ops.policy set value = '{policy}' where name = 'reported_modes'")
        dags.execute("refresh materialized view mart.revenue_daily")
        assert dags.rows(shown) == modes, policy


def test_the_default_connection_and_those_of_the_environment_are_read(
    dags: Dags, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallyhouse import settings

    assert settings.stripe_connections() == ["stripe_default", "stripe_shop"]
    monkeypatch.delenv("AIRFLOW_CONN_STRIPE_DEFAULT")
    assert settings.stripe_connections() == ["stripe_shop"]
    monkeypatch.delenv("AIRFLOW_CONN_STRIPE_SHOP")
    assert settings.stripe_connections() == ["stripe_default"]


def test_the_variable_names_the_connections(dags: Dags, shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallyhouse import settings
    from tallyhouse.errors import TallyhouseError

    monkeypatch.setenv("AIRFLOW_VAR_TALLYHOUSE_STRIPE_CONNECTIONS", " stripe_b, stripe_a stripe_b,")
    assert settings.stripe_connections() == ["stripe_b", "stripe_a"]
    assert settings.stripe_connections(["stripe_a"]) == ["stripe_a"]
    monkeypatch.setenv("AIRFLOW_VAR_TALLYHOUSE_STRIPE_CONNECTIONS", "shop")
    with pytest.raises(TallyhouseError, match="names shop: a connection to Stripe is named stripe_<name>"):
        settings.stripe_connections()
