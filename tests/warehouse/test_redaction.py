"""What redaction leaves of real documents of all API versions: every typed column but the personal ones."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.types.json import Jsonb

from tallyhouse.objects import OBJECTS
from tests.warehouse.test_golden import with_epochs

READINGS = {item.name: item.reading for item in OBJECTS}
SHARED = {"price", "plan", "product", "coupon", "tax_rate", "payout"}
SHAPES = Path(__file__).parent / "shapes"

PERSONAL = {
    "charge": {"payment_method"},
    "checkout_session": {"client_reference_id", "customer_email"},
    "credit_note": {"memo"},
    "customer": {"description", "email", "name"},
    "customer_balance_transaction": {"description"},
    "balance_transaction": {"description"},
    "invoice_item": {"description"},
    "invoice_line": {"description"},
    "payment_method": {"fingerprint", "last4"},
    "promotion_code": {"code"},
    "setup_intent": {"description"},
    "transfer": {"description", "transfer_group"},
}
"""Reading -> columns that redaction empties, beside metadata."""
PARTS = {
    "invoice": {"lines"},
    "subscription": {"items"},
    "payment_method": set(),
    "subscription_schedule": {"phases"},
    "payout": {"balance_transactions"},
    "dispute": {"balance_transactions"},
}
"""Reading -> columns that hold documents, which are compared by themselves."""


def documents(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of Stripe's in a JSON value, itself included."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str) and value["object"] in READINGS:
            yield value
        for each in value.values():
            yield from documents(each)
    elif isinstance(value, list):
        for each in value:
            yield from documents(each)


def typed(connection: psycopg.Connection, reading: str, document: dict[str, Any]) -> tuple[Any, Any]:
    """What the reading makes of a document as it is, and of the redacted one."""
    query = sql.SQL(
        "select to_jsonb(a), to_jsonb(b) from staging.{reading}(%(document)s) as a "
        "cross join staging.{reading}(ops.redacted(%(document)s)) as b"
    ).format(reading=sql.Identifier(reading))
    row = connection.execute(query, {"document": Jsonb(document)}).fetchone()
    assert row is not None
    return row[0], row[1]


def lost(connection: psycopg.Connection, found: list[dict[str, Any]]) -> tuple[dict[str, set[str]], int]:
    """Reading -> columns that changed; and how many documents were read."""
    changed: dict[str, set[str]] = {}
    read = 0
    for document in found:
        kind = document["object"]
        reading = READINGS[kind]
        if document.get("deleted"):
            continue
        try:
            with connection.transaction():
                whole, redacted = typed(connection, reading, document)
        except psycopg.DataError:
            continue  # what nobody can read at all
        read += 1
        columns = {name for name in whole if whole[name] != redacted[name]} - PARTS.get(reading, set()) - {"metadata"}
        changed.setdefault(reading, set()).update(columns)
    return {reading: columns for reading, columns in changed.items() if columns}, read


def strangers(changed: dict[str, set[str]]) -> dict[str, set[str]]:
    """Of the columns that changed those that are not personal."""
    return {name: odd for name, columns in changed.items() if (odd := columns - PERSONAL.get(name, set()))}


def test_of_every_shape_only_personal_columns_are_lost(warehouse: str) -> None:
    bodies = [yaml.safe_load(path.read_text())["bodies"] for path in sorted(SHAPES.glob("*.yaml"))]
    with psycopg.connect(warehouse) as connection:
        changed, read = lost(connection, [with_epochs(document) for document in documents(bodies)])
    assert read > 30
    assert strangers(changed) == {}


def test_of_recorded_documents_only_personal_columns_are_lost(warehouse: str, fixtures_folder: Path) -> None:
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(fixtures_folder.rglob("*.json")):
        for document in documents(json.loads(path.read_text())):
            found.setdefault(json.dumps(document, sort_keys=True), document)
    with psycopg.connect(warehouse) as connection:
        changed, read = lost(connection, list(found.values()))
    assert read > 300
    assert strangers(changed) == {}
    assert {"customer", "payment_method"} <= changed.keys()


@pytest.mark.parametrize("kind", sorted(SHARED))
def test_what_is_of_nobody_alone_is_left_as_it_is(warehouse: str, kind: str) -> None:
    document = {"object": kind, "id": "x_1", "name": "Gold", "metadata": {"for": "everybody"}}
    with psycopg.connect(warehouse) as connection:
        row = connection.execute("select ops.redacted(%s)", [Jsonb(document)]).fetchone()
    assert row == (document,)
