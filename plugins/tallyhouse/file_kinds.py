"""The registry of files: what kinds there are, which columns they have, and what a value must look like."""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

FIRST_DAY, LAST_DAY = "2000-01-01", "2049-12-31"
"""The calendar of dwh.date_dim."""


@dataclass(frozen=True)
class Rule:
    """What a value must be. `is_good` judges texts that are not empty; `reads_as` gives what is stored instead."""

    name: str
    is_good: Callable[[pd.Series], pd.Series]
    reads_as: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Column:
    """One column of a file."""

    name: str
    rule: Rule
    is_required: bool = False


@dataclass(frozen=True)
class FileKind:
    """One kind of file: the names of such files begin with `prefix`; `key` names the columns that tell rows apart.

    No two of the columns in `differing` have the same value in a row.
    """

    name: str
    prefix: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    differing: tuple[str, ...] = ()

    def column(self, name: str) -> Column | None:
        """The column of that name, None for one that nobody reads."""
        return next((column for column in self.columns if column.name == name), None)


def _matches(pattern: str) -> Callable[[pd.Series], pd.Series]:
    return lambda values: values.str.fullmatch(pattern)


def _is_instant(values: pd.Series) -> pd.Series:
    return _matches(_INSTANT)(values) & _is_in_calendar(values)


def _is_in_calendar(values: pd.Series) -> pd.Series:
    instants = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
    after_last = pd.Timestamp(LAST_DAY, tz="UTC") + pd.Timedelta(days=1)
    return instants.notna() & (instants >= pd.Timestamp(FIRST_DAY, tz="UTC")) & (instants < after_last)


def _is_address(values: pd.Series) -> pd.Series:
    def is_one(value: str) -> bool:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            return False
        return True

    return values.map(is_one).astype(bool)


# What both pandas and PostgreSQL read, and read alike.
_DAY = r"\d{4}-\d\d-\d\d"
_INSTANT = _DAY + r"([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?)?"
_SPAN = f"between {FIRST_DAY} and {LAST_DAY}"

TEXT = Rule("text of at most 1,000 characters", lambda values: values.str.len() <= 1000)
INSTANT = Rule(f"an instant like 2026-01-31T08:15:00Z {_SPAN}", _is_instant)
DAY = Rule(f"a day like 2026-01-31 {_SPAN}", lambda values: _matches(_DAY)(values) & _is_in_calendar(values))
COUNT = Rule("a whole number, 0 or more", _matches(r"\d{1,15}"))
RATE = Rule("a rate above 0 like 1.0852", _matches(r"(?=.*[1-9])\d{1,15}(\.\d{1,15})?"))
AMOUNT = Rule("an amount in major units like 12.34, 0 or more", _matches(r"\d{1,15}(\.\d{1,8})?"))
CURRENCY = Rule("a currency like USD", _matches("[A-Za-z]{3}"), str.lower)
COUNTRY = Rule("a country of two letters like DE", _matches("[A-Za-z]{2}"), str.upper)
ADDRESS = Rule("an IP address", _is_address)

_CLIENT = (
    Column("os_name", TEXT, is_required=True),
    Column("app_name", TEXT),
    Column("app_version", TEXT),
    Column("device_name", TEXT),
)
_CHANNEL_NAME = Column("channel_name", TEXT, is_required=True)

USER = "user_id"
"""The column that names a user of the app, in files of installs."""

PERSONAL = "ip_address"
"""The column that policy keep_ip_addresses is about."""

FILE_KINDS: tuple[FileKind, ...] = (
    FileKind(
        "install",
        "installs",
        (USER, "install_id"),
        (
            Column(USER, TEXT, is_required=True),
            Column("install_id", TEXT, is_required=True),
            Column("installed_at", INSTANT, is_required=True),
            *_CLIENT,
            _CHANNEL_NAME,
            Column("device_id", TEXT),
            Column("country_code", COUNTRY),
            Column("network_name", TEXT),
            Column("campaign_name", TEXT),
            Column("adgroup_name", TEXT),
            Column("creative_name", TEXT),
            Column("campaign_id", TEXT),
            Column("adgroup_id", TEXT),
            Column("creative_id", TEXT),
            Column(PERSONAL, ADDRESS),
        ),
    ),
    FileKind("client", "clients", tuple(column.name for column in _CLIENT), _CLIENT),
    FileKind(
        "channel",
        "channels",
        ("channel_name",),
        (_CHANNEL_NAME, Column("channel_group", TEXT), Column("channel_label", TEXT)),
    ),
    FileKind(
        "ad_spend",
        "ad_spend",
        ("channel_name", "campaign_name", "adgroup_name", "day", "currency"),
        (
            Column("day", DAY, is_required=True),
            _CHANNEL_NAME,
            Column("campaign_name", TEXT),
            Column("adgroup_name", TEXT),
            Column("currency", CURRENCY, is_required=True),
            Column("spend", AMOUNT, is_required=True),
            Column("impressions", COUNT),
            Column("clicks", COUNT),
            Column("installs", COUNT),
        ),
    ),
    FileKind(
        "fx_rate",
        "fx_rates",
        ("from_currency", "to_currency", "date"),
        (
            Column("date", DAY, is_required=True),
            Column("from_currency", CURRENCY, is_required=True),
            Column("to_currency", CURRENCY, is_required=True),
            Column("rate", RATE, is_required=True),
            Column("source", TEXT),
        ),
        differing=("from_currency", "to_currency"),
    ),
)


def kind_of(file_name: str) -> FileKind | None:
    """The kind of a file by its name below the folder: installs/2026-01.csv, installs_2026-01.csv, installs.csv.

    None when the name begins with no kind's prefix.
    """
    for kind in FILE_KINDS:
        if re.match(rf"{kind.prefix}(?![a-z])", file_name, re.IGNORECASE):
            return kind
    return None
