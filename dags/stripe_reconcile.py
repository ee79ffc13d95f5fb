"""
### Stripe and the warehouse, compared object by object

**What** Lists subscriptions, invoices, charges and balance transactions again, and compares each with the warehouse, to
the cent: all of the last days, one part of what is older (a month of days covers everything), and every subscription
that is active or past due. Large lists are cut into slices, each compared for itself. What differs is kept in
`ops.reconciliation` with the reason, and staged at once, so that the next load heals it. Labels say what was found.

| reason | what it means |
|---|---|
| `never_seen` | no event or list had shown the object: an event was lost |
| `stale` | the last state seen is older than what Stripe lists: an event was lost |
| `deleted` | Stripe no longer has it |
| `unknown_shape` | it had been seen, or is listed, but cannot be read |
| `later_than_lag` | it changed after the events that are loaded, or its event came late: nothing is wrong |
| `unexplained` | the raw layer has what Stripe says, and the warehouse does not |

**When** Daily, beside `stripe_events`, under the same rate limit. A kind whose tables are being loaded anew, as after
some upgrades, is left out: the label of `plan_comparisons` names it.

**When it is late** After twelve hours: labels say how far it is. A lower *rotation* compares more in each run.

**When it is red**

- `report_unexplained`: run `warehouse_rebuild`; if the difference comes back, the SQL that reads the object is wrong.
- `report_refused`: the key may not list test clocks, so that what lives by them is not compared; all else is. Grant it.
- `compare_lists`: as `stripe_events`. Clear the task: it goes on with the lists that are left.
"""

from datetime import datetime

from airflow.sdk import CronDataIntervalTimetable, dag

from tallyhouse.questions import COMPARED
from tallyhouse.tasks import common, forms, notifying, reconciling


@dag(
    schedule=CronDataIntervalTimetable("30 4 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=12),
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
    params={
        "objects": forms.some_of(list(COMPARED), "Objects", "Kinds of objects to compare."),
        "recent_days": forms.number(35, 1, "Recent days", "Compare all that was created in so many days before now."),
        "rotation": forms.number(
            30,
            1,
            "Runs for all that is older",
            "In how many runs all that is older is compared once; 1 compares everything now.",
        ),
        "slice_objects": forms.number(
            2000, 100, "Objects in a slice", "About so many objects are compared by themselves."
        ),
    },
)
def stripe_reconcile():
    """Plans the comparisons, makes each, and tells the warehouse when something was healed."""
    accounts = common.list_accounts()
    planned = reconciling.plan_comparisons.expand(stripe_conn_id=accounts)
    compared = reconciling.compare_lists.expand(share=common.by_turns(planned))
    common.migrate_schema() >> accounts
    [planned, compared] >> common.publish_staged()
    [planned, compared] >> common.report_rejects()
    [planned, compared] >> reconciling.report_unexplained()
    planned >> common.report_refused()


stripe_reconcile()
