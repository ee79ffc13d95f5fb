"""The HTTP application: Stripe's endpoints under /v1, the simulator's own controls under /_sim."""

from collections.abc import Callable, Sequence

from fastapi import FastAPI

from simulator import errors
from simulator.account import DEFAULT_KEY, Account
from simulator.clock import Clock
from simulator.company import Company
from simulator.control import control_router
from simulator.endpoints import Endpoints, connected_account, own_account
from simulator.faults import Faults
from simulator.gateway import Call, Gateway
from simulator.ids import IdSource
from simulator.limits import Traffic
from simulator.listings import LISTINGS, NESTED

DEFAULT_RATE_LIMIT = 25.0


def create_app(
    company: Company,
    clock: Clock,
    api_key: str = DEFAULT_KEY,
    rate_limit: float = DEFAULT_RATE_LIMIT,
    upgraded_at: float | None = None,
) -> FastAPI:
    """The application over one company; the parameters are those of its account."""
    return serve_accounts([Account(company, api_key, rate_limit, upgraded_at=upgraded_at)], clock)


def serve_accounts(accounts: Sequence[Account], clock: Clock) -> FastAPI:
    """The application over accounts, each behind its own key."""
    now = clock.now()
    for account in accounts:
        account.ensure(now)
        account.events.prerender(now)
    faults, traffic = Faults(), Traffic()
    gateway = Gateway(clock, faults, traffic, IdSource(accounts[0].company.seed, "requests"), accounts)
    app = FastAPI(title="A company that never existed", openapi_url=None)
    endpoints = Endpoints(faults)

    def serve(path: str, resource: str, answer: Callable[[Call], bytes], is_list: bool = False) -> None:
        app.add_route(path, gateway.guard(path, resource, answer, is_list), methods=["GET"])

    serve("/v1/events", "events", endpoints.list_events, is_list=True)
    serve("/v1/events/{id}", "events", endpoints.retrieve_event)
    serve("/v1/account", "account", own_account)
    serve("/v1/accounts", "accounts", endpoints.list_accounts, is_list=True)
    serve("/v1/accounts/{id}", "accounts", connected_account)
    serve("/v1/balance", "balance", endpoints.retrieve_balance)
    serve("/v1/subscription_items", "subscription_items", endpoints.list_items, is_list=True)
    serve("/v1/subscription_items/{id}", "subscription_items", endpoints.retrieve_item)
    for name, listing in LISTINGS.items():
        if listing.kind in accounts[0].company.objects:
            serve(f"/v1/{name}", name, endpoints.list_of(name, listing), is_list=True)
            serve(f"/v1/{name}/{{id}}", name, endpoints.retrieval_of(listing))
    for nested in NESTED:
        if nested.listing.kind in accounts[0].company.objects:
            path = f"/v1/{nested.parent}/{{id}}/{nested.name}"
            serve(path, nested.name, endpoints.nested_list_of(nested), is_list=True)
            serve(f"{path}/{{nested}}", nested.name, endpoints.nested_retrieval_of(nested))
    serve("/v1/customers/{id}/sources", "customers", endpoints.list_sources, is_list=True)
    serve("/v1/invoices/{id}/lines", "invoices", endpoints.list_lines, is_list=True)
    app.include_router(control_router(accounts, clock, faults, traffic))

    def unknown(call: Call) -> bytes:
        raise errors.unknown_url(call.request.method, call.request.url.path)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    app.add_route("/v1/{path:path}", gateway.guard("unknown", "unknown", unknown, False), methods=methods)
    return app
