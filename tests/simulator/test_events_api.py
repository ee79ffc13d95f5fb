"""The events list, rule by rule."""

from collections import Counter

import httpx
import pytest

from simulator.app import create_app
from simulator.clock import Clock
from simulator.company import Company
from simulator.server import serve_in_thread
from tests.simulator.conftest import FOUNDED, NOW, all_pages
from tests.waiting import until

DAY = 86_400


@pytest.fixture(scope="module")
def events(api: httpx.Client) -> list[dict]:
    """All that is listed, newest first."""
    return all_pages(api, "/v1/events")


def _error(answer: httpx.Response) -> dict:
    return answer.json()["error"]


def test_newest_event_comes_first(events: list[dict]) -> None:
    created = [event["created"] for event in events]
    assert created == sorted(created, reverse=True)
    assert len(created) > 500


def test_only_thirty_days_are_listed(events: list[dict]) -> None:
    assert events[-1]["created"] > NOW - 30 * DAY
    assert events[-1]["created"] < NOW - 29 * DAY
    assert events[0]["created"] <= NOW


def test_several_events_share_a_second_and_keep_their_order(api: httpx.Client, events: list[dict]) -> None:
    assert max(Counter(event["created"] for event in events).values()) >= 5
    small = all_pages(api, "/v1/events", limit=7)
    assert [event["id"] for event in small] == [event["id"] for event in events]


def test_ids_do_not_sort_by_time(events: list[dict]) -> None:
    ids = [event["id"] for event in events]
    assert ids != sorted(ids)
    assert ids != sorted(ids, reverse=True)
    assert len(set(ids)) == len(ids)


def test_default_limit_is_ten(api: httpx.Client) -> None:
    assert len(api.get("/v1/events").json()["data"]) == 10


@pytest.mark.parametrize(("limit", "expected"), [(0, 1), (-5, 1), (1, 1), (100, 100), (101, 100)])
def test_limit_is_clamped(api: httpx.Client, limit: int, expected: int) -> None:
    assert len(api.get("/v1/events", params={"limit": limit}).json()["data"]) == expected


def test_list_envelope_is_stripes(api: httpx.Client) -> None:
    page = api.get("/v1/events", params={"limit": 1}).json()
    assert page["object"] == "list"
    assert page["url"] == "/v1/events"
    assert page["has_more"] is True
    assert set(page) == {"object", "data", "has_more", "url"}


def test_event_envelope_is_stripes(api: httpx.Client) -> None:
    event = api.get("/v1/events", params={"limit": 1}).json()["data"][0]
    assert event["object"] == "event"
    assert event["livemode"] is False
    assert event["api_version"] == "2026-10-28.endive"
    assert set(event["request"]) == {"id", "idempotency_key"}
    assert event["data"]["object"]["id"]


def test_ending_before_walks_from_old_to_new(api: httpx.Client, events: list[dict]) -> None:
    ids = [event["id"] for event in events]
    page = api.get("/v1/events", params={"limit": 5, "ending_before": ids[20]}).json()
    assert [event["id"] for event in page["data"]] == ids[15:20]
    assert page["has_more"] is True
    last = api.get("/v1/events", params={"limit": 5, "ending_before": ids[5]}).json()
    assert [event["id"] for event in last["data"]] == ids[:5]
    assert last["has_more"] is False


def test_both_cursors_are_refused(api: httpx.Client) -> None:
    event_id = api.get("/v1/events").json()["data"][0]["id"]
    answer = api.get("/v1/events", params={"starting_after": event_id, "ending_before": event_id})
    assert answer.status_code == 400
    assert "both starting_after and ending_before" in _error(answer)["message"]


def test_unknown_cursor_is_resource_missing(api: httpx.Client) -> None:
    answer = api.get("/v1/events", params={"starting_after": "evt_nope"})
    assert answer.status_code == 400
    assert _error(answer)["code"] == "resource_missing"
    assert _error(answer)["param"] == "starting_after"


