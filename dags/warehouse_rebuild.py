"""
### All dimensions and facts anew, from the raw layer

**What** Applies all that was ever released to empty tables beside those in use, while loads and readers go on. At the
end the loads wait for a moment, and the rows in which the two differ are replaced in one transaction. The log says how
many rows of each table went and came: in a warehouse that the hourly loads kept right, none. Then the checks, but
while a load is under way: the run of `marts` that follows it has them.

**When** By hand: after an upgrade that reads documents better, or when a document that had been set aside has been
mended. It needs as much room on the disk again as schema `dwh` has, and minutes for millions of events.

**When it is late** After twelve hours: its log says which table it makes. Loads go on meanwhile.

**When it is red** Nothing was changed: the swap is one transaction. Clear the task, or leave it. A failed `check` names
the rule and the first rows that break it.
"""

from datetime import datetime

from airflow.sdk import TriggerRule, dag

from tallyhouse.tasks import common, models, notifying, rebuilding


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=12),
    doc_md=__doc__,
    tags=["tallyhouse", "warehouse"],
)
def warehouse_rebuild():
    """Rebuilds, checks, and tells the marts."""
    loaded = models.find_loaded(even_by_hand=True)
    common.migrate_schema() >> rebuilding.rebuild_warehouse() >> loaded
    # marts checks, too, where a load is under way
    told = common.publish_loaded.override(trigger_rule=TriggerRule.NONE_FAILED)()
    common.check("dwh", loaded) >> told


warehouse_rebuild()
