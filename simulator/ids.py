"""Ids in Stripe's form, from a random stream of their own so that ids never steer a life."""

from random import Random

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PAIRS = [_ALPHABET[(i // 62) % 62] + _ALPHABET[i % 62] for i in range(4096)]


def random_text(rng: Random, pairs: int) -> str:
    """`2 * pairs` letters and digits."""
    bits = rng.getrandbits(12 * pairs)
    parts = []
    for _ in range(pairs):
        parts.append(_PAIRS[bits & 4095])
        bits >>= 12
    return "".join(parts)


class IdSource:
    """Makes ids: `cus_` + 14 characters, or `in_1` + 6 + the account's 10 + 8, as Stripe's look."""

    __slots__ = ("_rng", "account_part")

    def __init__(self, seed: int, stream: str) -> None:
        self.account_part = account_part(seed)
        self._rng = Random(f"{seed}:{stream}:ids")

    def short(self, prefix: str) -> str:
        """`cus_` and the like: prefix and 14 characters."""
        return f"{prefix}_{random_text(self._rng, 7)}"

    def long(self, prefix: str, generation: str = "1") -> str:
        """`in_1` and the like; payment intents have generation 3."""
        text = random_text(self._rng, 7)
        return f"{prefix}_{generation}{text[:6]}{self.account_part}{text[6:]}"

    def related(self, prefix: str, other: str) -> str:
        """An id that starts like `other` (a charge's like its payment intent's), as Stripe's do."""
        head = other.partition("_")[2][:7]
        return f"{prefix}_{head}{self.account_part}{random_text(self._rng, 4)}"

    def key(self) -> str:
        """An idempotency key: a random UUID's text."""
        digits = f"{self._rng.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    def text(self, pairs: int) -> str:
        """Random letters and digits, twice as many as `pairs`."""
        return random_text(self._rng, pairs)


def account_part(seed: int) -> str:
    """The ten characters that all long ids of one account share."""
    return random_text(Random(f"{seed}:account"), 5)


def identity_of(seed: int, founded: int, customers: int, months: int) -> int:
    """One number for the four that make a company; its catalog, its customers' lives and all its ids follow from it."""
    return Random(f"{seed}:{founded}:{customers}:{months}").getrandbits(63)


def account_id(seed: int) -> str:
    """The account's id; `seed` is the company's identity, as for every id of it."""
    return f"acct_1{random_text(Random(f'{seed}:account-id'), 3)}{account_part(seed)}"
