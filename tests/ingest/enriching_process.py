"""A process that works off the queue, for tests that kill it: conninfo, base URL."""

import sys

import psycopg

from tallyhouse import enrichment
from tallyhouse.client import StripeClient
from tests.ingest.scripted import KEY

if __name__ == "__main__":
    conninfo, base_url = sys.argv[1:]
    enrichment.CHUNK = 10
    client = StripeClient(KEY, api_base=base_url, requests_per_second=None)
    with psycopg.connect(conninfo) as conn:
        enrichment.fetch_wanted(conn, client, client.account(), "killed", threads=2)
