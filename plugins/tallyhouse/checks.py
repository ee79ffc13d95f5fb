"""Runs the checks of a layer: queries that return the rows which break a rule."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from tallyhouse.errors import TallyhouseError

SAMPLE_ROWS = 20
_HEADER = re.compile(r"/\* Check: (?P<rule>.+?) Layer: (?P<layer>\w+)\.(?: Threshold: (?P<threshold>\d+)\.)? \*/")


class ChecksFailedError(TallyhouseError):
    """At least one rule does not hold."""


@dataclass(frozen=True)
class Check:
    """One file of include/sql/checks: its rule in words, its layer, and how many failing rows it tolerates."""

    name: str
    rule: str
    layer: str
    threshold: int
    query: str


@dataclass(frozen=True)
class CheckResult:
    """What one check found: failing rows, and the first rows of its answer as dictionaries."""

    check: Check
    failing_count: int
    sample: list[dict[str, Any]]

    @property
    def status(self) -> str:
        """passed; warned: rows were found, but no more than tolerated; failed."""
        if self.failing_count > self.check.threshold:
            return "failed"
        return "warned" if self.sample else "passed"

    def describe(self) -> str:
        """For a log: the rule, the count, and the first rows when there are any."""
        head = f"{self.status.upper():7} {self.check.name}: {self.check.rule} ({self.failing_count} failing)"
        return "\n".join([head, *(f"        {row}" for row in self.sample[:5])])


def read_checks(sql_root: Path) -> list[Check]:
    """All checks by name. Raises TallyhouseError when a file does not begin with its rule and layer."""
    checks = []
    for path in sorted((sql_root / "checks").glob("*.sql")):
        text = path.read_text()
        header = _HEADER.match(text)
        if not header:
            raise TallyhouseError(f"{path.name} must begin with /* Check: <rule>. Layer: <layer>. */")
        checks.append(Check(path.stem, header["rule"], header["layer"], int(header["threshold"] or 0), text))
    return checks


def run_checks(
    connection: psycopg.Connection, checks: Sequence[Check], run_id: str, run_started_at: datetime
) -> list[CheckResult]:
    """Runs them on one snapshot, writes ops.check_result, commits, and returns what they found.

    A row counts as failing unless its column is_failing says that it only informs.
    """
    results = []
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("select set_config('tallyhouse.run_started_at', %s, true)", [run_started_at.isoformat()])
        for check in checks:
            result = _run(connection, check)
            results.append(result)
            connection.execute(
                """
                insert into ops.check_result (
                    check_name, layer, run_id, status, failing_count, threshold, sample
                ) values (%s, %s, %s, %s, %s, %s, %s)
                """,
                [check.name, check.layer, run_id, result.status, result.failing_count, check.threshold,
                 Jsonb(result.sample)],
            )  # fmt: skip
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
        shown as (select to_jsonb(answer) as content from answer)
        select
            count(*) filter (where coalesce((content ->> 'is_failing')::boolean, true)),
            coalesce((select jsonb_agg(content) from (select content from shown limit {limit}) as first_rows), '[]')
        from shown
        """
    ).format(query=sql.SQL(check.query), limit=sql.Literal(SAMPLE_ROWS))
    row = connection.execute(query).fetchone()
    assert row is not None  # noqa: S101  # an aggregate always has one row
    return CheckResult(check, row[0], row[1])
