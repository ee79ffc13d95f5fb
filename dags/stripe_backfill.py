"""
### Stripe's objects, on demand, into the raw layer

**What** Lists objects as they are now: the history from before the 30 days of events. It adds, and never replaces: run
it as often as you like. Lists are cut into slices of time of about equal work, each committed for itself: clear a
failed task, and it goes on with what is left. All tasks together keep to the connection's limit of requests a second;
each task's label and log, and `select * from ops.plan_progress`, say how long it takes. Lists leave deleted objects
out: where a kind was listed whole, known objects that it did not show are asked for by their ids.

**When** Once, after the first run of `stripe_events`. By itself, when events were lost (`select * from ops.gap`).

**When it is late** After a day, which is too short for tens of millions of objects: `ops.plan_progress` says how long
it takes, and nothing is wrong while that goes down.

**When it is red** As `stripe_events`. `report_refused` names the kinds of objects that the key may not read; all others
are in. Grant it, and run it again: a gap of a connected account that has refused every kind is not asked for by itself.
"""

from datetime import datetime

from airflow.sdk import dag

from tallyhouse.objects import LISTED
from tallyhouse.tasks import backfill, common, forms, notifying


@dag(
    schedule=[common.GAP_FOUND],
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=24),
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
    params={
        "objects": forms.some_of(list(LISTED), "Objects", "Kinds of objects to list."),
        "created_from": forms.optional_day(
            "Created from", "List objects created on this day (UTC) or later. Empty: from the very first."
        ),
        "created_to": forms.optional_day(
            "Created before", "List objects created before this day (UTC). Empty: up to now."
        ),
        "connections": forms.names("Connections", "Connections (stripe_...) whose accounts to list. Empty: all."),
        "slice_objects": forms.number(
            2000,
            100,
            "Objects in a slice",
            "About so many objects are one transaction: what is lost when a task is killed.",
        ),
    },
)
def stripe_backfill():
    """Cuts the lists of each account into slices, lists them, and tells the warehouse."""
    accounts = common.list_accounts()
    planned = backfill.plan_lists.expand(stripe_conn_id=accounts)
    staged = backfill.stage_lists.expand(share=common.by_turns(planned))
    common.migrate_schema() >> accounts
    unlisted = backfill.stage_unlisted.expand(stripe_conn_id=accounts)
    staged >> unlisted
    [staged, unlisted] >> common.publish_staged()
    [staged, unlisted] >> common.report_rejects()
    [planned, staged, unlisted] >> common.report_refused()


stripe_backfill()
