"""A process that stages one window, for tests that kill it: conninfo, base URL, start, end."""

import sys

import psycopg

from tallyhouse import event_staging
from tallyhouse.client import StripeClient
from tallyhouse.ingest import stage_events
from tallyhouse.windows import Window
from tests.ingest.scripted import KEY

if __name__ == "__main__":
    conninfo, base_url, start, end = sys.argv[1:]
    event_staging.CHUNK_ROWS = 50
    client = StripeClient(KEY, api_base=base_url, requests_per_second=None)
    with psycopg.connect(conninfo) as conn:
        stage_events(conn, client, client.account(), Window.from_dict({"start": start, "end": end}), "killed")
