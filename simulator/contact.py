"""How somebody can be reached: telephone, street and parcels; many tell no more than what a card needs."""

from random import Random
from typing import NamedTuple

# Chances: of a whole address, and of those who tell it.
_TELLS_STREET, _TELLS_FLOOR = 0.6, 0.3
_TELLS_PHONE, _HAS_PARCELS, _IS_SENT_ELSEWHERE = 0.55, 0.3, 0.4
_IS_DESCRIBED, _GETS_RECEIPTS = 0.2, 0.35


class _Country(NamedTuple):
    """`cities`: with their states. `street`: into which the number goes."""

    prefix: str
    cities: tuple[tuple[str, str | None], ...]
    street: str


_PLACES = {
    "US": _Country(
        "+1", (("Portland", "OR"), ("Austin", "TX"), ("Columbus", "OH"), ("Denver", "CO")), "{0} Alder Street"
    ),
    "CA": _Country("+1", (("Halifax", "NS"), ("Regina", "SK")), "{0} Birch Avenue"),
    "GB": _Country("+44", (("Leeds", None), ("Bristol", None)), "{0} Mill Lane"),
    "AU": _Country("+61", (("Hobart", "TAS"), ("Perth", "WA")), "{0} Wattle Road"),
    "SG": _Country("+65", (("Singapore", None),), "{0} Orchid Walk"),
    "DE": _Country("+49", (("Leipzig", None), ("Köln", None)), "Lindenweg {0}"),
    "FR": _Country("+33", (("Lyon", None), ("Nantes", None)), "{0} rue des Tilleuls"),
    "ES": _Country("+34", (("Zaragoza", "Z"), ("Málaga", "MA")), "Calle del Olmo {0}"),
    "IT": _Country("+39", (("Torino", "TO"), ("Bari", "BA")), "Via dei Pini {0}"),
    "NL": _Country("+31", (("Utrecht", None), ("Leiden", None)), "Wilgenstraat {0}"),
    "IE": _Country("+353", (("Cork", "Co. Cork"), ("Galway", "Co. Galway")), "{0} Ash Grove"),
    "JP": _Country("+81", (("Sendai", "Miyagi"), ("Nara", "Nara")), "Sakura-dori {0}"),
    "KW": _Country("+965", (("Hawalli", None),), "Palm Street {0}"),
}
_FLOORS = ("2nd floor", "Apt 4B", "c/o Reception", "Rear building")


class Address(NamedTuple):
    """A postal address, in the order of Stripe's fields; what was not told is None."""

    city: str | None
    country: str
    line1: str | None
    line2: str | None
    postal_code: str
    state: str | None

    def __str__(self) -> str:
        """In one line."""
        return ", ".join(part for part in (self.line1, self.line2, self.city, self.postal_code, self.country) if part)


class Shipping(NamedTuple):
    """Where parcels go."""

    address: Address
    name: str
    phone: str | None


class Contact(NamedTuple):
    """What somebody told; `description` is what the company wrote about them."""

    address: Address
    phone: str | None = None
    shipping: Shipping | None = None
    description: str | None = None
    gets_receipts: bool = False


def plain_address(country: str, postal_code: str) -> Address:
    """Of somebody who told no more than a card needs."""
    return Address(None, country, None, None, postal_code, None)


def make_contact(rng: Random, index: int, name: str, country: str, postal_code: str) -> Contact:
    """What somebody tells. Numbers of houses and telephones are unique by `index` (of the first 89,000).

    `rng`: a stream of its own, so that telling more steers nothing else.
    """
    prefix = _PLACES[country].prefix
    address = plain_address(country, postal_code)
    if rng.random() < _TELLS_STREET:
        address = _street(rng, address, 10_000 + index)
    phone = f"{prefix}{5_550_000_000 + index}" if rng.random() < _TELLS_PHONE else None
    shipping = None
    if rng.random() < _HAS_PARCELS:
        # to oneself, or to somebody at another place
        shipping = Shipping(address, name, phone)
        if address.line1 is None or rng.random() < _IS_SENT_ELSEWHERE:
            elsewhere = _street(rng, plain_address(country, f"{rng.randrange(10_000, 99_999)}"), 110_000 + index)
            shipping = Shipping(elsewhere, f"Office of {name}", f"{prefix}{5_650_000_000 + index}")
    description = f"{name}, wrote from {address}" if rng.random() < _IS_DESCRIBED else None
    return Contact(address, phone, shipping, description, rng.random() < _GETS_RECEIPTS)


def move(rng: Random, address: Address, postal_code: str) -> Address:
    """The address after a move within the country; a street is told where one was before."""
    moved = address._replace(postal_code=postal_code)
    return moved if address.line1 is None else _street(rng, moved, rng.randrange(210_000, 1_000_000))


def _street(rng: Random, address: Address, number: int) -> Address:
    place = _PLACES[address.country]
    city, state = rng.choice(place.cities)
    floor = rng.choice(_FLOORS) if rng.random() < _TELLS_FLOOR else None
    return address._replace(city=city, state=state, line1=place.street.format(number), line2=floor)
