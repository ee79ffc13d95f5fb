"""Who the customers are: names, countries, currencies, cards."""

from random import Random
from typing import NamedTuple

from simulator.contact import Contact, make_contact
from simulator.ids import IdSource, random_text
from simulator.states import Customer, PaymentMethod

# fmt: off
_GIVEN = (
    "Ada", "Amir", "Anna", "Aoi", "Ben", "Carla", "Chen", "Clara", "David", "Elena", "Emil", "Emma",
    "Farid", "Grace", "Hana", "Hugo", "Ines", "Ivan", "Jana", "Jonas", "Kaito", "Lea", "Liam", "Lucia",
    "Maja", "Marc", "Mei", "Mika", "Nina", "Noah", "Olga", "Omar", "Paul", "Priya", "Rafael", "Ren",
    "Rosa", "Sam", "Sara", "Sofia", "Theo", "Tomas", "Vera", "Yuki", "Zoe",
)
_FAMILY = (
    "Adler", "Baker", "Bianchi", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Haas", "Ito",
    "Jansen", "Kato", "Keller", "Khan", "Lambert", "Lopez", "Martin", "Meyer", "Moreau", "Mori",
    "Nakamura", "Novak", "Ortiz", "Park", "Patel", "Quinn", "Rossi", "Sato", "Schmidt", "Silva",
    "Smith", "Suzuki", "Tanaka", "Turner", "Vogel", "Weber", "White", "Wong", "Young", "Zimmer",
)
# fmt: on
_COUNTRIES = {
    "usd": (("US", 78), ("CA", 8), ("GB", 6), ("AU", 5), ("SG", 3)),
    "eur": (("DE", 34), ("FR", 24), ("ES", 14), ("IT", 12), ("NL", 10), ("IE", 6)),
    "jpy": (("JP", 100),),
    "kwd": (("KW", 100),),
}
_BRANDS = (("visa", "4242"), ("visa", None), ("mastercard", "4444"), ("mastercard", None), ("amex", "8431"))


class Person(NamedTuple):
    """Someone who may become a customer."""

    name: str
    email: str
    currency: str
    user_id: str
    contact: Contact


def make_person(rng: Random, index: int, contact_rng: Random) -> Person:
    """A person whose email and user id are unique by `index`. `contact_rng`: as of `make_contact`."""
    given, family = rng.choice(_GIVEN), rng.choice(_FAMILY)
    currency = rng.choices(("usd", "eur", "jpy", "kwd"), (58, 27, 11, 4))[0]
    countries = _COUNTRIES[currency]
    country = rng.choices([name for name, _ in countries], [weight for _, weight in countries])[0]
    name, postal_code = f"{given} {family}", f"{rng.randrange(10_000, 99_999)}"
    return Person(
        name=name,
        email=f"{given}.{family}.{index}@example.com".lower(),
        currency=currency,
        user_id=f"user_{index:07d}",
        contact=make_contact(contact_rng, index, name, country, postal_code),
    )


def new_customer(person: Person, ids: IdSource, at: int) -> Customer:
    """The customer as first created: no currency and no card yet."""
    return Customer(
        id=ids.short("cus"),
        created=at,
        name=person.name,
        email=person.email,
        contact=person.contact,
        currency=None,
        default_payment_method=None,
        delinquent=False,
        balance=0,
        invoice_prefix=ids.text(4).upper(),
        metadata={"user_id": person.user_id},
        is_deleted=False,
    )


def new_card(rng: Random, customer: Customer, ids: IdSource, at: int, year: int) -> PaymentMethod:
    """A card that is good for one to five more years after `year`."""
    brand, last4 = rng.choice(_BRANDS)
    return PaymentMethod(
        id=ids.long("pm"),
        created=at,
        customer=customer.id,
        name=customer.name,
        email=customer.email,
        phone=customer.contact.phone,
        address=customer.contact.address,
        brand=brand,
        last4=last4 or f"{rng.randrange(10_000):04d}",
        exp_month=rng.randrange(1, 13),
        exp_year=year + rng.randrange(1, 6),
        funding=rng.choices(("credit", "debit", "prepaid"), (60, 35, 5))[0],
        fingerprint=random_text(rng, 8),
    )
