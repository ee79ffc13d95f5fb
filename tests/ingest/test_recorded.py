"""Recorded Stripe data stages without a reject: event pages, webhook payloads, and objects put into events.

The recorder set many `created` anew, so a page need not be sorted, and the window is as wide as the fixtures.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse.client import Account, StripeClient
from tallyhouse.ingest import stage_events
from tallyhouse.report import BatchReport
from tallyhouse.windows import Window
from tests.ingest.conftest import HOUR
from tests.ingest.scripted import Row, Scripted, ScriptedStripe, event

# Payloads that were cut down by hand to less than an event, with what is missing.
INCOMPLETE = {
    "account.application.deauthorized.json": "data.object needs object, a string of 1 to 255 characters",
    "account.updated.json": "data.object needs object, a string of 1 to 255 characters",
    "custom.account.updated.json": "an event needs type, a string of 1 to 255 characters",
}
START = datetime.fromtimestamp(HOUR, UTC)


def fetch(conn: psycopg.Connection, query: str) -> list[tuple[Any, ...]]:
    with conn.transaction():
        return conn.execute(query).fetchall()


def stage_rows(
    rows: list[Row], stripe: ScriptedStripe, client: StripeClient, account: Account, conn: psycopg.Connection
) -> BatchReport:
    """Stages rows as one listing, newest first."""
    rows.sort(key=lambda row: row.created, reverse=True)
    stripe.rows["/v1/events"] = rows
    window = Window(datetime.fromtimestamp(rows[-1].created, UTC), datetime.fromtimestamp(rows[0].created + 1, UTC))
    return stage_events(conn, client, account, window, "recorded")


def test_all_recorded_pages_are_staged_whole(
    fixtures_folder: Path,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
) -> None:
    files = sorted((fixtures_folder / "recorded-event-pages").glob("*.json"))
    assert len(files) == 90
    seen: dict[tuple[str, int], Any] = {}
    for file in files:
        page = json.loads(file.read_bytes())
        for row in page["data"]:
            seen[(row["id"], row["created"])] = row
    oldest, newest = min(created for _, created in seen), max(created for _, created in seen)
    start, end = datetime.fromtimestamp(oldest, UTC), datetime.fromtimestamp(newest + 1, UTC)
    for file in files:
        body = file.read_bytes()
        # Each file is the whole listing: what it calls the next page was recorded elsewhere, or not at all.
        page = json.loads(body)
        page["has_more"] = False
        stripe.script = [Scripted(body=json.dumps(page).encode())]
        report = stage_events(conn, client, account, Window(start, end), file.name)
        assert (report.row_count, report.rejected_count) == (len(page["data"]), 0), (
            file.name,
            report.rejected,
        )
    stored = fetch(conn, "select event_id, extract(epoch from created_at)::bigint from raw.event")
    assert set(stored) == set(seen)
    assert fetch(conn, "select count(*) from raw.rejected") == [(0,)]


@pytest.mark.parametrize("version", ["2020-08-27", "2015-10-01"])
def test_all_webhook_payloads_are_staged(
    version: str,
    fixtures_folder: Path,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
) -> None:
    files = sorted((fixtures_folder / "webhook-payloads" / version).glob("*.json"))
    rows = []
    names = {}
    for number, file in enumerate(files):
        value = json.loads(file.read_bytes())
        value = value[0] if isinstance(value, list) else value
        # Their ids are zeroed, and their times are years apart.
        value |= {"id": f"evt_{number:04}", "created": HOUR + number // 4}
        names[value["id"]] = file.name
        rows.append(Row(value["id"], value["created"], json.dumps(value).encode()))
    report = stage_rows(rows, stripe, client, account, conn)
    refused = INCOMPLETE if version == "2020-08-27" else {}
    assert {names[row_key]: reason for row_key, reason in report.rejected} == refused
    assert report.new_count == len(files) - len(refused)
    assert report.unknown == {}


def recorded_objects(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Each recorded object, those inside recorded lists too."""
    for file in sorted(folder.rglob("*.json")):
        value = json.loads(file.read_bytes())
        for item in value["data"] if value.get("object") == "list" else [value]:
            yield file, item


def test_all_recorded_objects_are_staged_when_wrapped_into_events(
    fixtures_folder: Path,
    stripe: ScriptedStripe,
    client: StripeClient,
    account: Account,
    conn: psycopg.Connection,
) -> None:
    objects = list(recorded_objects(fixtures_folder / "recorded-objects"))
    rows = [
        event(
            f"evt_{number:04}",
            HOUR + number // 5,
            type=f"{item['object']}.updated",
            object=item,
            api_version=file.parent.name,
        )
        for number, (file, item) in enumerate(objects)
    ]
    report = stage_rows(rows, stripe, client, account, conn)
    assert (report.new_count, report.rejected) == (len(objects), [])
    # Their types are made up, but their fields are real, and all known.
    assert report.unknown.get("fields", {}) == {}
