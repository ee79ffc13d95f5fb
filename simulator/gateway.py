"""What every Stripe request passes: key, version, faults, rate limit; and the headers of every answer."""

import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from email.utils import formatdate

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator import errors
from simulator.clock import Clock
from simulator.errors import StripeError
from simulator.faults import Faults
from simulator.ids import IdSource
from simulator.limits import RateLimiter

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?$")
_JSON = "application/json"


class CutResponse(Response):
    """Promises the whole body, sends half of it and drops the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leave the body unfinished: the server then closes the connection."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


class Gateway:
    """Wraps the functions that answer Stripe's endpoints."""

    def __init__(
        self,
        clock: Clock,
        faults: Faults,
        limiter: RateLimiter,
        ids: IdSource,
        api_key: str,
        account_id: str,
        version: str,
    ) -> None:
        self._clock = clock
        self._faults = faults
        self._limiter = limiter
        self._ids = ids
        self._api_key = api_key
        self._account_id = account_id
        self._version = version

    def guard(
        self, endpoint: str, resource: str, answer: Callable[[Request, float], bytes], is_list: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        """A handler that calls `answer(request, now)` for the body if nothing stands in the way."""

        async def handle(request: Request) -> Response:
            request_id = self._ids.short("req")
            headers = {
                "Request-Id": request_id,
                "Stripe-Version": request.headers.get("stripe-version", self._version),
                "Date": formatdate(self._clock.now(), usegmt=True),
            }
            try:
                self._admit(request, endpoint, resource)
                if self._faults.hits("html"):
                    return Response(_HTML, 200, headers, "text/html; charset=utf-8")
                body = answer(request, self._clock.now())
            except StripeError as error:
                headers.update(error.headers)
                return Response(orjson.dumps(error.body(request_id)), error.status, headers, _JSON)
            if is_list and self._faults.hits("cut"):
                return CutResponse(body, 200, headers, _JSON)
            return Response(body, 200, headers, _JSON)

        return handle

    def _admit(self, request: Request, endpoint: str, resource: str) -> None:
        key = _key_of(request)
        if key is None:
            raise errors.no_key()
        if key != self._api_key:
            raise errors.bad_key(key)
        if self._faults.is_key_revoked:
            raise errors.expired_key(key)
        version = request.headers.get("stripe-version")
        if version is not None and not _VERSION.match(version):
            raise StripeError(400, f"Invalid Stripe API version: {version}")
        if self._faults.forbids(resource):
            raise errors.forbidden(key, self._account_id, resource.removesuffix("s"))
        if self._faults.hits("rate_limit") or not self._limiter.take(endpoint):
            raise errors.rate_limited()
        if self._faults.hits("server_error"):
            raise errors.broken()


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
