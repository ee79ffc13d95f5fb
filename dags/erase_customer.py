"""
### One person's data, erased on request

**What** Takes what tells who a customer is out of the raw layer, dimensions and facts: names, addresses, telephone
numbers, card fingerprints, free texts and metadata, in the whole history, and in everything that names one of the
customer's payments, invoices or cards; address and device of their installs too. Of a guest, who has no customer, give
the id of a charge or a checkout session. Ids, amounts, times, states and plans stay, so that every figure stays as it
is. From then on, what Stripe sends of that customer is emptied before anybody sees it: after a new listing, a replay, a
rebuild. `ops.erasure` keeps who asked, why, when, and how many rows of which table. It erases the warehouse only: erase
in Stripe too, and in your files of installs; backups and the server's old row versions (`vacuum`) go by their own time.

**When** By hand. A run only counts, until *is_dry_run* is off and the customer's id was typed a second time. The log of
`count_rows` also names who may be the same person, and stays: other customers and guests' payments with the same
address or card. It reads what came since the customer was created, several times: minutes for millions of events. A
count holds nobody up; while `erase_raw` runs, batches and models of installs wait. `follow` waits for a rebuild that
goes on.

**When it is red**

- `count_rows`: the two ids differ; no account has that customer, or several have: the message names the accounts; or
  the payment is of a customer: erase that one. Nothing was changed.
- `erase_raw`: as above, or the connection was lost. Nothing was changed: it is one transaction.
- `follow`: the raw layer is empty of the person, dims and facts are not yet: a model failed, as in `warehouse`. Mend
  it, and clear the task. Something personal is left: as the message says.
"""

from datetime import datetime

from airflow.sdk import Param, chain, dag

from tallyhouse.erasure import REASONS
from tallyhouse.tasks import common, erasing


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["tallyhouse", "warehouse"],
    params={
        "customer_id": Param(
            type="string",
            minLength=1,
            maxLength=255,
            description="Stripe id of the customer (cus_...); of a guest, of a charge (ch_...) or session (cs_...).",
        ),
        "customer_id_again": Param(
            None,
            type=["null", "string"],
            description="The same id once more: it cannot be undone. A dry run does not need it.",
        ),
        "account_id": Param(
            None,
            type=["null", "string"],
            description="Stripe account (acct_...). Empty: the one that has the customer.",
        ),
        "reason": Param(
            "request", type="string", enum=list(REASONS), values_display=REASONS, description="Why, for the record."
        ),
        "reference": Param(
            None,
            type=["null", "string"],
            pattern="^[A-Za-z0-9._/-]{0,64}$",
            description="Number of the request in your own books. No names: the record outlives the person's data.",
        ),
        "is_dry_run": Param(True, type="boolean", description="Only count what would be erased."),
    },
)
def erase_customer():
    """Counts, redacts the raw layer, lets dims and facts follow, and tells the marts."""
    erased = erasing.erase_raw()
    chain(common.migrate_schema(), erasing.count_rows(), erased, erasing.follow(erased), common.publish_loaded())


erase_customer()
