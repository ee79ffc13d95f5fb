"""
### What files tell: installs, what was spent on ads, and exchange rates

**What** Loads CSV files of installs, clients, channels, ad spend and exchange rates from the folder that the Variable
`tallyhouse_acquisition_path` names: a path, or an object store's `s3://<connection>@bucket/folder`. A name begins
with what the file holds (`installs/2026-01.csv`, `ad_spend_may.csv`, `channels.csv`, `clients.csv`, `fx_rates.csv`).
Each content is loaded once; a file that changed is loaded again, and its rows replace those with the same key. Rows
that are gone from a file stay: what was not spent is a row of 0. Rates have the columns `date`, `from_currency`,
`to_currency`, `rate` and, where you like, `source`; docs/guide.md names those of the others.

**When** Daily, and by hand. Without a folder it is green, and its log says so.

**When it is late** After two hours: see in the log of `load_files` which file it reads. Many large files, read for the
first time, may take as long; each that is loaded stays.

**When it is red**

- `report_rejects`: rows could not be read; the message names file, line and reason, and everything else is loaded. Mend
  the file and put it there again: `raw.rejected` has the rows. Each is told once.
- `load_files`: there is no such folder, or a file was written to while it was read. What was loaded stays.
"""

from datetime import datetime

from airflow.sdk import CronDataIntervalTimetable, dag

from tallyhouse.tasks import acquisition as files
from tallyhouse.tasks import common, notifying


@dag(
    schedule=CronDataIntervalTimetable("15 5 * * *", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=2),
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
)
def acquisition():
    """Loads, tells the warehouse if there was anything, and reports what was rejected."""
    loaded = files.load_files()
    common.migrate_schema() >> loaded
    loaded >> [common.publish_staged.override(outlets=[common.FILES_STAGED])(), common.report_rejects()]


acquisition()
