"""What counts as known: the SDK's types and fields, and retired ones."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stripe._object_classes import get_object_class

from tallyhouse.known import RETIRED_FIELDS, RETIRED_TYPES, UnknownCounter, known_fields, known_types
from tallyhouse.objects import OBJECTS


def test_the_sdks_event_types_are_known() -> None:
    assert len(known_types() - RETIRED_TYPES) == 275
    assert {"invoice.paid", "customer.subscription.deleted"} <= known_types()


def test_every_object_of_the_registry_has_known_fields() -> None:
    assert set(known_fields()) == {item.name for item in OBJECTS}
    assert {"id", "object", "amount", "currency", "payment_method_details"} <= known_fields()["charge"]


@pytest.mark.parametrize("name", RETIRED_FIELDS)
def test_retired_fields_are_those_that_the_sdk_does_not_show(name: str) -> None:
    assert not RETIRED_FIELDS[name] & set(get_object_class("V1", name).__annotations__)


def documents_in(value: Any) -> Iterator[dict[str, Any]]:
    """Each Stripe object in a recorded response or payload, those nested in others too."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from documents_in(part)


def test_nothing_in_a_dozen_years_of_recorded_data_is_unknown(fixtures_folder: Path) -> None:
    counter = UnknownCounter()
    seen: Counter[str] = Counter()
    for file in fixtures_folder.rglob("*.json"):
        for document in documents_in(json.loads(file.read_bytes())):
            seen[document["object"]] += 1
            if document["object"] == "event":
                counter.see_type(document["type"])
            else:
                counter.see_object(document["object"], document)
    assert counter.as_dict() == {}
    assert seen["event"] > 400
    # what nobody has recorded
    assert set(known_fields()) - set(seen) == {"customer_balance_transaction", "promotion_code"}


def test_fields_of_objects_outside_the_registry_are_not_counted() -> None:
    counter = UnknownCounter()
    counter.see_object("novelty", {"anything": 1})
    assert counter.as_dict() == {}


def test_each_row_of_an_unknown_type_or_field_counts() -> None:
    counter = UnknownCounter()
    for _ in range(3):
        counter.see_type("charge.teleported")
        counter.see_object("charge", {"id": "ch_1", "aura": 1})
    assert counter.as_dict() == {"types": {"charge.teleported": 3}, "fields": {"charge.aura": 3}}
