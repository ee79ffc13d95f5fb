"""The client: which answers are tried again, which fail at once and say what to mend, and paging."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import stripe as sdk

from tallyhouse.answers import mask_key
from tallyhouse.client import StripeClient
from tallyhouse.errors import BadPageError, StripeAccessError, StripeUnavailableError
from tallyhouse.pages import Page
from tallyhouse.transport import Retries
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import ACCOUNT, KEY, Scripted, ScriptedStripe, event

CREATED = {"created[gte]": str(HOUR), "created[lt]": str(HOUR + 3600)}


def keep(value: object, text: bytes) -> tuple[object, ...]:
    """A row as it is."""
    return (value, text)


def error(status: int, message: str, headers: dict[str, str] | None = None, **more: str) -> Scripted:
    body = {"error": {"message": message, "type": "invalid_request_error", **more}}
    return Scripted(status, json.dumps(body).encode(), headers or {})


def listed(client: StripeClient) -> list[Page]:
    return list(client.pages("/v1/events", CREATED, keep))  # type: ignore[arg-type]


def ids(pages: list[Page]) -> list[str]:
    return [row[0]["id"] for page in pages for row in page.rows]  # type: ignore[index]


@pytest.fixture
def five_pages(stripe: ScriptedStripe) -> list[str]:
    rows = [event(f"evt_{number}", HOUR + 1000 - number) for number in range(450)]
    stripe.rows["/v1/events"] = rows
    return [row.row_id for row in rows]


def test_all_pages_come_in_stripes_order(client: StripeClient, five_pages: list[str]) -> None:
    pages = listed(client)
    assert [len(page.rows) for page in pages] == [100, 100, 100, 100, 50]
    assert ids(pages) == five_pages


def test_requests_carry_the_key_and_the_sdks_api_version(stripe: ScriptedStripe, client: StripeClient) -> None:
    listed(client)
    assert stripe.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert stripe.headers[0]["Stripe-Version"] == sdk.api_version
    assert "Tallyhouse" in stripe.headers[0]["User-Agent"]


def test_another_api_version_can_be_asked_for(stripe: ScriptedStripe) -> None:
    StripeClient(KEY, api_base=stripe.base_url, api_version="2024-06-20").account()
    assert stripe.headers[0]["Stripe-Version"] == "2024-06-20"


def test_a_netrc_file_does_not_replace_the_key(
    stripe: ScriptedStripe, client: StripeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.account()
    assert stripe.headers[0]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (error(401, "Invalid API Key provided: sk_test_*******ouse"), ["401", "password", "Invalid API Key"]),
        (
            error(403, "Having the 'rak_event_read' permission would allow this request to continue."),
            ["403", "rak_event_read", "grant it"],
        ),
        (
            error(400, "Invalid Stripe API version: 2024-99-99"),
            ["400", "Invalid Stripe API version", "api_version"],
        ),
        (error(404, "Unrecognized request URL"), ["404", "Unrecognized request URL", "host"]),
    ],
    ids=["401", "403", "400", "404"],
)
def test_a_refusal_fails_at_once_and_says_what_to_mend(
    stripe: ScriptedStripe, client: StripeClient, waits: list[float], answer: Scripted, says: list[str]
) -> None:
    stripe.script = [answer]
    with pytest.raises(StripeAccessError) as caught:
        listed(client)
    message = str(caught.value)
    for words in [*says, "/v1/events", "2026-03-01 12:00:00", "stripe_default", "sk_test_...ouse", "req_1"]:
        assert words in message
    assert KEY not in message
    assert len(stripe.requests) == 1
    assert waits == []
    assert isinstance(caught.value.__cause__, sdk.StripeError)


def test_an_empty_key_is_an_access_error() -> None:
    with pytest.raises(StripeAccessError, match="stripe_eu holds no Stripe key"):
        StripeClient("", connection="stripe_eu")


@pytest.mark.parametrize("base", ["ftp://127.0.0.1", "nonsense", "http://"])
def test_a_base_that_is_no_url_fails_at_once(base: str, waits: list[float]) -> None:
    with pytest.raises(StripeAccessError, match="host of connection"):
        StripeClient(KEY, api_base=base, sleep=waits.append).account()
    assert waits == []


def test_a_throttled_request_is_repeated_with_growing_waits(
    stripe: ScriptedStripe, client: StripeClient, waits: list[float], five_pages: list[str]
) -> None:
    limited = error(429, "Too many requests", {"Stripe-Rate-Limited-Reason": "endpoint-rate"}, code="rate_limit")
    stripe.script = [limited] * 4
    pages = listed(client)
    assert ids(pages) == five_pages
    assert (pages[0].call_count, pages[0].throttled_count) == (5, 4)
    assert sum(page.call_count for page in pages) == len(stripe.calls("/v1/events")) == 9
    assert len(waits) == 4
    assert all(wait <= 0.5 * 2**number for number, wait in enumerate(waits))


def test_retry_after_is_waited_for(stripe: ScriptedStripe, client: StripeClient, waits: list[float]) -> None:
    stripe.script = [error(429, "slow down", {"Retry-After": "7"})]
    listed(client)
    assert len(waits) == 1
    assert waits[0] >= 7


def test_the_log_says_why_stripe_throttles(
    stripe: ScriptedStripe, client: StripeClient, caplog: pytest.LogCaptureFixture
) -> None:
    stripe.script = [error(429, "slow down", {"Stripe-Rate-Limited-Reason": "global-concurrency"})]
    listed(client)
    assert "global-concurrency" in caplog.text
    assert "req_1" in caplog.text


@pytest.mark.parametrize(
    "answer",
    [
        error(500, "oops"),
        error(503, "oops"),
        error(409, "lock"),
        error(402, "try again", {"Stripe-Should-Retry": "true"}),
        error(429, "lock", {"Stripe-Should-Retry": "false"}, code="lock_timeout"),
        Scripted(200, b"<html>maintenance</html>"),
        Scripted(cut=1000),
        Scripted(cut=0),
        Scripted(200, b'{"object": "list", "data": [{"id": "evt_'),
    ],
    ids=["500", "503", "409", "should retry", "429", "html", "cut", "no body", "cut but complete"],
)
def test_what_may_pass_is_tried_again(
    stripe: ScriptedStripe, client: StripeClient, waits: list[float], five_pages: list[str], answer: Scripted
) -> None:
    stripe.script = [Scripted(), answer]
    assert ids(listed(client)) == five_pages
    assert len(waits) == 1


def test_a_5xx_that_stripe_asks_not_to_repeat_is_left_to_the_task(
    stripe: ScriptedStripe, client: StripeClient, waits: list[float]
) -> None:
    stripe.script = [error(500, "oops", {"Stripe-Should-Retry": "false"})]
    with pytest.raises(StripeUnavailableError, match="run the task again later"):
        listed(client)
    assert waits == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(503, "down"), StripeUnavailableError),
        (error(429, "slow"), StripeUnavailableError),
        (Scripted(200, b"<html>"), BadPageError),
        (Scripted(cut=10), StripeUnavailableError),
    ],
    ids=["503", "429", "html", "cut"],
)
def test_it_gives_up_after_its_attempts_and_says_what_to_do(
    stripe: ScriptedStripe, client: StripeClient, answer: Scripted, kind: type[Exception]
) -> None:
    stripe.script = [answer] * 50
    with pytest.raises(kind, match=r"created \[2026-03-01 12:00:00.*8 attempt.*Nothing of this window"):
        listed(client)
    assert len(stripe.requests) == 8


def test_it_gives_up_when_the_waiting_is_used_up(stripe: ScriptedStripe, waits: list[float]) -> None:
    client = StripeClient(
        KEY, api_base=stripe.base_url, requests_per_second=None, max_wait_seconds=100, sleep=waits.append
    )
    stripe.script = [error(429, "slow", {"Retry-After": "60"})] * 50
    with pytest.raises(StripeUnavailableError):
        listed(client)
    assert sum(waits) <= 100


def test_a_server_that_is_not_there_is_unavailable(waits: list[float]) -> None:
    client = StripeClient(KEY, api_base="http://127.0.0.1:9", max_attempts=3, sleep=waits.append)
    with pytest.raises(StripeUnavailableError, match="no answer from"):
        client.account()
    assert len(waits) == 2


def test_a_silent_server_times_out(stripe: ScriptedStripe, waits: list[float]) -> None:
    stripe.script = [Scripted(delay=0.5)] * 2
    client = StripeClient(KEY, api_base=stripe.base_url, timeout=(1, 0.1), max_attempts=2, sleep=waits.append)
    with pytest.raises(StripeUnavailableError, match="timed out"):
        listed(client)


def test_pages_before_a_fault_are_still_given(
    stripe: ScriptedStripe, client: StripeClient, five_pages: list[str]
) -> None:
    stripe.script = [Scripted(), Scripted(), error(401, "revoked")]
    pages = client.pages("/v1/events", CREATED, keep)  # type: ignore[arg-type]
    seen = [next(pages), next(pages)]
    with pytest.raises(StripeAccessError):
        next(pages)
    assert ids(seen) == five_pages[:200]


def test_a_cursor_that_is_gone_may_be_tried_anew(
    stripe: ScriptedStripe, client: StripeClient, five_pages: list[str]
) -> None:
    stripe.script = [Scripted(), error(400, "No such event", code="resource_missing", param="starting_after")]
    with pytest.raises(StripeUnavailableError, match="begins anew"):
        listed(client)


def test_a_listing_that_never_ends_is_stopped(stripe: ScriptedStripe, client: StripeClient) -> None:
    same = b'{"object": "list", "data": [{"id": "evt_1"}], "has_more": true}'
    stripe.script = [Scripted(body=same)] * 50
    with pytest.raises(BadPageError, match="would never end"):
        listed(client)


def test_closing_the_pages_stops_the_reading_thread_during_a_wait(
    stripe: ScriptedStripe, five_pages: list[str]
) -> None:
    client = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=None)
    stripe.script = [Scripted(), error(429, "slow", {"Retry-After": "60"})]
    pages = client.pages("/v1/events", CREATED, keep)  # type: ignore[arg-type]
    next(pages)
    began = time.monotonic()
    pages.close()
    assert time.monotonic() - began < 2
    assert not [thread for thread in threading.enumerate() if thread.name == "tallyhouse-prefetch"]


def test_requests_are_paced(stripe: ScriptedStripe, five_pages: list[str]) -> None:
    client = StripeClient(KEY, api_base=stripe.base_url, requests_per_second=50.0, burst=1.0)
    began = time.monotonic()
    listed(client)
    assert time.monotonic() - began >= 0.08


def test_the_account_comes_from_stripe_unless_it_is_given(stripe: ScriptedStripe, client: StripeClient) -> None:
    assert client.account().account_id == ACCOUNT
    given = StripeClient(KEY, api_base=stripe.base_url, account_id="acct_given")
    assert given.account().account_id == "acct_given"
    assert len(stripe.calls("/v1/account")) == 1


def test_a_key_that_may_not_read_the_account_hears_how_to_do_without(
    stripe: ScriptedStripe, client: StripeClient
) -> None:
    stripe.scripts["/v1/account"] = [error(403, "lacks permission")]
    with pytest.raises(StripeAccessError, match="account_id in the connection's extra"):
        client.account()


@pytest.mark.parametrize(
    ("key", "live"), [("sk_live_x", True), ("rk_live_x", True), ("sk_test_x", False), ("rk_test_x", False)]
)
def test_the_keys_prefix_tells_live_from_test(key: str, live: bool) -> None:
    assert StripeClient(key).livemode is live


def test_the_clock_is_stripes_and_never_ahead_of_it(stripe: ScriptedStripe, client: StripeClient) -> None:
    stripe.now = HOUR + 7.9
    assert client.server_time() in (
        datetime.fromtimestamp(HOUR + 6, UTC),
        datetime.fromtimestamp(HOUR + 7, UTC),
    )


def test_a_slow_answer_was_observed_when_it_was_asked_for(stripe: ScriptedStripe, client: StripeClient) -> None:
    stripe.now = HOUR + 100
    stripe.script = [Scripted(delay=1.1)]
    (page,) = listed(client)
    assert page.observed_at <= datetime.fromtimestamp(HOUR + 98, UTC)


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk_test_tallyhouse", "sk_test_...ouse"),
        ("rk_live_51ABCDEFghij", "rk_live_...ghij"),
        ("short", "(too short to be a key)"),
    ],
)
def test_a_key_is_shown_by_its_ends_only(key: str, shown: str) -> None:
    assert mask_key(key) == shown


def test_the_back_off_doubles_to_a_ceiling_and_varies() -> None:
    retries = Retries(first_backoff_seconds=1, max_backoff_seconds=8)
    longest: Callable[[int], float] = lambda attempt: max(retries.delay(attempt, None) for _ in range(300))  # noqa: E731
    assert [round(longest(attempt)) for attempt in (1, 2, 3, 4, 5, 9)] == [1, 2, 4, 8, 8, 8]
    assert min(retries.delay(9, None) for _ in range(300)) < 1


def test_bodies_are_counted_as_received(stripe: ScriptedStripe, client: StripeClient, five_pages: list[str]) -> None:
    pages = listed(client)
    assert [page.byte_count for page in pages] == [
        len(stripe.listing("/v1/events", query)) for query in stripe.calls("/v1/events")
    ]
    assert pages[0].byte_count > len(orjson.dumps([row[0] for row in pages[0].rows]))  # type: ignore[index]


def test_a_refusal_is_told_without_a_full_stop_too_many(client: StripeClient, stripe: ScriptedStripe) -> None:
    stripe.script = [error(403, "The key lacks 'events_read'. Grant it to continue.")]
    with pytest.raises(StripeAccessError, match=r"Grant it to continue\. The key sk_test_\.\.\.ouse lacks"):
        listed(client)
