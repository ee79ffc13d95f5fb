"""
### What analysts read

**What** Checks dims and facts, whole tables; then refreshes the materialized views of schema `mart`, each after those
that it reads; readers are not disturbed. Then it checks the views. `migrate_schema` re-creates a changed view.

**When** Whenever `warehouse` has loaded something and its checks passed. A run that the next load overtakes skips what
it has yet to check, since tables and views would show two states; the run that follows that load checks them.

**When it is late** After an hour: the task that runs says which view or rule takes so long. A refresh waits for whoever
has locked its view; `mart.refresh_status` says how old each is.

**When it is red** `check_tables`: a rule does not hold in a dim or fact, and no view was refreshed from it. A refresh
that failed leaves the view as it was: clear the task. Both checks name the rule and the first rows that break it
(`ops.check_result` has all).
"""

from datetime import datetime

from airflow.sdk import dag

from tallyhouse import settings, warehouse
from tallyhouse.tasks import common, models, notifying


@dag(
    schedule=[common.WAREHOUSE_LOADED],
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=1),
    doc_md=__doc__,
    tags=["tallyhouse", "marts"],
)
def marts():
    """Checks, then refreshes in the order in which the views read one another."""
    loaded = models.find_loaded()
    sound, checked = common.check.override(task_id="check_tables")("dwh", loaded), common.check("mart", loaded)
    common.migrate_schema() >> loaded
    upstream = warehouse.mart_upstream(settings.SQL_ROOT)
    refreshed = {name: models.MartOperator(mart=name) for name in upstream}
    for name, reads in upstream.items():
        sound >> refreshed[name] >> checked
        for other in reads:
            refreshed[other] >> refreshed[name]


marts()
