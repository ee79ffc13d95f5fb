"""Every word of real documents that does not stay is marked, and no mark is left anywhere once the person is erased."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg.types.json import Jsonb

from tallyhouse.warehouse import apply_models
from tests.warehouse.people import AT, erase, texts
from tests.warehouse.raw_rows import SQL_ROOT, Version, stage
from tests.warehouse.test_golden import with_epochs
from tests.warehouse.test_redaction import SHAPES

MARK = "zqmark"
PERSONAL = re.compile(
    r"(^|_)(name|email|phone|line1|line2|city|postal_code|state|ip|ip_address|fingerprint|description|memo|note|last4"
    r"|dob|url|footer|statement_descriptor|title|filename|client_secret|iban|routing_number|tax_id|network_transaction_id)$"
)
"""Names of attributes that tell who somebody is, whatever the list of what stays may say."""


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse on the newest PostgreSQL."""
    with psycopg.connect(warehouse) as opened:
        yield opened


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The outermost objects of Stripe's in a JSON value; of an event what it is about."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] not in ("list", "event", "search_result"):
            yield value
            return
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


def theirs(value: Any, key: str = "") -> Any:
    """The document as if every customer in it were cus_1."""
    if isinstance(value, dict):
        told = {name: theirs(each, name) for name, each in value.items()}
        return {**told, "id": "cus_1"} if value.get("object") == "customer" else told
    if isinstance(value, list):
        return [theirs(each, key) for each in value]
    return "cus_1" if key == "customer" and isinstance(value, str) else value


def marked(value: Any, kept: Any, numbers: Iterator[int]) -> Any:
    """The document with a mark in every string that is not in what redaction leaves of it."""
    if isinstance(value, dict):
        rest = kept if isinstance(kept, dict) else {}
        return {name: marked(each, rest.get(name), numbers) for name, each in value.items()}
    if isinstance(value, list):
        rest = kept if isinstance(kept, list) and len(kept) == len(value) else [None] * len(value)
        return [marked(each, other, numbers) for each, other in zip(value, rest, strict=True)]
    if isinstance(value, str) and value != kept:
        return f"{MARK}{next(numbers)}@example.com"
    return value


def documents(fixtures_folder: Path) -> list[dict[str, Any]]:
    """One document of each kind and set of attributes, of the shapes and of what was recorded."""
    bodies = [with_epochs(yaml.safe_load(path.read_text())["bodies"]) for path in sorted(SHAPES.glob("*.yaml"))]
    recorded = [json.loads(path.read_text()) for path in sorted(fixtures_folder.rglob("*.json"))]
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for document in objects([bodies, recorded]):
        if isinstance(document.get("id"), str) and not document.get("deleted"):
            found.setdefault((document["object"], *sorted(document)), theirs(document))
    return list(found.values())


def test_no_word_that_goes_is_left_in_raw_dims_facts_or_books(
    connection: psycopg.Connection, fixtures_folder: Path
) -> None:
    numbers = count()
    versions = []
    told = documents(fixtures_folder)
    shared = {
        kind
        for (kind,) in connection.execute(
            "select k from unnest(%s::text[]) as k where ops.is_shared(k)", [[document["object"] for document in told]]
        )
    }
    for second, document in enumerate(each for each in told if each["object"] not in shared):
        row = connection.execute("select ops.redacted(%s)", [Jsonb(document)]).fetchone()
        assert row is not None
        body = marked({**document, "customer": "cus_1"}, {**row[0], "customer": "cus_1"}, numbers)
        before = {name: body[name] for name in ("description", "email", "metadata", "shipping") if name in body}
        kind = f"{body['object']}.updated" if second % 2 else None
        versions.append(Version(AT + timedelta(seconds=second), kind, body, previous_attributes=kind and before))
    connection.commit()
    stage(connection, versions)
    apply_models(connection, SQL_ROOT)
    assert len({version.body["object"] for version in versions}) > 20
    assert next(numbers) > 500
    assert texts(connection).count(MARK) > 500
    erase(connection)
    assert re.findall(MARK + r"\d+", texts(connection)) == []
    books = connection.execute("select string_agg(c::text, '') from ops.check_result as c").fetchone()
    assert MARK not in str(books)


def test_no_attribute_that_looks_personal_stays(connection: psycopg.Connection, fixtures_folder: Path) -> None:
    def named(value: Any, kind: str, within: str | None) -> Iterator[tuple[str, str | None, str]]:
        if isinstance(value, dict):
            own = value["object"] if isinstance(value.get("object"), str) and value["object"] != "list" else kind
            for name, each in value.items():
                if isinstance(each, str):
                    yield name, within, own
                yield from named(each, own, name)
        elif isinstance(value, list):
            for each in value:
                yield from named(each, kind, within)

    attributes = {each for document in documents(fixtures_folder) for each in named(document, document["object"], None)}
    looks = sorted({each for each in attributes if PERSONAL.search(each[0])}, key=str)
    assert len(looks) > 50
    kept = [
        each
        for each in looks
        for row in connection.execute("select ops.is_kept(%s, 'string', %s, %s)", [*each])
        # the fees of Stripe are described in its own words
        if row[0] and each[:2] != ("description", "fee_details")
    ]
    assert kept == []
