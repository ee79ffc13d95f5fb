"""After a kind was listed whole: known objects that the list did not show are asked for by their ids.

Lists leave deleted objects out, and the event that told of a deletion may be lost: in a gap, or before the first run.
What Stripe answers is staged like what it lists, so that a deletion is never a guess. Discounts, which nobody can ask
for, are gone when what they were on no longer names them.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg

from tallyhouse import ledger, plans
from tallyhouse.asking import CHUNK, Asker
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import PermissionMissingError
from tallyhouse.gone_discounts import HOLDERS, stage_gone_discounts
from tallyhouse.object_staging import ObjectStager
from tallyhouse.pages import Page
from tallyhouse.plans import UNLISTED
from tallyhouse.report import Tally
from tallyhouse.rows import only_row
from tallyhouse.slices import Slice
from tallyhouse.windows import Window

log = logging.getLogger(__name__)

_MISSING = """
select version.object_id
from staging.object_version as version
where version.account_id = %(account_id)s and version.livemode = %(livemode)s and version.object_type = %(object)s
group by version.object_id
having
    not bool_or(version.version_rank >= 3)
    and not bool_or(
        version.batch_id = any(
            array(
                select batch.batch_id from ops.batch as batch
                where batch.run_id = %(run_id)s and batch.account_id = %(account_id)s
                    and batch.livemode = %(livemode)s and batch.object_type = %(object)s
            )
        )
    )
order by version.object_id
"""
_COUNTS = """
select
    count(*) filter (where batch.object_type <> 'discount'),
    count(*) filter (where batch.object_type <> 'discount' and object.is_deleted),
    count(*) filter (where batch.object_type = 'discount')
from ops.batch as batch
inner join raw.object as object on batch.batch_id = object.batch_id
where batch.run_id = %s and batch.account_id = %s and batch.livemode = %s and batch.source = %s
"""


@dataclass(frozen=True)
class Unlisted:
    """Known objects that the lists of a run did not show and that were asked for, and how many of them are deleted.

    `discounts`: those that nothing names any more.
    """

    asked: int = 0
    deleted: int = 0
    discounts: int = 0

    def __add__(self, other: "Unlisted") -> "Unlisted":
        return Unlisted(self.asked + other.asked, self.deleted + other.deleted, self.discounts + other.discounts)

    def describe(self) -> str:
        """A few words."""
        told = f"{self.asked:,} known objects were not listed, {self.deleted:,} of them are deleted"
        return f"{told}, and {self.discounts:,} discounts" if self.discounts else told


def stage_unlisted(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    run_id: str,
    *,
    tell: Callable[[str], None] = log.info,
) -> Unlisted:
    """Asks for what the run's lists lack, of each deletable kind that it has listed whole; returns the run's counts.

    In chunks that commit: a run that is killed asks for no object twice, but for those of one chunk. A kind of which
    slices are left waits for the next try; one that the key may not read is marked as refused. Where Stripe does not
    understand what is asked of one object, its answer is kept in raw.rejected. Other errors as of Asker.ask.
    """
    ledger.require_idle(conn)
    with Asker(client) as asker:
        for piece in plans.pending_unlisted(conn, account, run_id):
            try:
                _ask_kind(conn, asker, account, run_id, piece, tell)
            except PermissionMissingError as error:
                log.error("%s cannot be asked for: %s", piece.object_name, error)
                plans.keep_error(conn, account, run_id, piece.object_name, None, error, is_refused=True)
    with conn.transaction():
        return Unlisted(*only_row(conn, _COUNTS, [run_id, account.account_id, account.livemode, UNLISTED]))


def _ask_kind(
    conn: psycopg.Connection,
    asker: Asker,
    account: Account,
    run_id: str,
    piece: Slice,
    tell: Callable[[str], None],
) -> None:
    with conn.transaction():
        found = conn.execute(
            _MISSING,
            {
                "account_id": account.account_id,
                "livemode": account.livemode,
                "object": piece.object_name,
                "run_id": run_id,
            },
        ).fetchall()
    ids = [object_id for (object_id,) in found]
    for start in range(0, len(ids), CHUNK):
        _stage(conn, account, run_id, piece.object_name, None, asker.ask(piece.object_name, ids[start : start + CHUNK]))
        tell(f"{piece.object_name}: asked for {min(start + CHUNK, len(ids)):,} of {len(ids):,} that no list showed")
    if piece.object_name in HOLDERS:
        stage_gone_discounts(conn, account, run_id, piece.object_name)
    # the batch that says that nothing is left
    _stage(conn, account, run_id, piece.object_name, piece.window, [])


def _stage(
    conn: psycopg.Connection,
    account: Account,
    run_id: str,
    object_name: str,
    window: Window | None,
    pages: Sequence[Page],
) -> None:
    """Commits these answers as one batch; that of the planned `window` takes the kind off the run's plan."""
    tally = Tally()
    with conn.transaction():
        batch_id = ledger.open_batch(conn, account, UNLISTED, object_name, window, run_id)
        stager = ObjectStager(conn, account, ledger.list_stream(object_name), batch_id, tally, is_after_lists=True)
        for page in pages:
            stager.add(page)
        stager.flush()
        ledger.close_batch(conn, batch_id, tally, {})
