"""Which list endpoints there are: what each lists, by what it filters, and what it leaves out unless asked."""

from collections.abc import Callable
from typing import Any, NamedTuple

Filter = Callable[[Any, str], bool]


def _same(field: str) -> Filter:
    return lambda state, wanted: bool(getattr(state, field) == wanted)


def _flag(field: str) -> Filter:
    return lambda state, wanted: bool(getattr(state, field) == (wanted == "true"))


def _has_status(state: Any, wanted: str) -> bool:
    if wanted == "all":
        return True
    if wanted == "ended":
        return state.status in ("canceled", "incomplete_expired")
    return bool(state.status == wanted)


def _has_price(state: Any, wanted: str) -> bool:
    return any(item.price == wanted for item in state.items)


def _is_type(state: Any, wanted: str) -> bool:
    return wanted == ("recurring" if state.interval else "one_time")


def _is_pending(state: Any, wanted: str) -> bool:
    return (state.invoice is None) == (wanted == "true")


def _is_recurring(state: Any) -> bool:
    return state.interval is not None


def clock_of(state: Any) -> str | None:
    """The test clock that an object lives by; only some kinds can."""
    clock: str | None = getattr(state, "test_clock", None)
    return clock


class Listing(NamedTuple):
    """One list endpoint.

    `noun` is as in "No such invoice: ...". `links` are filters on fields that never change, found without a search.
    `required` must be given. `with_clock`: objects on a test clock are listed only when asked for by one of these.
    `only`: states that are not taken are of this kind but not in this list; `renders` is how they are shown, where
    that is not their kind.
    """

    kind: str
    noun: str
    filters: dict[str, Filter]
    links: tuple[str, ...] = ()
    required: str | None = None
    has_created: bool = True
    with_clock: tuple[str, ...] = ()
    only: Callable[[Any], bool] | None = None
    renders: str | None = None


_CUSTOMER = {"customer": _same("customer")}
_INTENT = {"payment_intent": _same("payment_intent")}
_CLOCK: dict[str, Filter] = {"test_clock": lambda state, wanted: clock_of(state) == wanted}

LISTINGS = {
    "customers": Listing("customer", "customer", {"email": _same("email"), **_CLOCK}, with_clock=("test_clock",)),
    "products": Listing("product", "product", {"active": _flag("active")}),
    "prices": Listing(
        "price",
        "price",
        {
            "active": _flag("active"),
            "product": _same("product"),
            "currency": _same("currency"),
            "type": _is_type,
        },
    ),
    "plans": Listing(
        "price",
        "plan",
        {"active": _flag("active"), "product": _same("product")},
        only=_is_recurring,
        renders="plan",
    ),
    "coupons": Listing("coupon", "coupon", {}),
    "promotion_codes": Listing(
        "promotion_code",
        "promotion code",
        {"active": _flag("active"), "code": _same("code"), "coupon": _same("coupon"), **_CUSTOMER},
    ),
    "tax_rates": Listing("tax_rate", "tax rate", {"active": _flag("active"), "inclusive": _flag("inclusive")}),
    "subscriptions": Listing(
        "subscription",
        "subscription",
        {**_CUSTOMER, "status": _has_status, "price": _has_price, **_CLOCK},
        with_clock=("test_clock", "customer"),
    ),
    "subscription_schedules": Listing("subscription_schedule", "subscription schedule", {**_CUSTOMER}),
    "invoices": Listing(
        "invoice",
        "invoice",
        {**_CUSTOMER, "subscription": _same("subscription"), "status": _same("status")},
        links=("subscription",),
    ),
    "invoiceitems": Listing(
        "invoiceitem", "invoice item", {**_CUSTOMER, "invoice": _same("invoice"), "pending": _is_pending}
    ),
    "invoice_payments": Listing(
        "invoice_payment",
        "invoice_payment",
        {
            "invoice": _same("invoice"),
            "status": _same("status"),
            "payment[payment_intent]": _same("payment_intent"),
            "payment[type]": lambda state, wanted: wanted == "payment_intent",
        },
        links=("invoice",),
    ),
    "charges": Listing("charge", "charge", {**_CUSTOMER, **_INTENT}, links=("payment_intent",)),
    "refunds": Listing("refund", "refund", {"charge": _same("charge"), **_INTENT}, links=("charge", "payment_intent")),
    "disputes": Listing(
        "dispute", "dispute", {"charge": _same("charge"), **_INTENT}, links=("charge", "payment_intent")
    ),
    "payment_intents": Listing("payment_intent", "payment_intent", {**_CUSTOMER}),
    "setup_intents": Listing("setup_intent", "setup intent", {**_CUSTOMER, "payment_method": _same("payment_method")}),
    "payment_methods": Listing(
        "payment_method",
        "PaymentMethod",
        {**_CUSTOMER, "type": lambda state, wanted: wanted == "card"},
        required="customer",
        has_created=False,
    ),
    "credit_notes": Listing("credit_note", "credit note", {**_CUSTOMER, "invoice": _same("invoice")}),
    "balance_transactions": Listing(
        "balance_transaction",
        "balance transaction",
        {
            "currency": _same("currency"),
            "payout": _same("payout"),
            "source": _same("source"),
            "type": _same("type"),
        },
    ),
    "payouts": Listing("payout", "payout", {"status": _same("status"), "destination": _same("destination")}),
    "transfers": Listing(
        "transfer", "transfer", {"destination": _same("destination"), "transfer_group": _same("transfer_group")}
    ),
    "checkout/sessions": Listing(
        "checkout.session",
        "checkout.session",
        {**_CUSTOMER, "subscription": _same("subscription"), "status": _same("status")},
    ),
    "test_helpers/test_clocks": Listing("test_helpers.test_clock", "test clock", {}, has_created=False),
}


class Nested(NamedTuple):
    """A list below one object: `/v1/<parent>/{id}/<name>`, of the objects whose `field` names the parent."""

    parent: str  # a key of LISTINGS
    name: str
    field: str
    listing: Listing


NESTED = (
    Nested("customers", "payment_methods", "customer", LISTINGS["payment_methods"]),
    Nested("customers", "subscriptions", "customer", LISTINGS["subscriptions"]),
    Nested(
        "customers",
        "balance_transactions",
        "customer",
        Listing("customer_balance_transaction", "customer balance transaction", {**_CUSTOMER}),
    ),
    Nested("charges", "refunds", "charge", LISTINGS["refunds"]),
)
