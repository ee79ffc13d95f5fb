"""What was compared and what differed, in ops.reconciled_slice and ops.reconciliation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from tallyhouse.client import Account
from tallyhouse.comparison import Compared
from tallyhouse.differences import Difference
from tallyhouse.questions import Question

Key = tuple[str, str | None, str | None, datetime | None, datetime | None]
"""Which list it was, within its account and run: kind, status, scope, created from and to."""


@dataclass(frozen=True)
class Answer:
    """What one comparison, or several of one kind, found, for the log and the run's page."""

    question: str
    listed: int
    held: int
    reasons: dict[str, int] = field(default_factory=dict)

    def describe(self) -> str:
        """One line."""
        found = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.reasons.items())) or "no difference"
        return f"{self.question}: {self.listed:,} listed, {self.held:,} held: {found}"


def describe_all(answers: Sequence[Answer], object_name: str) -> str:
    """Several comparisons of one kind in one line."""
    if len(answers) == 1:
        return answers[0].describe()
    reasons = sum((Counter(answer.reasons) for answer in answers), Counter[str]())
    listed, held = sum(answer.listed for answer in answers), sum(answer.held for answer in answers)
    return Answer(f"{object_name}, {len(answers)} lists", listed, held, dict(reasons)).describe()


def count_reasons(conn: psycopg.Connection, run_id: str) -> dict[str, int]:
    """How many differences a run found for each reason."""
    with conn.transaction():
        return dict(
            conn.execute(
                "select reason, count(*) from ops.reconciliation as r inner join ops.reconciled_slice as s "
                "on r.reconciled_slice_id = s.reconciled_slice_id where s.run_id = %s group by reason order by reason",
                [run_id],
            ).fetchall()
        )


def key_of(question: Question) -> Key:
    """How `read_answers` names a question."""
    window = question.window
    return (
        question.object_name,
        question.status,
        question.scope,
        window.start if window else None,
        window.end if window else None,
    )


def read_answers(conn: psycopg.Connection, account: Account, run_id: str) -> Mapping[Key, Answer]:
    """What a run has compared of an account so far."""
    with conn.transaction():
        found = conn.execute(
            "select s.object_type, s.status, s.scope, s.created_from, s.created_to, s.listed_count, s.held_count, "
            "coalesce((select jsonb_object_agg(counted.reason, counted.differences) from ("
            "select r.reason, count(*) as differences from ops.reconciliation as r "
            "where r.reconciled_slice_id = s.reconciled_slice_id group by r.reason) as counted), '{}') "
            "from ops.reconciled_slice as s where s.run_id = %s and s.account_id = %s and s.livemode = %s",
            [run_id, account.account_id, account.livemode],
        ).fetchall()
    return {tuple(row[:5]): Answer(" ".join(filter(None, row[:3])), *row[5:]) for row in found}


def told_objects(conn: psycopg.Connection, account: Account, object_name: str, run_id: str) -> set[str]:
    """The objects of this kind of which the run has told already: two lists may show the same one."""
    found = conn.execute(
        "select told.object_id from ops.reconciliation as told inner join ops.reconciled_slice as slice "
        "on told.reconciled_slice_id = slice.reconciled_slice_id where slice.run_id = %s "
        "and told.account_id = %s and told.livemode = %s and told.object_type = %s",
        [run_id, account.account_id, account.livemode, object_name],
    )
    return {object_id for (object_id,) in found}


def keep(
    conn: psycopg.Connection,
    account: Account,
    question: Question,
    run_id: str,
    batch_id: int | None,
    through: datetime,
    compared: Compared,
    differences: Sequence[Difference],
) -> Answer:
    """Writes what was compared and what differed, in the caller's transaction."""
    owner = [account.account_id, account.livemode, question.object_name]
    window, stretch = question.window, question.stretch
    slice_row = conn.execute(
        "insert into ops.reconciled_slice (account_id, livemode, object_type, status, scope, is_older, created_from, "
        "created_to, stretch_from, stretch_to, run_id, batch_id, listed_count, held_count, difference_count, "
        "data_through) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "returning reconciled_slice_id",
        [
            *owner,
            question.status,
            question.scope,
            question.is_older,
            window and window.start,
            window and window.end,
            stretch and stretch.start,
            stretch and stretch.end,
            run_id,
            batch_id,
            compared.listed,
            compared.held,
            len(differences),
            through,
        ],
    ).fetchone()
    rows: list[list[Any]] = [
        [slice_row and slice_row[0], *owner, each.object_id, each.reason, each.as_json, each.observed_at]
        for each in differences
    ]
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.reconciliation (reconciled_slice_id, account_id, livemode, object_type, object_id, "
            "reason, difference, observed_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )
    reasons = Counter(difference.reason for difference in differences)
    return Answer(str(question), compared.listed, compared.held, dict(reasons))
