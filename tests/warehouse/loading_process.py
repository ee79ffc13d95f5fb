"""A process that applies what is pending, for tests that kill it: connection string, then models (default: all)."""

import sys

import psycopg

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT

APPLICATION_NAME = "tallyhouse-loading"

if __name__ == "__main__":
    conninfo, *names = sys.argv[1:]
    with psycopg.connect(conninfo, application_name=APPLICATION_NAME) as connection:
        apply_models(connection, SQL_ROOT, [model for model in MODELS if model.name in names or not names])
