"""The kinds of things that documents lack: what names them, fetches them and tries them agrees with their registry."""

import re

import psycopg

from tallyhouse.objects import LISTED
from tallyhouse.retrieval import RETRIEVALS
from tests.conftest import SQL_ROOT
from tests.warehouse.test_golden import read_cases


def quoted(text: str) -> set[str]:
    return set(re.findall(r"'([a-z_]+)'", text))


def kinds(conninfo: str) -> dict[str, str]:
    """kind -> what it belongs to."""
    with psycopg.connect(conninfo) as connection:
        return dict(connection.execute("select kind, reading from ops.enrichment_kind").fetchall())


def test_every_kind_is_fetched_somehow_as_what_it_belongs_to(warehouse: str) -> None:
    known = kinds(warehouse)
    assert known.keys() == RETRIEVALS.keys()
    fetched = {kind: retrieval.object_name for kind, retrieval in RETRIEVALS.items() if retrieval.object_name}
    assert fetched.items() <= known.items()


def test_every_kind_is_named_by_documents_and_wanted_in_a_golden_case(warehouse: str) -> None:
    cases = [case.content for case in read_cases() if case.relation == "enrichment"]
    assert {row["kind"] for case in cases for row in case["expect"]} == kinds(warehouse).keys()


def test_only_what_a_backfill_lists_waits_for_it(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        found = connection.execute("select awaits_list_of from ops.enrichment_kind").fetchall()
    assert {name for (name,) in found if name is not None} < LISTED.keys()


def test_every_kind_of_document_that_names_something_is_read_for_it() -> None:
    naming = (SQL_ROOT / "staging" / "reference.sql").read_text()
    read = re.search(
        r"cross join \(\s+values(.*?)\) as source", (SQL_ROOT / "records/enrichment.sql").read_text(), re.S
    )
    assert read is not None
    named = re.findall(r"object_type in \((.*?)\)", naming, re.S) + re.findall(r"object_type = ('\w+')", naming)
    assert quoted(read[1]) == set().union(*map(quoted, named))


def test_what_waits_of_a_kind_that_nobody_knows_is_not_fetched(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        connection.execute(
            "insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at) "
            "select 'acct_test', false, kind, 'x', 'acct_test', now() "
            "from unnest('{charge_refunds,charge_odd}'::text[]) as kind"
        )
        assert connection.execute("select kind from ops.enrichment_open").fetchall() == [("charge_refunds",)]
