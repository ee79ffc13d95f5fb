"""How the company's customers came to it: installs before they join, those who never join, and spend on ads."""

from collections import Counter
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import NamedTuple

from simulator.channels import APP, CHANNELS, DEVICES, SYSTEMS, VERSIONS, Channel
from simulator.company import Company
from simulator.ids import identity_of, random_text
from simulator.periods import DAY, HOUR

LEAD = 3 * DAY
"""So long before joining, at most, a customer has installed the app."""

_VISITORS = (0.45, 0.15)  # chances that someone installs beside a customer, and never joins; and a second one
_TWICE_ON_A_DAY, _AGAIN_LATER = 0.05, 0.08
_DAYS_WITHOUT_ADS = 0.1


class Install(NamedTuple):
    """One install by a user; `user_id` is that of a customer, or of someone who never becomes one."""

    user_id: str
    install_id: str
    device_id: str
    at: int
    channel: Channel
    campaign: str
    os_name: str
    app_version: str
    device_name: str
    country: str
    ip_address: str


class Spend(NamedTuple):
    """What a campaign cost on a UTC day, in minor units of its channel's currency, and what it brought."""

    day: str
    channel: Channel
    campaign: str
    amount: int
    impressions: int
    clicks: int
    installs: int


class Acquisition:
    """Follows from the company's own four numbers and its customers; going on never changes the past."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._identity = identity_of(company.seed, company.founded, company.customers, company.months)

    @property
    def founded(self) -> int:
        """The company's first second."""
        return self._company.founded

    def installs(self, until: float) -> list[Install]:
        """All before `until` (exclusive), oldest first: also of those who join only later."""
        self._company.ensure(until + LEAD)
        found = []
        for history in self._company.objects["customer"].histories:
            customer = history.states[0]
            user_id = customer.metadata.get("user_id")
            if user_id is None or customer.created - LEAD > until:
                continue
            rng = Random(f"{self._identity}:{user_id}:install")
            found += self._installs_of(rng, user_id, customer.created, customer.country)
            for number, chance in enumerate(_VISITORS, 1):
                if rng.random() < chance:
                    visitor = f"visitor_{user_id.rpartition('_')[2]}_{number}"
                    joined = customer.created + rng.randrange(DAY)
                    found += self._installs_of(rng, visitor, joined, customer.country)
        return sorted((one for one in found if one.at < until), key=lambda one: (one.at, one.install_id))

    def spend(self, until: float) -> list[Spend]:
        """Of every whole UTC day since the founding that ended by `until`, oldest first."""
        brought: Counter[tuple[str, str, str]] = Counter(
            (_day(one.at), one.channel.name, one.campaign) for one in self.installs(until)
        )
        found: list[Spend] = []
        for start in count(self._company.founded // DAY * DAY, DAY):
            if start + DAY > until:
                return found
            day = _day(start)
            for channel in CHANNELS:
                for campaign in channel.campaigns if channel.currency else ():
                    installs = brought[day, channel.name, campaign]
                    rng = Random(f"{self._identity}:{channel.name}:{campaign}:{day}:spend")
                    if not installs and rng.random() < _DAYS_WITHOUT_ADS:
                        continue
                    amount = round(channel.cost * (installs * rng.uniform(0.6, 1.2) + rng.uniform(0.02, 0.4)))
                    clicks = installs + rng.randrange(2, 12) * (installs + 1)
                    found.append(
                        Spend(day, channel, campaign, amount, clicks * rng.randrange(20, 90), clicks, installs)
                    )
        return found

    def _installs_of(self, rng: Random, user_id: str, joined: int, country: str) -> list[Install]:
        """The first install, and sometimes one more on the same day, or one on another device much later."""
        at = max(self._company.founded, joined - rng.randrange(60, LEAD))
        first = self._install(rng, user_id, at, country)
        found = [first]
        if rng.random() < _TWICE_ON_A_DAY:
            later = min(at + rng.randrange(60, 6 * HOUR), at // DAY * DAY + DAY - 1)
            found.append(first._replace(install_id=f"ins_{random_text(rng, 7)}", at=max(at, later)))
        if rng.random() < _AGAIN_LATER:
            found.append(self._install(rng, user_id, at + rng.randrange(20 * DAY, 300 * DAY), country))
        return found

    @staticmethod
    def _install(rng: Random, user_id: str, at: int, country: str) -> Install:
        channel = rng.choices(CHANNELS, [channel.weight for channel in CHANNELS])[0]
        os_name = rng.choices([name for name, _ in SYSTEMS], [weight for _, weight in SYSTEMS])[0]
        return Install(
            user_id=user_id,
            install_id=f"ins_{random_text(rng, 7)}",
            device_id=f"dev_{random_text(rng, 5)}",
            at=at,
            channel=channel,
            campaign=rng.choice(channel.campaigns),
            os_name=os_name,
            app_version=rng.choice(VERSIONS),
            device_name=rng.choice(DEVICES[os_name]),
            country=country,
            # of a range for documentation (RFC 5737)
            ip_address=f"203.0.113.{rng.randrange(1, 255)}",
        )


def app_of(install: Install) -> str:
    """The app that was installed."""
    return f"{APP} for {install.os_name}"


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
