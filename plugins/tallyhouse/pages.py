"""Reads a page of a Stripe list: validates it, and turns each row into what staging writes, or a reject."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from tallyhouse.json_rows import NotAListError, RawRow, is_unicode, read_row_text, split_list
from tallyhouse.known import UnknownCounter
from tallyhouse.windows import Window

# Stripe's ids have at most 255 characters (https://docs.stripe.com/upgrades), and an index entry has a limit.
MAX_NAME = 255

# (event_id, type, created, api_version, object_type, object_id, account, livemode, payload); plain tuples,
# since making one is what happens most often here. account, livemode: None where the event does not say.
EventRow: TypeAlias = tuple[str, str, int, str | None, str, str | None, str | None, bool | None, bytes]
# (object_type, object_id, livemode, payload)
ObjectRow: TypeAlias = tuple[str, str, bool | None, bytes]


@dataclass(frozen=True)
class Reject:
    """A row that cannot be staged: its key (id, or the SHA-256 of its text), why, and its text.

    `user_id`: the user of the app that a file's row names.
    """

    row_key: str
    reason: str
    payload_text: str
    user_id: str | None = None


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows in Stripe's order, and what is needed to account for the request.

    `observed_at` is not later than the moment at which Stripe read the rows, by Stripe's clock.
    """

    rows: "list[EventRow | ObjectRow | Reject]"
    byte_count: int
    observed_at: datetime
    call_count: int = 1
    throttled_count: int = 0


@dataclass(frozen=True)
class ParsedPage:
    """The rows of a body, whether another page follows, and the cursor that leads to it."""

    rows: "list[EventRow | ObjectRow | Reject]"
    has_more: bool
    last_id: str | None


# Reads a row's value and JSON text: gives its tuple, or says in words what is wrong with it.
RowReader: TypeAlias = Callable[[Any, bytes], "EventRow | ObjectRow | str"]

# Digits all made "0", so that one search finds any number too long for a double or a 64-bit integer.
_SAME_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 18


def parse_page(body: bytes, read_row: RowReader) -> ParsedPage:
    """Parses a body; raises NotAListError if it is no complete Stripe list."""
    try:
        if b"\\u0000" in body or _LONG_NUMBER in body.translate(_SAME_DIGITS):
            envelope, raw_rows = split_list(body)
        else:
            envelope = orjson.loads(body)
            _check_envelope(envelope)
            raw_rows = [RawRow(orjson.dumps(value), value, None) for value in envelope["data"]]
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        # Something that orjson cannot read, or cannot write again (nested deep): perhaps in one row only.
        envelope, raw_rows = split_list(body)
    _check_envelope(envelope)
    rows: list[EventRow | ObjectRow | Reject] = []
    for raw in raw_rows:
        row = raw.refusal or read_row(raw.value, raw.text)
        rows.append(reject(raw, row) if isinstance(row, str) else row)
    last_id = None
    if envelope["has_more"]:
        ids = (raw.value.get("id") for raw in reversed(raw_rows) if isinstance(raw.value, dict))
        last_id = next(filter(_is_name, ids), None)
        if last_id is None:
            raise NotAListError("it says that more rows follow, but holds no row with an id to go on from")
    return ParsedPage(rows, envelope["has_more"], last_id)


def parse_object(body: bytes) -> RawRow:
    """Parses the body of a single object; raises NotAListError if it is none."""
    raw = read_row_text(body)
    if raw.refusal is None and not isinstance(raw.value, dict):
        raise NotAListError("it is no object")
    return raw


def _check_envelope(envelope: Any) -> None:
    if not isinstance(envelope, dict) or envelope.get("object") != "list":
        raise NotAListError('it is not an object with "object": "list"')
    if not isinstance(envelope.get("data"), list) or not isinstance(envelope.get("has_more"), bool):
        raise NotAListError("a list needs an array called data and a boolean called has_more")


