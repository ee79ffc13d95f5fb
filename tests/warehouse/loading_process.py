"""What a process does that tests kill: it applies what is pending."""

from collections.abc import Sequence

import psycopg

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models
from tests.warehouse.raw_rows import SQL_ROOT

APPLICATION_NAME = "tallyhouse-loading"


def load(conninfo: str, names: Sequence[str]) -> None:
    """Applies the models of these names."""
    with psycopg.connect(conninfo, application_name=APPLICATION_NAME) as connection:
        apply_models(connection, SQL_ROOT, [model for model in MODELS if model.name in names])
