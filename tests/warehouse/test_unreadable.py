"""A document whose values no column can hold is set aside and reported; everything beside it is loaded."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage

AT = moment("2026-03-01T00:00:00")
CHARGE = {"object": "charge", "currency": "usd", "status": "succeeded", "amount": 1000, "created": 1772323200}

ID = "set by the test, to the name of the case"

ODD: dict[str, dict[str, Any]] = {
    "amount is no number": {**CHARGE, "id": ID, "amount": "12x"},
    "amount has a fraction": {**CHARGE, "id": ID, "amount": 10.5},
    "a boolean is none": {**CHARGE, "id": ID, "captured": "maybe"},
    "created is beyond all calendars": {**CHARGE, "id": ID, "created": 10**13},
    "a refund in it has no id": {**CHARGE, "id": ID, "refunds": {"data": [{"amount": 5}]}},
    "a refund in it is null": {**CHARGE, "id": ID, "refunds": {"data": [None]}},
    "no currency": {**CHARGE, "id": ID, "currency": None},
    "a refund in it has no currency": {**CHARGE, "id": ID, "refunds": {"data": [{"id": "re_1", "amount": 5}]}},
    "a refund without currency": {"object": "refund", "id": ID, "amount": 5},
    "a customer's date": {"object": "customer", "id": ID, "created": "yesterday"},
    "a price's amount": {"object": "price", "id": ID, "unit_amount_decimal": "n/a"},
    "an item without id": {"object": "subscription", "id": ID, "items": {"data": [{"quantity": 1}]}},
    "half an item": {"object": "subscription", "id": ID, "items": {"data": [{"id": "si_1", "quantity": 1.5}]}},
    "a line that is null": {"object": "invoice", "id": ID, "lines": {"data": [None]}},
    "a dispute without currency": {"object": "dispute", "id": ID, "amount": 5, "status": "lost"},
    "a movement of a dispute": {
        "object": "dispute",
        "id": ID,
        "currency": "usd",
        "balance_transactions": [{"id": "txn_1", "amount": "all"}],
    },
    "a movement without id": {"object": "dispute", "id": ID, "currency": "usd", "balance_transactions": [{"fee": 1}]},
    "a coupon's percentage": {"object": "coupon", "id": ID, "percent_off": "half"},
    "a discount in a customer": {"object": "customer", "id": ID, "discount": {"id": "di_1", "start": "now"}},
    "a discount in an item": {
        "object": "subscription",
        "id": ID,
        "items": {"data": [{"id": "si_1", "discounts": [{"id": "di_1", "coupon": {"amount_off": "x"}}]}]},
    },
    "a payment of an invoice": {"object": "invoice", "id": ID, "payments": {"data": [{"amount_paid": 1}]}},
    "a refund's balance transaction": {
        "object": "refund",
        "id": ID,
        "currency": "usd",
        "balance_transaction": {"id": "txn_1", "exchange_rate": "par"},
    },
    "a payout's arrival": {"object": "payout", "id": ID, "arrival_date": "soon"},
    "a credit note's refunds": {"object": "credit_note", "id": ID, "created": []},
    "a payment intent's amount": {"object": "payment_intent", "id": ID, "amount": 0.5},
    "a card's creation": {"object": "card", "id": ID, "created": "ab"},
    "a payout that was called a transfer": {"object": "transfer", "id": ID, "status": "paid", "automatic": "maybe"},
}

# What no model reads, by the view of schema staging that shows it.
ODD_IN_VIEWS: dict[str, dict[str, Any]] = {
    "transfer": {"object": "transfer", "amount": "12x"},
    "promotion_code": {"object": "promotion_code", "restrictions": {"minimum_amount": "low"}},
    "tax_rate": {"object": "tax_rate", "percentage": "a fifth"},
    "setup_intent": {"object": "setup_intent", "created": "soon"},
    "subscription_schedule": {"object": "subscription_schedule", "created": []},
    "invoice_item": {"object": "invoiceitem", "amount": 0.5},
    "checkout_session": {"object": "checkout.session", "amount_total": "all"},
    "customer_balance_transaction": {"object": "customer_balance_transaction", "amount": "-"},
}
VIEW_OF = {body["object"]: view for view, body in ODD_IN_VIEWS.items()}


@pytest.mark.parametrize("listed", [False, True], ids=["event", "listed"])
def test_what_cannot_be_read_is_set_aside_and_the_rest_is_loaded(listed: bool, connection: psycopg.Connection) -> None:
    odd = [{**body, "id": name} for name, body in ODD.items()]
    good = {**CHARGE, "id": "ch_good", "customer": "cus_1", "payment_method": "pm_good"}
    versions = [
        Version(AT, "charge.succeeded", good, -100),
        Version(AT, "customer.created", {"object": "customer", "id": "cus_1", "created": 1772323200}, -101),
    ]
    for place, body in enumerate(odd):
        versions.append(Version(AT, None if listed else f"{body['object']}.updated", body, -place))
    stage(connection, versions)
    apply_models(connection, SQL_ROOT)
    apply_models(connection, SQL_ROOT)
    assert connection.execute("select source_id from dwh.transaction_fact").fetchall() == [("ch_good",)]
    assert connection.execute("select customer_id from dwh.customer_dim").fetchall() == [("cus_1",)]
    rejected = connection.execute("select source, reason, reported_at from raw.rejected").fetchall()
    assert all(reason and reported_at is None for _, reason, reported_at in rejected)
    assert sorted(source for source, _, _ in rejected) == sorted(
        f"list:{body['object']}" if listed else "events" for body in odd
    )
    table = "object" if listed else "event"
    marked = connection.execute(f"select object_id, unreadable from raw.{table} where unreadable > ''").fetchall()
    assert {name for name, _ in marked} == set(ODD)
    assert sorted(reason for _, reason in marked) == sorted(reason for _, reason, _ in rejected)
    pending = connection.execute(
        "select count(*) from ops.batch as b where not exists "
        "(select 1 from ops.batch_applied as a where a.batch_id = b.batch_id)"
    ).fetchone()
    assert pending == (0,)


def views_of_one_kind(connection: psycopg.Connection) -> dict[str, str]:
    """Name of the view -> the kind of object that it shows."""
    with connection.transaction():
        return dict(connection.execute("select reading, object_type from ops.staging_view").fetchall())


@pytest.mark.parametrize("listed", [False, True], ids=["event", "listed"])
def test_what_only_views_show_is_set_aside_by_the_load_and_the_views_go_on(
    listed: bool, connection: psycopg.Connection
) -> None:
    views = views_of_one_kind(connection)
    assert {view: body["object"] for view, body in ODD_IN_VIEWS.items()} == views
    stage(
        connection,
        [
            Version(AT, None if listed else f"{body['object']}.updated", {**body, "id": name}, -place)
            for place, (name, body) in enumerate(
                [("odd", body) for body in ODD_IN_VIEWS.values()] + [("good", {"object": kind}) for kind in VIEW_OF]
            )
        ],
    )
    apply_models(connection, SQL_ROOT)
    for view in views:
        found = connection.execute(sql.SQL("select to_jsonb(t) from staging.{} as t").format(sql.Identifier(view)))
        assert [row[f"{view}_id"] for (row,) in found] == ["good"], view
    assert len(connection.execute("select from raw.rejected").fetchall()) == len(views)


def test_a_load_reads_what_only_views_show_once(connection: psycopg.Connection) -> None:
    stage(connection, [Version(AT, None, {"object": kind, "id": "one"}) for kind in VIEW_OF])
    notices: list[str] = []
    connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    apply_models(connection, SQL_ROOT)
    apply_models(connection, SQL_ROOT)
    read = [notice.split(", ")[:2] for notice in notices if notice.startswith("staging_view")]
    assert read == [
        ["staging_view: 1 batches applied", f"{len(VIEW_OF)} objects touched"],
        ["staging_view: 0 batches applied", "0 objects touched"],
    ]


def test_the_reason_names_what_is_missing_and_where(connection: psycopg.Connection) -> None:
    odd = [
        Version(AT, f"{body['object']}.updated", {**body, "id": name}, -place)
        for place, (name, body) in enumerate(ODD.items())
    ]
    stage(connection, odd)
    apply_models(connection, SQL_ROOT)
    reasons = dict(connection.execute("select row_key, reason from raw.rejected").fetchall())
    keys = dict(connection.execute("select object_id, event_id from raw.event").fetchall())
    for name, reason in {
        "no currency": "it has no currency",
        "a dispute without currency": "it has no currency",
        "a refund in it has no currency": "a refund in it has no currency",
        "a movement without id": "a balance transaction in it has no id",
        "a payment of an invoice": "an invoice payment in it has no id",
    }.items():
        assert reasons[keys[name]] == reason


def test_a_discount_without_id_keeps_nothing_out(connection: psycopg.Connection) -> None:
    discount = {"object": "discount", "coupon": {"id": "A", "percent_off": 5}, "start": 1772323200}
    stage(
        connection,
        [
            Version(AT, "customer.updated", {"object": "customer", "id": "cus_1", "created": 1, "discount": discount}),
            # something that cannot be read, so that every document is tried
            Version(AT, "charge.updated", {**CHARGE, "id": "ch_1", "amount": "12x"}, -1),
        ],
    )
    apply_models(connection, SQL_ROOT)
    assert connection.execute("select customer_id from dwh.customer_dim").fetchall() == [("cus_1",)]
    assert (
        connection.execute("select row_key from raw.rejected").fetchall()
        == connection.execute("select event_id from raw.event where object_id = 'ch_1'").fetchall()
    )


def test_an_error_that_no_document_causes_is_raised(connection: psycopg.Connection) -> None:
    stage(connection, [Version(AT, "charge.succeeded", {**CHARGE, "id": "ch_1"})])
    connection.execute("alter table dwh.charge_fact add column required integer not null")
    connection.commit()
    with pytest.raises(psycopg.errors.NotNullViolation):
        apply_models(connection, SQL_ROOT)


def test_a_card_that_expires_in_no_month_does_not_keep_out_its_charge(connection: psycopg.Connection) -> None:
    details = {"type": "card", "card": {"last4": "4242", "exp_month": "ab", "exp_year": 2030}}
    charge = {**CHARGE, "id": "ch_1", "payment_method": "pm_1", "payment_method_details": details}
    stage(connection, [Version(AT, "charge.succeeded", charge)])
    apply_models(connection, SQL_ROOT)
    assert connection.execute("select source_id from dwh.transaction_fact").fetchall() == [("ch_1",)]
    found = connection.execute("select last4, exp_month, exp_year from dwh.payment_method_dim").fetchall()
    assert found == [("4242", None, 2030)]
