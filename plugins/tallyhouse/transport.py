"""One request to Stripe, until it is answered usably: pacing, back-off, and counting.

Below the SDK's object layer (which is slow, and gives no JSON), over the SDK's HTTP client. Its retries are
off, since it does not repeat a 429 or a cut body, and two loops around each other would multiply.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import orjson
import requests
import stripe

from tallyhouse.answers import Answer, describe_request, is_lasting, refused, sdk_error
from tallyhouse.errors import BadPageError, StripeAccessError, StripeUnavailableError, TallyhouseError
from tallyhouse.json_rows import NotAListError
from tallyhouse.rate_limit import Pacer

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Retries:
    """How often and how long a request is tried: attempts in all, and seconds of waiting."""

    max_attempts: int = 8
    max_wait_seconds: float = 300.0
    first_backoff_seconds: float = 0.5
    max_backoff_seconds: float = 32.0

    def delay(self, attempt: int, asked: float | None) -> float:
        """Seconds before the next attempt: exponential, with full jitter, on top of what Stripe asks for."""
        ceiling = min(self.max_backoff_seconds, self.first_backoff_seconds * 2.0 ** (attempt - 1))
        return (asked or 0.0) + random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


@dataclass(frozen=True)
class Fetched(Generic[T]):
    """A parsed answer, and what it took to get it. `observed_at`: see Answer.clock."""

    value: T
    byte_count: int
    observed_at: datetime
    call_count: int
    throttled_count: int


class StopRequested(Exception):
    """Whoever wanted the answer has gone."""


class _Fault(Exception):
    """An attempt that may be repeated: the error to raise if it is the last one, and its cause."""

    def __init__(self, error: TallyhouseError, cause: BaseException, retry_after: float | None = None):
        super().__init__(str(error))
        self.error = error
        self.cause = cause
        self.retry_after = retry_after


class Transport:
    """Requests with one key to one API base. Safe to use from several threads.

    `pacer` says when a request may be made; it may be replaced by another between requests.
    """

    def __init__(
        self,
        api_key: str,
        *,
        api_base: str,
        api_version: str,
        connection: str,
        pacer: Pacer,
        retries: Retries,
        timeout: tuple[float, float],
        sleep: Callable[[float], None] | None = None,
    ):
        self._key = api_key
        self._base = api_base.rstrip("/")
        self._connection = connection
        self.pacer = pacer
        self._retries = retries
        self._sleep = sleep
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Stripe-Version": api_version,
            "User-Agent": f"Tallyhouse stripe-python/{stripe.VERSION}",
            "Accept": "application/json",
        }
        # One session for all threads, so that a connection outlives the listing that opened it.
        self._session = requests.Session()
        # With an auth of its own, requests does not let an entry in ~/.netrc replace the key.
        self._session.auth = _keep_authorization
        self._http = stripe.new_default_http_client(timeout=timeout, session=self._session)

    def close(self) -> None:
        """Closes the connections."""
        self._session.close()

    def fetch(
        self,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes], T],
        stop: threading.Event | None = None,
        stripe_account: str | None = None,
    ) -> Fetched[T]:
        """Gets and parses one answer; `parse` raises NotAListError or JSONDecodeError at an unusable body.

        `stripe_account` is the connected account whose data is read (https://docs.stripe.com/connect/authentication).
        Raises StripeAccessError at once where a retry cannot help (ObjectMissingError where what is asked for
        does not exist), StripeUnavailableError or BadPageError after the last attempt, and StopRequested when
        `stop` was set meanwhile.
        """
        what = describe_request(path, params, stripe_account)
        headers = {**self._headers, "Stripe-Account": stripe_account} if stripe_account else self._headers
        url = f"{self._base}{path}?{urlencode(params)}" if params else f"{self._base}{path}"
        throttled = 0
        waited = 0.0
        for attempt in range(1, self._retries.max_attempts + 1):
            self.pacer.take()
            if stop is not None and stop.is_set():
                raise StopRequested
            try:
                answer, elapsed = self._get(what, url, headers)
                if answer.status == 429:
                    throttled += 1
                    self.pacer.throttled(answer.retry_after)
                value = self._parse(what, answer, parse)
                return Fetched(value, len(answer.body), answer.clock(elapsed), attempt, throttled)
            except NotAListError as error:
                fault = _Fault(BadPageError(f"{what}: the answer is unusable: {error}"), error)
            except _Fault as repeatable:
                fault = repeatable
            delay = self._retries.delay(attempt, fault.retry_after)
            if attempt == self._retries.max_attempts or waited + delay > self._retries.max_wait_seconds:
                break
            log.warning("%s; attempt %d, waiting %.1f s", fault.error, attempt, delay)
            self._pause(delay, stop)
            waited += delay
        raise type(fault.error)(
            f"{fault.error}; gave up after {attempt} attempt(s) and {waited:.0f} s of waiting. "
            "Nothing of this window is committed: let the task retry, or run it again later."
        ) from fault.cause

    def _get(self, what: str, url: str, headers: Mapping[str, str]) -> tuple[Answer, float]:
        """The answer, whatever its status, and the seconds it took."""
        began = time.monotonic()
        try:
            body, status, headers = self._http.request_with_retries("GET", url, headers, max_network_retries=0)
        except stripe.APIConnectionError as error:
            cause = error.__cause__ or error
            if is_lasting(error):
                raise StripeAccessError(
                    f"{what}: {self._base} cannot be asked: {cause}. Check the host of connection {self._connection}."
                ) from error
            raise _Fault(StripeUnavailableError(f"{what}: no answer from {self._base}: {cause}"), error) from error
        content: Any = body
        return Answer(content, status, headers), time.monotonic() - began

    def _parse(self, what: str, answer: Answer, parse: Callable[[bytes], T]) -> T:
        """The value of a good answer; raises _Fault for one worth another try."""
        if answer.status != 200:
            cause = sdk_error(answer)
            if not answer.is_retryable:
                raise refused(what, answer, self._key, self._connection) from cause
            error = StripeUnavailableError(
                f"{what}: Stripe answered {answer.status}, request {answer.request_id}: {answer.reason}"
            )
            raise _Fault(error, cause, answer.retry_after)
        try:
            return parse(answer.body)
        except (NotAListError, orjson.JSONDecodeError) as error:
            unusable = BadPageError(f"{what}: the answer to request {answer.request_id} is unusable: {error}")
            raise _Fault(unusable, error) from error

    def _pause(self, seconds: float, stop: threading.Event | None) -> None:
        if self._sleep is not None:
            self._sleep(seconds)
        elif stop is not None:
            stop.wait(seconds)
        else:
            time.sleep(seconds)


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
