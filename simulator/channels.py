"""Through what users come: channels, their campaigns, and what an install costs; and what they install on."""

from typing import NamedTuple


class Channel(NamedTuple):
    """Where installs come from. Without a `currency` nothing is spent on it.

    `cost` of an install in minor units, `network` as its files name it, `weight` of all installs.
    """

    name: str
    group: str
    label: str
    weight: int
    network: str = ""
    currency: str = ""
    cost: int = 0
    campaigns: tuple[str, ...] = ("",)


CHANNELS = (
    Channel("organic", "owned", "Organic", 26),
    Channel("newsletter", "owned", "Newsletter", 6, campaigns=("welcome", "digest")),
    Channel("search_ads", "paid", "Search ads", 24, "Alphabet", "usd", 3200, ("brand", "generic", "competitors")),
    Channel("social_ads", "paid", "Social ads", 20, "Agora", "eur", 2100, ("lookalike", "retargeting")),
    Channel("store_ads", "paid", "Store ads", 14, "Orchard", "jpy", 2600, ("discovery",)),
    Channel("partner", "referral", "Partners", 10, "Handshake", "usd", 4500, ("resellers",)),
)

EXPONENTS = {"usd": 2, "eur": 2, "jpy": 0}
"""Decimals of the currencies in which ads are paid."""

APP = "Tally"
VERSIONS = ("3.0", "3.1", "3.2")
DEVICES = {
    "Android": ("Pixel 9", "Galaxy S25", "Xperia 1"),
    "iOS": ("iPhone 16", "iPhone 17", "iPad Air"),
    "Windows": ("",),
}
SYSTEMS = (("Android", 52), ("iOS", 41), ("Windows", 7))
