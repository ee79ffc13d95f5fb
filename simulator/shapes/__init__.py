"""How objects look as JSON. One module per API version's shape; a shape renders a state at an instant.

A shape is made from a catalogue (prices are embedded in subscriptions as they are at the instant) and the
account's id, and has `version` and `render(kind, state, at)`. `endive` is the newest one; `v2024_06_20` makes an older
one of it.
"""

from typing import Any, NamedTuple, Protocol

from simulator.states import Item, Line


class Shape(Protocol):
    """One API version's way of rendering."""

    version: str

    def render(self, kind: str, state: Any, at: float) -> dict[str, Any]:
        """The JSON object of a state, as `state` was published or is listed at `at`."""

    def render_item(self, item: Item, subscription: str, at: float) -> dict[str, Any]:
        """The JSON of one item of a subscription."""

    def render_line(self, line: Line, invoice: str, currency: str, at: float) -> dict[str, Any]:
        """The JSON of one line of an invoice."""

    def hidden(self, kind: str, state: Any, field: str, at: float) -> Any:
        """The JSON of a field that is shown only when expanded. Raises KeyError when there is no such field."""


class Versions(NamedTuple):
    """The shapes that an account's documents have had: an older one until it upgraded, the newest one since."""

    older: Shape
    newest: Shape
    upgraded_at: float

    def at(self, at: float) -> Shape:
        """The account's own shape at an instant."""
        return self.newest if at >= self.upgraded_at else self.older

    def named(self, version: str | None, at: float) -> Shape:
        """The shape of a request for an API version; of one without, the account's."""
        if version is None:
            return self.at(at)
        return self.newest if version >= MOVED_SINCE else self.older


MOVED_SINCE = "2025-03-31"  # basil; what clover moved is taken as moved with it


def previous_attributes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The old values of what changed: by key inside objects, whole for arrays; null for keys that are new."""
    changed: dict[str, Any] = {}
    for key in (*after, *(key for key in before if key not in after)):
        old, new = before.get(key), after.get(key)
        if old is new or old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changed[key] = previous_attributes(old, new)
        else:
            changed[key] = old
    return changed
