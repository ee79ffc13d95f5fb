"""The files that an app's tracking, its ad networks and its accounts would write, as CSV.

Installs, channels and clients; spend; exchange rates.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from simulator.acquisition import Acquisition, Install, Spend, app_of
from simulator.channels import CHANNELS, EXPONENTS
from simulator.clock import format_instant
from simulator.periods import DAY, month_name
from simulator.rates import REPORTING, NotedRate, noted_rates

_CLIENT = ("os_name", "app_name", "app_version", "device_name")
_CHANNEL = ("channel_name", "channel_group", "channel_label")
_INSTALL = (
    "user_id",
    "install_id",
    "device_id",
    "installed_at",
    *_CLIENT,
    "channel_name",
    "country_code",
    "network_name",
    "campaign_name",
    "campaign_id",
    "ip_address",
)
_SPEND = ("day", "channel_name", "campaign_name", "currency", "spend", "impressions", "clicks", "installs")
_RATE = ("date", "from_currency", "to_currency", "rate", "source")


def files_of(acquisition: Acquisition, until: float) -> dict[str, str]:
    """Name to text of every file as of `until` (exclusive); installs, spend and rates have one a month.

    Those of a month that is over never change; that of the month which is not has more rows the next day.
    """
    installs = acquisition.installs(until)
    by_month: dict[str, list[Sequence[object]]] = defaultdict(list)
    for install in installs:
        by_month[f"installs/{month_name(install.at)}.csv"].append(_install_row(install))
    spend_by_month: dict[str, list[Sequence[object]]] = defaultdict(list)
    for spend in acquisition.spend(until):
        spend_by_month[f"ad_spend/{spend.day[:7]}.csv"].append(_spend_row(spend))
    rates_by_month: dict[str, list[Sequence[object]]] = defaultdict(list)
    for noted in noted_rates(acquisition.founded, until):
        rates_by_month[f"fx_rates/{month_name(noted.day * DAY)}.csv"].append(_rate_row(noted))
    return {
        "channels.csv": _text(_CHANNEL, [(one.name, one.group, one.label) for one in CHANNELS]),
        "clients.csv": _text(_CLIENT, sorted({_client_row(install) for install in installs})),
        **{name: _text(_INSTALL, rows) for name, rows in by_month.items()},
        **{name: _text(_SPEND, rows) for name, rows in spend_by_month.items()},
        **{name: _text(_RATE, rows) for name, rows in rates_by_month.items()},
    }


def write_files(acquisition: Acquisition, until: float, folder: Path) -> int:
    """Writes them into a folder, each at once, and those alone that differ from what is there; returns how many."""
    written = 0
    for name, text in files_of(acquisition, until).items():
        path = folder / name
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)
        written += 1
    return written


def _client_row(install: Install) -> tuple[str, str, str, str]:
    return (install.os_name, app_of(install), install.app_version, install.device_name)


def _install_row(install: Install) -> Sequence[object]:
    channel, campaign = install.channel, install.campaign
    return (
        install.user_id,
        install.install_id,
        install.device_id,
        format_instant(install.at),
        *_client_row(install),
        channel.name,
        install.country,
        channel.network,
        campaign,
        f"{channel.name}-{channel.campaigns.index(campaign) + 1}" if campaign else "",
        install.ip_address,
    )


def _spend_row(spend: Spend) -> Sequence[object]:
    currency = spend.channel.currency
    major = Decimal(spend.amount).scaleb(-EXPONENTS[currency])
    return (
        spend.day,
        spend.channel.name,
        spend.campaign,
        currency.upper(),
        f"{major:f}",
        spend.impressions,
        spend.clicks,
        spend.installs,
    )


def _rate_row(noted: NotedRate) -> Sequence[object]:
    day = format_instant(noted.day * DAY)[:10]
    return (day, noted.currency.upper(), REPORTING.upper(), f"{noted.rate:f}", "Accounts")


def _text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return file.getvalue()
