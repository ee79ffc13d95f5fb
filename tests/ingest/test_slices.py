"""Lists cut into slices by what a few of their pages tell: without a hole, and of about equal work."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tallyhouse.client import StripeClient
from tallyhouse.objects import LISTED
from tallyhouse.slices import Slice, plan_slices, share_out, tile
from tallyhouse.windows import Window, cut
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, ScriptedStripe

DAY = 86_400
SINCE = datetime(2011, 1, 1, tzinfo=UTC)
ALL = Window(SINCE, datetime.fromtimestamp(HOUR, UTC))
INVOICE = LISTED["invoice"]


def serve(stripe: ScriptedStripe, created: Sequence[int]) -> None:
    stripe.rows["/v1/invoices"] = [
        Row(f"in_{n}", at, json.dumps({"id": f"in_{n}", "object": "invoice", "created": at}).encode())
        for n, at in enumerate(sorted(created, reverse=True))
    ]


def held(stripe: ScriptedStripe, piece: Slice) -> int:
    """How many objects a slice holds."""
    start, end = piece.window.start.timestamp(), piece.window.end.timestamp()
    return sum(start <= row.created < end for row in stripe.rows["/v1/invoices"])


def assert_covers(slices: Sequence[Slice], window: Window) -> None:
    assert slices[0].window.start == window.start
    assert slices[-1].window.end == window.end
    assert all(earlier.window.end == later.window.start for earlier, later in pairwise(slices))


@pytest.mark.parametrize("count", [0, 1, 100])
def test_what_fits_on_a_page_is_one_slice_and_costs_one_request(
    count: int, stripe: ScriptedStripe, client: StripeClient
) -> None:
    serve(stripe, [HOUR - 1 - n for n in range(count)])
    assert plan_slices(client, INVOICE, ALL, 500) == [Slice("invoice", ALL)]
    assert len(stripe.requests) == 1


HISTORIES = {
    "steady": [HOUR - 1 - n * 3600 for n in range(8000)],
    "growing": [HOUR - 1 - int((n / 8000) ** 2 * 400 * DAY) for n in range(8000)],
    "ended long ago": [HOUR - 900 * DAY - n * 3600 for n in range(8000)],
    "all in one second": [HOUR - 400 * DAY] * 3000,
    "renewals on the first of a month": [HOUR - 1 - month * 30 * DAY - n for month in range(20) for n in range(300)],
}


@pytest.mark.parametrize("name", HISTORIES)
def test_slices_cover_all_time_without_a_hole(name: str, stripe: ScriptedStripe, client: StripeClient) -> None:
    serve(stripe, HISTORIES[name])
    slices = plan_slices(client, INVOICE, ALL, 500)
    assert_covers(slices, ALL)
    assert sum(held(stripe, piece) for piece in slices) == len(HISTORIES[name])
    assert len(stripe.requests) < 50


@pytest.mark.parametrize("name", ["steady", "growing", "ended long ago"])
def test_slices_are_of_about_equal_work(name: str, stripe: ScriptedStripe, client: StripeClient) -> None:
    serve(stripe, HISTORIES[name])
    slices = plan_slices(client, INVOICE, ALL, 500)
    assert 10 <= len(slices) <= 26
    assert max(held(stripe, piece) for piece in slices) <= 1250
    estimated = sum(piece.estimated_calls for piece in slices)
    assert 60 <= estimated <= 130  # of the 80 pages that there are


def test_a_burst_does_not_cut_a_list_into_countless_slices(stripe: ScriptedStripe, client: StripeClient) -> None:
    serve(stripe, [HOUR - 1 - n // 100 for n in range(2000)] + [HOUR - n * 3600 for n in range(1, 2000)])
    assert len(plan_slices(client, INVOICE, ALL, 100)) <= 500


@pytest.mark.parametrize("months_since", [0, 1, 12])
def test_a_burst_long_ago_is_not_taken_for_the_pace_of_all_time(
    months_since: int, stripe: ScriptedStripe, client: StripeClient
) -> None:
    burst = [HOUR - 400 * DAY - n // 50 for n in range(350)]
    serve(stripe, burst + [HOUR - 400 * DAY + month * 30 * DAY for month in range(1, months_since + 1)])
    slices = plan_slices(client, INVOICE, ALL, 500)
    assert sum(piece.estimated_calls for piece in slices) <= 8


def test_only_the_window_asked_for_is_planned(stripe: ScriptedStripe, client: StripeClient) -> None:
    serve(stripe, HISTORIES["steady"])
    window = Window(datetime.fromtimestamp(HOUR - 50 * DAY, UTC), datetime.fromtimestamp(HOUR - 20 * DAY, UTC))
    slices = plan_slices(client, INVOICE, window, 200)
    assert_covers(slices, window)
    assert sum(held(stripe, piece) for piece in slices) == 30 * 24
    assert {int(query["created[gte]"]) for query in stripe.calls("/v1/invoices")} == {HOUR - 50 * DAY}


def test_rows_that_tell_no_time_are_no_hindrance(stripe: ScriptedStripe, client: StripeClient) -> None:
    serve(stripe, HISTORIES["steady"][:300])
    for row in stripe.rows["/v1/invoices"][:150]:
        row.text = b'{"id": "' + row.row_id.encode() + b'", "object": "invoice", "created": null}'
    slices = plan_slices(client, INVOICE, ALL, 100)
    assert_covers(slices, ALL)


def test_tasks_get_about_the_same_number_of_requests_and_small_kinds_go_together() -> None:
    (window,) = cut(SINCE, SINCE + timedelta(days=1), timedelta(days=1))
    slices = [Slice(f"small_{n}", window) for n in range(5)] + [
        Slice("invoice", window, estimated_calls=20) for _ in range(25)
    ]
    shares = share_out(slices, 200)
    assert [piece for share in shares for piece in share] == slices
    assert [sum(piece.estimated_calls for piece in share) for share in shares] == [205, 200, 100]
    assert [piece.object_name for piece in shares[0]][:5] == [f"small_{n}" for n in range(5)]


def test_a_task_gets_as_many_slices_as_it_reads_at_once_however_large_they_seem() -> None:
    (window,) = cut(SINCE, SINCE + timedelta(days=1), timedelta(days=1))
    slices = [Slice("invoice", window, estimated_calls=1000) for _ in range(20)]
    assert [len(share) for share in share_out(slices, 400, 8)] == [8, 8, 4]


def test_a_slice_of_no_objects_is_refused(client: StripeClient) -> None:
    with pytest.raises(ValueError, match="at least one object"):
        plan_slices(client, INVOICE, ALL, 0)


def test_an_object_that_cannot_be_listed_is_named() -> None:
    with pytest.raises(ValueError, match="card is not an object that can be listed; these are: customer"):
        tile(["card"], [ALL])
