"""Which tables each model and materialized view reads, from the SQL files themselves: lineage that cannot go stale."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tallyhouse.migrations import read_repeatables
from tallyhouse.objects import MODELS

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*|comment on .*?';", re.DOTALL)
_REFERENCE = re.compile(r"\b(raw|staging|dwh|mart|ops)\.([a-z_0-9]+)")

# How every model and refresh begins and ends: what these ask of the books and of erasures is no input of its rows.
_FRAME = {"ops.begin_model", "ops.end_model", "ops.begin_refresh"}


@cache
def inputs_by_relation(sql_root: Path) -> Mapping[str, list[str]]:
    """Model or materialized view (`dwh.charge_fact`) -> tables and materialized views that its rows come from.

    Views and functions between them are looked through; the pipeline's own books in ops are left out.
    """
    files = read_repeatables(sql_root)
    through = {f"{file.schema}.{file.relation}": _references(file.text) for file in files if not file.is_materialized}
    made = {model.relation: (sql_root / model.sql_file).read_text() for model in MODELS}
    made |= {f"{file.schema}.{file.relation}": file.text for file in files if file.is_materialized}
    ends = made.keys() | _raw_tables(sql_root)
    return {
        relation: sorted(found - {relation})
        for relation, text in made.items()
        for found in [_reached(_references(text), through, ends)]
    }


def _reached(start: set[str], through: Mapping[str, set[str]], ends: set[str]) -> set[str]:
    """The ends that are named, or named by what is named."""
    seen: set[str] = set()
    waiting = list(start - _FRAME)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += through.get(name, set()) - _FRAME if name not in ends else set()
    return {name for name in seen & ends if not name.startswith("ops.")}


def _references(text: str) -> set[str]:
    return {f"{schema}.{name}" for schema, name in _REFERENCE.findall(_COMMENT.sub(" ", text))}


def _raw_tables(sql_root: Path) -> set[str]:
    made = re.compile(r"create table (raw\.[a-z_]+) \(")
    return {name for path in (sql_root / "migrations").glob("*.sql") for name in made.findall(path.read_text())}
