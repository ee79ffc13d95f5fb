"""Reading a page: what is no list is refused whole, what is one odd row is set aside alone."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallyhouse.json_rows import NotAListError, split_list
from tallyhouse.pages import EventReader, ObjectReader, Reject, parse_page
from tallyhouse.windows import Window
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import event

START = datetime.fromtimestamp(HOUR, UTC)
WINDOW = Window(START, START + timedelta(hours=1))
PAYLOAD = 8  # its index in a row


def page(*rows: bytes, has_more: bool = False) -> bytes:
    more = b"true" if has_more else b"false"
    return b'{"object": "list", "data": [' + b", ".join(rows) + b'], "has_more": ' + more + b"}"


def with_field(text: bytes, value: bytes) -> bytes:
    """The event's text with one more member, given as JSON text."""
    return text[:-1] + b', "extra": ' + value + b"}"


def read(body: bytes) -> list[Any]:
    return list(parse_page(body, EventReader(WINDOW)).rows)


GOOD = event("evt_good", HOUR).text
ODD = event("evt_odd", HOUR).text


def test_a_row_is_the_event_and_its_json() -> None:
    (row,) = read(page(GOOD))
    assert row[:6] == (
        "evt_good",
        "charge.succeeded",
        HOUR,
        "2026-10-28.endive",
        "charge",
        "ch_evt_good",
    )
    assert orjson.loads(row[PAYLOAD]) == orjson.loads(GOOD)


@pytest.mark.parametrize(
    "body",
    [
        page(GOOD)[:-1],
        page(GOOD, ODD)[:150],
        b"",
        b"<html><body>502 Bad Gateway</body></html>",
        b'{"error": {"message": "no"}}',
        b"[]",
        b"null",
        b'{"object": "list", "data": {}, "has_more": false}',
        b'{"object": "list", "data": []}',
        b'{"object": "list", "data": [], "has_more": "no"}',
        b'{"object": "event", "data": [], "has_more": false}',
        page(has_more=True),
        page(b"{}", has_more=True),
        page(GOOD, b'{"id": "evt_odd", "extra": tru}'),
        page(GOOD, b'{"id": "evt_odd" "x": "\\ud800"}'),
    ],
    ids=repr,
)
def test_a_body_that_is_no_whole_list_is_refused(body: bytes) -> None:
    with pytest.raises((NotAListError, orjson.JSONDecodeError)):
        parse_page(body, EventReader(WINDOW))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'"a\\u0000b"', r"\u0000"),
        (b'{"a\\u0000b": 1}', r"\u0000"),
        (b'"\\ud800"', "lone surrogate"),
        (b'{"\\udc00": 1}', "lone surrogate"),
        (b"NaN", "NaN"),
        (b"-Infinity", "-Infinity"),
        (b'"\xff"', "not UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deep"),
    ],
    ids=["nul", "nul in a key", "surrogate", "surrogate in a key", "NaN", "Infinity", "not UTF-8", "deep"],
)
def test_what_jsonb_cannot_hold_costs_only_its_own_row(value: bytes, reason: str) -> None:
    odd = with_field(ODD, value)
    before, reject, after = read(page(GOOD, odd, event("evt_last", HOUR).text))
    assert (before[0], after[0]) == ("evt_good", "evt_last")
    assert isinstance(reject, Reject)
    assert reason in reject.reason
    assert reject.row_key in ("evt_odd", hashlib.sha256(odd).hexdigest())
    assert "\0" not in reject.payload_text
    assert reject.payload_text.encode().startswith(b'{"id": "evt_odd"')


