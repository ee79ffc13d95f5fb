"""The order inside a second: given once, never changed, and right whenever an event becomes visible."""

import logging
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallyhouse import event_staging
from tallyhouse.client import Account, StripeClient
from tallyhouse.ingest import stage_events
from tallyhouse.listing_order import SPACING, place
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, ScriptedStripe, event
from tests.ingest.test_stage_events import WINDOW

NAMES = [f"evt_{number}" for number in range(12)]


def stored_orders(conn: psycopg.Connection) -> dict[tuple[str, int], int]:
    """(event id, created) -> order."""
    with conn.transaction():
        found = conn.execute(
            "select event_id, extract(epoch from created_at)::bigint, listing_order from raw.event"
        ).fetchall()
    return {(event_id, created): order for event_id, created, order in found}


@st.composite
def revelations(draw: st.DrawFn) -> list[list[str]]:
    """Growing subsets of one true order, newest first: what the listing shows at each staging."""
    true_order = NAMES[: draw(st.integers(1, len(NAMES)))]
    arrivals = draw(st.permutations(true_order))
    sizes = sorted(draw(st.sets(st.integers(1, len(arrivals)), min_size=1)))
    return [[name for name in true_order if name in arrivals[:size]] for size in sizes]


@given(revelations())
def test_orders_follow_the_true_order_at_every_time_and_never_change(shown: list[list[str]]) -> None:
    stored: dict[str, int] = {}
    for listed in shown:
        placed = place(listed, stored, stored.values())
        assert not placed.keys() & stored.keys()
        stored |= placed
        assert sorted(stored, key=stored.__getitem__, reverse=True) == listed
        assert len(set(stored.values())) == len(listed)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=revelations(), second=revelations(), chunk=st.integers(1, 8), page=st.integers(1, 5))
def test_staged_orders_follow_the_true_order_at_every_time_and_never_change(
    first: list[list[str]],
    second: list[list[str]],
    chunk: int,
    page: int,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
) -> None:
    stripe.page_size = page
    with conn.transaction():
        conn.execute("truncate raw.event, ops.batch, ops.watermark")
    before: dict[tuple[str, int], int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_staging, "CHUNK_ROWS", chunk)
        for step in range(max(len(first), len(second))):
            listed = [
                (f"{name}_{created}", created)
                for created, shown in ((HOUR + 1, first), (HOUR, second))
                for name in shown[min(step, len(shown) - 1)]
            ]
            # Two connected accounts and two modes share the places of one listing.
            stripe.rows["/v1/events"] = [
                event(name, created, account=f"acct_{int(name[4]) % 2}", livemode=int(name[4]) % 3 == 0)
                for name, created in listed
            ]
            stage_events(conn, client, account, WINDOW, "run")
            after = stored_orders(conn)
            assert sorted(after, key=lambda key: (-key[1], -after[key])) == listed
            assert before.items() <= after.items()
            before = after


def test_an_event_that_becomes_visible_later_is_newer_than_the_one_listed_below_it(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    finalized = event("evt_finalized", HOUR, type="invoice.finalized")
    paid = event("evt_paid", HOUR, type="invoice.paid")
    stripe.rows["/v1/events"] = [finalized]
    stage_events(conn, client, account, WINDOW, "first")
    stripe.rows["/v1/events"] = [paid, finalized]
    stage_events(conn, client, account, WINDOW, "second")
    assert stored_orders(conn) == {("evt_finalized", HOUR): 0, ("evt_paid", HOUR): SPACING}


def test_events_listed_together_are_placed_downward_from_0() -> None:
    assert place(["c", "b", "a"], {}, []) == {"c": 0, "b": -SPACING, "a": -2 * SPACING}


def test_events_between_two_stored_ones_are_spread_evenly() -> None:
    assert place(["n", "c", "b", "a"], {"n": 800, "a": 200}, [800, 200]) == {"b": 400, "c": 600}


def test_events_above_and_below_all_stored_ones_have_the_full_distance() -> None:
    assert place(["d", "c", "m", "b", "a"], {"m": 7}, [7]) == {
        "d": 7 + 2 * SPACING,
        "c": 7 + SPACING,
        "b": 7 - SPACING,
        "a": 7 - 2 * SPACING,
    }


def test_an_order_that_a_stored_event_has_is_not_given_again_although_the_listing_hides_it() -> None:
    assert place(["b", "a"], {"a": 0}, [0, 10]) == {"b": 5}
    assert place(["b", "a"], {}, [0]) == {"b": -SPACING, "a": -2 * SPACING}


def test_a_stored_order_that_contradicts_the_listing_leaves_a_new_event_above_all_older_ones() -> None:
    assert place(["top", "new", "b", "c"], {"top": 50, "b": 10, "c": 30}, [50, 10, 30]) == {"new": 40}


@pytest.mark.parametrize(("room", "expected"), [(1, [0, 0]), (2, [0, 1]), (3, [1, 2])])
def test_where_there_is_no_room_the_lower_order_is_shared_and_the_log_says_so(
    room: int, expected: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        placed = place(["n", "c", "b", "a"], {"n": room, "a": 0}, [room, 0])
    assert [placed["b"], placed["c"]] == expected
    assert ("no room" in caplog.text) == (len(set(expected)) < 2 or 0 in expected)


def staged(conn: psycopg.Connection, client: StripeClient, account: Account, stripe: Any, listing: list[Row]) -> None:
    stripe.rows["/v1/events"] = listing
    stage_events(conn, client, account, WINDOW, "run")


def test_an_event_that_the_listing_no_longer_shows_keeps_its_order_to_itself(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    staged(conn, client, account, stripe, [event("evt_gone", HOUR)])
    staged(conn, client, account, stripe, [event("evt_b", HOUR), event("evt_a", HOUR)])
    assert len(set(stored_orders(conn).values())) == 3


def test_a_second_that_comes_again_in_one_listing_goes_on_below(
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_staging, "CHUNK_ROWS", 1)
    staged(
        conn,
        client,
        account,
        stripe,
        [event("evt_c", HOUR + 1), event("evt_b", HOUR), event("evt_a", HOUR + 1)],
    )
    assert stored_orders(conn) == {
        ("evt_c", HOUR + 1): 0,
        ("evt_b", HOUR): 0,
        ("evt_a", HOUR + 1): -SPACING,
    }


def test_events_of_another_account_do_not_take_part(
    stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> None:
    staged(conn, client, Account("acct_other", False, account.clock), stripe, [event("evt_other", HOUR)])
    staged(conn, client, account, stripe, [event("evt_a", HOUR)])
    assert set(stored_orders(conn).values()) == {0}
