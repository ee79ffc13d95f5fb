"""
### Stripe's objects, on demand, into the raw layer

**What** Lists objects as they are now: the history from before the 30 days of events. It adds, and never replaces:
run it as often as you like. Each slice of time is committed for itself; clear a failed task, and it goes on after
the last slice that it had committed. (Without `created_to`, the last slice ends when the task begins: that one is
read again.)

**When** Once, after the first run of `stripe_events`; again after a gap (`select * from ops.gap`).

**When it is red** As `stripe_events`. The key needs read permission for each kind of object listed.
"""

from datetime import datetime

from airflow.sdk import Param, dag

from tallyhouse.objects import LISTED
from tallyhouse.tasks import backfill, common


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
    params={
        "objects": Param(
            list(LISTED),
            type="array",
            items={"type": "string", "enum": list(LISTED)},
            examples=list(LISTED),
            description="Kinds of objects to list.",
        ),
        "created_from": Param(
            None,
            type=["null", "string"],
            format="date",
            description="List objects created on this day (UTC) or later. Empty: from the very first.",
        ),
        "created_to": Param(
            None,
            type=["null", "string"],
            format="date",
            description="List objects created before this day (UTC). Empty: up to now.",
        ),
        "slice_days": Param(
            365,
            type="integer",
            minimum=1,
            description="Days of creation in one slice, which is one transaction. Fewer for very large accounts.",
        ),
    },
)
def stripe_backfill():
    """Lists each kind of object in a task of its own, and tells the warehouse."""
    objects = backfill.plan_lists()
    staged = backfill.stage_lists.expand(object_name=objects)
    common.migrate_schema() >> objects
    staged >> common.publish_staged()
    staged >> common.report_rejects()


stripe_backfill()
