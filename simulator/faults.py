"""Faults that can be switched on: each hits the next n requests, in order, and nothing by chance."""

COUNTED = ("rate_limit", "server_error", "html", "cut")


class Faults:
    """`left[name]` requests are still to be hit; resources in `restricted` are forbidden to the key."""

    def __init__(self) -> None:
        self.left: dict[str, int] = dict.fromkeys(COUNTED, 0)
        self.is_key_revoked = False
        self.restricted: frozenset[str] = frozenset()
        self.is_restricted = False

    def clear(self) -> None:
        """Switch everything off."""
        self.left = dict.fromkeys(COUNTED, 0)
        self.is_key_revoked = False
        self.is_restricted = False
        self.restricted = frozenset()

    def arm(self, name: str, count: int) -> None:
        """Raises KeyError for a name that is not counted."""
        self.left[name] += count

    def hits(self, name: str) -> bool:
        """Whether this request is hit; uses up one."""
        if self.left[name] <= 0:
            return False
        self.left[name] -= 1
        return True

    def restrict(self, resources: list[str] | None) -> None:
        """Forbid these resources (`events`, `customers` ...), or all."""
        self.is_restricted = True
        self.restricted = frozenset(resources or ())

    def forbids(self, resource: str) -> bool:
        """Whether the key may not read the resource."""
        return self.is_restricted and (not self.restricted or resource in self.restricted)

    def describe(self) -> dict[str, object]:
        """What is switched on."""
        return {
            **self.left,
            "revoke_key": self.is_key_revoked,
            "restricted": sorted(self.restricted) or self.is_restricted,
        }
