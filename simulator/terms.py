"""States of what is agreed, taken off and credited: discounts, taxes, schedules, invoice items, credit notes.

As in `states`, from which this is apart for length alone: immutable, minor units, Unix seconds, None for "not (yet)".
"""

from typing import NamedTuple


class Tier(NamedTuple):
    """What units up to and including `up_to` cost; None for the last tier. `flat` is due once the tier is reached."""

    up_to: int | None
    unit_amount: int
    flat_amount: int


class Coupon(NamedTuple):
    """Money off: `percent_off` or `amount_off` in `currency`."""

    id: str
    created: int
    name: str
    percent_off: int | None
    amount_off: int | None
    currency: str | None
    duration: str  # "once", "repeating" or "forever"
    duration_in_months: int | None
    is_deleted: bool = False


class PromotionCode(NamedTuple):
    """A word that customers type to get a coupon."""

    id: str
    created: int
    code: str
    coupon: str
    active: bool


class TaxRate(NamedTuple):
    """A tax in percent, on top of prices or included in them."""

    id: str
    created: int
    country: str
    display_name: str
    tax_type: str
    percentage: str
    inclusive: bool
    description: str
    active: bool


class TestClock(NamedTuple):
    """A clock of test mode that some customers live by."""

    id: str
    created: int
    name: str
    frozen_time: int
    status: str  # "ready" or "advancing"
    deletes_after: int
    is_deleted: bool = False


class Discount(NamedTuple):
    """A coupon at work: on a customer, a subscription, or one item of it."""

    id: str
    start: int
    end: int | None
    coupon: str
    promotion_code: str | None
    customer: str
    subscription: str | None
    subscription_item: str | None
    is_deleted: bool = False


class Applied(NamedTuple):
    """A discount as what it reduces remembers it."""

    discount: str
    coupon: str


class Pause(NamedTuple):
    """What becomes of invoices while collection is paused, and until when."""

    behavior: str  # "void", "mark_uncollectible" or "keep_as_draft"
    resumes_at: int | None


class Phase(NamedTuple):
    """What a schedule sells from `start` to `end`: (price, quantity) of each item."""

    start: int
    end: int
    items: tuple[tuple[str, int | None], ...]


class SubscriptionSchedule(NamedTuple):
    """A change of a subscription that is agreed upon for later."""

    id: str
    created: int
    customer: str
    subscription: str
    currency: str
    status: str  # "active", "released" or "canceled"
    phases: tuple[Phase, ...]
    current: int | None  # the phase that runs
    released_at: int | None
    canceled_at: int | None
    test_clock: str | None


class Tax(NamedTuple):
    """The tax of one rate on a line."""

    rate: str
    amount: int
    taxable: int
    inclusive: bool


class InvoiceItem(NamedTuple):
    """Something that waits for the next invoice: a proration, or a single purchase."""

    id: str
    created: int
    customer: str
    subscription: str | None
    item: str | None
    currency: str
    amount: int
    description: str
    price: str
    product: str
    quantity: int
    unit_decimal: str | None
    period_start: int
    period_end: int
    is_proration: bool
    invoice: str | None
    test_clock: str | None
    is_deleted: bool = False


class CreditLine(NamedTuple):
    """The only line of a credit note: a line of the invoice taken back, or an amount by itself."""

    id: str
    amount: int
    description: str
    invoice_line: str | None
    quantity: int | None
    discounts: tuple[tuple[str, int], ...]
    taxes: tuple[Tax, ...]


class CreditNote(NamedTuple):
    """A part of an invoice taken back, before it was paid or after."""

    id: str
    created: int
    customer: str
    invoice: str
    currency: str
    number: str
    line: CreditLine
    total: int
    is_before_payment: bool
    refund: str | None
    balance_transaction: str | None  # of the customer's balance
    reason: str | None


class CustomerBalanceTransaction(NamedTuple):
    """A change of a customer's balance; negative amounts are credit."""

    id: str
    created: int
    customer: str
    currency: str
    amount: int
    ending_balance: int
    type: str
    invoice: str | None
    credit_note: str | None
    description: str | None
