"""A subscription while it runs: its history, and what billing must remember between two of its actions."""

from typing import NamedTuple

from simulator.invoicing import InvoiceRun
from simulator.ledger import History
from simulator.periods import add_periods
from simulator.promotions import Grant
from simulator.states import Price, Subscription


class Choice(NamedTuple):
    """A price, how many of it (None where usage is metered), and a coupon for it alone."""

    price: str
    quantity: int | None
    grant: Grant | None = None


class Agreement:
    """A subscription while it runs: its state's history and what billing must remember."""

    __slots__ = (
        "anchor", "cycle", "history", "interval", "interval_count", "is_published", "open_run", "pending",
        "schedule", "token",
    )  # fmt: skip

    def __init__(self, history: History, price: Price, anchor: int, is_published: bool) -> None:
        self.history = history
        self.is_published = is_published  # customer.subscription.created is out
        self.token = 0  # raised to drop what was scheduled for an abandoned period
        self.pending: list[History] = []  # invoice items for the next invoice
        self.open_run: InvoiceRun | None = None
        self.schedule: History | None = None
        self.recur(price, anchor)

    def recur(self, price: Price, anchor: int, cycle: int = 0) -> None:
        """From now on periods are as long as the price says; `cycle` full ones were begun since the anchor."""
        self.interval, self.interval_count = str(price.interval), price.interval_count
        self.anchor = anchor
        self.cycle = cycle

    def period(self, number: int) -> int:
        """When the period `number` since the anchor begins."""
        return add_periods(self.anchor, self.interval, number * self.interval_count)

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

    @property
    def is_free_to_change(self) -> bool:
        """In order, and neither leaving, nor paused, nor bound by a schedule."""
        state = self.state
        is_bound = state.cancel_at_period_end or state.pause is not None or state.schedule is not None
        return self.is_in_order and not is_bound
