"""The clock, faults and injected events."""

import json
import time

import httpx
import pytest

from tests.simulator.conftest import NOW, all_pages


def _arm(client: httpx.Client, name: str, **options: object) -> dict:
    answer = client.post("/_sim/faults", json={"name": name, **options})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_clock_is_frozen_set_and_released(own_api: httpx.Client) -> None:
    assert own_api.get("/_sim/clock").json()["unix"] == NOW
    own_api.post("/_sim/clock", json={"now": "2026-07-20T00:00:00Z"})
    assert own_api.get("/_sim/clock").json()["now"] == "2026-07-20T00:00:00Z"
    assert own_api.post("/_sim/clock", json={"freeze": False}).json()["frozen"] is False
    first, second = (own_api.get("/_sim/clock").json()["unix"] for _ in range(2))
    assert second > first


def test_clock_refuses_what_is_no_instant(own_api: httpx.Client) -> None:
    answer = own_api.post("/_sim/clock", json={"now": "tomorrow"})
    assert answer.status_code == 422
    assert "tomorrow" in answer.text


def test_clock_set_back_shows_the_past_again(own_api: httpx.Client) -> None:
    before = own_api.get("/v1/events", params={"limit": 100}).content
    own_api.post("/_sim/clock", json={"advance_seconds": 80 * 86_400})
    assert own_api.get("/v1/events", params={"limit": 100}).content != before
    own_api.post("/_sim/clock", json={"advance_seconds": -80 * 86_400})
    assert own_api.get("/v1/events", params={"limit": 100}).content == before


