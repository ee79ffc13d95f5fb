"""
### Marts and the day's payment sources, as files

**What** Writes views of `mart`, as they are now, and how the day's charges were paid, as CSV and Parquet to the folder
that the Variable `tallyhouse_export_path` names: a path, or an object store's `s3://<connection>@bucket/folder`. Each
has a folder of its own and in it one for each day: `mrr_daily/day=2026-05-31/part-0.csv`. Numbers are exact, instants
in UTC. `_manifest.json`, written last, has columns, rows, hashes, and how far the data reaches; a day without it is not
finished. A run replaces what was there for its day. `charge_source` has, for each charge of which an event of the day
(UTC) told, the source or payment method in Stripe's own JSON, without what is personal unless the form asks for it.

**When** Daily, for the day before, and by hand. Without a folder it is green: its tasks are skipped, and say so.
*is_complete* in the manifest is false where the data did not reach the end of the day: run that day again when
`stripe_events` has caught up. Views are always those of now, whatever the day.

**When it is late** After four hours: the log says how far it is. Few marts, and one kind of file, take less.

**When it is red** The message names the folder. Nothing is half written: clear the task, and it writes all of it again.

- *TallyhouseError*: the folder or bucket is not there, may not be written to, or Airflow lacks the provider for it.
- Other errors are of the store or PostgreSQL, and were tried again.
"""

from datetime import datetime

from airflow.sdk import CronDataIntervalTimetable, dag

from tallyhouse import settings
from tallyhouse.export import DEFAULT_MARTS, FORMATS, mart_names
from tallyhouse.tasks import common, exporting, forms, notifying


@dag(
    schedule=CronDataIntervalTimetable("45 6 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=4),
    doc_md=__doc__,
    tags=["tallyhouse", "marts"],
    params={
        "marts": forms.some_of(
            mart_names(settings.SQL_ROOT), "Marts", "Views of schema mart to write.", default=DEFAULT_MARTS
        ),
        "day": forms.optional_day(
            "Day", "Day (UTC) to write: its charges, and the folder of the views. Empty: the day before the run."
        ),
        "format": forms.one_of(list(FORMATS), "both", "Format", "Kinds of files to write."),
        "has_sources": forms.switch(True, "Payment sources", "Write how the day's charges were paid, too."),
        "is_personal": forms.switch(
            False,
            "Personal data",
            "Leave in the sources what tells who paid: names, addresses, ends and fingerprints of cards.",
        ),
    },
)
def export_marts():
    """Writes views and sources, each for itself."""
    common.migrate_schema() >> [exporting.export_views(), exporting.export_sources()]


export_marts()
