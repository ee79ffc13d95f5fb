"""What a customer changes without buying anything: an address, a card."""

from collections.abc import Callable
from random import Random

from simulator.agreement import Agreement
from simulator.contact import move
from simulator.ledger import Ledger
from simulator.payments import Payments


class Upkeep:
    """The small changes of one customer, each an action that a timeline can take."""

    def __init__(
        self, rng: Random, moves: Random, ledger: Ledger, payments: Payments, add_card: Callable[[int], None]
    ) -> None:
        self._rng = rng
        self._moves = moves
        self._ledger = ledger
        self._payments = payments
        self._add_card = add_card

    def change_email(self, at: int) -> None:
        """Another address of the same mailbox."""
        if self._payments.customer_history.state.is_deleted:
            return
        name, _, domain = self._payments.customer_history.state.email.partition("@")
        email = f"{name.split('+')[0]}+{self._rng.randrange(100, 1000)}@{domain}"
        self._payments.update_customer(at, self._ledger.request(), email=email)

    def change_email_of(self, at: int, agreement: Agreement) -> None:
        """The same, while subscribed."""
        self.change_email(at)

    def replace_card(self, at: int, agreement: Agreement) -> None:
        """Another card takes the place of the one in use."""
        if not agreement.is_over:
            self._add_card(at)

    def renew_card(self, at: int, agreement: Agreement) -> None:
        """The bank renewed the card, and Stripe learnt of it."""
        if not agreement.is_over and self._payments.card is not None:
            year = self._payments.card_history.state.exp_year + 3
            self._payments.update_card(
                at, "payment_method.automatically_updated", self._ledger.request(), exp_year=year
            )

    def move_house(self, at: int, agreement: Agreement) -> None:
        """A new address, on the card and the customer; parcels still go where they went."""
        if not agreement.is_over and self._payments.card is not None:
            contact = self._payments.customer_history.state.contact
            address = move(self._moves, contact.address, f"{self._rng.randrange(10_000, 99_999)}")
            request = self._ledger.request()
            self._payments.update_card(at, "payment_method.updated", request, address=address)
            self._payments.update_customer(at, request, contact=contact._replace(address=address))
