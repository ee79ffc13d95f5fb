"""The one registry: which Stripe objects there are and how to list them, and which models are built from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StripeObject:
    """One kind of Stripe object.

    `name` is the value of its "object" field. `list_path` is its list endpoint (None: it has none that serves
    a whole account, and its history comes from events and from the objects that name it), `path` where one is
    to be had by its id nevertheless, `list_params` what the list endpoint needs beside a `created` range to
    leave nothing out (https://docs.stripe.com/api: lists of subscriptions leave canceled ones out unless
    status=all), and `expand` what it leaves out of each object unless it is asked to. `reads_as` names the
    staging relation that reads it, where that has another name. `has_events` is false where no event ever
    tells of it, and only lists do. `has_test_clocks`: its list shows objects on a test clock only when asked
    for that clock. `is_deletable`: Stripe deletes some, and what holds them here knows of deletions (all test
    data of an account, which can go at once, does not count).
    """

    name: str
    list_path: str | None = None
    list_params: Mapping[str, str] = field(default_factory=dict)
    expand: tuple[str, ...] = ()
    reads_as: str | None = None
    has_events: bool = True
    has_test_clocks: bool = False
    is_deletable: bool = False
    path: str | None = None

    @property
    def reading(self) -> str:
        """Name of the function or view in schema staging that reads its documents."""
        return self.reads_as or self.name

    @property
    def endpoint(self) -> str:
        """Its list endpoint. ValueError where there is none."""
        if self.list_path is None:
            raise ValueError(f"{self.name} has no list endpoint: its history comes from events")
        return self.list_path

    @property
    def parent_path(self) -> str | None:
        """The endpoint under which one object is by its id; None where there is none."""
        return self.path or self.list_path

    @property
    def params(self) -> dict[str, str]:
        """All that its list endpoint has to be asked for, beside the time of creation."""
        expanded = {f"expand[{number}]": f"data.{path}" for number, path in enumerate(self.expand)}
        return {**self.list_params, **expanded}


@dataclass(frozen=True)
class Model:
    """One dim, fact or record of the pipeline's own: the stem of its SQL file, its relation, and its task id.

    `upstream` are the models that it reads in dwh, which must have applied a batch before it does.
    """

    name: str
    upstream: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Folder of its file under include/sql: dims, facts, or records (what the pipeline notes for itself)."""
        return {"dim": "dims", "fact": "facts"}.get(self.name.rpartition("_")[2], "records")

    @property
    def schema(self) -> str:
        """Schema of its relation: dwh, or of the pipeline's own records ops."""
        return "ops" if self.folder == "records" else "dwh"

    @property
    def relation(self) -> str:
        """Its table or view, with the schema."""
        return f"{self.schema}.{self.name}"

    @property
    def sql_file(self) -> str:
        """Path of its file under include/sql."""
        return f"{self.folder}/{self.name}.sql"


OBJECTS: tuple[StripeObject, ...] = (
    StripeObject("customer", "/v1/customers", has_test_clocks=True, is_deletable=True),
    StripeObject("product", "/v1/products", is_deletable=True),
    StripeObject("price", "/v1/prices", expand=("tiers", "currency_options"), is_deletable=True),
    StripeObject("plan", "/v1/plans", expand=("tiers",), reads_as="price", is_deletable=True),
    StripeObject("coupon", "/v1/coupons", expand=("applies_to", "currency_options"), is_deletable=True),
    StripeObject("promotion_code", "/v1/promotion_codes"),
    StripeObject("discount"),
    StripeObject("tax_rate", "/v1/tax_rates"),
    StripeObject(
        "subscription",
        "/v1/subscriptions",
        {"status": "all"},
        expand=("discounts", "items.data.discounts"),
        has_test_clocks=True,
        is_deletable=True,
    ),
    StripeObject("subscription_item"),
    StripeObject("subscription_schedule", "/v1/subscription_schedules"),
    StripeObject(
        "invoice", "/v1/invoices", expand=("discounts", "lines.data.discounts", "payments"), is_deletable=True
    ),
    StripeObject("line_item", reads_as="invoice_line"),
    StripeObject("invoiceitem", "/v1/invoiceitems", reads_as="invoice_item", is_deletable=True),
    StripeObject("invoice_payment", "/v1/invoice_payments"),
    StripeObject("charge", "/v1/charges"),
    StripeObject("payment_intent", "/v1/payment_intents"),
    StripeObject("setup_intent", "/v1/setup_intents"),
    StripeObject("payment_method", path="/v1/payment_methods"),
    StripeObject("card", reads_as="payment_method"),
    StripeObject("source", reads_as="payment_method"),
    StripeObject("refund", "/v1/refunds"),
    StripeObject("dispute", "/v1/disputes"),
    StripeObject("credit_note", "/v1/credit_notes"),
    StripeObject("balance_transaction", "/v1/balance_transactions", has_events=False),
    StripeObject("payout", "/v1/payouts"),
    StripeObject("transfer", "/v1/transfers"),
    StripeObject("checkout.session", "/v1/checkout/sessions", reads_as="checkout_session"),
    StripeObject("customer_balance_transaction", has_events=False),
)

LISTED: Mapping[str, StripeObject] = {item.name: item for item in OBJECTS if item.list_path}
RETRIEVED: Mapping[str, StripeObject] = {item.name: item for item in OBJECTS if item.parent_path}

MODELS: tuple[Model, ...] = (
    Model("date_dim"),
    Model("currency_dim"),
    Model("customer_dim"),
    Model("user_dim", upstream=("customer_dim",)),
    Model("product_dim"),
    Model("price_dim"),
    Model("coupon_dim"),
    Model("discount_dim"),
    Model("payment_method_dim"),
    Model("payment_intent_fact"),
    Model("charge_fact"),
    Model("refund_fact"),
    Model("dispute_fact"),
    Model("balance_transaction_fact"),
    Model("payout_fact"),
    Model("payout_transaction_fact"),
    Model(
        "fx_rate_fact",
        upstream=("currency_dim", "charge_fact", "refund_fact", "dispute_fact", "balance_transaction_fact"),
    ),
    Model("invoice_fact"),
    Model("invoice_line_fact", upstream=("invoice_fact",)),
    Model("invoice_payment_fact"),
    Model("credit_note_fact"),
    Model("client_dim"),
    Model("channel_dim"),
    Model("user_first_install_fact"),
    Model("ad_spend_fact", upstream=("currency_dim",)),
    Model("subscription_dim", upstream=("invoice_fact", "invoice_line_fact")),
    Model("subscription_item_dim", upstream=("price_dim", "invoice_fact", "invoice_line_fact")),
    Model(
        "mrr_change_fact",
        upstream=(
            "customer_dim",
            "price_dim",
            "discount_dim",
            "subscription_dim",
            "subscription_item_dim",
            "invoice_line_fact",
        ),
    ),
    Model("mrr_movement_fact", upstream=("mrr_change_fact",)),
    Model("transaction_fact", upstream=("charge_fact", "refund_fact", "dispute_fact", "balance_transaction_fact")),
    Model("customer_payment_fact", upstream=("transaction_fact",)),
    Model(
        "enrichment",
        upstream=(
            "charge_fact",
            "refund_fact",
            "invoice_fact",
            "customer_dim",
            "product_dim",
            "price_dim",
            "payment_method_dim",
            "subscription_dim",
        ),
    ),
    Model("event_order_contradiction"),
    Model("staging_view"),
)
