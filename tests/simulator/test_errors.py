"""Keys, versions, limits and headers."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from simulator.account import Account
from simulator.app import serve_accounts
from simulator.clock import Clock
from tests.simulator.conftest import NOW, client_of, make_company


def test_no_key_is_401(base_url: str) -> None:
    answer = httpx.get(f"{base_url}/v1/events")
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_wrong_key_is_401_and_is_not_shown_whole(base_url: str) -> None:
    answer = httpx.get(f"{base_url}/v1/events", headers={"Authorization": "Bearer sk_test_wrongwrong"})
    assert answer.status_code == 401
    assert "Invalid API Key provided: sk_test_" in answer.json()["error"]["message"]
    assert "wrongwrong" not in answer.text


def test_basic_authorization_takes_the_key_as_user(base_url: str) -> None:
    assert httpx.get(f"{base_url}/v1/events", auth=("sk_test_tallyhouse", "")).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_404(api: httpx.Client, method: str) -> None:
    answer = api.request(method, "/v1/unicorns")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith(f"Unrecognized request URL ({method}: /v1/unicorns)")


def test_writing_is_not_possible(api: httpx.Client) -> None:
    assert "Unrecognized request URL (POST: /v1/customers)" in api.post("/v1/customers").text


@pytest.mark.parametrize("version", ["2026", "latest", "2026-10-28.", "2026-13-01"])
def test_malformed_version_is_400(api: httpx.Client, version: str) -> None:
    assert api.get("/v1/events", headers={"Stripe-Version": version}).status_code == 400


@pytest.mark.parametrize("path", ["/v1/events", "/v1/customers/cus_nope", "/v1/unicorns"])
def test_every_answer_has_stripes_headers(api: httpx.Client, path: str) -> None:
    answer = api.get(path, headers={"Stripe-Version": "2026-10-28.endive"})
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["stripe-version"] == "2026-10-28.endive"
    assert answer.headers.get_list("date") == [answer.headers["date"]]


def test_date_is_the_simulators(api: httpx.Client) -> None:
    assert parsedate_to_datetime(api.get("/v1/events").headers["date"]).timestamp() == NOW


def test_request_ids_differ(api: httpx.Client) -> None:
    assert len({api.get("/v1/account").headers["request-id"] for _ in range(5)}) == 5


def _statuses(client: httpx.Client, paths: list[str]) -> list[int]:
    return [client.get(path).status_code for path in paths]


def test_each_endpoint_has_its_own_rate_limit() -> None:
    account = Account(make_company(), rate_limit=5, global_rate_limit=0)
    with client_of(serve_accounts([account], Clock(NOW, frozen=True))) as client:
        answers = [client.get("/v1/events") for _ in range(20)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        assert len(limited) >= 10
        assert limited[0].json()["error"]["code"] == "rate_limit"
        assert limited[0].headers["stripe-rate-limited-reason"] == "endpoint-rate"
        assert client.get("/v1/customers").status_code == 200


def test_all_endpoints_share_a_global_rate_limit() -> None:
    account = Account(make_company(), rate_limit=1)
    with client_of(serve_accounts([account], Clock(NOW, frozen=True))) as client:
        names = ("customers", "prices", "charges", "refunds", "invoices", "events", "products", "account")
        answers = [client.get(f"/v1/{name}") for name in names]
        reasons = [answer.headers.get("stripe-rate-limited-reason") for answer in answers]
        assert reasons[0] is None
        assert set(reasons) == {None, "global-rate"}
        assert {answer.status_code for answer in answers} == {200, 429}


def test_live_mode_has_four_times_the_global_rate() -> None:
    account = Account(make_company(), "sk_live_tallyhouse", rate_limit=2)
    with client_of(serve_accounts([account], Clock(NOW, frozen=True)), account.key) as client:
        names = ("customers", "prices", "charges", "refunds", "invoices", "events", "products", "account")
        assert _statuses(client, [f"/v1/{name}" for name in names]) == [200] * 8


def test_traffic_is_counted_by_endpoint_until_reset() -> None:
    account = Account(make_company(), rate_limit=5, global_rate_limit=0)
    with client_of(serve_accounts([account], Clock(NOW, frozen=True))) as client:
        statuses = _statuses(client, ["/v1/events"] * 15)
        client.get("/v1/customers/cus_nope")
        traffic = client.get("/_sim/stats").json()["traffic"]
        assert traffic["requests"] == 16
        assert traffic["rate_limited"] == statuses.count(429) > 0
        assert traffic["endpoints"]["/v1/events"] == {
            "requests": 15,
            "rate_limited": {"endpoint-rate": statuses.count(429)},
        }
        assert traffic["endpoints"]["/v1/customers/{id}"] == {"requests": 1, "rate_limited": {}}
        assert client.post("/_sim/stats/reset").json()["requests"] == 0
        assert client.get("/_sim/stats").json()["traffic"]["endpoints"] == {}
