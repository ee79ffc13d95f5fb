"""Reads the one odd row of a page apart from the good ones: the careful, slow way through a list's body.

orjson refuses a whole page for one lone surrogate, and PostgreSQL's jsonb a whole COPY for one \\u0000. So
a page that may hold such a thing is cut into the texts of its rows, unparsed, and each is read alone.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,]', re.DOTALL)
_MAX_EXACT_DIGITS = 4000  # Python's int() refuses more than 4,300


class NotAListError(ValueError):
    """A body that is no JSON list object of Stripe's, or was cut."""


class RawRow(NamedTuple):
    """One row: its JSON text, its value where it could be read, and why jsonb cannot hold it, if so."""

    text: bytes
    value: Any
    refusal: str | None


def split_list(body: bytes) -> tuple[dict[str, Any], list[RawRow]]:
    """The envelope of a list (its `data` empty) and its rows; raises NotAListError."""
    start, end, texts = _cut_rows(body)
    try:
        envelope = orjson.loads(body[:start] + body[end:])
    except orjson.JSONDecodeError as error:
        raise NotAListError(f"not JSON: {error}") from error
    return envelope, [read_row_text(text) for text in texts]


def _cut_rows(body: bytes) -> tuple[int, int, list[bytes]]:
    """Where the array `data` of the outermost object begins and ends, and the texts of its elements."""
    depth = 0
    key = last_string = b""
    start = row_start = -1
    rows: list[bytes] = []
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first == b'"':
            if depth == 1:
                last_string = token[0]
        elif first == b":":
            if depth == 1:
                key = last_string
        elif first in b"[{":
            depth += 1
            if depth == 2 and first == b"[" and key == b'"data"':
                start = row_start = token.end()
        elif first == b",":
            if depth == 2 and start >= 0:
                rows.append(body[row_start : token.start()].strip())
                row_start = token.end()
        else:
            depth -= 1
            if depth == 1 and start >= 0:
                last = body[row_start : token.start()].strip()
                if last or rows:
                    rows.append(last)
                return start, token.start(), rows
    raise NotAListError("no array called data, or the body was cut inside it")


def read_row_text(text: bytes) -> RawRow:
    """One row from its JSON text; raises NotAListError when it is no JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _read_odd_row(text)
    return RawRow(text, value, _refusal(value) if b"\\u0000" in text else None)


def _read_odd_row(text: bytes) -> RawRow:
    """A row that orjson refuses: by the standard library, which is laxer than jsonb, then checked."""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        return RawRow(text, None, f"not UTF-8 at byte {error.start}")
    constants: list[str] = []

    def keep_constant(name: str) -> float:
        constants.append(name)
        return float(name)

    try:
        value = json.loads(decoded, parse_int=_parse_int, parse_constant=keep_constant)
    except RecursionError:
        return RawRow(text, None, "nested too deep")
    except json.JSONDecodeError as error:
        raise NotAListError(f"a row is not JSON: {error}") from error
    if constants:
        return RawRow(text, value, f"holds {constants[0]}, which is not JSON")
    return RawRow(text, value, _refusal(value))


def _parse_int(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MAX_EXACT_DIGITS else float(digits)


def _refusal(value: Any) -> str | None:
    """Why jsonb refuses the strings of a value, or None."""
    for string in _strings(value):
        if "\0" in string:
            return "holds \\u0000, which PostgreSQL's text and jsonb cannot"
        if not is_unicode(string):
            return "holds a lone surrogate, which is not Unicode text"
    return None


def is_unicode(string: str) -> bool:
    """False if a string holds a lone surrogate."""
    try:
        string.encode()
    except UnicodeEncodeError:
        return False
    return True


def _strings(value: Any) -> Iterator[str]:
    """All strings and keys in a value, without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
