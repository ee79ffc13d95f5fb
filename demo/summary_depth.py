"""What lies behind the revenue in the summary: the shapes that were read, the rarer facts, and what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from rich.text import Text

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Depth:
    """Counts of one account. `versions`: API versions in which its events were rendered, oldest first, with how many.

    `discounts`: those of which more is known than the id. `reconstructed`: states of subscriptions from before Stripe
    showed them. `fetched`, `gone` and `wanted`: what events only name, got by its id, not there any more, and still to
    be fetched. `open_gaps`: stretches without events.
    """

    versions: Sequence[tuple[str, int]]
    disputes: int
    disputes_lost: int
    credit_notes: int
    payouts: int
    discounts: int
    reconstructed: int
    fetched: int
    gone: int
    wanted: int
    open_gaps: int


def read(connection: Connection, account_id: str, livemode: bool) -> Depth:
    """Reads it inside the caller's transaction."""
    of_account = {"account_id": account_id, "livemode": livemode}
    versions = connection.execute(
        """
        select api_version, count(*)
        from raw.event
        where account_id = %(account_id)s and livemode = %(livemode)s and api_version is not null
        group by api_version
        order by api_version
        """,
        of_account,
    ).fetchall()
    counts = connection.execute(
        """
        select d.disputes, d.lost, n.credit_notes, p.payouts, c.discounts, s.reconstructed, q.fetched, q.gone,
            o.wanted, g.open_gaps
        from (
            select count(*) as disputes, count(*) filter (where status = 'lost') as lost
            from dwh.dispute_fact
            where account_id = %(account_id)s and livemode = %(livemode)s and not is_inquiry
        ) as d
        cross join (
            select count(*) as credit_notes
            from dwh.credit_note_fact where account_id = %(account_id)s and livemode = %(livemode)s
        ) as n
        cross join (
            select count(*) as payouts
            from dwh.payout_fact where account_id = %(account_id)s and livemode = %(livemode)s
        ) as p
        cross join (
            select count(*) as discounts
            from dwh.discount_dim
            where account_id = %(account_id)s and livemode = %(livemode)s and coupon_id is not null
        ) as c
        cross join (
            select count(*) as reconstructed
            from dwh.subscription_dim
            where account_id = %(account_id)s and livemode = %(livemode)s and is_reconstructed
        ) as s
        cross join (
            select count(*) filter (where fetched_at is not null and not gone) as fetched,
                count(*) filter (where gone) as gone
            from ops.enrichment where account_id = %(account_id)s and livemode = %(livemode)s
        ) as q
        cross join (
            select count(*) as wanted
            from ops.enrichment_open where account_id = %(account_id)s and livemode = %(livemode)s
        ) as o
        cross join (
            select count(*) as open_gaps
            from ops.gap
            where account_id = %(account_id)s and livemode = %(livemode)s and closed_at is null
        ) as g
        """,
        of_account,
    ).fetchone()
    assert counts is not None  # noqa: S101 - aggregates have one row
    return Depth(versions, *counts)


def describe(depth: Depth) -> Text:
    """Three lines; the last one warns when something is missing."""
    lines = Text()
    if depth.versions:
        shapes = ", ".join(f"{version} ({count:,})" for version, count in depth.versions)
        lines.append(f"Events by API version: {shapes}.\n")
    lines.append(
        f"{depth.disputes:,} disputes ({depth.disputes_lost:,} lost), {depth.credit_notes:,} credit notes, "
        f"{depth.payouts:,} payouts, {depth.discounts:,} discounts; {depth.reconstructed:,} states of subscriptions "
        "rebuilt from invoices.\n"
    )
    lines.append(f"Fetched because events only name it: {depth.fetched:,}, {depth.gone:,} not there any more. ")
    missing = [
        f"{count:,} {what}" for count, what in ((depth.wanted, "to be fetched"), (depth.open_gaps, "gaps")) if count
    ]
    if missing:
        lines.append(f"Missing: {', '.join(missing)}.", "yellow")
    else:
        lines.append("Nothing is missing, no gap.", "green")
    return lines
