"""The shape of API version 2024-06-20: documents of the newest shape, with every field where it was then.

Which fields a document had is taken from recorded ones; what moved since, from Stripe's changelog of
2025-03-31.basil and 2025-09-30.clover.
"""

from collections.abc import Callable
from typing import Any

from simulator.relations import Relations
from simulator.shapes import Shape
from simulator.shapes.v2024_06_20_fields import FIELDS, PARTS

VERSION = "2024-06-20"
Document = dict[str, Any]


class Lowering:
    """Turns documents of the newest shape into those of 2024-06-20, as they were at an instant."""

    def __init__(self, newest: Shape, relations: Relations) -> None:
        self._newest = newest
        self._relations = relations
        self._changes: dict[str, Callable[[Document, float], None]] = {
            "charge": self._charge,
            "credit_note": self._credit_note,
            "credit_note_line_item": self._credit_note_line,
            "customer": self._customer,
            "discount": self._discount,
            "invoice": self._invoice,
            "invoiceitem": self._invoice_item,
            "line_item": self._line,
            "payment_intent": self._payment_intent,
            "price": self._price,
            "promotion_code": self._promotion_code,
            "subscription": self._subscription,
        }

    def lower(self, document: Document, at: float) -> Document:
        """The document, and all that it embeds, as 2024-06-20 shows it."""
        lowered: Document = self._lower(document, at)
        return lowered

    def _lower(self, value: Any, at: float) -> Any:
        if isinstance(value, list):
            return [self._lower(part, at) for part in value] if value else value
        if not isinstance(value, dict):
            return value
        copy = {
            key: self._lower(part, at) if isinstance(part, dict | list) and key != "metadata" else part
            for key, part in value.items()
        }
        kind = copy.get("object")
        if kind == "subscription":  # whose items have lost by now what they tell today
            _take_period(copy, value["items"]["data"])
        change = self._changes.get(kind) if isinstance(kind, str) else None
        if change is not None:
            change(copy, at)
        return _as_listed(copy, kind) if isinstance(kind, str) and kind in FIELDS else copy

    def _find(self, kind: str, object_id: str | None, at: float, as_kind: str | None = None) -> Document | None:
        """The object in this shape as it was at `at`; None when there is none."""
        history = self._relations.find(kind, object_id) if object_id else None
        if history is None:
            return None
        state = history.state_at(at) or history.states[0]
        return self.lower(self._newest.render(as_kind or kind, state, at), at)

    def _embedded(self, kind: str, value: Any, at: float) -> Document | None:
        """What the newest shape names by id, and this one embedded."""
        return value if isinstance(value, dict) else self._find(kind, value, at)

    def _first_discount(self, document: Document, at: float) -> Document | None:
        discounts = document.get("discounts")
        return self._embedded("discount", discounts[0], at) if discounts else None

    def _charge(self, charge: Document, at: float) -> None:
        charge["invoice"] = self._invoice_of(charge.get("payment_intent"), at)

    def _payment_intent(self, intent: Document, at: float) -> None:
        intent["invoice"] = self._invoice_of(intent["id"], at)

    def _invoice_of(self, intent: str | None, at: float) -> str | None:
        for history in self._relations.of("invoice_payment", "payment_intent", intent) if intent else ():
            if history.created <= at:
                invoice: str = history.states[0].invoice
                return invoice
        return None

    def _payment_of(self, invoice: str, at: float) -> tuple[str | None, str | None]:
        """(payment intent, its latest charge) of an invoice's latest payment."""
        intent = charge = None
        for payment in self._relations.of("invoice_payment", "invoice", invoice):
            if payment.created > at:
                continue
            intent = payment.states[0].payment_intent
            history = self._relations.find("payment_intent", intent) if intent else None
            state = history.state_at(at) if history is not None else None
            charge = state.latest_charge if state is not None else None
        return intent, charge

    def _customer(self, customer: Document, at: float) -> None:
        customer["invoice_credit_balance"] = {}

    def _subscription(self, subscription: Document, at: float) -> None:
        subscription["discount"] = self._first_discount(subscription, at)

    def _price(self, price: Document, at: float) -> None:
        if price.get("recurring"):
            price["recurring"] = {"aggregate_usage": None, **price["recurring"]}

    def _invoice(self, invoice: Document, at: float) -> None:
        details = (invoice.get("parent") or {}).get("subscription_details") or {}
        invoice["subscription"] = details.get("subscription")
        invoice["subscription_details"] = {"metadata": details.get("metadata")}
        invoice["payment_intent"], invoice["charge"] = self._payment_of(invoice["id"], at)
        invoice["paid"] = invoice["status"] == "paid"
        invoice["paid_out_of_band"] = False
        invoice["discount"] = self._first_discount(invoice, at)
        taxes = invoice.get("total_taxes") or []
        invoice["total_tax_amounts"] = _tax_amounts(taxes)
        invoice["tax"] = sum(tax["amount"] for tax in taxes) if taxes else None

    def _line(self, line: Document, at: float) -> None:
        parent = line.get("parent") or {}
        kind = parent.get("type")
        details = parent.get(kind) or {}
        self._sold(line, at)
        line["amount_excluding_tax"] = line["subtotal"]
        line["type"] = "invoiceitem" if kind == "invoice_item_details" else "subscription"
        line["proration"] = bool(details.get("proration"))
        line["proration_details"] = details.get("proration_details") or {"credited_items": None}
        line["subscription"] = details.get("subscription")
        for key in ("subscription_item", "invoice_item"):  # absent where there is none
            if details.get(key):
                line[key] = details[key]
        line["tax_amounts"] = _tax_amounts(line.get("taxes") or [])
        quantity = line.get("quantity")
        line["unit_amount_excluding_tax"] = str(line["subtotal"] // quantity) if quantity else None

    def _invoice_item(self, item: Document, at: float) -> None:
        details = (item.get("parent") or {}).get("subscription_details") or {}
        item["subscription"] = details.get("subscription")
        if details.get("subscription_item"):
            item["subscription_item"] = details["subscription_item"]
        unit = (item.get("pricing") or {}).get("unit_amount_decimal")
        item["unit_amount_decimal"] = unit
        item["unit_amount"] = int(unit) if unit and unit.lstrip("-").isdigit() else None
        self._sold(item, at)

    def _sold(self, line: Document, at: float) -> None:
        """The price and, for what recurs, the plan of a line, both as embedded objects."""
        price = ((line.get("pricing") or {}).get("price_details") or {}).get("price")
        line["price"] = self._embedded("price", price, at)
        is_recurring = line["price"] is not None and line["price"]["recurring"] is not None
        line["plan"] = self._find("price", line["price"]["id"], at, "plan") if is_recurring else None

    def _discount(self, discount: Document, at: float) -> None:
        discount["coupon"] = self._embedded("coupon", (discount.pop("source", None) or {}).get("coupon"), at)

    def _promotion_code(self, code: Document, at: float) -> None:
        code["coupon"] = self._embedded("coupon", (code.pop("promotion", None) or {}).get("coupon"), at)

    def _credit_note(self, note: Document, at: float) -> None:
        refunds = note.get("refunds") or []
        note["refund"] = refunds[0]["refund"] if refunds else None
        note["tax_amounts"] = _tax_amounts(note.get("total_taxes") or [])

    def _credit_note_line(self, line: Document, at: float) -> None:
        line["amount_excluding_tax"] = line["amount"]
        line["unit_amount_excluding_tax"] = line.get("unit_amount_decimal")
        line["tax_amounts"] = _tax_amounts(line.get("taxes") or [])


def _take_period(subscription: Document, items: list[Document]) -> None:
    """The items of one subscription shared one period, which it told itself."""
    for bound in ("current_period_start", "current_period_end"):
        subscription[bound] = items[0][bound] if items else None


def _tax_amounts(taxes: list[Document]) -> list[Document]:
    """`total_taxes` or `taxes` in the form that they had."""
    return [
        {
            "amount": tax["amount"],
            "inclusive": tax["tax_behavior"] == "inclusive",
            "tax_rate": (tax.get("tax_rate_details") or {}).get("tax_rate"),
            "taxability_reason": tax["taxability_reason"],
            "taxable_amount": tax["taxable_amount"],
        }
        for tax in taxes
    ]


def _as_listed(document: Document, kind: str) -> Document:
    """Only the fields that such an object had, in their order; those that are new to it as null."""
    shown = {name: document.get(name) for name, is_always in FIELDS[kind] if is_always or name in document}
    for path, new in PARTS.get(kind, {}).items():
        shown[path[0]] = _without(shown[path[0]], path[1:], new)
    return shown


def _without(value: Any, path: tuple[str, ...], names: frozenset[str]) -> Any:
    if not isinstance(value, dict):
        return value
    if path:
        return {**value, path[0]: _without(value.get(path[0]), path[1:], names)}
    return {key: part for key, part in value.items() if key not in names}
