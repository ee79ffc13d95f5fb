"""Erasure at any moment: of random histories of two people, one is erased somewhere between their loads.

Every figure is what it is without the erasure, nothing of the person is left, and neither a replay nor a listing of
everything brings anything back.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tallyhouse import erasure, erasure_record
from tallyhouse.errors import TallyhouseError
from tallyhouse.rebuild import rebuild
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.histories import START, distinct, epoch, orders, seconds
from tests.warehouse.raw_rows import SQL_ROOT, StoredRow, Version, empty_warehouse, stage, stage_rows
from tests.warehouse.traces import figures, rows_with

Document = dict[str, Any]
LISTED = timedelta(days=2)
"""After the last event, everything is listed."""


def word(number: int) -> str:
    """What tells who it is, in every personal attribute of this person's documents."""
    return f"person{number}"


def documents_of(number: int, amount: int, status: str) -> list[Document]:
    """Everything that there is of one person: what belongs to whom never changes, amounts and states do."""
    name, customer, charge = word(number), f"cus_{number}", f"ch_{number}"
    price = {"id": "price_1", "unit_amount": 2900, "currency": "usd", "recurring": {"interval": "month"}}
    recurs = {"interval": "month", "usage_type": "licensed"}
    item = {"id": f"si_{number}", "quantity": amount // 700, "price": {**price, "recurring": recurs}}
    card = {"brand": "visa", "last4": "4242", "fingerprint": f"{name}print"}
    documents: list[Document] = [
        {
            "object": "customer",
            "id": customer,
            "name": name,
            "email": f"{name}@example.com",
            "balance": -amount,
            "metadata": {"user_id": f"u_{number}", "note": name},
        },
        {
            "object": "charge",
            "id": charge,
            "customer": customer,
            "amount": 9900,
            "amount_refunded": amount,
            "currency": "usd",
            "status": status,
            "description": f"for {name}",
            "billing_details": {"name": name, "address": {"country": "DE", "line1": name}},
            "payment_method": f"pm_{number}",
            "payment_method_details": {"type": "card", "card": card},
            "balance_transaction": f"txn_{number}",
        },
        {"object": "payment_method", "id": f"pm_{number}", "customer": customer, "type": "card", "card": card},
        {
            "object": "refund",
            "id": f"re_{number}",
            "charge": charge,
            "amount": amount,
            "currency": "usd",
            "status": status,
            "metadata": {"asked": name},
        },
        {
            "object": "dispute",
            "id": f"dp_{number}",
            "charge": charge,
            "amount": amount,
            "currency": "usd",
            "status": "lost",
            "evidence": {"customer_name": name},
        },
        {
            "object": "balance_transaction",
            "id": f"txn_{number}",
            "source": charge,
            "amount": 9900,
            "fee": 30,
            "currency": "usd",
            "description": f"Charge of {name}",
        },
        {
            "object": "subscription",
            "id": f"sub_{number}",
            "customer": customer,
            "status": "active" if status == "succeeded" else "past_due",
            "currency": "usd",
            "description": f"Plan of {name}",
            "items": {"data": [item], "has_more": False},
        },
        {
            "object": "invoice",
            "id": f"in_{number}",
            "customer": customer,
            "customer_name": name,
            "subscription": f"sub_{number}",
            "status": "paid" if status == "succeeded" else "open",
            "total": amount,
            "currency": "usd",
            "lines": {"data": [], "has_more": False},
        },
    ]
    return [{**document, "created": epoch(START)} for document in documents]


@st.composite
def person_versions(draw: st.DrawFn) -> Version:
    number = draw(st.integers(1, 2))
    documents = documents_of(
        number, draw(st.sampled_from([700, 1400, 2100])), draw(st.sampled_from(["pending", "succeeded"]))
    )
    body = draw(st.sampled_from(documents))
    before = {key: word(number) for key in ("name", "description") if key in body}
    at = START + timedelta(seconds=draw(seconds))
    verb = f"{body['object']}.updated"
    if draw(st.booleans()):
        return Version(at, None, body)
    return Version(at, verb, body, draw(orders), previous_attributes={"metadata": {"was": word(number)}, **before})


histories = st.lists(person_versions(), min_size=4, max_size=14, unique_by=distinct)


def installs() -> list[StoredRow]:
    """An install of each."""
    row = {"install_id": "i", "installed_at": "2026-03-01T00:00:00Z", "os_name": "iOS", "channel_name": "search"}
    return [
        StoredRow(START, "install", {**row, "user_id": f"u_{number}", "device_id": f"{word(number)}phone"}, number + 1)
        for number in (1, 2)
    ]


def listing(history: list[Version]) -> list[Version]:
    """All that a listing shows later on: each object as it was last."""
    newest: dict[tuple[str, str], Version] = {}
    for version in sorted(history, key=lambda each: (each.at, each.event_type is not None, each.listing_order)):
        newest[version.body["object"], version.body["id"]] = version
    return [replace(version, at=START + LISTED, event_type=None, listing_order=0) for version in newest.values()]


def batches_of(history: list[Version], shuffler: random.Random) -> list[list[Version] | list[StoredRow]]:
    """The history in any order, in batches of any size; the installs, a file each, between them."""
    rows = shuffler.sample(history, len(history))
    batches: list[list[Version] | list[StoredRow]] = [[row] for row in installs()]
    while rows:
        size = shuffler.randint(1, len(rows))
        batches.append(rows[:size])
        rows = rows[size:]
    return shuffler.sample(batches, len(batches))


def put(connection: psycopg.Connection, batch: list[Version] | list[StoredRow]) -> None:
    stage(connection, [version for version in batch if isinstance(version, Version)])
    for row in batch:
        if isinstance(row, StoredRow):
            stage_rows(connection, [row])


def erase(connection: psycopg.Connection, name: str) -> bool:
    """Erases the first person; False while nothing has told of one."""
    request = erasure_record.Request("cus_1", None, "request", None, None, name)
    try:
        erased = erasure.erase(connection, request)
    except TallyhouseError:
        return False
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    return True


def loaded_at_once(connection: psycopg.Connection, history: list[Version]) -> dict[str, set[str]]:
    """All figures of the history and its listing, of which nobody is erased."""
    empty_warehouse(connection)
    for batch in (history, installs(), listing(history)):
        put(connection, batch)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    return figures(connection)


def loaded_with_an_erasure(
    connection: psycopg.Connection, history: list[Version], shuffler: random.Random
) -> dict[str, set[str]]:
    """The same in any order, with a replay of everything before the listing; somewhere in it the person is erased."""
    empty_warehouse(connection)
    batches = batches_of(history, shuffler)
    place = shuffler.randint(0, len(batches))
    is_erased = False
    for number, batch in enumerate([*batches, *batches_of(history, shuffler), listing(history)]):
        if not is_erased and number >= place:
            is_erased = erase(connection, f"erase_customer/{number}")
        put(connection, batch)
        if shuffler.random() < 0.2:
            apply_models(connection, SQL_ROOT)
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    assert is_erased
    return figures(connection)


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """One warehouse for all examples: hypothesis runs them inside one call of the test."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@given(history=histories, seed=st.integers(0, 2**32))
def test_a_person_erased_at_any_moment_leaves_every_figure_and_nothing_else_for_good(
    connection: psycopg.Connection, history: list[Version], seed: int
) -> None:
    # until a document names the customer there is nobody to erase, and until the charge's does, whose its refund is
    known = [Version(START, None, document) for document in documents_of(1, 700, "pending")[:2]]
    history = list({distinct(version): version for version in [*history, *known]}.values())
    told = loaded_at_once(connection, history)
    assert rows_with(connection, [word(1)], ["raw", "dwh"])
    erased = loaded_with_an_erasure(connection, history, random.Random(seed))
    assert rows_with(connection, [word(1)], ["raw", "dwh", "mart", "staging"]) == {}
    assert [name for name in told if told[name] != erased[name]] == []
    # of the other everything is left
    others = {version.body["id"] for version in history if word(2) in str(version.body)}
    assert others == set() or rows_with(connection, [word(2)], ["raw"])
    if seed % 3 == 0:
        assert [change for change in rebuild(connection, SQL_ROOT) if change.added or change.removed] == []
        assert rows_with(connection, [word(1)], ["raw", "dwh"]) == {}
