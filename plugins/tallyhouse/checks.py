"""Runs the checks of a layer: queries that return the rows which break a rule."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tallyhouse import locks
from tallyhouse.errors import TallyhouseError
from tallyhouse.objects import MODELS
from tallyhouse.rows import only_row
from tallyhouse.warehouse import read_load_state

SAMPLE_ROWS = 20
_HEADER = re.compile(r"/\* Check: (?P<rule>.+?)\.? Layer: (?P<layer>\w+)\. \*/")


class ChecksFailedError(TallyhouseError):
    """At least one rule does not hold."""


class OvertakenError(TallyhouseError):
    """What was to be checked is of two states, since a load went on meanwhile."""


@dataclass(frozen=True)
class Check:
    """One file of include/sql/checks: its rule in words, the layer it is run after, and its query.

    The query returns the rows that break the rule. A row that stands for several has their number in `failing`,
    and in `allowed` how many of them are tolerated; without these columns it is one, and none is.
    """

    name: str
    rule: str
    layer: str
    query: str


@dataclass(frozen=True)
class CheckResult:
    """What one check found, summed over its rows; `is_broken`: at least one row exceeds what it allows."""

    check: Check
    failing: int
    allowed: int
    is_broken: bool
    sample: list[dict[str, Any]]

    @property
    def status(self) -> str:
        """passed; warned: rows were found, but none exceeds what is allowed; failed."""
        if self.is_broken:
            return "failed"
        return "warned" if self.sample else "passed"

    def describe(self) -> str:
        """For a log: the rule, the count, and the first rows when there are any."""
        count = f"{self.failing} found, {self.allowed} allowed"
        head = f"{self.status.upper():7} {self.check.name}: {self.check.rule} ({count})"
        return "\n".join([head, *(f"        {row}" for row in self.sample[:5])])


def read_checks(sql_root: Path) -> list[Check]:
    """All checks by name. Raises TallyhouseError when a file does not begin with its rule and layer."""
    checks = []
    for path in sorted((sql_root / "checks").glob("*.sql")):
        text = path.read_text()
        header = _HEADER.match(text)
        if not header:
            raise TallyhouseError(f"{path.name} must begin with /* Check: <rule>. Layer: <layer>. */")
        checks.append(Check(path.stem, header["rule"], header["layer"], text))
    return checks


def run_checks(
    connection: psycopg.Connection, checks: Sequence[Check], run_id: str, mark: str | None = None
) -> list[CheckResult]:
    """Runs them on one snapshot, writes ops.check_result, commits, and returns what they found.

    `mark`: the one that the load state must have (`LoadState.mark`); OvertakenError, before any check, when it has
    another by now. Without it, a load of somebody else beside the DAG's (`warehouse.load_alone`) is waited for.
    """
    results = []
    # A run that has loaded is not overtaken by what another loads beside it: that ends first, then there is one state.
    alone = locks.held(connection, [locks.RELEASE]) if mark is None else nullcontext()
    with alone, connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        if mark is not None and read_load_state(connection).mark != mark:
            raise OvertakenError("A load has begun since this run did: the run that follows that load checks it.")
        models = ",".join(model.name for model in MODELS)
        connection.execute("select set_config('tallyhouse.models', %s, true)", [models])
        for check in checks:
            result = _run(connection, check)
            results.append(result)
            connection.execute(
                """
                insert into ops.check_result (
                    check_name, layer, run_id, status, failing_count, threshold, sample
                ) values (%s, %s, %s, %s, %s, %s, %s)
                """,
                [check.name, check.layer, run_id, result.status, result.failing, result.allowed, Jsonb(result.sample)],
            )
    return results


def require_passed(results: Sequence[CheckResult]) -> None:
    """Raises ChecksFailedError that names every failed check, with its first failing rows."""
    failed = [result for result in results if result.status == "failed"]
    if failed:
        details = "\n".join(result.describe() for result in failed)
        raise ChecksFailedError(
            f"{len(failed)} of {len(results)} checks failed. The rows are in ops.check_result; nothing was "
            f"rolled back. Mend the cause and clear this task, or run the DAG again.\n{details}"
        )


def _run(connection: psycopg.Connection, check: Check) -> CheckResult:
    query = sql.SQL(
        """
        with answer as materialized ({query}),
        counted as (
            select
                to_jsonb(answer) as content,
                coalesce((to_jsonb(answer) ->> 'failing')::bigint, 1) as failing,
                coalesce((to_jsonb(answer) ->> 'allowed')::bigint, 0) as allowed
            from answer
        )
        select
            coalesce(sum(failing), 0)::bigint,
            coalesce(sum(allowed), 0)::bigint,
            coalesce(bool_or(failing > allowed), false),
            coalesce((select jsonb_agg(content) from (select content from counted limit {limit}) as first_rows), '[]')
        from counted
        """
    ).format(query=sql.SQL(check.query), limit=sql.Literal(SAMPLE_ROWS))
    row = only_row(connection, query)
    return CheckResult(check, *row)
