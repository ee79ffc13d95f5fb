"""The one registry: which Stripe objects there are and how to list them, and which models are built from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StripeObject:
    """One kind of Stripe object.

    `name` is the value of its "object" field; `list_path` its list endpoint (None: it has none that serves
    a whole account, and its history comes from events and from the objects that name it); `list_params`
    what that endpoint needs beside a `created` range to leave nothing out
    (https://docs.stripe.com/api: lists of subscriptions leave canceled ones out unless status=all).
    """

    name: str
    list_path: str | None = None
    list_params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Model:
    """One dim or fact: the stem of its SQL file, its table in dwh, and its task id.

    `upstream` are the models that it reads in dwh, which must have applied a batch before it does.
    """

    name: str
    upstream: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Folder of its file under include/sql: dims or facts."""
        return "dims" if self.name.endswith("_dim") else "facts"

    @property
    def sql_file(self) -> str:
        """Path of its file under include/sql."""
        return f"{self.folder}/{self.name}.sql"


OBJECTS: tuple[StripeObject, ...] = (
    StripeObject("customer", "/v1/customers"),
    StripeObject("product", "/v1/products"),
    StripeObject("price", "/v1/prices"),
    StripeObject("subscription", "/v1/subscriptions", {"status": "all"}),
    StripeObject("invoice", "/v1/invoices"),
    StripeObject("charge", "/v1/charges"),
    StripeObject("refund", "/v1/refunds"),
    StripeObject("payment_method"),
    StripeObject("card"),
    StripeObject("source"),
)

LISTED: Mapping[str, StripeObject] = {item.name: item for item in OBJECTS if item.list_path}

MODELS: tuple[Model, ...] = (
    Model("date_dim"),
    Model("currency_dim"),
    Model("customer_dim"),
    Model("product_dim"),
    Model("price_dim"),
    Model("subscription_dim"),
    Model("subscription_item_dim"),
    Model("payment_method_dim"),
    Model("charge_fact"),
    Model("refund_fact"),
    Model("invoice_fact"),
    Model("invoice_line_fact", upstream=("invoice_fact",)),
    Model("transaction_fact", upstream=("charge_fact", "refund_fact")),
)
