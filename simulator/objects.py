"""The list and retrieve endpoints of everything but events: the current state at the simulator's now."""

from collections.abc import Callable
from typing import Any, NamedTuple

from simulator.company import Company, ObjectIndex
from simulator.errors import StripeError, missing
from simulator.ledger import History
from simulator.paging import select
from simulator.params import ListQuery
from simulator.shapes import Shape
from simulator.shapes.balance import render_balance

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


class Listing(NamedTuple):
    """One list endpoint: what it lists, by what it can be filtered, and what must be given."""

    kind: str
    noun: str  # as in "No such invoice: ..."
    filters: dict[str, Filter]
    required: str | None = None
    has_created: bool = True


LISTINGS = {
    "customers": Listing("customer", "customer", {"email": _same("email")}),
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
    "subscriptions": Listing(
        "subscription",
        "subscription",
        {"customer": _same("customer"), "status": _has_status, "price": _has_price},
    ),
    "invoices": Listing(
        "invoice",
        "invoice",
        {"customer": _same("customer"), "subscription": _same("subscription"), "status": _same("status")},
    ),
    "charges": Listing("charge", "charge", {"customer": _same("customer"), "payment_intent": _same("payment_intent")}),
    "refunds": Listing("refund", "refund", {"charge": _same("charge"), "payment_intent": _same("payment_intent")}),
    "payment_intents": Listing("payment_intent", "payment_intent", {"customer": _same("customer")}),
    "payment_methods": Listing(
        "payment_method",
        "PaymentMethod",
        {"customer": _same("customer"), "type": lambda state, wanted: wanted == "card"},
        required="customer",
        has_created=False,
    ),
    "invoice_payments": Listing(
        "invoice_payment", "invoice_payment", {"invoice": _same("invoice"), "status": _same("status")}
    ),
    "plans": Listing("plan", "plan", {}),
    "coupons": Listing("coupon", "coupon", {}),
    "promotion_codes": Listing(
        "promotion_code",
        "promotion code",
        {"active": _flag("active"), "code": _same("code"), "coupon": _same("coupon")},
    ),
    "tax_rates": Listing("tax_rate", "tax rate", {"active": _flag("active"), "inclusive": _flag("inclusive")}),
    "subscription_schedules": Listing(
        "subscription_schedule", "subscription schedule", {"customer": _same("customer")}
    ),
    "invoiceitems": Listing(
        "invoiceitem", "invoice item", {"customer": _same("customer"), "invoice": _same("invoice")}
    ),
    "credit_notes": Listing("credit_note", "credit note", {"customer": _same("customer"), "invoice": _same("invoice")}),
    "test_helpers/test_clocks": Listing("test_helpers.test_clock", "test clock", {}, has_created=False),
    "disputes": Listing("dispute", "dispute", {"charge": _same("charge"), "payment_intent": _same("payment_intent")}),
    "balance_transactions": Listing(
        "balance_transaction",
        "balance transaction",
        {"type": _same("type"), "payout": _same("payout"), "source": _same("source"), "currency": _same("currency")},
    ),
    "payouts": Listing("payout", "payout", {"status": _same("status"), "destination": _same("destination")}),
    "transfers": Listing(
        "transfer", "transfer", {"destination": _same("destination"), "transfer_group": _same("group")}
    ),
    "setup_intents": Listing(
        "setup_intent",
        "setup intent",
        {"customer": _same("customer"), "payment_method": _same("payment_method")},
    ),
    "checkout/sessions": Listing(
        "checkout.session",
        "checkout.session",
        {"customer": _same("customer"), "subscription": _same("subscription"), "status": _same("status")},
    ),
}


_DELETABLE = ("customer", "product", "coupon", "invoiceitem", "test_helpers.test_clock")
BALANCES = Listing(
    "customer_balance_transaction",
    "customer balance transaction",
    {"customer": _same("customer")},
    required="customer",
)


