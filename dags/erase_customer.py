"""
### One person's data, erased on request

**What** Takes what tells who a customer, a guest (by the id of a payment) or a user of the app who never paid is out of
the raw layer, dimensions and facts: names, addresses, telephone numbers, card fingerprints, free texts and metadata, in
the whole history, and in all that names one of their payments, invoices or cards; address and device of installs too.
Ids, amounts, times, states and plans stay, and so does every figure. From then on, what Stripe or a file brings of them
is emptied before anybody sees it. `ops.erasure` keeps who asked, why, when, and how many rows of which table.

It erases the warehouse only: erase in Stripe and in your files of installs too. Files that `export_marts` wrote stay
as they are: `count_rows` and `approve` name the days of `charge_source` to export again, or to delete. Logs of tasks
may name ids, and quote bad rows; they, backups and the server's old row versions (`vacuum`) go by their own time.

**When** By hand. `count_rows` counts, and `approve` waits: under *Required Actions*, in the run or in Airflow's
navigation, somebody sees which accounts have the customer, how many rows of which table would be emptied, and who may
be the same person and stays (customers and guests' payments with the same address or card), and chooses. *Reject*
erases nothing. `ops.erasure` keeps who chose. The count reads what came since the customer was created, several times:
minutes for millions of events; it holds nobody up. While `erase_raw` runs, batches, models of installs and new loads
wait. `follow` waits for a rebuild and, 15 minutes at most, a load. The next request is counted when this one has ended.

**When it is late** After six hours: nobody has answered; `erase_raw` and `follow` wait for loads, or take long.

**When it is red**

- `count_rows`: no account has that customer, or several have: the message names the accounts; or the payment or
  user is of a customer: erase that one. Nothing was changed.
- `approve`: nobody has answered within 24 hours. Nothing was changed; clear the task to be asked again.
- `erase_raw`: as `count_rows`, or the connection was lost. Nothing was changed: it is one transaction.
- `follow`: the raw layer is empty of the person, dims and facts are not yet: a model failed, as in `warehouse`. Mend
  it, and clear the task. Something personal is left: as the message says.
"""

from datetime import datetime

from airflow.sdk import chain, dag

from tallyhouse.erasure_record import REASONS
from tallyhouse.tasks import approving, common, erasing, forms, notifying


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=6),
    doc_md=__doc__,
    tags=["tallyhouse", "warehouse"],
    params={
        "customer_id": forms.optional_text(
            "Customer",
            "Stripe id of the customer (cus_...); of a guest, of a charge (ch_...), session (cs_...), intent (pi_..., "
            "seti_...), payment method or invoice. Nothing is erased until somebody has seen it, and has approved.",
        ),
        "user_id": forms.optional_text(
            "User of the app",
            "In place of that, of who never became a customer: the user_id in files of installs, or its ops.user_hash.",
        ),
        "account_id": forms.optional_text(
            "Account", "Stripe account (acct_...). Empty: the one that has the customer."
        ),
        "reason": forms.one_of(REASONS, "request", "Reason", "Why, for the record."),
        "reference": forms.optional_text(
            "Reference",
            "Number of the request in your own books. No names: the record outlives the person's data.",
            pattern="^[A-Za-z0-9._/-]{0,64}$",
        ),
    },
)
def erase_customer():
    """Counts, asks, redacts the raw layer, lets dims and facts follow, and tells the marts."""
    found = erasing.count_rows()
    approval = approving.ask(found)
    erased = erasing.erase_raw(approval.output)
    chain(common.migrate_schema(), found, approval, erased, erasing.follow(erased), common.publish_loaded())


erase_customer()
