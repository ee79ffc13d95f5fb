"""Which months the Revenue page shows as complete, of accounts whose numbers are of nobody that is known."""

import psycopg
import pytest

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage

GUEST = {"object": "charge", "id": "ch_1", "amount": 500, "currency": "usd", "status": "succeeded"}
FEE = {
    "object": "balance_transaction",
    "id": "txn_1",
    "type": "stripe_fee",
    "reporting_category": "fee",
    "amount": -500,
    "fee": 0,
    "net": -500,
    "currency": "usd",
}


@pytest.mark.parametrize(
    ("event", "body"), [("charge.succeeded", GUEST), (None, FEE)], ids=["payments of guests", "fees"]
)
def test_months_of_an_account_without_customers_are_complete_once_they_are_fetched(
    connection: psycopg.Connection, event: str | None, body: dict[str, object]
) -> None:
    at = moment("2026-01-05")
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', %s)",
        [ACCOUNT, moment("2026-03-20")],
    )
    connection.commit()
    stage(connection, [Version(at, event, body | {"created": int(at.timestamp())})])
    apply_models(connection, SQL_ROOT)
    refresh_marts(connection, SQL_ROOT)
    months = connection.execute(
        "select month::text, is_complete "
        "from mart.asked_months('usd', false, '2026-01-01', '2026-04-01', 'month', null) order by month"
    ).fetchall()
    assert months == [("2026-01-01", True), ("2026-02-01", True), ("2026-03-01", False)]