class ObjectStore:
    """Answers lists and retrievals with JSON objects."""

    def __init__(self, company: Company, shape: Shape) -> None:
        self._company = company
        self._shape = shape

    def page(self, listing: Listing, query: ListQuery, now: float) -> tuple[list[dict[str, Any]], bool]:
        """(objects newest first, has_more). Raises StripeError 400 for an unknown cursor or customer."""
        index = self._company.objects[listing.kind]
        tests = [(listing.filters[name], value) for name, value in query.filters.items()]
        if listing.required and listing.required not in query.filters:
            raise StripeError(
                400, f"Missing required param: {listing.required}.", "parameter_missing", listing.required
            )
        if listing.kind == "subscription" and "status" not in query.filters:
            tests.append((lambda state, _: state.status != "canceled", ""))
        if listing.kind in _DELETABLE:
            tests.append((lambda state, _: not state.is_deleted, ""))
        histories, keys, low, high = self._candidates(index, query, now)

        def accept(position: int) -> bool:
            state = histories[position].state_at(now)
            return all(test(state, value) for test, value in tests)

        page = select(
            keys,
            low,
            high,
            query.limit,
            self._cursor(listing, query.starting_after, "starting_after", now),
            self._cursor(listing, query.ending_before, "ending_before", now),
            accept if tests else None,
        )
        return [self._render(histories[position], now) for position in page.positions], page.has_more

    def _candidates(
        self, index: ObjectIndex, query: ListQuery, now: float
    ) -> tuple[list[History], list[int], int, int]:
        """Histories, their keys and the positions to look at; of one customer only, where one is named."""
        first = max(0, query.first)
        last = min(query.last, int(now) + 1)
        customer = query.filters.get("customer")
        if customer is None:
            return index.histories, index.keys, *index.between(first, last)
        known = self._company.objects["customer"].by_id.get(customer)
        if known is None or known.state_at(now) is None:
            raise missing("customer", customer, "customer", 400)
        histories = [h for h in index.by_customer.get(customer, ()) if first <= h.created < last]
        if index is self._company.objects["payment_method"]:
            histories = [h for h in histories if h.known_at(now).customer is not None]
        return histories, [h.key for h in histories], 0, len(histories)

    def retrieve(self, listing: Listing, object_id: str, now: float) -> dict[str, Any]:
        """The object, or for a deleted customer the stub. Raises StripeError 404."""
        history = self._company.objects[listing.kind].by_id.get(object_id)
        state = history.state_at(now) if history is not None else None
        if history is None or state is None:
            raise missing(listing.noun, object_id)
        if listing.kind in _DELETABLE and state.is_deleted:
            return {"id": object_id, "object": listing.kind, "deleted": True}
        return self._render(history, now)

    def balance(self, now: float) -> dict[str, Any]:
        """What the account has at Stripe."""
        index = self._company.objects["balance_transaction"]
        low, high = index.between(0, int(now) + 1)
        return render_balance((history.states[0] for history in index.histories[low:high]), now)

    def lines(self, invoice_id: str, query: ListQuery, now: float) -> tuple[list[dict[str, Any]], bool]:
        """An invoice's lines, in the invoice's own order."""
        history = self._company.objects["invoice"].by_id.get(invoice_id)
        state = history.state_at(now) if history is not None else None
        if state is None:
            raise missing("invoice", invoice_id, "invoice")
        shapes = [self._shape.render_line(line, state.id, state.currency) for line in state.lines]
        return _page_of_few(shapes, query, "line_item")

    def items(self, query: ListQuery, now: float) -> tuple[list[dict[str, Any]], bool]:
        """The items of the subscription that the query names."""
        subscription = query.filters.get("subscription")
        if subscription is None:
            raise StripeError(400, "Missing required param: subscription.", "parameter_missing", "subscription")
        history = self._company.objects["subscription"].by_id.get(subscription)
        state = history.state_at(now) if history is not None else None
        if state is None:
            raise missing("subscription", subscription, "subscription", 400)
        shapes = [self._shape.render_item(item, state.id, now) for item in state.items]
        return _page_of_few(shapes, query, "subscription_item")

    def item(self, item_id: str, now: float) -> dict[str, Any]:
        """One subscription item, looked for in all subscriptions."""
        for history in self._company.objects["subscription"].histories:
            state = history.state_at(now)
            if state is None:
                continue
            for item in state.items:
                if item.id == item_id:
                    return self._shape.render_item(item, state.id, now)
        raise missing("subscription_item", item_id)

    def _cursor(self, listing: Listing, object_id: str | None, param: str, now: float) -> int | None:
        if object_id is None:
            return None
        history = self._company.objects[listing.kind].by_id.get(object_id)
        if history is None or history.state_at(now) is None:
            raise missing(listing.noun, object_id, param, 400)
        return history.key

    def _render(self, history: History, now: float) -> dict[str, Any]:
        return self._shape.render(history.kind, history.state_at(now), now)


def _page_of_few(shapes: list[dict[str, Any]], query: ListQuery, noun: str) -> tuple[list[dict[str, Any]], bool]:
    """A page of a short list that keeps its own order."""
    ids = [shape["id"] for shape in shapes]
    for cursor, param in ((query.starting_after, "starting_after"), (query.ending_before, "ending_before")):
        if cursor is not None and cursor not in ids:
            raise missing(noun, cursor, param, 400)
    if query.ending_before is not None:
        end = ids.index(query.ending_before)
        start = max(0, end - query.limit)
        return shapes[start:end], start > 0
    start = ids.index(query.starting_after) + 1 if query.starting_after is not None else 0
    return shapes[start : start + query.limit], start + query.limit < len(shapes)
