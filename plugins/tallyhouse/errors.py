"""Errors of the library: which of them a retry can mend, and which only a person can."""

from collections.abc import Sequence


class TallyhouseError(Exception):
    """Base of all errors raised here. A message names the object, the window, and what to do next."""


class StripeAccessError(TallyhouseError):
    """Stripe refuses what we ask (401, 403, other 4xx) or cannot be addressed at all. A retry cannot help."""


class StripeUnavailableError(TallyhouseError):
    """Stripe did not answer (429, 5xx, connection, timeout) within the client's retries; it may later."""


class BadPageError(TallyhouseError):
    """Stripe answered 200 with something that is no list (HTML, a cut body), in every attempt made."""


class RejectedRowsError(TallyhouseError):
    """Rows were kept in raw.rejected instead of staged; everything else of the batch is committed."""

    def __init__(self, what: str, count: int, sample: Sequence[tuple[str, str]]):
        shown = "; ".join(f"{row_key}: {reason}" for row_key, reason in sample)
        super().__init__(
            f"{what}: {count} row(s) could not be staged; all others are committed. {shown}. They are kept "
            "as text, with the reason, in the table raw.rejected: look at its newest rows. Each is reported "
            "once, so the next run is green without them."
        )
        self.count = count
        self.sample = list(sample)
