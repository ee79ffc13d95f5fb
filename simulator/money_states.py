"""What the generator knows of the money around a payment: the balance, payouts, disputes, set-ups and checkouts.

As in `states`: immutable, minor units, Unix seconds, None for "not (yet)".
"""

from decimal import Decimal
from typing import NamedTuple


class Fee(NamedTuple):
    """One of the fees of a balance transaction, in the balance's currency."""

    amount: int
    description: str


class BalanceTransaction(NamedTuple):
    """One movement of the account's balance, in a settlement currency; only `payout` ever becomes known later."""

    id: str
    created: int
    type: str
    reporting_category: str
    amount: int
    currency: str
    exchange_rate: Decimal | None  # the source's minor units times this are `amount`; None: not converted
    fees: tuple[Fee, ...]
    available_on: int
    source: str | None
    description: str | None
    payout: str | None = None

    @property
    def fee(self) -> int:
        """All fees together."""
        return sum(fee.amount for fee in self.fees)

    @property
    def net(self) -> int:
        """What the balance gains, or loses when negative."""
        return self.amount - self.fee


class Payout(NamedTuple):
    """Money on its way to the company's bank: pending, in_transit, paid or failed."""

    id: str
    created: int
    amount: int
    currency: str
    status: str
    arrival_date: int
    balance_transaction: str
    destination: str
    trace: str
    is_reconciled: bool = False
    failure_code: str | None = None
    failure_balance_transaction: str | None = None


class Transfer(NamedTuple):
    """Money moved to a connected account; `reversals` are (id, second, amount, balance transaction)."""

    id: str
    created: int
    amount: int
    currency: str
    destination: str
    destination_payment: str
    balance_transaction: str
    transfer_group: str
    description: str
    reversals: tuple[tuple[str, int, int, str], ...] = ()


class Dispute(NamedTuple):
    """A payment that the customer's bank took back, or an inquiry (`warning_...`) before it does."""

    id: str
    created: int
    charge: str
    payment_intent: str
    amount: int
    currency: str
    reason: str
    status: str
    brand: str
    customer_name: str
    customer_email: str
    billing_address: str
    due_by: int
    has_evidence: bool = False
    balance_transactions: tuple[BalanceTransaction, ...] = ()
    withdrawn_at: int | None = None
    reinstated_at: int | None = None


class SetupIntent(NamedTuple):
    """A card added without a payment."""

    id: str
    created: int
    customer: str
    status: str
    payment_method: str | None
    latest_attempt: str | None
    failure: str | None  # a key of simulator.payments.FAILURES
    metadata: dict[str, str]


class CheckoutSession(NamedTuple):
    """A visit to the hosted checkout page that starts a subscription: open, complete or expired."""

    id: str
    created: int
    customer: str
    currency: str
    status: str
    payment_status: str
    amount: int | None  # None until what is bought is known
    subscription: str | None
    invoice: str | None
    customer_name: str
    customer_email: str
    customer_country: str
    expires_at: int
    metadata: dict[str, str]