def reject(raw: RawRow, reason: str) -> Reject:
    """A row that cannot be staged, with the reason, as text that PostgreSQL can keep."""
    text, value = raw.text, raw.value
    row_key: Any = value.get("id") if isinstance(value, dict) else None
    if not _is_name(row_key):
        row_key = hashlib.sha256(text).hexdigest()
    return Reject(row_key, reason, text.decode(errors="backslashreplace").replace("\0", "\\u0000"))


def _is_name(value: Any) -> bool:
    """Whether a value can be an id, a type or another short name: a key column must be able to hold it."""
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and "\0" not in value and is_unicode(value)


class EventReader:
    """Reads the events of one window, and counts what is unknown in them."""

    def __init__(self, window: Window):
        self._start = int(window.start.timestamp())
        self._end = int(window.end.timestamp())
        self._window = window
        self.unknown = UnknownCounter()

    def __call__(self, value: Any, text: bytes) -> "EventRow | str":
        """The event as a row, or what is wrong with it."""
        try:
            event_id, event_type, created = value["id"], value["type"], value["created"]
            document = value["data"]["object"]
            object_type, object_id = document["object"], document.get("id")
        except (KeyError, TypeError, AttributeError):
            return self._fault(value)
        if not (
            type(created) is int
            and self._start <= created < self._end
            and type(event_id) is type(event_type) is type(object_type) is str
            and 0 < len(event_id) <= MAX_NAME
            and 0 < len(event_type) <= MAX_NAME
            and 0 < len(object_type) <= MAX_NAME
            and (object_id is None or (type(object_id) is str and len(object_id) <= MAX_NAME))
        ):
            return self._fault(value)
        account, livemode, api_version = value.get("account"), value.get("livemode"), value.get("api_version")
        if account is not None and not _is_name(account):
            return "its account is no id"
        if api_version is not None and not _is_name(api_version):
            return "its api_version is no version"
        self.unknown.see_type(event_type)
        self.unknown.see_object(object_type, document)
        return (
            event_id,
            event_type,
            created,
            api_version,
            object_type,
            object_id,
            account,
            livemode if type(livemode) is bool else None,
            text,
        )

    def _fault(self, value: Any) -> str:
        """What is wrong with an event that could not be read, in words."""
        if not isinstance(value, dict):
            return "an event must be an object"
        for name in ("id", "type"):
            if not _is_name(value.get(name)):
                return f"an event needs {name}, a string of 1 to {MAX_NAME} characters"
        created = value.get("created")
        if type(created) is not int:
            return "an event needs created, whole seconds since 1970"
        if not self._start <= created < self._end:
            return f"its created, {created}, is outside the window asked for, {self._window}"
        data = value.get("data")
        document = data.get("object") if isinstance(data, dict) else None
        if not isinstance(document, dict):
            return "an event needs data.object, an object"
        if not _is_name(document.get("object")):
            return f"data.object needs object, a string of 1 to {MAX_NAME} characters"
        return f"data.object.id must be a string of at most {MAX_NAME} characters"


class ObjectReader:
    """Reads the objects that a list shows, and counts what is unknown in them."""

    def __init__(self, window: Window | None = None):
        self._window = window
        self.unknown = UnknownCounter()

    def __call__(self, value: Any, text: bytes) -> "ObjectRow | str":
        """The object as a row, or what is wrong with it."""
        if not isinstance(value, dict):
            return "a listed object must be an object"
        object_id: Any = value.get("id")
        object_type: Any = value.get("object")
        livemode = value.get("livemode")
        if not _is_name(object_id):
            return f"a listed object needs id, a string of 1 to {MAX_NAME} characters"
        if not _is_name(object_type):
            return f"a listed object needs object, a string of 1 to {MAX_NAME} characters"
        created = value.get("created")
        if created is not None and type(created) is not int:
            return "its created must be whole seconds since 1970"
        if created is not None and self._window is not None:
            start, end = self._window.start.timestamp(), self._window.end.timestamp()
            if not start <= created < end:
                return f"its created, {created}, is outside the slice asked for, {self._window}"
        self.unknown.see_object(object_type, value)
        return object_type, object_id, livemode if type(livemode) is bool else None, text
