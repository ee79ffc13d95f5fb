"""
### Stripe's events, hourly, into the raw layer

**What** Reads every event since the last run, of each account that a connection `stripe_<name>` leads to, in closed
windows of whole seconds, and commits each window with the watermark in one transaction: after a crash the next run
goes on where the last commit was. Beside it, in the same way, the lists of which no event tells (balance
transactions), each with a watermark of its own. An account that fails does not hold the others back.

**When** Hourly. The first run reads the 30 days that Stripe keeps; run `stripe_backfill` once for what is older.

**When it is late** After an hour, or when the data is more than two hours behind (`select * from ops.watermark`): a run
reads to its beginning, and the next one comes an hour later. The log of `stage_events` says how long it will take.
Nothing is lost; the first run may be late. Is the DAG paused?

**When it is red**

- *StripeAccessError*: the key in the connection named there is wrong, or lacks the permission that is named.
- *StripeUnavailableError*, *BadPageError*: Stripe did not answer properly for minutes. Clear the task later, or wait:
  the next run reads what this one could not, and `ops.gap` has it until then.
- `report_rejects`: everything else is in; look at the odd rows in `raw.rejected`. They are reported once.
- `report_gaps`: nothing was read for 30 days, and Stripe no longer keeps what came before. `stripe_backfill` lists all
  objects by itself, and `warehouse` closes the gap when they are loaded; `mart.gap_daily` shows its days until then.
"""

from datetime import datetime

from airflow.sdk import CronDataIntervalTimetable, dag

from tallyhouse.tasks import common, events, notifying, polling


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=1),
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
)
def stripe_events():
    """Plans the windows of each account, stages them and its polled lists, and tells the warehouse."""
    accounts = common.list_accounts()
    planned = events.plan_windows.expand(stripe_conn_id=accounts)
    staged = events.stage_events.expand(plan=planned)
    polled = polling.poll_lists.expand(stripe_conn_id=accounts)
    common.migrate_schema() >> accounts
    [staged, polled] >> common.publish_staged()
    [planned, staged, polled] >> common.report_rejects()
    staged >> events.watch_gaps() >> events.report_gaps()


stripe_events()
