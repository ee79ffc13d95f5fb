"""What a connection may say, what it need not say, and what is said of one that makes no sense."""

import json
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tallyhouse.errors import TallyhouseError
from tests.dags.runs import Dags

pytestmark = pytest.mark.usefixtures("airflow_environment")


def connect(monkeypatch: pytest.MonkeyPatch, conn_id: str = "stripe_default", **connection: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "generic", **connection}))


def test_a_connection_needs_no_more_than_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    from tallyhouse import settings

    connect(monkeypatch, password="sk_test_tallyhouse")
    assert settings.stripe_settings() == settings.StripeSettings(
        conn_id="stripe_default",
        api_key="sk_test_tallyhouse",
        api_base="https://api.stripe.com",
        account_id=None,
        api_version=None,
        requests_per_second=25,
        lag=timedelta(seconds=60),
        overlap=timedelta(minutes=5),
        max_window=timedelta(days=5),
    )


def test_everything_in_extra_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    from tallyhouse import settings

    extra = {
        "account_id": "acct_1",
        "api_version": "2024-06-20",
        "requests_per_second": 80,
        "lag_seconds": "90",
        "overlap_seconds": 600.5,
        "max_window_hours": 1,
    }
    connect(monkeypatch, "stripe_other", password="rk_test_tallyhouse", host="http://127.0.0.1:1", extra=extra)
    assert settings.stripe_settings("stripe_other") == settings.StripeSettings(
        conn_id="stripe_other",
        api_key="rk_test_tallyhouse",
        api_base="http://127.0.0.1:1",
        account_id="acct_1",
        api_version="2024-06-20",
        requests_per_second=80,
        lag=timedelta(seconds=90),
        overlap=timedelta(seconds=600.5),
        max_window=timedelta(hours=1),
    )


@pytest.mark.parametrize("name", ["requests_per_second", "lag_seconds", "overlap_seconds", "max_window_hours"])
@pytest.mark.parametrize("value", ["many", None, [1]])
def test_a_number_that_is_none_is_an_error_that_names_it(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallyhouse import settings

    connect(monkeypatch, password="sk_test_tallyhouse", extra={name: value})
    with pytest.raises(TallyhouseError, match=f"Connection stripe_default: {name} in its extra must be a number"):
        settings.stripe_settings()


def test_the_client_knows_its_account_and_takes_its_pace_from_the_warehouse(
    dags: Dags, monkeypatch: pytest.MonkeyPatch, stripe_url: str
) -> None:
    from tallyhouse import settings

    connect(monkeypatch, password="sk_test_tallyhouse", host=stripe_url, extra={"account_id": "acct_of_extra"})
    with settings.stripe_settings().client() as client:
        assert client.account().account_id == "acct_of_extra"
    assert dags.rows("select account_id, livemode from ops.rate_limit") == [("acct_of_extra", False)]


def test_the_warehouse_connection_is_psycopg_and_closed_after_use(dags: Dags) -> None:
    from tallyhouse import settings

    with settings.warehouse_connection() as connection:
        assert isinstance(connection, psycopg.Connection)
        assert connection.execute("select current_database()").fetchone() == (connection.info.dbname,)
        assert f"dbname={connection.info.dbname}" in dags.warehouse
    assert connection.closed


def test_the_sql_is_the_project_s_own_by_default() -> None:
    from tallyhouse import settings
    from tests.conftest import SQL_ROOT

    assert SQL_ROOT.samefile(settings.SQL_ROOT)
