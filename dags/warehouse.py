"""
### Raw rows into dimensions and facts

**What** Each task applies the batches that its model has not applied yet, in one transaction; its log shows how many
batches, objects and rows. What is staged after `find_pending` is left to the next run. Any order, any repetition gives
the same tables. Then the checks of layer `load`: those whose cost follows what was loaded. Those that read whole tables
run at the head of `marts`.

**When** Whenever another DAG has staged something. A run whose rows the run before has loaded already is skipped; one
started by hand never is.

**When it is late** After an hour: a model, or `find_pending`, waits for `warehouse_rebuild` or `erase_customer`, or
much was staged at once, as by the first backfill; the model's log says how many batches it applies.

**When it is red**

- A model: its transaction was rolled back, and nothing is half done. Clear it, or wait for the next run: pending
  batches stay pending (`select * from ops.batch_applied`).
- `report_rejects`: a document could not be read and was set aside (`raw.rejected`); everything else is loaded.
- `check`: the log names the rule and the first rows that break it; all results are in `ops.check_result`. The data is
  loaded all the same, but the marts are not refreshed from it. `event_order_holds`: the updates named contradict the
  event before them (`ops.event_order_contradiction`); an event may be missing, or Stripe changed the object silently.
"""

from datetime import datetime

from airflow.sdk import TaskGroup, chain, dag

from tallyhouse import settings
from tallyhouse.objects import MODELS
from tallyhouse.tasks import common, models, notifying


@dag(
    schedule=common.STRIPE_STAGED | common.FILES_STAGED,
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=1),
    doc_md=__doc__,
    tags=["tallyhouse", "warehouse"],
    template_searchpath=[str(settings.SQL_ROOT)],
)
def warehouse():
    """Each model after those that it reads, then checks."""
    groups = {folder: TaskGroup(folder, prefix_group_id=False) for folder in dict.fromkeys(m.folder for m in MODELS)}
    built = {model.name: models.ModelOperator(model=model, task_group=groups[model.folder]) for model in MODELS}
    for model in MODELS:
        for upstream in model.upstream:
            built[upstream] >> built[model.name]
    loaded = list(groups.values())
    ready = models.find_pending()
    chain(common.migrate_schema(), ready, loaded, common.close_gaps(), common.check("load"), common.publish_loaded())
    loaded >> common.report_rejects()


warehouse()
