"""A process that lists a share of a planned backfill, for tests that kill it: conninfo, base URL, run."""

import sys

import psycopg

from tallyhouse.backfill import stage_share
from tallyhouse.client import StripeClient
from tests.ingest.scripted import KEY

if __name__ == "__main__":
    conninfo, base_url, run_id = sys.argv[1:]
    client = StripeClient(KEY, api_base=base_url, requests_per_second=None)
    stage_share(lambda: psycopg.connect(conninfo), client, client.account(), run_id, 0, streams=2)
