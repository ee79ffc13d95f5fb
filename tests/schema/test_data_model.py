"""docs/data-model.md is what the database says of itself, and says it rightly."""

import re

import psycopg
import pytest

from docs.data_model import PATH, read_relations, references, render, source_objects
from tallyhouse.objects import MODELS
from tests.conftest import SQL_ROOT


def test_the_document_is_up_to_date(each_warehouse: str) -> None:
    with psycopg.connect(each_warehouse) as connection:
        assert PATH.read_text() == render(connection, SQL_ROOT), "run: make docs"


def test_every_table_of_dwh_says_its_grain_and_has_a_key(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        tables = [relation for relation in read_relations(connection) if relation.schema == "dwh"]
    assert {table.name for table in tables} >= {model.name for model in MODELS if model.schema == "dwh"}
    assert [table.name for table in tables if not table.comment.startswith("Grain: one ") or not table.key] == []


@pytest.mark.parametrize(
    ("file", "objects"),
    [
        ("facts/charge_fact.sql", ["charge"]),
        ("facts/refund_fact.sql", ["charge", "refund"]),
        (
            "facts/balance_transaction_fact.sql",
            ["charge", "refund", "dispute", "balance_transaction", "payout", "transfer"],
        ),
        ("facts/payout_fact.sql", ["payout", "transfer"]),
        ("dims/price_dim.sql", ["price", "plan"]),
        ("dims/payment_method_dim.sql", ["customer", "charge", "payment_method", "card", "source"]),
        ("dims/customer_dim.sql", ["customer"]),
        ("dims/date_dim.sql", []),
    ],
)
def test_the_source_objects_of_a_model_are_read_from_its_file(file: str, objects: list[str]) -> None:
    assert source_objects((SQL_ROOT / file).read_text()) == objects


def test_references_are_found_by_the_key_of_the_table_that_they_lead_to(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        found = {(a.name, b.name, column) for a, b, column in references(read_relations(connection))}
    assert {
        ("charge_fact", "customer_dim", "customer_id"),
        ("invoice_line_fact", "invoice_fact", "invoice_id"),
        ("customer_dim", "payment_method_dim", "default_payment_method_id"),
        ("subscription_dim", "invoice_fact", "latest_invoice_id"),
    } <= found
    assert not any(a == b for a, b, _ in found)


# What need not be looked up, since it cannot differ from what is.
NOT_CHECKED = {
    ("user_dim", "customer_dim", "customer_id"): "users are made from the rows of customer_dim",
    ("invoice_line_fact", "customer_dim", "customer_id"): "the customer is that of the invoice, which is checked",
}


def test_the_check_of_references_knows_all_that_are_drawn(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        drawn = {(a.name, b.name, column) for a, b, column in references(read_relations(connection))}
    text = (SQL_ROOT / "checks" / "fact_dimensions_exist.sql").read_text()
    checked = re.findall(r"^    \('(\w+)', '(\w+)', '(\w+)'\)", text, re.MULTILINE)
    assert len(checked) == len(set(checked))
    assert drawn >= NOT_CHECKED.keys()
    assert set(checked) == drawn - NOT_CHECKED.keys()


def test_a_name_that_ends_like_a_key_and_is_that_of_another_kind_refers_to_nothing(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        relations = read_relations(connection)
    (credit_note,) = (relation for relation in relations if relation.name == "credit_note_fact")
    assert "customer_balance_transaction_id" in {column.name for column in credit_note.columns}
    assert not any(column == "customer_balance_transaction_id" for _, _, column in references(relations))
