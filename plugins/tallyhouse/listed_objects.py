"""What Stripe tells of one question of a comparison, in the temporary table `listed` of the session.

No transaction is open while Stripe is asked: the rows are written in chunks, and the table outlives them.
"""

import logging
from contextlib import closing

import psycopg

from tallyhouse import ledger
from tallyhouse.asking import CHUNK, Asker
from tallyhouse.backfill import names_nothing
from tallyhouse.client import Account, StripeClient
from tallyhouse.comparison import Seen
from tallyhouse.errors import BadRequestError, ObjectMissingError
from tallyhouse.object_staging import ObjectStager
from tallyhouse.pages import ObjectReader, Page, Reject
from tallyhouse.questions import Question
from tallyhouse.report import Tally

log = logging.getLogger(__name__)

_CREATE = """
create temporary table if not exists listed (
    account_id text,
    livemode boolean,
    object_type text,
    object_id text,
    observed_at timestamptz,
    payload jsonb,
    batch_id bigint,
    primary key (account_id, livemode, object_type, object_id, observed_at)
)
"""
# A row that a list shows on two pages counts as it was the second time.
_KEEP_NEWEST = """
delete from listed as earlier
using listed as later
where earlier.object_id = later.object_id and earlier.observed_at < later.observed_at
"""
_SET_ASIDE = """
with odd as (
    select object_id, observed_at, ops.unreadable_reason(object_type, payload) as problem
    from pg_temp.listed
    -- a stub of what was deleted has nothing, and no need to
    where not payload @> '{"deleted": true}'
),
gone as (
    delete from pg_temp.listed as listed
    using odd
    where odd.problem is not null and listed.object_id = odd.object_id and listed.observed_at = odd.observed_at
    returning listed.object_id, odd.problem, listed.payload::text
)
select * from gone
"""


class ListedObjects:
    """Lists what a question asks for, and asks for single objects, into an emptied `listed`."""

    def __init__(
        self, conn: psycopg.Connection, account: Account, question: Question, batch_id: int, tally: Tally
    ) -> None:
        """`batch_id`: of the batch that will heal; what cannot be staged is kept in raw.rejected in its name."""
        self._conn = conn
        self._account = account
        self._batch_id = batch_id
        self._tally = tally
        self._question = question
        self._source = ledger.list_stream(question.object_name)
        self._refused: set[str] = set()
        with conn.transaction():
            conn.execute(_CREATE)
            conn.execute("truncate listed")
        self._stager = ObjectStager(conn, account, self._source, batch_id, tally, into="listed")

    def read(self, client: StripeClient) -> None:
        """Lists. Errors as of StripeClient.pages."""
        question = self._question
        try:
            with closing(client.pages(question.path, question.params, ObjectReader(question.window))) as pages:
                for page in pages:
                    self._add(page)
        except (ObjectMissingError, BadRequestError) as error:
            if question.test_clock is None or not names_nothing(error):
                raise
            # The test clock was deleted, and all on it with it: each of them is asked for.
            log.warning("%s: %s", question, error)
        self._settle()

    def ask(self, asker: Asker, ids: list[str]) -> None:
        """Asks for single objects, and adds what Stripe tells of them. Errors as of Asker.ask.

        Not for those that it has told of in no readable way.
        """
        ids = [object_id for object_id in ids if object_id not in self._refused]
        for start in range(0, len(ids), CHUNK):
            for page in asker.ask(self._question.object_name, ids[start : start + CHUNK]):
                self._add(page)
            self._stager.flush()
            log.info("%s: asked for %d of %d objects that the list lacks", self._question, start + CHUNK, len(ids))
        self._settle()

    def set_aside_unreadable(self) -> bool:
        """Takes away what the columns of the warehouse cannot hold, and keeps it in raw.rejected; whether there is any.

        One such document would stop the comparison of all others, as it would stop a load.
        """
        with self._conn.transaction():
            odd = self._conn.execute(_SET_ASIDE).fetchall()
            kept = ledger.keep_rejects(
                self._conn,
                self._account,
                self._source,
                self._batch_id,
                [Reject(*row) for row in odd],
                commits_first=True,
            )
        self._tally.see_rejects(kept)
        self._tally.duplicates += len(odd) - len(kept)
        self._refused.update(object_id for object_id, _, _ in odd)
        for object_id, reason, _ in odd:
            log.error("%s %s cannot be read and is set aside: %s", self._question.object_name, object_id, reason)
        return bool(odd)

    def seen(self) -> Seen:
        """What Stripe no longer has, and what could not be read, of all that was added."""
        gone = self._conn.execute("select object_id from listed where payload @> '{\"deleted\": true}'").fetchall()
        return Seen({object_id for (object_id,) in gone}, self._refused)

    def _add(self, page: Page) -> None:
        self._refused.update(row.row_key for row in page.rows if isinstance(row, Reject))
        self._stager.add(page)

    def _settle(self) -> None:
        self._stager.flush()
        with self._conn.transaction():
            self._conn.execute(_KEEP_NEWEST)
            self._conn.execute("analyze listed")
