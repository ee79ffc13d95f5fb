"""What every Stripe request passes: key, account, version, faults, rate limit; and the headers of every answer."""

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from email.utils import formatdate
from typing import NamedTuple

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator import errors
from simulator.account import Account
from simulator.clock import Clock
from simulator.errors import StripeError
from simulator.faults import Faults
from simulator.ids import IdSource
from simulator.limits import Traffic
from simulator.objects import View

_VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(\.[a-z]+)?$")
_JSON = "application/json"
_DROPS = 20


class CutResponse(Response):
    """Promises the whole body, sends half of it and drops the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the body unfinished: the server then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class DripResponse(Response):
    """Sends its body in small pieces over so many seconds."""

    seconds = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait before each piece."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        body = bytes(self.body)
        size = len(body) // _DROPS + 1
        for start in range(0, len(body), size):
            await asyncio.sleep(self.seconds / _DROPS)
            await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class Call(NamedTuple):
    """An admitted request: whose account it reads, and how."""

    request: Request
    account: Account
    view: View


class Gateway:
    """Wraps the functions that answer Stripe's endpoints. Accounts are found by their keys."""

    def __init__(
        self, clock: Clock, faults: Faults, traffic: Traffic, ids: IdSource, accounts: Sequence[Account]
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._traffic = traffic
        self._ids = ids
        self._accounts = {account.key: account for account in accounts}
        self._first = accounts[0]

    def guard(
        self, endpoint: str, resource: str, answer: Callable[[Call], bytes], is_list: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler that calls `answer(call)` for the body if nothing stands in the way."""

        async def handle(request: Request) -> Response:
            request_id = self._ids.short("req")
            now = self._clock.now()
            headers = {
                "Request-Id": request_id,
                "Stripe-Version": self._version_shown(request, now),
                "Date": formatdate(now, usegmt=True),
            }
            self._traffic.count(endpoint)
            try:
                call = self._admit(request, endpoint, resource)
                delay = self._faults.next_delay()
                if delay is not None and not delay.is_drip:
                    await asyncio.sleep(delay.seconds)
                if self._faults.hits("html"):
                    return Response(_HTML, 200, headers, "text/html; charset=utf-8")
                call.account.ensure(call.view.now)
                body = answer(call)
            except StripeError as error:
                headers.update(error.headers)
                return Response(orjson.dumps(error.body(request_id)), error.status, headers, _JSON)
            if is_list and self._faults.hits("cut"):
                return CutResponse(body, 200, headers, _JSON)
            if delay is not None and delay.is_drip:
                drip = DripResponse(body, 200, headers, _JSON)
                drip.seconds = delay.seconds
                return drip
            return Response(body, 200, headers, _JSON)

        return handle

    def _version_shown(self, request: Request, now: float) -> str:
        """The version asked for, or else that of the key's account."""
        account = self._accounts.get(_key_of(request) or "", self._first)
        return request.headers.get("stripe-version", account.versions.at(now).version)

    def _admit(self, request: Request, endpoint: str, resource: str) -> Call:
        key = _key_of(request)
        if key is None:
            raise errors.no_key()
        owner = self._accounts.get(key)
        if owner is None:
            raise errors.bad_key(key)
        if self._faults.is_key_revoked:
            raise errors.expired_key(key)
        version = _version_of(request)
        account = _account_of(request, owner)
        if self._faults.forbids(resource):
            raise errors.forbidden(key, account.id, resource.removesuffix("s"))
        reason = self._faults.next_limit() or account.limiter.take(endpoint)
        if reason is not None:
            self._traffic.count_limited(endpoint, reason)
            raise errors.rate_limited(reason)
        if self._faults.hits("server_error"):
            raise errors.broken()
        now = self._clock.now()
        return Call(request, account, View(account.versions.named(version, now), now))


def _version_of(request: Request) -> str | None:
    """The API version asked for. Raises StripeError 400 for what is none."""
    version = request.headers.get("stripe-version")
    if version is None:
        return None
    match = _VERSION.match(version)
    try:
        date.fromisoformat(match[1] if match else "")
    except ValueError:
        raise StripeError(400, f"Invalid Stripe API version: {version}") from None
    return version


def _account_of(request: Request, owner: Account) -> Account:
    """The key's own account, or the connected one that the request names. Raises StripeError 403."""
    named = request.headers.get("stripe-account")
    if named is None or named == owner.id:
        return owner
    account = owner.connected.get(named)
    if account is None:
        raise errors.no_such_account(owner.key, named)
    return account


_HTML = b"<!DOCTYPE html><html><head><title>Service unavailable</title></head><body><h1>Back soon</h1></body></html>"


def _key_of(request: Request) -> str | None:
    """The key of a Bearer or Basic authorization (as the user, without a password)."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