@pytest.mark.parametrize(
    ("suffix", "keeps"),
    [
        ("[gt]", lambda at, bound: at > bound),
        ("[gte]", lambda at, bound: at >= bound),
        ("[lt]", lambda at, bound: at < bound),
        ("[lte]", lambda at, bound: at <= bound),
        ("", lambda at, bound: at == bound),
    ],
)
def test_created_filter(api: httpx.Client, events: list[dict], suffix: str, keeps) -> None:
    bound = events[len(events) // 2]["created"]
    found = all_pages(api, "/v1/events", **{f"created{suffix}": bound})
    expected = [event["id"] for event in events if keeps(event["created"], bound)]
    assert [event["id"] for event in found] == expected
    assert expected


def test_closed_window_tiles_without_loss_or_overlap(api: httpx.Client, events: list[dict]) -> None:
    ids = []
    for start in range(int(NOW) - 30 * DAY, int(NOW) + 1, 5 * DAY):
        window = {"created[gte]": start, "created[lt]": start + 5 * DAY}
        ids += [event["id"] for event in all_pages(api, "/v1/events", **window)]
    assert sorted(ids) == sorted(event["id"] for event in events)


def test_created_that_is_no_integer_is_refused(api: httpx.Client) -> None:
    answer = api.get("/v1/events", params={"created[gte]": "yesterday"})
    assert answer.status_code == 400
    assert "Invalid integer" in _error(answer)["message"]


def test_type_takes_one_name(api: httpx.Client, events: list[dict]) -> None:
    found = all_pages(api, "/v1/events", type="charge.succeeded")
    expected = [e["id"] for e in events if e["type"] == "charge.succeeded"]
    assert [event["id"] for event in found] == expected
    assert expected


def test_type_takes_a_group(api: httpx.Client, events: list[dict]) -> None:
    found = all_pages(api, "/v1/events", type="customer.subscription.*")
    expected = [e["id"] for e in events if e["type"].startswith("customer.subscription.")]
    assert [event["id"] for event in found] == expected
    assert expected


def test_types_takes_several_names(api: httpx.Client) -> None:
    found = all_pages(api, "/v1/events", **{"types[]": ["charge.succeeded", "charge.failed"]})
    assert {event["type"] for event in found} == {"charge.succeeded", "charge.failed"}


def test_type_and_types_together_are_refused(api: httpx.Client) -> None:
    answer = api.get("/v1/events", params={"type": "charge.failed", "types[]": "charge.succeeded"})
    assert answer.status_code == 400


def test_more_than_twenty_types_are_refused(api: httpx.Client) -> None:
    names = [f"thing{number}.created" for number in range(21)]
    assert api.get("/v1/events", params={"types[]": names[:20]}).status_code == 200
    assert api.get("/v1/events", params={"types[]": names}).status_code == 400


def test_unknown_parameter_is_refused(api: httpx.Client) -> None:
    answer = api.get("/v1/events", params={"color": "red"})
    assert answer.status_code == 400
    assert _error(answer)["code"] == "parameter_unknown"


def test_event_is_retrieved_as_it_is_listed(api: httpx.Client) -> None:
    event = api.get("/v1/events").json()["data"][3]
    assert api.get(f"/v1/events/{event['id']}").json() == event


def test_unknown_event_is_404(api: httpx.Client) -> None:
    answer = api.get("/v1/events/evt_nope")
    assert answer.status_code == 404
    assert _error(answer)["code"] == "resource_missing"
    assert "No such event" in _error(answer)["message"]


def test_event_older_than_thirty_days_is_gone(own_api: httpx.Client) -> None:
    oldest = all_pages(own_api, "/v1/events")[-1]
    own_api.post("/_sim/clock", json={"advance_seconds": oldest["created"] + 30 * DAY - NOW})
    assert own_api.get(f"/v1/events/{oldest['id']}").status_code == 404
    assert oldest["id"] not in {event["id"] for event in all_pages(own_api, "/v1/events")}
    answer = own_api.get("/v1/events", params={"starting_after": oldest["id"]})
    assert answer.status_code == 400
    assert "too old" in _error(answer)["message"]


def test_new_events_are_revealed_as_the_clock_moves(own_api: httpx.Client) -> None:
    before = all_pages(own_api, "/v1/events")
    own_api.post("/_sim/clock", json={"advance_seconds": 2 * DAY})
    after = all_pages(own_api, "/v1/events", **{"created[gt]": int(NOW)})
    assert after
    assert after[0]["created"] <= NOW + 2 * DAY
    still = all_pages(own_api, "/v1/events", **{"created[lte]": int(NOW)})
    assert [e["id"] for e in still] == [e["id"] for e in before if e["created"] > NOW - 28 * DAY]


def test_running_clock_shows_events_of_the_coming_seconds() -> None:
    company = Company(5, FOUNDED, customers=120, months=6)
    company.ensure(NOW)
    upcoming = next(event for event in company.events if event.at > NOW)
    app = create_app(company, Clock(upcoming.at - 0.5, frozen=True), rate_limit=0)
    with serve_in_thread(app) as url, httpx.Client(base_url=url, auth=("sk_test_tallyhouse", "")) as client:
        assert upcoming.id not in client.get("/v1/events").text
        client.post("/_sim/clock", json={"freeze": False})
        until(lambda: upcoming.id in client.get("/v1/events", params={"limit": 100}).text)
