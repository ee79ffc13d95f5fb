"""What Stripe's answers mean: which may be tried again, and what an operator must do about the others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
import stripe

from tallyhouse.errors import (
    BadRequestError,
    ObjectMissingError,
    PermissionMissingError,
    StripeAccessError,
    StripeUnavailableError,
    TallyhouseError,
)
from tallyhouse.json_rows import NotAListError


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: its body, its status, and its headers (case-insensitive)."""

    body: bytes
    status: int
    headers: Mapping[str, str]

    @property
    def request_id(self) -> str | None:
        """Stripe's name for the request; its support asks for it."""
        return self.headers.get("Request-Id")

    @property
    def error(self) -> dict[str, Any]:
        """Stripe's error object, empty if the body is none."""
        try:
            found = orjson.loads(self.body).get("error")
        except (orjson.JSONDecodeError, AttributeError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def reason(self) -> str:
        """Why Stripe did not serve it, in its own words, without the full stop."""
        limited = self.headers.get("Stripe-Rate-Limited-Reason")
        said = self.error.get("message") or self.error.get("code")
        return ": ".join(str(part) for part in (limited, said) if part).rstrip(".") or "no reason given"

    @property
    def retry_after(self) -> float | None:
        """Seconds that Stripe asks us to wait, if it does."""
        try:
            return max(0.0, float(self.headers["Retry-After"]))
        except (KeyError, ValueError):
            return None

    @property
    def is_retryable(self) -> bool:
        """Whether the same request may succeed later.

        A 429 always may, for it is about time alone. Otherwise Stripe-Should-Retry decides where it is sent,
        then the status: 409 is a conflict of locks, 5xx a fault of Stripe's.
        """
        if self.status == 429:
            return True
        advice = self.headers.get("Stripe-Should-Retry")
        if advice in ("true", "false"):
            return advice == "true"
        return self.status == 409 or self.status >= 500

    def clock(self, elapsed_seconds: float) -> datetime:
        """A moment not later than Stripe's reading, by its clock: the Date less what the request took."""
        date = self.headers.get("Date")
        if date is None:
            raise NotAListError("it has no Date header, so that Stripe's clock is unknown")
        try:
            sent = parsedate_to_datetime(date).astimezone(UTC)
        except ValueError as error:
            raise NotAListError(f"its Date header is no date: {date!r}") from error
        return (sent - timedelta(seconds=elapsed_seconds)).replace(microsecond=0)


def describe_request(path: str, params: Mapping[str, str], stripe_account: str | None = None) -> str:
    """What is asked for, in words: the list or object, its stretch of time, and whose it is."""
    window = ""
    if "created[gte]" in params and "created[lt]" in params:
        start, end = (
            f"{datetime.fromtimestamp(int(params[key]), UTC):%Y-%m-%d %H:%M:%S}"
            for key in ("created[gte]", "created[lt]")
        )
        window = f" created [{start}, {end}) UTC"
    after = f" after {params['starting_after']}" if "starting_after" in params else ""
    owner = f" of {stripe_account}" if stripe_account else ""
    return f"GET {path}{owner}{window}{after}"


def mask_key(key: str) -> str:
    """A key by its prefix and its last 4 characters, as Stripe's dashboard shows it."""
    prefix = "_".join(key.split("_")[:2]) + "_" if key.count("_") >= 2 else ""
    return f"{prefix}...{key[-4:]}" if len(key) >= len(prefix) + 8 else "(too short to be a key)"


def refused(what: str, answer: Answer, key: str, connection: str) -> TallyhouseError:
    """The error for an answer that is not worth another try now, saying what to mend."""
    shown = mask_key(key)
    said = answer.reason.replace(key, shown)
    head = f"{what}: Stripe answered {answer.status}, request {answer.request_id}: {said}."
    if answer.status == 401:
        return StripeAccessError(
            f"{head} The key {shown} is not valid: put a current one into the password of connection {connection}."
        )
    if answer.status == 403:
        return PermissionMissingError(
            f"{head} The key {shown} lacks the permission named there: grant it in Stripe's dashboard "
            f"(Developers, API keys), or put another key into the password of connection {connection}."
        )
    if answer.status == 404 and answer.error.get("code") == "resource_missing":
        return ObjectMissingError(f"{head} It does not exist, or not in the mode of the key {shown}: nothing to fetch.")
    if answer.status >= 500 or answer.status == 409:
        return StripeUnavailableError(f"{head} Stripe asks not to repeat it at once: run the task again later.")
    if answer.error.get("param") in ("starting_after", "ending_before"):
        return StripeUnavailableError(
            f"{head} The row that the listing had come to is gone (deleted, or older than Stripe keeps). "
            "Nothing of this window is committed: run the task again, and it begins anew."
        )
    return BadRequestError(
        f"{head} Check api_version, the host and the extra of connection {connection}; the key was {shown}."
    )


def sdk_error(answer: Answer) -> stripe.StripeError:
    """The SDK's own error for an answer, to be chained as the cause."""
    error = answer.error
    kinds: dict[int, type[stripe.StripeError]] = {
        401: stripe.AuthenticationError,
        403: stripe.PermissionError,
        429: stripe.RateLimitError,
    }
    details: dict[str, Any] = {
        "http_body": answer.body,
        "http_status": answer.status,
        "json_body": {"error": error},
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        "code": error.get("code"),
    }
    message = str(error.get("message"))
    if answer.status in (400, 404):
        return stripe.InvalidRequestError(message, error.get("param"), **details)
    return kinds.get(answer.status, stripe.APIError)(message, **details)


def is_lasting(error: stripe.APIConnectionError) -> bool:
    """Whether a connection failed for a reason that stays: a bad URL, a false certificate."""
    cause = error.__cause__
    if isinstance(cause, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(cause)
    # ValueError: requests' own name for a URL that it cannot read.
    transient = (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
    return isinstance(cause, ValueError) and not isinstance(cause, transient)
