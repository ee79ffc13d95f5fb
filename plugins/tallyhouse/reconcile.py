"""Lists from Stripe again, compares with the warehouse, keeps each difference, and stages what Stripe told."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg

from tallyhouse import ledger
from tallyhouse.balance_sums import differing_sums
from tallyhouse.client import Account, StripeClient
from tallyhouse.comparison import DELETED, LATER_THAN_LAG, UNEXPLAINED, Compared, Comparison, Difference, classify
from tallyhouse.errors import ObjectMissingError, ReconciliationError, TallyhouseError
from tallyhouse.object_staging import ObjectStager
from tallyhouse.objects import LISTED
from tallyhouse.pages import EventReader, EventRow, ObjectReader, Page, Reject
from tallyhouse.questions import COMPARED, DELETABLE, FIRST_SECOND, Question
from tallyhouse.report import Tally
from tallyhouse.windows import Window, floor_second

log = logging.getLogger(__name__)

SOURCE = "reconcile"

_TEMPORARY = """
create temporary table asked (
    account_id text, livemode boolean, status text, created_from timestamptz, created_to timestamptz
) on commit drop;
create temporary table listed (
    account_id text,
    livemode boolean,
    object_type text,
    object_id text,
    observed_at timestamptz,
    payload jsonb,
    batch_id bigint,
    primary key (account_id, livemode, object_type, object_id, observed_at)
) on commit drop;
"""
# A row that a list shows on two pages counts as it was the second time.
_KEEP_NEWEST = """
delete from listed as earlier
using listed as later
where earlier.object_id = later.object_id and earlier.observed_at < later.observed_at
"""
_HEAL = """
insert into raw.object (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
select
    account_id, livemode, object_type, object_id,
    ops.next_observation(account_id, livemode, object_type, object_id, observed_at), payload, batch_id
from listed
where object_id = any(%s)
on conflict (account_id, livemode, object_type, object_id, observed_at) do nothing
"""


@dataclass(frozen=True)
class Answer:
    """What one comparison found, for the log and the run's page."""

    question: str
    listed: int
    held: int
    reasons: dict[str, int] = field(default_factory=dict)

    def describe(self) -> str:
        """One line."""
        found = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.reasons.items())) or "no difference"
        return f"{self.question}: {self.listed:,} listed, {self.held:,} held: {found}"


def compare(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    question: Question,
    sql_root: Path,
    run_id: str,
) -> Answer:
    """Asks one question, and commits what it found: the differences, and what Stripe told of these objects.

    What a list lacks although the warehouse has it is asked for by its id. TallyhouseError when no events were
    read yet; else errors as of StripeClient.pages, and nothing is kept.
    """
    ledger.require_idle(conn)
    comparison = Comparison.read(sql_root, question.object_name, COMPARED[question.object_name])
    tally = Tally()
    window = question.window or Window(FIRST_SECOND, floor_second(account.clock))
    with conn.transaction():
        # A throttled listing leaves the transaction idle for minutes, which some servers end sooner.
        conn.execute("set local idle_in_transaction_session_timeout = 0")
        through = ledger.read_watermark(conn, account)
        if through is None:
            raise TallyhouseError(
                f"No events of {account.account_id} were read yet: run stripe_events and stripe_backfill first."
            )
        batch_id = ledger.open_batch(conn, account, SOURCE, question.object_name, window, run_id)
        conn.execute(_TEMPORARY)
        conn.execute(
            "insert into asked values (%s, %s, %s, %s, %s)",
            [
                account.account_id,
                account.livemode,
                question.status,
                question.window and question.window.start,
                question.window and question.window.end,
            ],
        )
        stager = ObjectStager(conn, account, f"list:{question.object_name}", batch_id, tally, into="listed")
        with closing(client.pages(question.path, question.params, ObjectReader(question.window))) as pages:
            for page in pages:
                stager.add(page)
        stager.flush()
        in_flight = _in_flight(conn, client, account, question.object_name, through)
        compared, gone = _differing(conn, client, comparison, stager, question)
        rows = [row for row in compared.rows if not row.is_ahead]
        found = _confirmed(conn, comparison, classify(conn, comparison, account, rows, in_flight, gone))
        # healed by another question of this run, it waits to be loaded
        told = _told(conn, account, question.object_name, run_id)
        differences = [each for each in found if each.reason != LATER_THAN_LAG or each.object_id not in told]
        if question.object_name == "balance_transaction":
            differences += differing_sums(conn, found)
        # a stub of what has no deletion in its table could not be loaded
        is_deletable = question.object_name in DELETABLE
        healed = [each.object_id for each in differences if each.reason != DELETED or is_deletable]
        tally.new = conn.execute(_HEAL, [healed]).rowcount
        is_empty = not (tally.new or tally.rejected)
        if is_empty:
            # nothing for the warehouse to load
            ledger.drop_batch(conn, batch_id)
        else:
            ledger.close_batch(conn, batch_id, tally, {})
        batch = None if is_empty else batch_id
        answer = _keep(conn, account, question, run_id, batch, through, compared, differences)
    log.info("%s", answer.describe())
    for difference in differences:
        log.warning("%s %s", question.object_name, difference.describe())
    return answer


