"""A month is complete when its events have been fetched and loaded, and no open gap touches it."""

from datetime import datetime

import psycopg

from tallyhouse.warehouse import apply_models, refresh_marts
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, Version, moment, stage

CHARGE = {
    "object": "charge",
    "id": "ch_1",
    "customer": "cus_1",
    "amount": 100,
    "currency": "usd",
    "status": "succeeded",
    "created": int(moment("2026-01-10T00:00:00").timestamp()),
}


def load(connection: psycopg.Connection) -> None:
    """One payment in January; events fetched through the end of March."""
    connection.execute(
        "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', '2026-04-01Z')",
        [ACCOUNT],
    )
    connection.commit()
    stage(connection, [Version(moment("2026-01-10T00:00:00"), "charge.succeeded", CHARGE)])
    apply_models(connection, SQL_ROOT)


def complete_months(connection: psycopg.Connection) -> list[int]:
    refresh_marts(connection, SQL_ROOT)
    found = connection.execute(
        "select extract(month from month)::int from mart.customer_activity_monthly where is_complete order by 1"
    ).fetchall()
    connection.commit()
    return [month for (month,) in found]


def data_through(connection: psycopg.Connection) -> datetime:
    row = connection.execute("select data_through from mart.freshness").fetchone()
    connection.commit()
    assert row is not None
    return row[0]


def test_what_is_fetched_but_not_loaded_is_not_complete(connection: psycopg.Connection) -> None:
    load(connection)
    assert complete_months(connection) == [1, 2, 3]
    connection.execute(
        "insert into ops.batch (account_id, livemode, source, asked_from, asked_to, run_id, started_at) "
        "values (%s, false, 'events', '2026-02-20Z', '2026-03-10Z', 'test', now())",
        [ACCOUNT],
    )
    connection.commit()
    assert data_through(connection) == moment("2026-02-20T00:00:00")
    assert complete_months(connection) == [1]
    apply_models(connection, SQL_ROOT)
    assert data_through(connection) == moment("2026-04-01T00:00:00")
    assert complete_months(connection) == [1, 2, 3]


def test_a_month_that_an_open_gap_touches_is_not_complete(connection: psycopg.Connection) -> None:
    load(connection)
    connection.execute(
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason) "
        "values (%s, false, 'events', '2026-01-31Z', '2026-02-02Z', 'test')",
        [ACCOUNT],
    )
    connection.commit()
    assert complete_months(connection) == [3]
    connection.execute("update ops.gap set closed_at = now()")
    connection.commit()
    assert complete_months(connection) == [1, 2, 3]


def test_a_connected_account_is_known_as_far_as_its_own_platform(connection: psycopg.Connection) -> None:
    load(connection)
    charge = {**CHARGE, "id": "ch_2"}
    stage(connection, [Version(moment("2026-01-10"), "charge.succeeded", charge, account_id="acct_connected")])
    # another platform is behind, and has a gap: neither is this account's
    connection.execute(
        "insert into ops.batch (account_id, livemode, source, asked_from, asked_to, run_id, started_at) "
        "values ('acct_other', false, 'events', '2026-01-01Z', '2026-01-20Z', 'test', now())"
    )
    connection.execute(
        "insert into ops.gap (account_id, livemode, stream, gap_from, gap_to, reason) "
        "values ('acct_other', false, 'events', '2026-02-01Z', '2026-02-02Z', 'test')"
    )
    connection.commit()
    apply_models(connection, SQL_ROOT)
    months = "select count(*) filter (where is_complete) from mart.customer_activity_monthly where account_id = %s"
    refresh_marts(connection, SQL_ROOT)
    assert connection.execute(months, ["acct_connected"]).fetchone() == (3,)
    # what is lost of the platform's events is lost of those of its accounts
    connection.execute("update ops.gap set account_id = %s", [ACCOUNT])
    connection.commit()
    refresh_marts(connection, SQL_ROOT)
    assert connection.execute(months, ["acct_connected"]).fetchone() == (2,)
