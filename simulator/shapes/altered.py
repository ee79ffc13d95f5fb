"""A shape that is another one with each document altered: for older API versions, and for live mode."""

from collections.abc import Callable
from typing import Any

from simulator.shapes import Shape
from simulator.states import Item, Line

Document = dict[str, Any]


class AlteredShape:
    """Renders with `shape`, then lets `alter(document, at)` return what is shown; it must not change its argument."""

    def __init__(self, shape: Shape, version: str, alter: Callable[[Document, float], Document]) -> None:
        self.version = version
        self._shape = shape
        self._alter = alter

    def render(self, kind: str, state: Any, at: float) -> Document:
        """The JSON object of a state."""
        return self._alter(self._shape.render(kind, state, at), at)

    def render_item(self, item: Item, subscription: str, at: float) -> Document:
        """One item of a subscription."""
        return self._alter(self._shape.render_item(item, subscription, at), at)

    def render_line(self, line: Line, invoice: str, currency: str, at: float) -> Document:
        """One line of an invoice."""
        return self._alter(self._shape.render_line(line, invoice, currency, at), at)

    def hidden(self, kind: str, state: Any, field: str, at: float) -> Any:
        """A field that is shown only when expanded."""
        return self._alter({"value": self._shape.hidden(kind, state, field, at)}, at)["value"]


def in_live_mode(document: Document, at: float) -> Document:
    """The same with `livemode` true at every depth."""
    live: Document = _live(document)
    return live


def _live(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: True if key == "livemode" else _live(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_live(part) for part in value]
    return value
