"""Keys, versions, limits and headers."""

from email.utils import parsedate_to_datetime

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock
from simulator.server import serve_in_thread
from tests.simulator.conftest import NOW, make_company


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


@pytest.mark.parametrize("version", ["2026", "latest", "2026-10-28."])
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


def test_each_endpoint_has_its_own_rate_limit() -> None:
    app = create_app(make_company(), Clock(NOW, frozen=True), rate_limit=5)
    with serve_in_thread(app) as url, httpx.Client(base_url=url, auth=("sk_test_tallyhouse", "")) as client:
        answers = [client.get("/v1/events") for _ in range(20)]
        limited = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:5]] == [200] * 5
        assert len(limited) >= 10
        assert limited[0].json()["error"]["code"] == "rate_limit"
        assert limited[0].headers["stripe-rate-limited-reason"] == "endpoint-rate"
        assert client.get("/v1/customers").status_code == 200
