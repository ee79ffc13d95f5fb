"""After customers or subscriptions were listed whole: discounts that they had and no longer name are deleted.

Discounts have no list, and cannot be asked for by their ids: only what they are on tells that they are gone, where the
event of their deletion was lost.
"""

import logging

import psycopg

from tallyhouse import ledger
from tallyhouse.client import Account
from tallyhouse.plans import UNLISTED
from tallyhouse.report import Tally

log = logging.getLogger(__name__)

HOLDERS = ("customer", "subscription")
"""What discounts are on. (Those of an invoice stay on it for ever.)"""

DISCOUNT = "discount"

# Named by an earlier version of what a list of this run showed, and not by that; and nothing has told of its deletion.
_STAGE = """
insert into raw.object (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
with shown as materialized (
    select distinct on (listed.object_id) listed.object_id, listed.observed_at, listed.payload
    from ops.batch as batch
    inner join raw.object as listed on batch.batch_id = listed.batch_id
    where batch.run_id = %(run_id)s and batch.account_id = %(account_id)s and batch.livemode = %(livemode)s
        and batch.source = 'list' and batch.object_type = %(holder)s and listed.object_type = %(holder)s
        and not listed.is_deleted and listed.unreadable is null
    order by listed.object_id asc, listed.observed_at desc
),
gone as (
    select distinct on (named.discount_id) named.discount_id, shown.observed_at
    from shown
    cross join lateral staging.staged_versions_of_object(
        %(account_id)s, %(livemode)s, %(holder)s, shown.object_id
    ) as past
    cross join lateral staging.named_in(%(holder)s, 'discount', past.body) as named (discount_id)
    where past.version_at < date_trunc('second', shown.observed_at)
        and not exists (
            select from staging.named_in(%(holder)s, 'discount', shown.payload) as still (discount_id)
            where still.discount_id = named.discount_id
        )
    order by named.discount_id asc, shown.observed_at asc
)
select
    %(account_id)s, %(livemode)s, 'discount', gone.discount_id, gone.observed_at,
    jsonb_build_object('id', gone.discount_id, 'object', 'discount', 'deleted', true), %(batch_id)s
from gone
where not exists (
    select from staging.staged_versions_of_object(%(account_id)s, %(livemode)s, 'discount', gone.discount_id) as told
    where told.version_rank >= 3
)
on conflict (account_id, livemode, object_type, object_id, observed_at) do nothing
"""


def stage_gone_discounts(conn: psycopg.Connection, account: Account, run_id: str, holder: str) -> int:
    """Stages the deletion of discounts that the run's whole list of a kind no longer names, as one batch; how many.

    Each counts as deleted when the list showed it gone. A second call finds none. Not in a transaction.
    """
    ledger.require_idle(conn)
    tally = Tally()
    with conn.transaction():
        batch_id = ledger.open_batch(conn, account, UNLISTED, DISCOUNT, None, run_id)
        tally.new = conn.execute(
            _STAGE,
            {
                "run_id": run_id,
                "account_id": account.account_id,
                "livemode": account.livemode,
                "holder": holder,
                "batch_id": batch_id,
            },
        ).rowcount
        if tally.new:
            ledger.close_batch(conn, batch_id, tally, {})
        else:
            ledger.drop_batch(conn, batch_id)
    if tally.new:
        log.info("%d discounts are gone from the %s that had them", tally.new, f"{holder}s")
    return tally.new
