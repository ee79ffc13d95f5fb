"""Golden tests: for each model or mart, documents in and rows out, with the reason for each case beside it.

A case in golden/<model or mart>.yaml: `versions` (documents: `event` names the event type, without it the document
was listed; `event_id` its id, where one is expected; `batch`, a number, where it comes in a batch of its own, in this
order), or the short form `payments` ([charge, customer, currency,
amount, day]); `files` (`kind`, `rows`, and `at`, when it was modified), loaded in this order; `users` ([user,
customer]); `through` (how far events were fetched); `breaks`, the checks that rightly fail on it; and `expect`, the
rows in full, in the columns that they name. Amounts are compared to 6 decimals.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import cycle, product
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from tallyhouse.checks import read_checks, run_checks
from tallyhouse.objects import OBJECTS
from tallyhouse.warehouse import apply_models, refresh_marts
from tests.conftest import VERSIONS
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

FOLDER = Path(__file__).parent / "golden"
FOLDERS = {"dims": "dwh", "facts": "dwh", "records": "ops", "marts": "mart", "staging": "staging"}
"""Folder of a relation's file under include/sql -> its schema."""


@dataclass(frozen=True)
class Case:
    """One golden case of one relation."""

    relation: str
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.relation}: {self.content['name']}"


def read_cases() -> list[Case]:
    return [
        Case(path.stem, content)
        for path in sorted(FOLDER.glob("*.yaml"))
        for content in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    ]


def instant(value: str | date | datetime) -> datetime:
    return moment(value if isinstance(value, str) else value.isoformat())


def with_epochs(value: Any) -> Any:
    """Instants become the whole seconds that Stripe writes."""
    if isinstance(value, (date, datetime)):
        return int(instant(value).timestamp())
    if isinstance(value, dict):
        return {key: with_epochs(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [with_epochs(entry) for entry in value]
    return value


def payment(charge: str, customer: str, currency: str, amount: int, day: date) -> Version:
    at = instant(day)
    body = {
        "object": "charge",
        "id": charge,
        "customer": customer,
        "currency": currency,
        "amount": amount,
        "status": "succeeded",
        "created": int(at.timestamp()),
    }
    return Version(at, "charge.succeeded", body)


def user(user_id: str, customer: str) -> Version:
    body = {"object": "customer", "id": customer, "metadata": {"user_id": user_id}}
    return Version(moment("2026-01-01"), "customer.created", body)


def batches_of(content: dict[str, Any]) -> list[list[Version]]:
    batches: dict[int, list[Version]] = {0: [user(*entry) for entry in content.get("users", [])]}
    batches[0] += [payment(*entry) for entry in content.get("payments", [])]
    for entry in content.get("versions", []):
        version = Version(
            instant(entry["at"]),
            entry.get("event"),
            with_epochs(entry["body"]),
            entry.get("order", 0),
            entry.get("event_id"),
        )
        batches.setdefault(entry.get("batch", 0), []).append(version)
    return [batches[number] for number in sorted(batches) if batches[number]]


def files_of(content: dict[str, Any]) -> list[list[StoredRow]]:
    return [
        [
            StoredRow(
                instant(entry.get("at", "2026-01-01")),
                entry["kind"],
                {name: str(value) for name, value in row.items()},
                line,
                str(number),
            )
            for line, row in enumerate(entry["rows"], 2)
        ]
        for number, entry in enumerate(content.get("files", []))
    ]


def comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone().astimezone(tz=moment("2000-01-01").tzinfo).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, float)):
        return round(float(value), 6)
    return value


def schema_of(relation: str) -> str:
    """Schema of a relation, by the folder that its file is in."""
    return next(schema for name, schema in FOLDERS.items() if (SQL_ROOT / name / f"{relation}.sql").exists())


def broken_checks(connection: psycopg.Connection, layers: set[str]) -> list[str]:
    """Names of the checks of these layers that fail; but for orphans, and documents in no order, the rule in cases."""
    checks = [check for check in read_checks(SQL_ROOT) if check.layer in layers]
    rules = [check for check in checks if check.name not in ("fact_dimensions_exist", "event_order_holds")]
    return [result.check.name for result in run_checks(connection, rules, "test") if result.status == "failed"]


def on_versions(cases: list[Case]) -> list[Any]:
    """(case, version): each version of PostgreSQL sees every relation, and each case is seen by one of them.

    A relation with one case has it on both.
    """
    found = []
    for relation in dict.fromkeys(case.relation for case in cases):
        own = [case for case in cases if case.relation == relation]
        pairs = list(zip(own, cycle(VERSIONS), strict=False)) if len(own) > 1 else list(product(own, VERSIONS))
        found += [pytest.param(case, version, id=f"{case.name}-pg{version}") for case, version in pairs]
    return found


@pytest.mark.parametrize(("case", "each_postgres"), on_versions(read_cases()), indirect=["each_postgres"])
def test_golden(case: Case, connection: psycopg.Connection) -> None:
    content = case.content
    assert content["why"], "every case says why it is there"
    for name, value in content.get("policies", {}).items():
        connection.execute("update ops.policy set value = %s where name = %s", [value, name])
    if "through" in content:
        connection.execute(
            "insert into ops.watermark (account_id, livemode, stream, through) values (%s, false, 'events', %s)",
            [ACCOUNT, instant(content["through"])],
        )
    connection.commit()
    for number, versions in enumerate(batches_of(content)):
        if number:
            apply_models(connection, SQL_ROOT)
        stage(connection, versions)
    for rows in files_of(content):
        stage_rows(connection, rows)
    apply_models(connection, SQL_ROOT)
    schema = schema_of(case.relation)
    if schema == "mart":
        refresh_marts(connection, SQL_ROOT)
    columns = [sql.Identifier(name) for name in content["expect"][0]] if content["expect"] else [sql.SQL("*")]
    query = sql.SQL("select {columns} from {relation}").format(
        columns=sql.SQL(", ").join(columns),
        relation=sql.Identifier(schema, case.relation),
    )
    found = [
        {key: comparable(value) for key, value in row.items()}
        for row in connection.cursor(row_factory=dict_row).execute(query).fetchall()
    ]
    expected = [{key: comparable(value) for key, value in row.items()} for row in content["expect"]]

    def order(row: dict[str, Any]) -> str:
        return repr([(value is None, value) for value in row.values()])

    assert sorted(found, key=order) == sorted(expected, key=order)
    connection.commit()
    assert broken_checks(connection, {"dwh", schema}) == sorted(content.get("breaks", []))


def test_every_model_and_mart_with_logic_of_its_own_has_golden_cases() -> None:
    golden = {path.stem for path in FOLDER.glob("*.yaml")}
    relations = {path.stem for folder in FOLDERS.keys() - {"staging"} for path in (SQL_ROOT / folder).glob("*.sql")}
    readings = {item.reading for item in OBJECTS}
    views = {path.stem for path in (SQL_ROOT / "staging").glob("*.sql") if "create view" in path.read_text()}
    relations |= views & readings
    assert golden <= relations
    # the calendar, the currencies, the order of events, what only views show, how fresh and whole the data is, and what
    # the Revenue page asks for and tells of runs have tests of their own
    with_tests = {
        "asked_months",
        "check_status",
        "plan_label",
        "policy",
        "reconciliation_status",
        "refresh_status",
        "date_dim",
        "currency_dim",
        "event_order_contradiction",
        "staging_view",
        "freshness",
        "gap_daily",
        "reporting_rate_daily",
    }
    assert relations - golden == with_tests
