"""The marts against the company's own books, to the cent and the customer, per currency and month."""

from datetime import datetime

import httpx
import psycopg
import pytest

from tallyhouse.rebuild import rebuild
from tests.conftest import SQL_ROOT
from tests.end_to_end.books import CHURNED, assert_marts_equal_books, rows
from tests.end_to_end.conftest import FOUNDED
from tests.end_to_end.pipeline import Pipeline


@pytest.mark.parametrize("events_first", [True, False], ids=["events first", "backfill first"])
def test_marts_equal_the_books_now_and_as_time_goes_on(warehouse: str, company_url: str, events_first: bool) -> None:
    pipeline = Pipeline(warehouse, company_url)
    founded = datetime.fromisoformat(FOUNDED)
    if events_first:
        pipeline.events()
        pipeline.backfill(founded)
    else:
        pipeline.backfill(founded)
        pipeline.events()
    pipeline.load()
    assert_marts_equal_books(pipeline)
    assert len(rows(warehouse, CHURNED, [pipeline.account().account_id])) > 20

    # time goes on, and events alone must carry it
    for days in (1, 25):
        httpx.post(f"{company_url}/_sim/clock", json={"advance_seconds": days * 86_400}).raise_for_status()
        pipeline.events()
        pipeline.load()
        assert_marts_equal_books(pipeline, until=pipeline.watermark())

    # and all of it follows from raw
    with psycopg.connect(warehouse) as connection:
        assert [change.describe() for change in rebuild(connection, SQL_ROOT) if change.removed or change.added] == []
