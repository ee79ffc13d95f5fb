"""The HTTP application: Stripe's endpoints under /v1, the simulator's own controls under /_sim."""

from collections.abc import Callable
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.requests import Request

from simulator import errors
from simulator.clock import Clock
from simulator.company import Company
from simulator.control import control_router
from simulator.events import EventStore
from simulator.faults import Faults
from simulator.gateway import Gateway
from simulator.ids import IdSource
from simulator.limits import RateLimiter
from simulator.objects import BALANCES, LISTINGS, Listing, ObjectStore
from simulator.params import read_list_query
from simulator.shapes.endive import EndiveShape

DEFAULT_KEY = "sk_test_tallyhouse"
DEFAULT_RATE_LIMIT = 25.0
_EVENT_FILTERS = frozenset(("delivery_success",))
_NONE: frozenset[str] = frozenset()


def create_app(
    company: Company,
    clock: Clock,
    api_key: str = DEFAULT_KEY,
    rate_limit: float = DEFAULT_RATE_LIMIT,
) -> FastAPI:
    """The application over a company; `rate_limit` is requests a second for each endpoint, 0 for none."""
    company.ensure(clock.now())
    shape = EndiveShape(company.catalog, company.account_id)
    events = EventStore(company, shape)
    events.prerender(clock.now())
    objects = ObjectStore(company, shape)
    faults = Faults()
    gateway = Gateway(
        clock,
        faults,
        RateLimiter(rate_limit),
        IdSource(company.seed, "requests"),
        api_key,
        company.account_id,
        shape.version,
    )
    app = FastAPI(title="A company that never existed", openapi_url=None)

    def serve(path: str, resource: str, answer: Callable[[Request, float], bytes], is_list: bool = False) -> None:
        def lived(request: Request, now: float) -> bytes:
            company.ensure(now)
            return answer(request, now)

        app.add_route(path, gateway.guard(path, resource, lived, is_list), methods=["GET"])

    def list_events(request: Request, now: float) -> bytes:
        query = read_list_query(request.query_params.multi_items(), _EVENT_FILTERS, has_types=True)
        bodies, has_more = events.page(query, now)
        end = b'],"has_more":true,' if has_more else b'],"has_more":false,'
        return b'{"object":"list","data":[' + b",".join(bodies) + end + b'"url":"/v1/events"}'

    def add_listing(name: str, listing: Listing) -> None:
        filters = frozenset(listing.filters)

        def list_objects(request: Request, now: float) -> bytes:
            query = read_list_query(request.query_params.multi_items(), filters, listing.has_created)
            return _list_body(objects.page(listing, query, now), f"/v1/{name}")

        def retrieve(request: Request, now: float) -> bytes:
            read_list_query(request.query_params.multi_items(), _NONE, has_created=False)
            return orjson.dumps(objects.retrieve(listing, request.path_params["id"], now))

        serve(f"/v1/{name}", name, list_objects, is_list=True)
        serve(f"/v1/{name}/{{id}}", name, retrieve)

    def list_items(request: Request, now: float) -> bytes:
        query = read_list_query(request.query_params.multi_items(), frozenset(("subscription",)), False)
        return _list_body(objects.items(query, now), "/v1/subscription_items")

    def list_lines(request: Request, now: float) -> bytes:
        invoice = request.path_params["id"]
        query = read_list_query(request.query_params.multi_items(), _NONE, False)
        return _list_body(objects.lines(invoice, query, now), f"/v1/invoices/{invoice}/lines")

    def list_cards(request: Request, now: float) -> bytes:
        customer = request.path_params["id"]
        query = read_list_query(request.query_params.multi_items(), frozenset(("type",)), False)
        query = query._replace(filters={**query.filters, "customer": customer})
        page = objects.page(LISTINGS["payment_methods"], query, now)
        return _list_body(page, f"/v1/customers/{customer}/payment_methods")

    def list_balance(request: Request, now: float) -> bytes:
        customer = request.path_params["id"]
        query = read_list_query(request.query_params.multi_items(), _NONE, True)
        query = query._replace(filters={**query.filters, "customer": customer})
        return _list_body(objects.page(BALANCES, query, now), f"/v1/customers/{customer}/balance_transactions")

    serve("/v1/events", "events", list_events, is_list=True)
    serve("/v1/events/{id}", "events", lambda request, now: events.retrieve(request.path_params["id"], now))
    serve("/v1/account", "account", lambda request, now: orjson.dumps(_account(company)))
    serve("/v1/balance", "balance", lambda request, now: orjson.dumps(objects.balance(now)))
    serve("/v1/subscription_items", "subscription_items", list_items, is_list=True)
    serve(
        "/v1/subscription_items/{id}",
        "subscription_items",
        lambda request, now: orjson.dumps(objects.item(request.path_params["id"], now)),
    )
    for name, listing in LISTINGS.items():
        add_listing(name, listing)
    serve("/v1/invoices/{id}/lines", "invoices", list_lines, is_list=True)
    serve("/v1/customers/{id}/payment_methods", "payment_methods", list_cards, is_list=True)
    serve("/v1/customers/{id}/balance_transactions", "customers", list_balance, is_list=True)
    app.include_router(control_router(company, clock, events, faults))

    def unknown(request: Request, now: float) -> bytes:
        raise errors.unknown_url(request.method, request.url.path)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app.add_route("/v1/{path:path}", gateway.guard("unknown", "unknown", unknown, False), methods=methods)
    return app


def _list_body(page: tuple[list[dict[str, Any]], bool], url: str) -> bytes:
    data, has_more = page
    return orjson.dumps({"object": "list", "data": data, "has_more": has_more, "url": url})


def _account(company: Company) -> dict[str, Any]:
    return {
        "id": company.account_id,
        "object": "account",
        "business_profile": {"name": "A company that never existed", "url": "https://example.com"},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "country": "US",
        "created": company.founded,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "owner@example.com",
        "external_accounts": {
            "object": "list",
            "data": [],
            "has_more": False,
            "url": f"/v1/accounts/{company.account_id}/external_accounts",
        },
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {"statement_descriptor_prefix": None},
            "dashboard": {"display_name": "A company that never existed", "timezone": "Etc/UTC"},
            "payments": {"statement_descriptor": "NEVER EXISTED INC"},
            "payouts": {
                "debit_negative_balances": True,
                "schedule": {"delay_days": 2, "interval": "daily"},
                "statement_descriptor": None,
            },
        },
        "type": "standard",
    }
