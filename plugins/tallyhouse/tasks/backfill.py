"""Tasks of stripe_backfill: what the form asks for, cut into slices, and listed several at once."""

import logging
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from airflow.sdk import TriggerRule, task

from tallyhouse import backfill, gaps, settings, unlisted
from tallyhouse.client import Account
from tallyhouse.connected import client_for, connected_accounts
from tallyhouse.errors import TallyhouseError
from tallyhouse.tasks.common import run_name, show_progress
from tallyhouse.tasks.labels import BY_CONNECTION, label_by, set_label
from tallyhouse.windows import Window, floor_second

log = logging.getLogger(__name__)

FIRST_DAY_OF_STRIPE = date(2011, 1, 1)
"""No object is older: a backfill from here leaves nothing out (Stripe opened in September 2011)."""


@task(map_index_template=BY_CONNECTION)
def plan_lists(
    stripe_conn_id: str, params: Mapping[str, Any] | None = None, dag_run: Any = None
) -> list[dict[str, Any]]:
    """Cuts what the trigger form asks for into slices, for one account, and these into shares, one for each task.

    A run that a gap has asked for is for the accounts that have one. Accounts that are connected to this one are
    listed with it while a gap of theirs is open; where one has refused every list, as after it has revoked access, only
    a run that a person starts tries again. TallyhouseError when the form's dates make no sense.
    """
    form = params or {}
    stripe = settings.stripe_settings(stripe_conn_id)
    with settings.warehouse_connection() as connection, stripe.client() as client:
        own = client.account()
        window = _created_range(form, own.clock)
        shares: list[dict[str, Any]] = []
        for account in (own, *connected_accounts(connection, own)):
            is_by_person = dag_run.run_type != "asset_triggered"
            if not (account is own and is_by_person) and not gaps.awaits_relisting(
                connection, account, even_refused=is_by_person
            ):
                log.info("%s has no gap to close: nothing to list", account.account_id)
                continue
            plan = backfill.plan_backfill(
                connection,
                client_for(client, account),
                account,
                run_name(dag_run),
                form["objects"],
                window,
                rows_per_slice=form["slice_objects"],
                is_everything=not form.get("created_from") and not form.get("created_to"),
            )
            gaps.keep_refusal(connection, account, plan.refusal)
            titles = [plan.title(share) for share in range(len(plan.shares))]
            log.info("%s created %s, in %d tasks: %s", account.account_id, window, len(titles), "; ".join(titles))
            shares += [
                {
                    "stripe_conn_id": stripe_conn_id,
                    "account_id": account.account_id,
                    "share": share,
                    "title": title if account is own else f"{account.account_id}: {title}",
                }
                for share, title in enumerate(titles)
            ]
    return shares


@task(
    max_active_tis_per_dagrun=3,
    map_index_template=label_by("task.op_kwargs['share']['stripe_conn_id'] ~ ', ' ~ task.op_kwargs['share']['title']"),
)
def stage_lists(share: dict[str, Any], dag_run: Any = None) -> None:
    """Lists the slices of one share into raw.object, several at once, each of them committed.

    A try that follows goes on with the slices that are left.
    """
    stripe = settings.stripe_settings(share["stripe_conn_id"])
    with stripe.client() as client:
        own = client.account()
        account = own
        if share["account_id"] != own.account_id:
            account = Account(share["account_id"], own.livemode, own.clock, via=own.account_id)
        progress = backfill.stage_share(
            settings.warehouse_connection,
            client_for(client, account),
            account,
            run_name(dag_run),
            share["share"],
            tell=lambda progress: show_progress(stripe.conn_id, progress, "slices"),
        )
    # the time that is left then is that of the other shares
    show_progress(f"{stripe.conn_id}, this share done", progress, "slices")


# Also where the lists of another account failed: of each kind it looks whether it was listed whole.
@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template=BY_CONNECTION)
def stage_unlisted(stripe_conn_id: str, dag_run: Any = None) -> None:
    """Asks for known objects that the lists of this run did not show: Stripe may have deleted them.

    A try that follows goes on with those that are left.
    """
    stripe = settings.stripe_settings(stripe_conn_id)
    found = []
    with settings.warehouse_connection() as connection, stripe.client() as client:
        own = client.account()
        for account in (own, *connected_accounts(connection, own)):
            found.append(unlisted.stage_unlisted(connection, client_for(client, account), account, run_name(dag_run)))
    total = sum(found, unlisted.Unlisted())
    set_label(f"{stripe_conn_id}: {total.describe()}")
    log.info("%s", total.describe())


def _created_range(form: Mapping[str, Any], now: datetime) -> Window:
    """[from, to) in UTC of a trigger form; without a start, everything, and without an end, all until now."""

    def parse(name: str, default: datetime) -> datetime:
        return datetime.fromisoformat(form[name]).replace(tzinfo=UTC) if form.get(name) else default

    start = parse("created_from", datetime.combine(FIRST_DAY_OF_STRIPE, datetime.min.time(), UTC))
    end = parse("created_to", floor_second(now) + timedelta(seconds=1))
    if start >= end:
        raise TallyhouseError(f"created_from ({start:%Y-%m-%d}) must be before created_to ({end:%Y-%m-%d}).")
    return Window(start, end)
