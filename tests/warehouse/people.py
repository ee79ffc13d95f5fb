"""A person's documents, and the steps of its erasure: what the tests of erasure share."""

from typing import Any

import psycopg

from tallyhouse import erasure, erasure_record
from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage, table_rows

AT = moment("2026-03-01T00:00:00")
CREATED = int(AT.timestamp())
NAME = "Anna Smith"


def version(kind: str, object_id: str, event: str | None = None, second: int = 0, **attributes: Any) -> Version:
    body = {"object": kind, "id": object_id, "created": CREATED, **attributes}
    return Version(AT.replace(second=second), event, body)


CUSTOMER = version("customer", "cus_1", name=NAME, email="anna@example.com", metadata={"user_id": "u1", "note": NAME})
CHARGE = version(
    "charge", "ch_1", customer="cus_1", amount=700, currency="usd", status="succeeded", description=NAME,
    billing_details={"name": NAME, "address": {"country": "DE", "line1": NAME}},
    payment_method="pm_1", payment_method_details={"type": "card", "card": {"brand": "visa", "last4": "4242"}},
)  # fmt: skip
DISPUTE = version(
    "dispute", "dp_1", charge="ch_1", amount=700, currency="usd", status="lost", reason="fraudulent",
    evidence={"customer_name": NAME, "customer_purchase_ip": "203.0.113.9"},
)  # fmt: skip
REVIEW = version("review", "prv_1", "review.opened", charge="ch_1", ip_address="203.0.113.9", session={"browser": NAME})
OTHER = version("charge", "ch_2", customer="cus_2", amount=900, currency="usd", status="succeeded", description=NAME)


def request(run_id: str = "run", customer_id: str = "cus_1", account_id: str | None = None) -> erasure_record.Request:
    return erasure_record.Request(customer_id, account_id, "request", None, None, run_id)


def erase(connection: psycopg.Connection, run_id: str = "run") -> erasure.Erased:
    connection.commit()
    erased = erasure.erase(connection, request(run_id))
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    return erased


def texts(connection: psycopg.Connection) -> str:
    """Everything in raw and dwh, as one text."""
    found = repr([table_rows(connection, "raw"), table_rows(connection, "dwh")])
    connection.rollback()
    return found


def body_of(connection: psycopg.Connection, object_id: str) -> Any:
    row = connection.execute(
        "select body from staging.object_version where object_id = %s order by version_at desc limit 1", [object_id]
    ).fetchone()
    connection.rollback()
    return row and row[0]


def loaded(connection: psycopg.Connection, *versions: Version) -> None:
    stage(connection, versions)
    apply_models(connection, SQL_ROOT)
