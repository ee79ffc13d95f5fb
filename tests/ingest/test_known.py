"""What counts as known: the SDK's types and fields, and retired ones."""

import pytest

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
    import stripe

    shown = set(getattr(stripe, name.title()).__annotations__)
    assert not RETIRED_FIELDS[name] & shown


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
