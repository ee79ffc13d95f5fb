"""The ways from Stripe's API to committed raw.event that the bench compares; one run of one way per process.

`python -m bench.ways_in <way> <base_url> <conninfo>` prints {"events", "seconds", "peak_mb"} as JSON.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import psycopg
import stripe

from bench.page_server import NEWEST
from tallyhouse.client import StripeClient
from tallyhouse.ingest import stage_events
from tallyhouse.windows import Window

KEY = "sk_test_tallyhouse"
END = datetime.fromtimestamp(NEWEST + 1, UTC)
WINDOW = Window(END - timedelta(days=20), END)

_COPY = (
    "copy raw.event (account_id, livemode, event_id, type, created_at, listing_order, api_version, "
    "object_type, object_id, payload, batch_id) from stdin"
)


def ours(base_url: str, conn: psycopg.Connection) -> int:
    """The library: retries, validation, duplicates, order, rejects, ledger and watermark included."""
    client = StripeClient(KEY, api_base=base_url, requests_per_second=None)
    return stage_events(conn, client, client.account(), WINDOW, "bench").new_count


def plain_http(base_url: str, conn: psycopg.Connection) -> int:
    """What one writes without a library: httpx, orjson and COPY, and nothing checked."""
    params = {**WINDOW.created_params, "limit": "100"}
    headers = {"Authorization": f"Bearer {KEY}"}
    count = 0
    with (
        httpx.Client(base_url=base_url, headers=headers) as http,
        conn.transaction(),
        conn.cursor() as cursor,
        cursor.copy(_COPY) as copy,
    ):
        while True:
            page = orjson.loads(http.get("/v1/events", params=params).content)
            for event in page["data"]:
                copy.write_row(_row(event, orjson.dumps(event)))
            count += len(page["data"])
            if not page["has_more"]:
                return count
            params["starting_after"] = page["data"][-1]["id"]


def sdk_objects(base_url: str, conn: psycopg.Connection) -> int:
    """The SDK's object layer: auto_paging_iter, and its objects back to JSON; then the same COPY."""
    client = stripe.StripeClient(KEY, base_addresses={"api": base_url})
    start, end = (int(at.timestamp()) for at in (WINDOW.start, WINDOW.end))
    listing = client.v1.events.list({"limit": 100, "created": {"gte": start, "lt": end}})
    count = 0
    with conn.transaction(), conn.cursor() as cursor, cursor.copy(_COPY) as copy:
        for event in listing.auto_paging_iter():
            value = event.to_dict()
            copy.write_row(_row(value, orjson.dumps(value, default=str)))
            count += 1
    return count


def _row(event: Mapping[str, Any], payload: bytes) -> tuple[Any, ...]:
    document = event["data"]["object"]
    created = datetime.fromtimestamp(event["created"], UTC)
    return (
        "acct_bench",
        False,
        event["id"],
        event["type"],
        created,
        0,
        event["api_version"],
        document["object"],
        document["id"],
        payload.decode(),
        0,
    )


WAYS: dict[str, Callable[[str, psycopg.Connection], int]] = {
    "ours": ours,
    "plain_http": plain_http,
    "sdk_objects": sdk_objects,
}


def main() -> None:
    """Empties raw.event, runs one way, and prints what it took."""
    way, base_url, conninfo = sys.argv[1:]
    with psycopg.connect(conninfo) as conn:
        with conn.transaction():
            conn.execute("truncate raw.event, ops.batch, ops.watermark")
            conn.execute("select ops.ensure_event_partitions(%s, %s)", [WINDOW.start, WINDOW.end])
        began = time.perf_counter()
        events = WAYS[way](base_url, conn)
        seconds = time.perf_counter() - began
    # Linux counts in KiB, macOS in bytes.
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    print(json.dumps({"events": events, "seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
