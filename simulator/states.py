"""What the generator knows of each object at an instant. Immutable; how it looks as JSON is in `shapes`.

Money is in the currency's minor unit, times are Unix seconds. None means "not (yet)".
"""

from typing import NamedTuple

from simulator.contact import Address, Contact, Shipping
from simulator.terms import Applied, Discount, Pause, Tax, Tier


class Product(NamedTuple):
    """Something sold."""

    id: str
    created: int
    name: str
    description: str
    active: bool
    default_price: str | None
    updated: int
    metadata: dict[str, str]
    is_deleted: bool = False


class Price(NamedTuple):
    """What a product costs in one currency; only `active` ever changes."""

    id: str
    created: int
    product: str
    currency: str
    unit_decimal: str | None  # may carry fractions of the minor unit; None when there are tiers
    interval: str | None  # "day", "week", "month" or "year"; None for a one-time price
    nickname: str
    lookup_key: str | None
    active: bool
    interval_count: int = 1
    tiers_mode: str | None = None  # "graduated" or "volume"
    tiers: tuple[Tier, ...] = ()
    divide_by: int | None = None  # sold in packages of so many, an opened one counting whole
    is_metered: bool = False

    @property
    def unit_amount(self) -> int | None:
        """The unit amount, if it is a whole number of minor units."""
        return int(self.unit_decimal) if self.unit_decimal is not None and self.unit_decimal.isdigit() else None


class Customer(NamedTuple):
    """Who pays."""

    id: str
    created: int
    name: str
    email: str
    contact: Contact
    currency: str | None  # set by the first subscription, as Stripe does
    default_payment_method: str | None
    delinquent: bool
    balance: int  # negative: credit that the next invoice uses
    invoice_prefix: str
    metadata: dict[str, str]
    is_deleted: bool
    discount: Discount | None = None
    test_clock: str | None = None

    @property
    def country(self) -> str:
        """Where they live."""
        return self.contact.address.country


class PaymentMethod(NamedTuple):
    """A card."""

    id: str
    created: int
    customer: str | None  # None once detached
    name: str
    email: str
    phone: str | None
    address: Address
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    funding: str
    fingerprint: str


class Item(NamedTuple):
    """A price in a subscription, and the period that it is paid for."""

    id: str
    created: int
    price: str
    quantity: int | None  # None where usage is metered
    period_start: int
    period_end: int
    discounts: tuple[Applied, ...] = ()


class Subscription(NamedTuple):
    """A subscription in one of Stripe's statuses."""

    id: str
    created: int
    customer: str
    currency: str
    status: str
    items: tuple[Item, ...]
    billing_cycle_anchor: int
    trial_start: int | None
    trial_end: int | None
    cancel_at_period_end: bool
    canceled_at: int | None
    cancel_reason: str | None
    cancel_feedback: str | None
    ended_at: int | None
    latest_invoice: str | None
    metadata: dict[str, str]
    discounts: tuple[Applied, ...] = ()
    tax_rates: tuple[str, ...] = ()
    pause: Pause | None = None
    schedule: str | None = None
    pauses_without_card: bool = False  # at the end of the trial
    test_clock: str | None = None


class Line(NamedTuple):
    """A line of an invoice; `amount` is before discounts, and before taxes that come on top."""

    id: str
    amount: int
    description: str
    price: str
    product: str
    quantity: int
    unit_decimal: str | None  # None on prorations, and where tiers made the amount
    period_start: int
    period_end: int
    subscription: str | None
    item: str | None
    is_proration: bool
    invoice_item: str | None
    own_discounts: tuple[str, ...] = ()  # of the item alone
    discounts: tuple[tuple[str, int], ...] = ()  # (discount, amount): the item's own, then the invoice's
    taxes: tuple[Tax, ...] = ()

    @property
    def net(self) -> int:
        """After discounts, before taxes that come on top."""
        return self.amount - sum(amount for _, amount in self.discounts)

    @property
    def own_discount(self) -> int:
        """What the item's own discounts took off."""
        return sum(amount for discount, amount in self.discounts if discount in self.own_discounts)

    @property
    def tax_on_top(self) -> int:
        """Taxes that are not included in the amount."""
        return sum(tax.amount for tax in self.taxes if not tax.inclusive)


class Invoice(NamedTuple):
    """An invoice; `total` is before, `amount_due` after the customer balance and credit notes before payment."""

    id: str
    created: int
    customer: str
    customer_email: str
    customer_name: str
    customer_phone: str | None
    customer_address: Address
    customer_shipping: Shipping | None
    subscription: str
    billing_reason: str
    currency: str
    status: str
    lines: tuple[Line, ...]
    total: int
    amount_due: int
    amount_paid: int
    attempt_count: int
    attempted: bool
    auto_advance: bool
    next_payment_attempt: int | None
    automatically_finalizes_at: int | None
    number: str | None
    period_start: int
    period_end: int
    starting_balance: int
    ending_balance: int | None
    finalized_at: int | None
    paid_at: int | None
    voided_at: int | None
    marked_uncollectible_at: int | None
    discounts: tuple[str, ...] = ()  # of the whole invoice, not of single items
    tax_rates: tuple[str, ...] = ()
    test_clock: str | None = None
    credited_before_payment: int = 0
    credited_after_payment: int = 0

    @property
    def subtotal(self) -> int:
        """All lines less the discounts of single items, before the invoice's own discounts and taxes on top."""
        return sum(line.amount - line.own_discount for line in self.lines)


class PaymentIntent(NamedTuple):
    """An amount to be collected, through one charge or several."""

    id: str
    created: int
    customer: str
    amount: int
    currency: str
    status: str
    payment_method: str | None
    amount_received: int
    latest_charge: str | None
    failure: str | None  # a key of simulator.payments.FAILURES
    description: str
    statement_descriptor: str | None
    canceled_at: int | None
    metadata: dict[str, str]
    receipt_email: str | None = None


class Charge(NamedTuple):
    """One attempt to take the money."""

    id: str
    created: int
    customer: str
    payment_intent: str
    card: PaymentMethod  # as it was when charged
    amount: int
    currency: str
    is_paid: bool
    failure: str | None
    amount_refunded: int
    description: str
    balance_transaction: str | None
    risk_score: int
    authorization_code: str
    metadata: dict[str, str]
    receipt_email: str | None = None
    dispute: str | None = None
    is_withdrawn: bool = False  # by a dispute, even if that was won since

    @property
    def refundable(self) -> int:
        """What can still be given back: nothing once a dispute took the money."""
        return self.amount - self.amount_refunded if self.is_paid and not self.is_withdrawn else 0


class Refund(NamedTuple):
    """Money given back; succeeded, pending or failed."""

    id: str
    created: int
    charge: str
    payment_intent: str
    amount: int
    currency: str
    status: str
    reason: str | None
    failure_reason: str | None
    balance_transaction: str | None
    failure_balance_transaction: str | None


class InvoicePayment(NamedTuple):
    """Which payment intent pays which invoice."""

    id: str
    created: int
    invoice: str
    payment_intent: str
    amount_requested: int
    amount_paid: int | None
    currency: str
    status: str
    paid_at: int | None
    canceled_at: int | None
