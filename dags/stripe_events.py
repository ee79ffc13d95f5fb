"""
### Stripe's events, hourly, into the raw layer

**What** Reads every event since the last run, in closed windows of whole seconds, and commits each window with
the watermark in one transaction: after a crash the next run goes on where the last commit was. Beside it, in the
same way, the lists of which no event tells (balance transactions), each with a watermark of its own.

**When** Hourly. The first run reads the 30 days that Stripe keeps; run `stripe_backfill` once for what is older.
More than an hour behind (`select * from ops.watermark`) is late.

**When it is red**

- *StripeAccessError*: the key in connection `stripe_default` is wrong, or lacks the permission that is named.
- *StripeUnavailableError*, *BadPageError*: Stripe did not answer properly for minutes. Clear the task later.
- `report_rejects`: everything else is in; look at the odd rows in `raw.rejected`. They are reported once.
- `report_gaps`: nothing was read for 30 days, and Stripe no longer keeps what came before. Run `stripe_backfill` for
  all objects; everything since is read. A gap is reported once; `ops.gap` has it.
"""

from datetime import datetime

from airflow.sdk import CronDataIntervalTimetable, dag

from tallyhouse.tasks import common, events, polling


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=common.DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
)
def stripe_events():
    """Plans the windows, stages each, and tells the warehouse."""
    windows = events.plan_windows()
    staged = [events.stage_events.expand(window=windows), polling.poll_lists()]
    common.migrate_schema() >> [windows, staged[1]]
    staged >> common.publish_staged()
    staged >> common.report_rejects()
    windows >> events.report_gaps()


stripe_events()
