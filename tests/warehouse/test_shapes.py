"""Every shape that moved since 2014: an old body and a new one of the same object give the same row.

A case in shapes/<since>_<what>.yaml: `since` (API version or year), `why` (what moved from where to where),
`bodies` (name of the shape -> its documents, each one body, or {event, at, body}), `relation`, and `expect`, the
rows that each of the shapes must give, in the columns that they name. Each shape is loaded as an account of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql
from psycopg.rows import dict_row

from tallyhouse.warehouse import apply_models
from tests.conftest import PostgresServer
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage
from tests.warehouse.test_golden import comparable, instant, schema_of, with_epochs

FOLDER = Path(__file__).parent / "shapes"
AT = moment("2026-11-01T00:00:00")
# Where the name of an event does not begin with that of its object.
PREFIXES = {
    "card": "customer.source",
    "discount": "customer.discount",
    "dispute": "charge.dispute",
    "subscription": "customer.subscription",
}


@dataclass(frozen=True)
class Case:
    """One row of the table of shapes that moved, or a part of it, for one relation."""

    name: str
    content: dict[str, Any]


CASES = [Case(path.stem, yaml.safe_load(path.read_text())) for path in sorted(FOLDER.glob("*.yaml"))]


def versions_of(documents: list[dict[str, Any]], account: str) -> list[Version]:
    versions = []
    for place, entry in enumerate(documents):
        body = with_epochs(entry.get("body", entry))
        kind = body["object"]
        event = entry.get("event", f"{PREFIXES.get(kind, kind)}.updated")
        at = instant(entry["at"]) if "at" in entry else AT
        versions.append(Version(at, None if event == "listed" else event, body, place, account_id=account))
    return versions


def account_of(case: Case, shape: str) -> str:
    return f"acct_{case.name}_{shape}"


@pytest.fixture(scope="module", params=[16, 18], ids=["pg16", "pg18"])
def loaded(request: pytest.FixtureRequest, postgres_servers: Any) -> Iterator[psycopg.Connection]:
    """A warehouse with all shapes of all cases, each as an account of its own."""
    server: PostgresServer = postgres_servers(request.param)
    conninfo = server.create_warehouse()
    with psycopg.connect(conninfo) as connection:
        shapes = [(case, shape) for case in CASES for shape in case.content["bodies"]]
        stage(
            connection,
            [
                version
                for case, shape in shapes
                for version in versions_of(case.content["bodies"][shape], account_of(case, shape))
            ],
        )
        apply_models(connection, SQL_ROOT)
        yield connection
    server.drop_database(conninfo)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_old_and_new_shape_give_one_row(case: Case, loaded: psycopg.Connection) -> None:
    content = case.content
    assert content["why"]
    assert content["since"]
    assert len(content["bodies"]) >= 2
    assert content["expect"]
    expected = [{key: comparable(value) for key, value in row.items()} for row in content["expect"]]
    # what a document shows, and not the past that is concluded from it
    query = sql.SQL(
        "select {columns} from {relation} as shown where account_id = %s "
        "and to_jsonb(shown) ->> 'is_reconstructed' is distinct from 'true' order by {columns}"
    ).format(
        columns=sql.SQL(", ").join(map(sql.Identifier, content["expect"][0])),
        relation=sql.Identifier(schema_of(content["relation"]), content["relation"]),
    )
    with loaded.transaction():
        found = {
            shape: [
                {key: comparable(value) for key, value in row.items()}
                for row in loaded.cursor(row_factory=dict_row).execute(query, [account_of(case, shape)]).fetchall()
            ]
            for shape in content["bodies"]
        }
    assert found == dict.fromkeys(content["bodies"], expected)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_shapes_of_a_case_differ(case: Case) -> None:
    shapes = [str(documents) for documents in case.content["bodies"].values()]
    assert len(set(shapes)) == len(shapes)


def test_nothing_recorded_here_is_rejected(loaded: psycopg.Connection) -> None:
    with loaded.transaction():
        assert loaded.execute("select row_key, reason from raw.rejected").fetchall() == []
