"""What this version of Stripe's SDK knows: event types, and the fields of the objects in the registry.

Whatever else comes is staged all the same, but counted, so that a person hears of it.
"""

import typing
from collections import Counter
from collections.abc import Mapping
from functools import cache

import stripe
from stripe._object_classes import OBJECT_CLASSES, get_object_class

from tallyhouse.objects import OBJECTS

# As of November 2026 and SDK 16.1.0: types once sent that the SDK no longer lists, from recorded traffic and
# https://docs.stripe.com/changelog.
RETIRED_TYPES = frozenset(
    {
        "bitcoin.receiver.created",
        "bitcoin.receiver.filled",
        "bitcoin.receiver.transaction.created",
        "bitcoin.receiver.updated",
        "customer.bank_account.created",
        "customer.bank_account.deleted",
        "customer.bank_account.updated",
        "customer.card.created",
        "customer.card.deleted",
        "customer.card.updated",
        "invoiceitem.updated",
        "issuer_fraud_record.created",
        "order.created",
        "order.payment_failed",
        "order.payment_succeeded",
        "order.updated",
        "order_return.created",
        "payment_method.card_automatically_updated",
        "ping",
        "recipient.created",
        "recipient.deleted",
        "recipient.updated",
        "sku.created",
        "sku.deleted",
        "sku.updated",
        "transfer.canceled",
        "transfer.failed",
        "transfer.paid",
    }
)

# As of November 2026 and SDK 16.1.0: fields that are or were on the wire although the SDK does not show them,
# from recorded traffic of API versions 2015-10-01 to 2026-03-25 and https://docs.stripe.com/changelog.
RETIRED_FIELDS: Mapping[str, frozenset[str]] = {
    "card": frozenset({"type"}),
    "charge": frozenset({"card", "destination", "dispute", "fee", "invoice", "order", "statement_description"}),
    "checkout.session": frozenset({"display_items", "shipping", "shipping_details", "shipping_rate"}),
    "credit_note": frozenset({"refund", "tax_amounts"}),
    "customer": frozenset({"account_balance", "active_card", "cards", "default_card", "subscription"}),
    "discount": frozenset({"coupon"}),
    "dispute": frozenset({"balance_transaction", "evidence_due_by"}),
    "invoice": frozenset(
        {
            "application_fee",
            "application_fee_amount",
            "billing",
            "charge",
            "closed",
            "date",
            "discount",
            "finalized_at",
            "forgiven",
            "paid",
            "paid_out_of_band",
            "payment_intent",
            "quote",
            "rendering_options",
            "statement_description",
            "subscription",
            "subscription_details",
            "subscription_proration_date",
            "tax",
            "tax_percent",
            "total_tax_amounts",
            "transfer_data",
        }
    ),
    "invoiceitem": frozenset(
        {"plan", "price", "subscription", "subscription_item", "unit_amount", "unit_amount_decimal"}
    ),
    "line_item": frozenset(
        {
            "amount_excluding_tax",
            "invoice_item",
            "plan",
            "price",
            "proration",
            "proration_details",
            "subscription_item",
            "tax_amounts",
            "tax_rates",
            "type",
            "unit_amount_excluding_tax",
        }
    ),
    "payment_intent": frozenset({"allowed_source_types", "charges", "invoice", "next_source_action"}),
    "plan": frozenset({"aggregate_usage", "name", "statement_description", "statement_descriptor"}),
    "product": frozenset({"attributes", "caption", "skus"}),
    "promotion_code": frozenset({"coupon"}),
    "subscription": frozenset(
        {
            "billing",
            "current_period_end",
            "current_period_start",
            "discount",
            "plan",
            "quantity",
            "start",
            "tax_percent",
        }
    ),
    "subscription_schedule": frozenset({"renewal_behavior", "renewal_interval"}),
    "transfer": frozenset(
        {
            "account",
            "application_fee",
            "bank_account",
            "date",
            "failure_code",
            "failure_message",
            "other_transfers",
            "recipient",
            "statement_descriptor",
            "status",
            "summary",
            "transactions",
            "type",
        }
    ),
}


@cache
def known_types() -> frozenset[str]:
    """Names of all event types known: those of the SDK, and retired ones."""
    return frozenset(typing.get_args(stripe.Event.__annotations__["type"])) | RETIRED_TYPES


@cache
def known_fields() -> Mapping[str, frozenset[str]]:
    """Top-level fields known, by the object's name, for each object of the registry that the SDK has."""
    fields = {}
    for item in OBJECTS:
        if item.name in OBJECT_CLASSES:
            annotated = typing.cast(type, get_object_class("V1", item.name)).__annotations__
            names = {name for name in annotated if not name.startswith("_") and name != "OBJECT_NAME"}
            fields[item.name] = frozenset(names | RETIRED_FIELDS.get(item.name, frozenset()))
    return fields


class UnknownCounter:
    """Counts the rows of each unknown event type and unknown field of known objects."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._known_types = known_types()
        self._known_fields = known_fields()

    def see_type(self, event_type: str) -> None:
        """Counts an event's type if it is unknown."""
        if event_type not in self._known_types:
            self._types[event_type] += 1

    def see_object(self, object_type: str, value: Mapping[str, object]) -> None:
        """Counts those fields of an object that are unknown."""
        known = self._known_fields.get(object_type)
        if known is not None and not known.issuperset(value):
            self._fields.update(f"{object_type}.{name}" for name in value.keys() - known)

    def as_dict(self) -> dict[str, dict[str, int]]:
        """{"types": {name: rows}, "fields": {"charge.foo": rows}}, without what is empty."""
        found = {"types": dict(self._types), "fields": dict(self._fields)}
        return {kind: counts for kind, counts in found.items() if counts}