@pytest.mark.parametrize(
    ("name", "status", "error_type"),
    [("rate_limit", 429, "invalid_request_error"), ("server_error", 500, "api_error")],
)
def test_counted_fault_hits_so_many_requests(own_api: httpx.Client, name: str, status: int, error_type: str) -> None:
    _arm(own_api, name, count=2)
    answers = [own_api.get("/v1/events") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json()["error"]["type"] == error_type


def test_html_fault_answers_html_with_200(own_api: httpx.Client) -> None:
    _arm(own_api, "html")
    answer = own_api.get("/v1/events")
    assert answer.status_code == 200
    assert answer.text.startswith("<!DOCTYPE html>")
    assert own_api.get("/v1/events").json()["object"] == "list"


def test_cut_fault_breaks_the_body_off(own_api: httpx.Client) -> None:
    _arm(own_api, "cut")
    with pytest.raises(httpx.RemoteProtocolError):
        own_api.get("/v1/events", params={"limit": 100})
    assert own_api.get("/v1/events").status_code == 200


def test_late_events_appear_after_later_ones_were_readable(own_api: httpx.Client) -> None:
    late = _arm(own_api, "late", count=1, seconds=500_000)["late_events"]
    own_api.post("/_sim/clock", json={"advance_seconds": 4 * 86_400})
    seen = [event["id"] for event in all_pages(own_api, "/v1/events", **{"created[gt]": int(NOW)})]
    assert seen
    assert late[0] not in seen
    assert own_api.get(f"/v1/events/{late[0]}").status_code == 404
    own_api.post("/_sim/clock", json={"advance_seconds": 4 * 86_400})
    later = [event["id"] for event in all_pages(own_api, "/v1/events", **{"created[gt]": int(NOW)})]
    assert late[0] in later
    assert [event for event in later if event in seen] == seen


def test_rate_limit_fault_gives_each_reason_in_turn(own_api: httpx.Client) -> None:
    reasons = ["global-rate", "global-concurrency", "endpoint-rate", "endpoint-concurrency", "resource-specific"]
    _arm(own_api, "rate_limit", count=2, reasons=reasons)
    answers = [own_api.get("/v1/events") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [429] * 10 + [200]
    assert [answer.headers["stripe-rate-limited-reason"] for answer in answers[:10:2]] == reasons


def test_lock_timeout_is_429_without_a_reason(own_api: httpx.Client) -> None:
    _arm(own_api, "rate_limit", reasons=["lock_timeout"])
    answer = own_api.get("/v1/charges")
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "lock_timeout"
    assert "stripe-rate-limited-reason" not in answer.headers


def test_slow_fault_delays_the_answer(own_api: httpx.Client) -> None:
    _arm(own_api, "slow", seconds=0.3)
    with pytest.raises(httpx.ReadTimeout):
        own_api.get("/v1/events", timeout=0.1)
    assert own_api.get("/v1/events").status_code == 200


def test_drip_fault_sends_the_whole_body_bit_by_bit(own_api: httpx.Client) -> None:
    plain = own_api.get("/v1/events", params={"limit": 5})
    _arm(own_api, "drip", seconds=0.2)
    started = time.monotonic()
    with own_api.stream("GET", "/v1/events", params={"limit": 5}) as answer:
        first = time.monotonic()
        pieces = list(answer.iter_raw())
    assert b"".join(pieces) == plain.content
    assert len(pieces) > 5
    assert time.monotonic() - first > 0.1
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("path", ["/v1/events", "/v1/charges"])
def test_duplicate_fault_shows_the_last_row_again_on_the_next_page(own_api: httpx.Client, path: str) -> None:
    expected = [item["id"] for item in all_pages(own_api, path, limit=40)]
    _arm(own_api, "duplicate", count=2)
    found = [item["id"] for item in all_pages(own_api, path, limit=40)]
    assert found[39:41] == [expected[39]] * 2
    assert len(found) == len(expected) + 2
    assert list(dict.fromkeys(found)) == expected


def test_dropped_events_never_appear_while_their_objects_do(own_api: httpx.Client) -> None:
    dropped = _arm(own_api, "dropped", count=2, types=["charge.succeeded"])["dropped_events"]
    own_api.post("/_sim/clock", json={"advance_seconds": 20 * 86_400})
    seen = {event["id"]: event for event in all_pages(own_api, "/v1/events", **{"created[gt]": int(NOW)})}
    assert len(dropped) == 2
    assert not set(dropped) & set(seen)
    assert [own_api.get(f"/v1/events/{event_id}").status_code for event_id in dropped] == [404, 404]
    own_api.delete("/_sim/faults")
    for event_id in dropped:
        event = own_api.get(f"/v1/events/{event_id}").json()
        assert event["type"] == "charge.succeeded"
        charge = event["data"]["object"]["id"]
        assert charge in {item["id"] for item in all_pages(own_api, "/v1/charges", **{"created[gt]": int(NOW)})}


def test_events_are_dropped_by_id(own_api: httpx.Client) -> None:
    ids = [event["id"] for event in own_api.get("/v1/events").json()["data"]]
    _arm(own_api, "dropped", ids=ids[2:4])
    left = [event["id"] for event in own_api.get("/v1/events").json()["data"]]
    assert left[:8] == ids[:2] + ids[4:]
    assert own_api.post("/_sim/faults", json={"name": "dropped", "ids": ["evt_nope"]}).status_code == 422


def test_fault_that_finds_no_such_event_says_so(own_api: httpx.Client) -> None:
    answer = own_api.post("/_sim/faults", json={"name": "late", "types": ["unicorn.born"]})
    assert answer.status_code == 422
    assert "unicorn.born" in answer.text


def test_revoked_key_is_401_until_cleared(own_api: httpx.Client) -> None:
    _arm(own_api, "revoke_key")
    answer = own_api.get("/v1/events")
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "api_key_expired"
    own_api.delete("/_sim/faults")
    assert own_api.get("/v1/events").status_code == 200


def test_restricted_key_is_403_for_the_resources_named(own_api: httpx.Client) -> None:
    _arm(own_api, "restricted", resources=["events"])
    answer = own_api.get("/v1/events")
    assert answer.status_code == 403
    assert "rak_event_read" in answer.json()["error"]["message"]
    assert own_api.get("/v1/customers").status_code == 200


def test_unknown_fault_is_refused(own_api: httpx.Client) -> None:
    assert own_api.post("/_sim/faults", json={"name": "meteor"}).status_code == 422


@pytest.mark.parametrize(
    "raw",
    [
        '{"id":"evt_odd1","object":"event","type":"invoice.paid","created":%d}',
        '{"id": "evt_odd2",  "type":"x.y","created":%d,"data":{"object":{"id":"x","t":"a\\u0000b"}}}',
        '{"id":"evt_odd3","type":"x.y","created":%d,"data":{"object":{"id":"x","t":"\\ud800"}}}',
        '{"id":"evt_odd4","type":"x.y","created":%d,"data":{"object":{"id":"x","t":"' + "z" * 1_000_000 + '"}}}',
    ],
    ids=["without data", "nul", "lone surrogate", "one megabyte"],
)
def test_injected_event_is_served_byte_for_byte(own_api: httpx.Client, raw: str) -> None:
    raw = raw % (int(NOW) - 100)
    event_id = own_api.post("/_sim/events", json={"raw": raw}).json()["id"]
    assert event_id == json.loads(raw)["id"]
    assert own_api.get(f"/v1/events/{event_id}").content == raw.encode()
    assert raw.encode() in own_api.get("/v1/events", params={"created": int(NOW) - 100}).content


def test_injected_event_takes_its_place_in_time(own_api: httpx.Client) -> None:
    for number, offset in enumerate((-5000, -100_000, 3600)):
        own_api.post(
            "/_sim/events",
            json={"raw": f'{{"id":"evt_odd{number}","type":"x"}}', "created": int(NOW) + offset},
        )
    own_api.post("/_sim/clock", json={"advance_seconds": 2 * 86_400})
    pages = [own_api.get("/v1/events", params={"type": "x"}).json()["data"], all_pages(own_api, "/v1/events")]
    assert [event["id"] for event in pages[0]] == ["evt_odd2", "evt_odd0", "evt_odd1"]
    created = [event["created"] for event in pages[1] if "created" in event]
    assert created == sorted(created, reverse=True)


def test_stats_count_what_is_there(own_api: httpx.Client) -> None:
    stats = own_api.get("/_sim/stats").json()
    assert stats["events_listed"] == len(all_pages(own_api, "/v1/events"))
    assert stats["objects"]["charge"] == len(all_pages(own_api, "/v1/charges"))
    assert stats["seed"] == 60
    assert stats["now"] == "2026-07-15T12:00:00Z"
