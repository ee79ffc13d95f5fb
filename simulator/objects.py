"""The list and retrieve endpoints of everything but events: the current state at the simulator's now."""

from typing import Any, NamedTuple

from simulator.company import Company, ObjectIndex
from simulator.errors import StripeError, missing
from simulator.ledger import History
from simulator.listings import Listing, clock_of
from simulator.paging import select
from simulator.params import ListQuery
from simulator.relations import Relations
from simulator.shapes import Shape
from simulator.shapes.balance import render_balance

Document = dict[str, Any]


class View(NamedTuple):
    """What a request sees: the shape of its API version, and the present."""

    shape: Shape
    now: float


class ObjectStore:
    """Answers lists and retrievals with JSON objects."""

    def __init__(self, company: Company, relations: Relations) -> None:
        self._company = company
        self._relations = relations

    def page(self, listing: Listing, query: ListQuery, view: View) -> tuple[list[Document], bool]:
        """(objects newest first, has_more). Raises StripeError 400 for an unknown cursor or customer."""
        now = view.now
        tests = [(listing.filters[name], value) for name, value in query.filters.items()]
        if listing.required and listing.required not in query.filters:
            raise StripeError(
                400, f"Missing required param: {listing.required}.", "parameter_missing", listing.required
            )
        leaves_canceled = listing.kind == "subscription" and "status" not in query.filters
        leaves_clocks = listing.with_clock and not any(name in query.filters for name in listing.with_clock)
        histories, keys, low, high = self._candidates(listing, query, now)

        def accept(position: int) -> bool:
            state = histories[position].known_at(now)
            if is_deleted(state) or (leaves_canceled and state.status == "canceled"):
                return False
            if leaves_clocks and clock_of(state) is not None:
                return False
            if listing.only is not None and not listing.only(state):
                return False
            return all(test(state, value) for test, value in tests)

        after = self._cursor(listing, query.starting_after, "starting_after", now)
        if after is not None and query.repeats_cursor:
            after += 1
        page = select(
            keys,
            low,
            high,
            query.limit,
            after,
            self._cursor(listing, query.ending_before, "ending_before", now),
            accept,
        )
        return [self._render(listing, histories[position], view) for position in page.positions], page.has_more

    def _candidates(self, listing: Listing, query: ListQuery, now: float) -> tuple[list[History], list[int], int, int]:
        """Histories, their keys and the positions to look at; of one owner only, where one is named."""
        index = self._company.objects[listing.kind]
        first = max(0, query.first)
        last = min(query.last, int(now) + 1)
        owned = self._owned(listing, index, query, now)
        if owned is None:
            return index.histories, index.keys, *index.between(first, last)
        histories = [h for h in owned if first <= h.created < last]
        if listing.kind == "payment_method":
            histories = [h for h in histories if h.known_at(now).customer is not None]
        return histories, [h.key for h in histories], 0, len(histories)

    def _owned(self, listing: Listing, index: ObjectIndex, query: ListQuery, now: float) -> list[History] | None:
        for field in listing.links:
            if field in query.filters:
                return self._relations.of(listing.kind, field, query.filters[field])
        customer = query.filters.get("customer")
        if customer is None:
            return None
        known = self._company.objects["customer"].by_id.get(customer)
        if known is None or known.state_at(now) is None:
            raise missing("customer", customer, "customer", 400)
        return index.by_customer.get(customer, [])

    def retrieve(self, listing: Listing, object_id: str, view: View) -> Document:
        """The object, or for a deleted one the stub. Raises StripeError 404."""
        history = self._company.objects[listing.kind].by_id.get(object_id)
        state = history.state_at(view.now) if history is not None else None
        if history is None or state is None or (listing.only is not None and not listing.only(state)):
            raise missing(listing.noun, object_id)
        return self._render(listing, history, view)

    def balance(self, view: View) -> Document:
        """What the account has at Stripe."""
        index = self._company.objects["balance_transaction"]
        low, high = index.between(0, int(view.now) + 1)
        return render_balance((history.states[0] for history in index.histories[low:high]), view.now)

    def lines(self, invoice_id: str, query: ListQuery, view: View) -> tuple[list[Document], bool]:
        """An invoice's lines, in the invoice's own order."""
        history = self._company.objects["invoice"].by_id.get(invoice_id)
        state = history.state_at(view.now) if history is not None else None
        if state is None:
            raise missing("invoice", invoice_id, "invoice")
        shapes = [view.shape.render_line(line, state.id, state.currency, view.now) for line in state.lines]
        return _page_of_few(shapes, query, "line_item")

    def items(self, query: ListQuery, view: View) -> tuple[list[Document], bool]:
        """The items of the subscription that the query names."""
        subscription = query.filters.get("subscription")
        if subscription is None:
            raise StripeError(400, "Missing required param: subscription.", "parameter_missing", "subscription")
        history = self._company.objects["subscription"].by_id.get(subscription)
        state = history.state_at(view.now) if history is not None else None
        if state is None:
            raise missing("subscription", subscription, "subscription", 400)
        shapes = [view.shape.render_item(item, state.id, view.now) for item in state.items]
        return _page_of_few(shapes, query, "subscription_item")

    def item(self, item_id: str, view: View) -> Document:
        """One subscription item, looked for in all subscriptions."""
        for history in self._company.objects["subscription"].histories:
            state = history.state_at(view.now)
            if state is None:
                continue
            for item in state.items:
                if item.id == item_id:
                    return view.shape.render_item(item, state.id, view.now)
        raise missing("subscription_item", item_id)

    def _cursor(self, listing: Listing, object_id: str | None, param: str, now: float) -> int | None:
        if object_id is None:
            return None
        history = self._company.objects[listing.kind].by_id.get(object_id)
        if history is None or history.state_at(now) is None:
            raise missing(listing.noun, object_id, param, 400)
        return history.key

    def _render(self, listing: Listing, history: History, view: View) -> Document:
        return render(history, view, listing.renders)


def is_deleted(state: Any) -> bool:
    """Whether the object was deleted; only some kinds ever are."""
    return getattr(state, "is_deleted", False)


def render(history: History, view: View, as_kind: str | None = None) -> Document:
    """The object as it is now: in full, or, when it was deleted, as a stub; a discount's tells all but its end."""
    kind = as_kind or history.kind
    state = history.known_at(view.now)
    if not is_deleted(state):
        return view.shape.render(kind, state, view.now)
    stub = {"id": history.id, "object": kind, "deleted": True}
    if kind == "discount":
        stub = {**view.shape.render(kind, state, view.now), **stub}
        del stub["end"]
    return stub


def _page_of_few(shapes: list[Document], query: ListQuery, noun: str) -> tuple[list[Document], bool]:
    """A page of a short list that keeps its own order."""
    ids = [shape["id"] for shape in shapes]
    for cursor, param in ((query.starting_after, "starting_after"), (query.ending_before, "ending_before")):
        if cursor is not None and cursor not in ids:
            raise missing(noun, cursor, param, 400)
    if query.ending_before is not None:
        end = ids.index(query.ending_before)
        start = max(0, end - query.limit)
        return shapes[start:end], start > 0
    start = 0
    if query.starting_after is not None:
        start = ids.index(query.starting_after) + (0 if query.repeats_cursor else 1)
    return shapes[start : start + query.limit], start + query.limit < len(shapes)
