"""
### What analysts read

**What** Refreshes the materialized views of schema `mart`, each after those that it reads; readers are not disturbed.
Then the checks. A changed view is re-created by `migrate_schema`.

**When** Whenever `warehouse` has loaded something and its checks passed.

**When it is red** A refresh that failed leaves the view as it was: clear the task. A failed `check` names the rule and
the first rows that break it (`ops.check_result` has all).
"""

from datetime import datetime

from airflow.sdk import dag

from tallyhouse import settings, warehouse
from tallyhouse.tasks import common, models


@dag(
    schedule=[common.WAREHOUSE_LOADED],
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["tallyhouse", "marts"],
)
def marts():
    """Refreshes in the order in which the views read one another."""
    migrated, checked = common.migrate_schema(), common.check("mart")
    upstream = warehouse.mart_upstream(settings.SQL_ROOT)
    refreshed = {name: models.refresh_mart(name) for name in upstream}
    for name, reads in upstream.items():
        migrated >> refreshed[name] >> checked
        for other in reads:
            refreshed[other] >> refreshed[name]


marts()
