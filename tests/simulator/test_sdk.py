"""The official SDK reads the simulator as it reads Stripe."""

import httpx
import pytest
import stripe

from simulator.app import DEFAULT_KEY
from tests.simulator.conftest import all_pages


@pytest.fixture
def client(base_url: str) -> stripe.StripeClient:
    http_client = stripe.HTTPXClient(allow_sync_methods=True)
    return stripe.StripeClient(
        DEFAULT_KEY, base_addresses={"api": base_url}, http_client=http_client, max_network_retries=0
    )


def test_sdk_pages_through_all_events(client: stripe.StripeClient, api: httpx.Client) -> None:
    found = client.v1.events.list({"limit": 100}).auto_paging_iter()
    assert [event.id for event in found] == [event["id"] for event in all_pages(api, "/v1/events")]


def test_sdk_pages_from_old_to_new_with_ending_before(client: stripe.StripeClient, api: httpx.Client) -> None:
    ids = [charge["id"] for charge in all_pages(api, "/v1/charges")]
    found = client.v1.charges.list({"limit": 100, "ending_before": ids[-1]}).auto_paging_iter()
    assert [charge.id for charge in found] == ids[-2::-1]


def test_sdk_sends_created_filters_and_types(client: stripe.StripeClient, api: httpx.Client) -> None:
    middle = all_pages(api, "/v1/events")[300]["created"]
    found = client.v1.events.list({"created": {"gte": middle}, "types": ["invoice.paid", "charge.failed"]})
    assert {event.type for event in found.auto_paging_iter()} <= {"invoice.paid", "charge.failed"}
    assert found.data


def test_sdk_raises_its_own_errors(base_url: str) -> None:
    wrong = stripe.StripeClient(
        "sk_test_wrong",
        base_addresses={"api": base_url},
        http_client=stripe.HTTPXClient(allow_sync_methods=True),
    )
    with pytest.raises(stripe.AuthenticationError):
        wrong.v1.events.list()


def test_sdk_sees_a_missing_object(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.retrieve("cus_nope")
    assert caught.value.code == "resource_missing"
    assert caught.value.http_status == 404
