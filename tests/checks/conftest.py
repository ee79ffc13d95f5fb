"""A small warehouse in which every rule holds, and a copy of it for each test to break."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import PostgresServer
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

AT = moment("2026-01-01")


def epoch(text: str) -> int:
    return int(moment(text).timestamp())


def version(at: str, event_type: str, kind: str, object_id: str, **fields: Any) -> Version:
    """An event about an object that was created when the event happened, unless told otherwise."""
    return Version(moment(at), event_type, {"object": kind, "id": object_id, "created": epoch(at), **fields})


def good_versions() -> list[Version]:
    """Two customers over three months: a rename, a subscription, an invoice, three charges, a refund, a dispute."""
    price = {"object": "price", "id": "price_1", "product": "prod_1", "currency": "usd", "unit_amount": 1000}
    price["recurring"] = {"interval": "month", "interval_count": 1, "usage_type": "licensed"}
    line = {"id": "il_1", "amount": 1000, "currency": "usd", "price": price, "quantity": 1}
    found = [
        version("2026-01-01", "product.created", "product", "prod_1", name="Plan"),
        Version(moment("2026-01-01"), "price.created", {**price, "created": epoch("2026-01-01")}),
        version("2026-01-02", "customer.created", "customer", "cus_1", name="Ada"),
        Version(
            moment("2026-02-02"),
            "customer.updated",
            {"object": "customer", "id": "cus_1", "created": epoch("2026-01-02"), "name": "Ada L."},
        ),
        version("2026-01-02", "customer.created", "customer", "cus_2", name="Grace"),
        version(
            "2026-01-02",
            "customer.subscription.created",
            "subscription",
            "sub_1",
            customer="cus_1",
            status="active",
            items={"data": [{"id": "si_1", "price": price, "quantity": 1}]},
        ),
        version(
            "2026-01-03",
            "invoice.paid",
            "invoice",
            "in_1",
            customer="cus_1",
            subscription="sub_1",
            status="paid",
            subtotal=1000,
            total=1000,
            currency="usd",
            lines={"data": [line]},
        ),
        version("2026-02-20", "refund.created", "refund", "re_1", charge="ch_1", amount=300, currency="usd"),
    ]
    found[-1].body["status"] = "succeeded"
    found.append(
        version(
            "2026-02-22",
            "charge.dispute.closed",
            "dispute",
            "dp_1",
            charge="ch_2",
            amount=1000,
            currency="usd",
            status="won",
            balance_transactions=[
                {"id": "txn_1", "amount": -1000, "fee": 1500, "currency": "usd", "created": epoch("2026-02-10")},
                {"id": "txn_2", "amount": 400, "fee": 0, "currency": "usd", "created": epoch("2026-02-22")},
            ],
        )
    )
    # an authorisation that was released: no money moved, in either direction
    held = {"amount": 700, "currency": "usd", "status": "succeeded"}
    found.append(version("2026-02-21", "charge.succeeded", "charge", "ch_held", captured=False, **held))
    found.append(version("2026-02-28", "refund.created", "refund", "re_held", charge="ch_held", **held))
    for charge_id, customer, day in (
        ("ch_1", "cus_1", "2026-01-03"),
        ("ch_2", "cus_2", "2026-01-04"),
        ("ch_3", "cus_1", "2026-02-03"),
    ):
        found.append(
            version(
                day,
                "charge.succeeded",
                "charge",
                charge_id,
                customer=customer,
                amount=1000,
                currency="usd",
                status="succeeded",
                payment_method=f"pm_{customer}",
                payment_method_details={"type": "card", "card": {"brand": "visa", "last4": "4242"}},
            )
        )
    return found


def install(number: int, channel: str) -> StoredRow:
    """An install of a user of that number."""
    payload = {"user_id": f"u{number}", "install_id": "i", "installed_at": "2026-01-02", "os_name": "iOS"}
    return StoredRow(AT, "install", {**payload, "channel_name": channel}, line=number)


def spend(channel: str) -> StoredRow:
    """Five dollars for a channel."""
    payload = {"day": "2026-01-02", "channel_name": channel, "currency": "usd", "spend": "5"}
    return StoredRow(AT, "ad_spend", payload, line=len(channel))


@pytest.fixture(scope="session")
def good_warehouse(postgres: PostgresServer) -> str:
    """Loaded and refreshed; events are read through the end of March."""
    conninfo = postgres.create_warehouse()
    with psycopg.connect(conninfo) as connection:
        stage(connection, good_versions())
        stage_rows(connection, [install(1, "search"), install(2, "social")])
        stage_rows(connection, [spend("search"), spend("partner")])
        connection.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', %s)",
            [ACCOUNT, datetime.fromisoformat("2026-04-01T00:00:00+00:00")],
        )
        connection.commit()
        apply_models(connection, SQL_ROOT)
        # Rules leave margins around a load that has only just been committed: this one is a day old.
        connection.execute("update ops.batch set committed_at = committed_at - interval '1 day'")
        connection.execute("update ops.batch_applied set applied_at = applied_at - interval '1 day'")
        connection.commit()
        refresh_marts(connection, SQL_ROOT)
    return conninfo


@pytest.fixture
def good(postgres: PostgresServer, good_warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a copy of the good warehouse."""
    conninfo = postgres.create_database(str(psycopg.conninfo.conninfo_to_dict(good_warehouse)["dbname"]))
    with psycopg.connect(conninfo) as connection:
        yield connection
    postgres.drop_database(conninfo)
