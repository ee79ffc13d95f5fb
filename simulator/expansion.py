"""expand[]: ids replaced by their objects, and fields shown that are otherwise left out, as Stripe does."""

from collections.abc import Sequence
from typing import Any

from simulator.errors import StripeError
from simulator.objects import Document, View, is_deleted, render
from simulator.relations import Relations

MAX_LEVELS = 4
_SHOWN = 10  # objects in an expanded list

# The fields that hold an id, or ids, of another object, in any version (https://docs.stripe.com/api/expanding_objects).
_REFERENCES = """
    account account_tax_ids application application_fee balance_transaction balance_transactions charge
    checkout_session coupon credit_balance_transaction credit_note customer customer_balance_transaction
    default_payment_method default_price default_source destination destination_payment discount discounts
    dispute failure_balance_transaction generated_sepa_debit generated_sepa_debit_mandate invoice latest_attempt
    latest_charge latest_invoice latest_revision mandate on_behalf_of original_payout payment_intent
    payment_link payment_method payment_record pending_setup_intent plan price product promotion_code quote
    receipt refund reversed_by review rule schedule setup_attempt setup_intent shipping_rate single_use_mandate
    source source_transaction source_transfer source_transfer_reversal subscription tax_code tax_rate test_clock
    transfer transfer_reversal
"""
REFERENCES = frozenset(_REFERENCES.split())
_LISTS = {
    ("charge", "refunds"): ("refund", "charge", "/v1/charges/{id}/refunds"),
    ("customer", "subscriptions"): ("subscription", "customer", "/v1/customers/{id}/subscriptions"),
    ("invoice", "payments"): ("invoice_payment", "invoice", "/v1/invoice_payments?invoice={id}"),
}
_HIDDEN = frozenset(("applies_to", "currency_options", "sources", "tiers", *(field for _, field in _LISTS)))


class _UnknownError(Exception):
    """A document has no such field to expand."""


class Expander:
    """Expands documents of one company for one request."""

    def __init__(self, relations: Relations, view: View) -> None:
        self._relations = relations
        self._view = view

    def one(self, document: Document, paths: Sequence[str]) -> Document:
        """A retrieved object with these paths expanded. Raises StripeError 400 for one that cannot be."""
        for path in paths:
            document = self._expand_all([document], path, _levels(path))[0]
        return document

    def many(self, documents: list[Document], paths: Sequence[str]) -> list[Document]:
        """The objects of a list, for paths that begin with `data.`; errors as for one."""
        for path in paths:
            levels = _levels(path)
            if levels[0] != "data" or len(levels) == 1:
                hint = f" You may want to try expanding 'data.{path}' instead." if levels[0] in REFERENCES else ""
                raise StripeError(400, f"This property cannot be expanded ({path}).{hint}")
            documents = self._expand_all(documents, path, levels[1:])
        return documents

    def _expand_all(self, documents: list[Document], path: str, levels: list[str]) -> list[Document]:
        """Objects of one list may differ (a source is a charge or a payout): one that has the field is enough."""
        expanded = []
        is_known = not documents and levels[-1] in REFERENCES | _HIDDEN | {"lines", "items"}
        for document in documents:
            try:
                expanded.append(self._within(document, levels))
                is_known = True
            except _UnknownError:
                expanded.append(document)
        if not is_known:
            raise StripeError(400, f"This property cannot be expanded ({path}).")
        return expanded

    def _within(self, value: Any, levels: list[str]) -> Any:
        """A copy of `value` with the path below it expanded. Raises _UnknownError where there is none."""
        if not levels or value is None:
            return value
        if isinstance(value, list):
            return [self._within(part, levels) for part in value]
        if not isinstance(value, dict):
            raise _UnknownError
        name, rest = levels[0], levels[1:]
        if name in value:
            child = value[name]
            if name in REFERENCES:
                child = self._resolved(child)
            elif not rest and not _is_object(child):
                raise _UnknownError
        else:
            child = self._hidden(value, name)
        return {**value, name: self._within(child, rest)}

    def _resolved(self, value: Any) -> Any:
        """The object of an id; what is no id of this company's stays as it is."""
        if isinstance(value, list):
            return [self._resolved(part) for part in value]
        if not isinstance(value, str):
            return value
        history = self._relations.find_any(value)
        if history is None or history.state_at(self._view.now) is None:
            return value
        return render(history, self._view)

    def _hidden(self, document: Document, name: str) -> Any:
        kind, object_id = document.get("object"), document.get("id")
        if not isinstance(kind, str) or not isinstance(object_id, str):
            raise _UnknownError
        if (kind, name) == ("customer", "sources"):
            return _list_of([], False, f"/v1/customers/{object_id}/sources")
        if (kind, name) in _LISTS:
            return self._list(kind, name, object_id)
        history = self._relations.find("price" if kind == "plan" else kind, object_id)
        if history is None:
            raise _UnknownError
        try:
            return self._view.shape.hidden(kind, history.known_at(self._view.now), name, self._view.now)
        except KeyError:
            raise _UnknownError from None

    def _list(self, kind: str, name: str, object_id: str) -> Document:
        """The newest objects that belong to this one, as a list of their own."""
        member, field, url = _LISTS[kind, name]
        states = [(h, h.state_at(self._view.now)) for h in self._relations.of(member, field, object_id)]
        alive = [
            h for h, state in states
            if state is not None and not is_deleted(state)
            and (member != "subscription" or state.status != "canceled")
        ]  # fmt: skip
        newest = [render(history, self._view) for history in alive[: -_SHOWN - 1 : -1]]
        return _list_of(newest, len(alive) > _SHOWN, url.format(id=object_id))


def _list_of(data: list[Document], has_more: bool, url: str) -> Document:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _is_object(value: Any) -> bool:
    """Already there: an object, a list of them, or nothing."""
    return value is None or (isinstance(value, dict) and "object" in value)


def _levels(path: str) -> list[str]:
    levels = path.split(".")
    if len(levels) > MAX_LEVELS:
        raise StripeError(400, f"You cannot expand more than {MAX_LEVELS} levels of a property. Property: {path}")
    return levels
