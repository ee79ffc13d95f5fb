"""A subscription while it runs: its history, and what billing must remember between two of its actions."""

from typing import NamedTuple

from simulator.invoicing import InvoiceRun
from simulator.ledger import History
from simulator.states import Line, Subscription


class Choice(NamedTuple):
    """A price and how many of it."""

    price: str
    quantity: int


class Agreement:
    """A subscription while it runs: its state's history and what billing must remember."""

    __slots__ = ("anchor", "cycle", "history", "is_published", "months", "open_run", "prorations", "token")

    def __init__(self, history: History, months: int, anchor: int, is_published: bool) -> None:
        self.history = history
        self.is_published = is_published  # customer.subscription.created is out
        self.months = months
        self.anchor = anchor
        self.cycle = 0  # full periods since the anchor
        self.token = 0  # raised to drop what was scheduled for an abandoned period
        self.prorations: list[Line] = []  # for the next invoice
        self.open_run: InvoiceRun | None = None

    @property
    def state(self) -> Subscription:
        """The newest state."""
        state: Subscription = self.history.state
        return state

    @property
    def is_over(self) -> bool:
        """Canceled, or expired before it was ever paid."""
        return self.state.status in ("canceled", "incomplete_expired")

    @property
    def is_in_order(self) -> bool:
        """Active, with nothing to collect."""
        return self.state.status == "active" and self.open_run is None