def count_reasons(answers: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many differences there were for each reason, over all answers (as dicts)."""
    return dict(sum((Counter(answer["reasons"]) for answer in answers), Counter()))


def report_unexplained(conn: psycopg.Connection) -> None:
    """Raises ReconciliationError when differences nobody can explain were found and not reported; marks them first."""
    ledger.require_idle(conn)
    with conn.transaction():
        found = conn.execute(
            "update ops.reconciliation set reported_at = clock_timestamp() "
            "where reason = %s and reported_at is null returning object_type, object_id, difference::text",
            [UNEXPLAINED],
        ).fetchall()
    if found:
        raise ReconciliationError(found)


def _told(conn: psycopg.Connection, account: Account, object_name: str, run_id: str) -> set[str]:
    """The objects of this kind of which the run has told already: two lists may show the same one."""
    found = conn.execute(
        "select told.object_id from ops.reconciliation as told inner join ops.reconciled_slice as slice "
        "on told.reconciled_slice_id = slice.reconciled_slice_id where slice.run_id = %s "
        "and told.account_id = %s and told.livemode = %s and told.object_type = %s",
        [run_id, account.account_id, account.livemode, object_name],
    )
    return {object_id for (object_id,) in found}


def _confirmed(conn: psycopg.Connection, comparison: Comparison, differences: list[Difference]) -> list[Difference]:
    """Without those that nothing explains but a load that committed while they were looked at."""
    if not any(each.reason == UNEXPLAINED for each in differences):
        return differences
    still = {row.object_id for row in comparison.run(conn).rows}
    return [each for each in differences if each.reason != UNEXPLAINED or each.object_id in still]


def _in_flight(
    conn: psycopg.Connection, client: StripeClient, account: Account, object_name: str, through: datetime
) -> set[str]:
    """The objects that changed after what the warehouse has read, by events or polled lists: they may well differ."""
    if not LISTED[object_name].has_events:
        polled = ledger.read_watermark(conn, account, f"list:{object_name}") or FIRST_SECOND
        newer = conn.execute(
            "select object_id from listed where (payload ->> 'created')::bigint >= extract(epoch from %s)", [polled]
        ).fetchall()
        return {object_id for (object_id,) in newer}
    start = floor_second(through)
    ahead = Window(start, max(start, floor_second(client.server_time())) + timedelta(days=1))
    ids: set[str] = set()
    with closing(client.pages("/v1/events", ahead.created_params, EventReader(ahead))) as pages:
        for page in pages:
            for row in page.rows:
                if not isinstance(row, Reject):
                    event: EventRow = row  # type: ignore[assignment]  # pages of events hold nothing else
                    if event[4] == object_name and event[5] is not None:
                        ids.add(event[5])
    return ids


def _differing(
    conn: psycopg.Connection,
    client: StripeClient,
    comparison: Comparison,
    stager: ObjectStager,
    question: Question,
) -> tuple[Compared, set[str]]:
    """The comparison, after what the list lacks was asked for one by one; and what of that Stripe no longer has."""
    conn.execute(_KEEP_NEWEST)
    conn.execute("analyze listed")
    compared = comparison.run(conn)
    missing = [row.object_id for row in compared.rows if row.listed is None]
    for done, object_id in enumerate(missing, start=1):
        stager.add(_ask(client, question, object_id))
        if done % 100 == 0:
            log.info("%s: asked for %d of %d objects that the list lacks", question, done, len(missing))
    if missing:
        stager.flush()
        conn.execute(_KEEP_NEWEST)
        compared = comparison.run(conn)
    gone = conn.execute("select object_id from listed where payload @> '{\"deleted\": true}'").fetchall()
    return compared, {object_id for (object_id,) in gone}


def _ask(client: StripeClient, question: Question, object_id: str) -> Page:
    """One object as a page of its own; what Stripe no longer has is the stub that says so."""
    path = f"{question.path}/{object_id}"
    try:
        fetched = client.retrieve(path, {})
    except ObjectMissingError:
        stub = {"id": object_id, "object": question.object_name, "deleted": True}
        return Page([(question.object_name, object_id, None, orjson.dumps(stub))], 0, client.server_time())
    row = ObjectReader()(fetched.value.value, fetched.value.text)
    if isinstance(row, str):
        raise TallyhouseError(f"GET {path}: {row}. Nothing of {question} is kept; run it again.")
    return Page([row], fetched.byte_count, fetched.observed_at, fetched.call_count, fetched.throttled_count)


def _keep(
    conn: psycopg.Connection,
    account: Account,
    question: Question,
    run_id: str,
    batch_id: int | None,
    through: datetime,
    compared: Compared,
    differences: list[Difference],
) -> Answer:
    """Writes what was compared and what differed."""
    slice_row = conn.execute(
        "insert into ops.reconciled_slice (account_id, livemode, object_type, status, is_older, created_from, "
        "created_to, run_id, batch_id, listed_count, held_count, difference_count, data_through) "
        "values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) returning reconciled_slice_id",
        [
            account.account_id,
            account.livemode,
            question.object_name,
            question.status,
            question.is_older,
            question.window and question.window.start,
            question.window and question.window.end,
            run_id,
            batch_id,
            compared.listed,
            compared.held,
            len(differences),
            through,
        ],
    ).fetchone()
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into ops.reconciliation (reconciled_slice_id, account_id, livemode, object_type, object_id, "
            "reason, difference, observed_at) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                [
                    slice_row[0] if slice_row else None,
                    account.account_id,
                    account.livemode,
                    question.object_name,
                    difference.object_id,
                    difference.reason,
                    difference.as_json,
                    difference.observed_at,
                ]
                for difference in differences
            ],
        )
    reasons = Counter(difference.reason for difference in differences)
    return Answer(str(question), compared.listed, compared.held, dict(reasons))
