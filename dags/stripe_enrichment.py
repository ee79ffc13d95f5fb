"""
### What events leave out, fetched once

**What** Events do not expand: they name objects without showing them, and cut long lists. Each load of the warehouse
notes in `ops.enrichment` what its documents name or lack: balance transactions of charges, tiers of a price, lines of
a long invoice, deleted customers. This fetches it, in chunks that commit, and tells the warehouse when there was any.
What Stripe does not have (404) is remembered as gone.

**When** After every load, until nothing is wanted any more. Objects that are only named wait until `stripe_backfill`
has listed their kind once. What exceeds `max_fetched` is left for the run after the next load; the log has the number.

**When it is late** After two hours: the log says how many are left. Stripe is slow, or throttles (its count is there).

**When it is red**

- `report_failures` names what could not be fetched, and why; everything else is in. It is tried again by every run
  (`select * from ops.enrichment_open where last_error is not null`). For a *StripeAccessError* grant the key in
  the account's connection read permission for what is named there.
- `report_rejects`: an answer could not be staged; look at `raw.rejected`. Each is told once.
"""

from datetime import datetime

from airflow.sdk import dag

from tallyhouse.tasks import common, enrichment, forms, notifying


@dag(
    schedule=[common.WAREHOUSE_LOADED],
    start_date=datetime(2026, 1, 1),
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=common.DEFAULT_ARGS,
    deadline=notifying.due_within(hours=2),
    doc_md=__doc__,
    tags=["tallyhouse", "ingestion"],
    params={
        "max_fetched": forms.number(
            20_000,
            1,
            "Objects to fetch",
            "Most objects to fetch in this run, oldest wish first. At 20 a second, 20,000 take 17 minutes.",
        ),
    },
)
def stripe_enrichment():
    """Fetches, tells the warehouse if there was anything, and reports what failed."""
    accounts = common.list_accounts()
    fetched = enrichment.fetch_wanted.expand(stripe_conn_id=accounts)
    common.migrate_schema() >> accounts
    fetched >> [common.publish_staged(), enrichment.report_failures(), common.report_rejects()]


stripe_enrichment()
