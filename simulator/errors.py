"""Stripe's errors: status, body and headers."""

from typing import Any

_DOCS = "https://stripe.com/docs/error-codes/"


class StripeError(Exception):
    """An answer other than 200, in Stripe's error format."""

    def __init__(
        self,
        status: int,
        message: str,
        code: str | None = None,
        param: str | None = None,
        error_type: str = "invalid_request_error",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.error_type = error_type
        self.headers = headers or {}

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body, with a link to the request's log as Stripe gives one."""
        error: dict[str, Any] = {"message": self.message, "type": self.error_type}
        if self.code is not None:
            error["code"] = self.code
            error["doc_url"] = _DOCS + self.code.replace("_", "-")
        if self.param is not None:
            error["param"] = self.param
        error["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{request_id}"
        return {"error": error}


def no_key() -> StripeError:
    """401: no key at all."""
    return StripeError(
        401,
        "You did not provide an API key. You need to provide your API key in the Authorization header, using "
        "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        headers={"WWW-Authenticate": 'Basic realm="Stripe"'},
    )


def bad_key(key: str) -> StripeError:
    """401: not the key that this server accepts."""
    return StripeError(401, f"Invalid API Key provided: {masked(key)}")


def expired_key(key: str) -> StripeError:
    """401: the key was revoked."""
    return StripeError(401, f"Expired API Key provided: {masked(key)}", "api_key_expired")


def masked(key: str) -> str:
    """The key with all but its kind and last four characters starred."""
    kind = "_".join(key.split("_")[:2]) + "_" if key.count("_") >= 2 else ""
    hidden = max(0, len(key) - len(kind) - 4)
    return f"{kind}{'*' * hidden}{key[len(kind) + hidden :]}"


def forbidden(key: str, account: str, resource: str) -> StripeError:
    """403: a restricted key without the permission that the resource needs."""
    return StripeError(
        403,
        f"The provided key '{masked(key)}' does not have the required permissions for this endpoint on "
        f"account '{account}'. Having the 'rak_{resource}_read' permission would allow this request to "
        "continue.",
    )


def unknown_url(method: str, path: str) -> StripeError:
    """404: no such endpoint."""
    return StripeError(
        404,
        f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs or we can help at "
        "https://support.stripe.com/.",
    )


def missing(noun: str, object_id: str, param: str = "id", status: int = 404) -> StripeError:
    """No such object: 404 when retrieving, 400 for a cursor or a filter."""
    return StripeError(status, f"No such {noun}: '{object_id}'", "resource_missing", param)


def aged_out(event_id: str, param: str) -> StripeError:
    """400: a cursor that Stripe no longer keeps."""
    return StripeError(
        400,
        f"The event '{event_id}' has aged out: it is more than 30 days old and too old to page from.",
        "resource_missing",
        param,
    )


def no_such_account(key: str, account: str) -> StripeError:
    """403: an account that is not connected to the key's."""
    return StripeError(
        403,
        f"The provided key '{masked(key)}' does not have access to account '{account}' (or that account does not "
        "exist). Application access may have been revoked.",
        "account_invalid",
    )


def rate_limited(reason: str) -> StripeError:
    """429, with the header that says which limit it was; for `lock_timeout` with a code instead."""
    if reason == "lock_timeout":
        return StripeError(
            429,
            "This object cannot be accessed right now because another API request or Stripe process is currently "
            "accessing it. If you see this error intermittently, retry the request.",
            "lock_timeout",
        )
    return StripeError(
        429,
        "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
        "rate_limit",
        headers={"Stripe-Rate-Limited-Reason": reason},
    )


def broken() -> StripeError:
    """500: Stripe's own fault."""
    return StripeError(500, "An unknown error occurred", error_type="api_error")
