"""What the summary says of recurring revenue and of what it cost to acquire: read from the marts, shown as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class MrrRow:
    """One currency in its last complete month. Amounts are in minor units; `net_retention` is 0..1 and above."""

    currency: str
    exponent: int
    month: date
    new_minor: Decimal
    expansion_minor: Decimal
    contraction_minor: Decimal
    churn_minor: Decimal
    closing_mrr_minor: Decimal
    net_retention: Decimal | None


@dataclass(frozen=True)
class ChannelRow:
    """One channel and currency of its ads: users by their first install, what they cost and have brought."""

    channel: str
    currency: str
    exponent: int
    users: int
    spend_minor: Decimal
    net_minor: Decimal
    value_to_cost: Decimal | None


@dataclass(frozen=True)
class Growth:
    """Both of one account. What comes back after a loss counts as new here."""

    mrr: Sequence[MrrRow]
    channels: Sequence[ChannelRow]


def read(connection: Connection, account_id: str, livemode: bool) -> Growth:
    """Reads it inside the caller's transaction. Channels belong to no account."""
    mrr = connection.execute(
        """
        select distinct on (moved.currency)
            moved.currency, coalesce(currency_dim.exponent, 2), moved.month, moved.new_minor + moved.reactivation_minor,
            moved.expansion_minor, moved.contraction_minor, moved.churn_minor, moved.closing_mrr_minor,
            retention.net_revenue_retention
        from mart.mrr_movement_monthly as moved
        left join mart.revenue_retention_monthly as retention using (account_id, livemode, currency, month)
        left join dwh.currency_dim using (currency)
        where moved.account_id = %s and moved.livemode = %s and moved.is_complete
        order by moved.currency, moved.month desc
        """,
        [account_id, livemode],
    )
    channels = connection.execute(
        """
        select
            channel.channel_name, channel.currency, coalesce(currency_dim.exponent, 2), channel.users,
            channel.spend_minor, channel.net_minor, channel.ltv_to_cost
        from mart.ltv_by_channel as channel
        left join dwh.currency_dim using (currency)
        where channel.livemode = %s and channel.spend_minor > 0
        order by channel.spend_minor desc, channel.channel_name
        """,
        [livemode],
    )
    return Growth([MrrRow(*row) for row in mrr], [ChannelRow(*row) for row in channels])
