"""How much of each column is empty in the recorded objects of each API version: a report on what the readings miss."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tallyhouse.objects import OBJECTS

# In an array that is always there, an empty one tells as little as a null.
EMPTY = (None, [], {})


@dataclass(frozen=True)
class Column:
    """One column of one reading: (objects, empty ones) by API version, only versions with such objects."""

    reading: str
    name: str
    counts: Mapping[str, tuple[int, int]]

    @property
    def is_ever_filled(self) -> bool:
        """Whether some version has a value."""
        return any(empty < objects for objects, empty in self.counts.values())

    @property
    def empty_versions(self) -> list[str]:
        """The versions in which every object leaves it empty."""
        return [version for version, (objects, empty) in self.counts.items() if empty == objects]


def documents_in(value: Any) -> Iterator[dict[str, Any]]:
    """Each Stripe object in a recorded response, those nested in others too."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from documents_in(part)


def recorded_documents(fixtures: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(API version, document) of all that was recorded: objects, pages of events, and payloads of webhooks.

    What is in an event is of the version that the event names; the few payloads that name none are of their folder's.
    """
    for file in sorted(fixtures.glob("recorded-objects/*/*.json")):
        for document in documents_in(json.loads(file.read_bytes())):
            yield file.parent.name, document
    for file in sorted((*fixtures.glob("recorded-event-pages/*.json"), *fixtures.glob("webhook-payloads/*/*.json"))):
        for event in documents_in(json.loads(file.read_bytes())):
            if event["object"] == "event":
                for document in documents_in(event["data"]["object"]):
                    yield event.get("api_version") or file.parent.name, document


def read_columns(connection: psycopg.Connection, fixtures: Path) -> list[Column]:
    """Reads every recorded object with the function of its kind in schema staging."""
    counts: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    readings = {item.name: item.reading for item in OBJECTS}
    bodies: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for version, document in recorded_documents(fixtures):
        if document["object"] in readings:
            bodies.setdefault((readings[document["object"]], version), []).append(document)
    for (reading, version), documents in bodies.items():
        query = sql.SQL(
            "select document.* from jsonb_array_elements(%s) as body cross join lateral {}(body) as document"
        ).format(sql.Identifier("staging", reading))
        rows = connection.cursor(row_factory=dict_row).execute(query, [Jsonb(documents)]).fetchall()
        assert len(rows) == len(documents)
        for name in rows[0]:
            empty = sum(row[name] in EMPTY for row in rows)
            counts.setdefault((reading, name), {})[version] = (len(rows), empty)
    return [
        Column(reading, name, dict(sorted(by_version.items())))
        for (reading, name), by_version in sorted(counts.items())
    ]


def render(columns: list[Column]) -> str:
    """The report: a line for each column, the share of empty values by version; a dot where nobody recorded one."""
    versions = sorted({version for column in columns for version in column.counts})
    lines = [f"{'share of nulls':<52}" + "".join(f"{version:>18}" for version in versions)]
    for column in columns:
        shares = [
            f"{column.counts[version][1] / column.counts[version][0]:.0%}" if version in column.counts else "."
            for version in versions
        ]
        lines.append(f"{column.reading + '.' + column.name:<52}" + "".join(f"{share:>18}" for share in shares))
    return "\n".join(lines)
