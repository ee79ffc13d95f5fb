"""What answers admitted requests to Stripe's endpoints: from a call to the bytes of a body."""

from collections.abc import Callable

import orjson

from simulator import errors
from simulator.account import Account
from simulator.expansion import Expander
from simulator.faults import Faults
from simulator.gateway import Call
from simulator.listings import LISTINGS, Listing, Nested
from simulator.objects import Document
from simulator.params import ListQuery, read_expand, read_list_query
from simulator.shapes.account import render_account

_EVENT_FILTERS = frozenset(("delivery_success",))
_NONE: frozenset[str] = frozenset()


class Endpoints:
    """Answers admitted requests with the bytes of a body."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    def list_events(self, call: Call) -> bytes:
        """Events newest first, as they were rendered when they happened."""
        query = self._query(call, _EVENT_FILTERS, has_types=True)
        for path in query.expand:
            raise errors.StripeError(400, f"This property cannot be expanded ({path}).")
        bodies, has_more = call.account.events.page(query, call.view.now)
        end = b'],"has_more":true,' if has_more else b'],"has_more":false,'
        return b'{"object":"list","data":[' + b",".join(bodies) + end + b'"url":"/v1/events"}'

    def retrieve_event(self, call: Call) -> bytes:
        """One event."""
        return call.account.events.retrieve(_id(call), call.view.now)

    def list_of(self, name: str, listing: Listing) -> Callable[[Call], bytes]:
        """The list endpoint of a kind."""
        filters = frozenset(listing.filters)

        def list_objects(call: Call) -> bytes:
            query = self._query(call, filters, listing.has_created)
            return _list_body(call, query, call.account.objects.page(listing, query, call.view), f"/v1/{name}")

        return list_objects

    def retrieval_of(self, listing: Listing) -> Callable[[Call], bytes]:
        """The endpoint that retrieves one object of a kind."""
        return lambda call: _object_body(call, call.account.objects.retrieve(listing, _id(call), call.view))

    def nested_list_of(self, nested: Nested) -> Callable[[Call], bytes]:
        """The list of what belongs to one object. StripeError 404 when there is no such object."""
        filters = frozenset(nested.listing.filters) - {nested.field}

        def list_nested(call: Call) -> bytes:
            parent = call.account.objects.retrieve(LISTINGS[nested.parent], _id(call), call.view)["id"]
            query = self._query(call, filters, nested.listing.has_created)
            owned = query._replace(filters={**query.filters, nested.field: parent})
            page = call.account.objects.page(nested.listing, owned, call.view)
            return _list_body(call, query, page, f"/v1/{nested.parent}/{parent}/{nested.name}")

        return list_nested

    def nested_retrieval_of(self, nested: Nested) -> Callable[[Call], bytes]:
        """One object by the path of what it belongs to. StripeError 404 when it belongs to another."""

        def retrieve_nested(call: Call) -> bytes:
            nested_id = call.request.path_params["nested"]
            found = call.account.objects.retrieve(nested.listing, nested_id, call.view)
            if found[nested.field] != _id(call):
                raise errors.missing(nested.listing.noun, nested_id)
            return _object_body(call, found)

        return retrieve_nested

    def list_items(self, call: Call) -> bytes:
        """The items of one subscription, all of them."""
        query = self._query(call, frozenset(("subscription",)), has_created=False)
        return _list_body(call, query, call.account.objects.items(query, call.view), "/v1/subscription_items")

    def retrieve_item(self, call: Call) -> bytes:
        """One subscription item."""
        return _object_body(call, call.account.objects.item(_id(call), call.view))

    def list_lines(self, call: Call) -> bytes:
        """The lines of one invoice, all of them."""
        query = self._query(call, _NONE, has_created=False)
        page = call.account.objects.lines(_id(call), query, call.view)
        return _list_body(call, query, page, f"/v1/invoices/{_id(call)}/lines")

    def list_sources(self, call: Call) -> bytes:
        """The legacy sources of a customer: nobody here has any."""
        customer = call.account.objects.retrieve(LISTINGS["customers"], _id(call), call.view)["id"]
        query = self._query(call, frozenset(("object",)), has_created=False)
        return _list_body(call, query, ([], False), f"/v1/customers/{customer}/sources")

    def list_accounts(self, call: Call) -> bytes:
        """The accounts that are connected to the key's."""
        self._query(call, _NONE)
        connected = [render_account(a.id, a.company.founded) for a in call.account.connected.values()]
        return orjson.dumps({"object": "list", "data": connected, "has_more": False, "url": "/v1/accounts"})

    def retrieve_balance(self, call: Call) -> bytes:
        """What the account has at Stripe."""
        return orjson.dumps(call.account.objects.balance(call.view))

    def _query(
        self, call: Call, filters: frozenset[str], has_created: bool = True, has_types: bool = False
    ) -> ListQuery:
        query = read_list_query(call.request.query_params.multi_items(), filters, has_created, has_types)
        if query.starting_after is not None and self._faults.hits("duplicate"):
            return query._replace(repeats_cursor=True)
        return query


def _id(call: Call) -> str:
    object_id: str = call.request.path_params["id"]
    return object_id


def _list_body(call: Call, query: ListQuery, page: tuple[list[Document], bool], url: str) -> bytes:
    data, has_more = page
    if query.expand:
        data = Expander(call.account.relations, call.view).many(data, query.expand)
    return orjson.dumps({"object": "list", "data": data, "has_more": has_more, "url": url})


def _object_body(call: Call, document: Document) -> bytes:
    paths = read_expand(call.request.query_params.multi_items())
    return orjson.dumps(Expander(call.account.relations, call.view).one(document, paths))


def own_account(call: Call) -> bytes:
    """The account that is read."""
    return _account_body(call.account)


def connected_account(call: Call) -> bytes:
    """An account by its id. StripeError 403 for one that is neither the key's nor connected to it."""
    account = call.account if _id(call) == call.account.id else call.account.connected.get(_id(call))
    if account is None:
        raise errors.no_such_account(call.account.key, _id(call))
    return _account_body(account)


def _account_body(account: Account) -> bytes:
    return orjson.dumps(render_account(account.id, account.company.founded))