@pytest.mark.parametrize(
    "value",
    [
        b'"C:\\\\u0000"',
        b'"\\ud83d\\ude00"',
        b'"\\\\ud800"',
        b"123456789012345678901234567890",
        b"0.1234567890123456789012345",
        b"1e400",
        b'"123456789012345678901234567890"',
        b"[" * 300 + b"]" * 300,
        b'"brackets ]}[{ and \\" quotes"',
    ],
    ids=repr,
)
def test_what_only_looks_odd_is_kept_to_the_digit(value: bytes) -> None:
    _, row = read(page(GOOD, with_field(ODD, value)))
    assert not isinstance(row, Reject)
    assert json.loads(row[PAYLOAD], parse_float=str, parse_int=str) == json.loads(
        with_field(ODD, value), parse_float=str, parse_int=str
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"17", "must be an object"),
        (b'{"object": "event"}', "needs id"),
        (json.dumps({**json.loads(ODD), "id": 17}).encode(), "needs id"),
        (json.dumps({**json.loads(ODD), "id": "e" * 256}).encode(), "needs id"),
        (json.dumps({**json.loads(ODD), "type": None}).encode(), "needs type"),
        (json.dumps({**json.loads(ODD), "created": str(HOUR)}).encode(), "needs created"),
        (json.dumps({**json.loads(ODD), "created": True}).encode(), "needs created"),
        (json.dumps({**json.loads(ODD), "data": {}}).encode(), "needs data.object"),
        (json.dumps({**json.loads(ODD), "data": [1]}).encode(), "needs data.object"),
        (event("evt_odd", HOUR, object={"id": "ch_1"}).text, "data.object needs object"),
        (event("evt_odd", HOUR, object={"id": 1, "object": "charge"}).text, "data.object.id"),
        (event("evt_odd", HOUR - 1).text, "outside the window"),
        (event("evt_odd", HOUR + 3600).text, "outside the window"),
        (event("evt_odd", HOUR, account=5).text, "account"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_malformed_event_is_set_aside_and_says_why(row: bytes, reason: str) -> None:
    first, second = read(page(row, GOOD))
    assert isinstance(first, Reject)
    assert reason in first.reason
    assert second[0] == "evt_good"


def test_the_cursor_is_the_last_row_that_has_an_id() -> None:
    parsed = parse_page(page(GOOD, ODD, b"{}", has_more=True), EventReader(WINDOW))
    assert parsed.last_id == "evt_odd"


def test_an_object_without_an_id_such_as_a_balance_is_staged() -> None:
    (row,) = read(page(event("evt_1", HOUR, object={"object": "balance"}).text))
    assert row[4:6] == ("balance", None)


def test_unknown_types_and_fields_are_staged_and_counted() -> None:
    reader = EventReader(WINDOW)
    charge = {"id": "ch_1", "object": "charge", "amount": 1, "teleported": True}
    rows = [
        event("evt_1", HOUR, type="charge.teleported", object=charge).text,
        event("evt_2", HOUR, object=charge).text,
        event("evt_3", HOUR, object={"id": "n_1", "object": "novelty", "shape": 1}).text,
    ]
    assert not [row for row in parse_page(page(*rows), reader).rows if isinstance(row, Reject)]
    assert reader.unknown.as_dict() == {
        "types": {"charge.teleported": 1},
        "fields": {"charge.teleported": 2},
    }


def test_a_listed_object_needs_an_id_and_a_kind_but_no_created() -> None:
    reader = ObjectReader(WINDOW)
    rows = parse_page(
        page(b'{"id": "si_1", "object": "subscription_item"}', b'{"id": "si_2"}', b'{"object": "charge"}'),
        reader,
    ).rows
    assert rows[0] == ("subscription_item", "si_1", None, b'{"id":"si_1","object":"subscription_item"}')
    assert [isinstance(row, Reject) for row in rows] == [False, True, True]


def test_a_listed_object_outside_its_slice_is_set_aside() -> None:
    (row,) = parse_page(page(b'{"id": "ch_1", "object": "charge", "created": 5}'), ObjectReader(WINDOW)).rows
    assert isinstance(row, Reject)
    assert "outside the slice" in row.reason


numbers = st.floats(allow_nan=False, allow_infinity=False)
# What orjson reads as integers: a larger one is a float to it, but its text is what is stored.
integers = st.integers(-(2**63), 2**64 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | integers | numbers | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=200)
@given(rows=st.lists(json_values, max_size=5), envelope=st.dictionaries(st.text(), json_values, max_size=3))
@pytest.mark.parametrize("ascii_only", [True, False])
def test_the_careful_way_cuts_any_list_into_its_rows(
    ascii_only: bool, rows: list[Any], envelope: dict[str, Any]
) -> None:
    whole = {**envelope, "object": "list", "data": rows, "has_more": False}
    body = json.dumps(whole, ensure_ascii=ascii_only, indent=1).encode()
    found, raw_rows = split_list(body)
    assert len(raw_rows) == len(rows)
    assert found["data"] == []
    for raw, row in zip(raw_rows, rows, strict=True):
        if raw.refusal is None:
            assert raw.value == row
