"""Stripe's lists as pages of rows ready to stage, its account, and its clock."""

import copy
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import orjson
import stripe

from tallyhouse.answers import describe_request
from tallyhouse.errors import BadPageError, StripeAccessError
from tallyhouse.json_rows import NotAListError, RawRow
from tallyhouse.pages import Page, RowReader, parse_object, parse_page
from tallyhouse.prefetch import prefetch
from tallyhouse.rate_limit import Pacer, TokenBucket
from tallyhouse.transport import Fetched, Retries, StopRequested, Transport

T = TypeVar("T")

# The most that Stripe gives at once (https://docs.stripe.com/api/pagination).
PAGE_SIZE = 100
# The version that the pinned SDK was made for: lists answer in one known shape until the SDK is upgraded,
# whatever the account's own default is. (Events come in the version of their time, whatever is asked for.)
DEFAULT_API_VERSION: str = stripe.api_version

# Enough to keep the network busy while a chunk is written. Usual pages have 200 KB; 100 MB are possible.
READ_AHEAD_PAGES = 20
READ_AHEAD_BYTES = 5_000_000


@dataclass(frozen=True)
class Account:
    """The account behind a key, whether the key is for live data, and Stripe's clock when it was asked.

    Or one that is connected to it: `via` is then the account whose key asks for it.
    """

    account_id: str
    livemode: bool
    clock: datetime
    via: str | None = None


class StripeClient:
    """Reads from Stripe with one key. Safe to use from several threads.

    `connection` is the name under which operators keep the key: messages tell them to mend it.
    `requests_per_second` None means no limit; `timeout` is (connect, read) in seconds; `account_id` spares
    the call of /v1/account, which a restricted key may not be allowed. `sleep` is for tests.
    """

    def __init__(
        self,
        api_key: str,
        *,
        api_base: str = "https://api.stripe.com",
        api_version: str | None = None,
        account_id: str | None = None,
        connection: str = "stripe_default",
        requests_per_second: float | None = 20.0,
        burst: float = 5.0,
        max_attempts: int = 8,
        max_wait_seconds: float = 300.0,
        first_backoff_seconds: float = 0.5,
        timeout: tuple[float, float] = (10.0, 80.0),
        sleep: Callable[[float], None] | None = None,
    ):
        if not api_key:
            raise StripeAccessError(f"Connection {connection} holds no Stripe key: put one into its password.")
        self._key = api_key
        self._account_id = account_id
        self._acting_for: str | None = None
        self._transport = Transport(
            api_key,
            api_base=api_base,
            api_version=api_version or DEFAULT_API_VERSION,
            connection=connection,
            pacer=TokenBucket(requests_per_second, burst),
            retries=Retries(max(1, max_attempts), max_wait_seconds, first_backoff_seconds),
            timeout=timeout,
            sleep=sleep,
        )

    @property
    def livemode(self) -> bool:
        """Whether the key is for live data, which its prefix tells."""
        return self._key.startswith(("sk_live_", "rk_live_"))

    def pace_with(self, pacer: Pacer) -> None:
        """Takes its slots from this pacer from now on, instead of from its own."""
        self._transport.pacer = pacer

    def acting_for(self, account_id: str) -> "StripeClient":
        """This client in the name of a connected account; its connections and pace are shared, and close with it."""
        made = copy.copy(self)
        made._acting_for = account_id
        return made

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def account(self) -> Account:
        """The account of the key: one cheap call, which also shows that the key is good."""
        if self._account_id is not None:
            return Account(self._account_id, self.livemode, self.server_time())
        try:
            fetched = self._transport.fetch("/v1/account", {}, _parse_account)
        except StripeAccessError as error:
            raise StripeAccessError(
                f"{error} If the key may read events but not the account, give the account's id (acct_...) "
                "as account_id in the connection's extra."
            ) from error
        return Account(fetched.value, self.livemode, fetched.observed_at)

    def server_time(self) -> datetime:
        """Stripe's clock, not the worker's: never later than the moment at which Stripe answered."""
        return self._transport.fetch("/v1/events", {"limit": "1"}, _ignore_body).observed_at

    def get(self, path: str, params: Mapping[str, str], parse: Callable[[bytes], T]) -> T:
        """One answer, parsed; `parse` raises NotAListError where a body is unusable. Errors as of `pages`."""
        return self._transport.fetch(path, params, parse, stripe_account=self._acting_for).value

    def retrieve(self, path: str, params: Mapping[str, str], *, stripe_account: str | None = None) -> Fetched[RawRow]:
        """One object as it is now: its value and JSON text, and when Stripe read it (see Answer.clock).

        `stripe_account` is the connected account that it belongs to, if not the client's. Raises
        ObjectMissingError when there is none of that id, and else as `pages` does.
        """
        return self._transport.fetch(path, params, parse_object, stripe_account=stripe_account or self._acting_for)

    def pages(
        self,
        path: str,
        params: Mapping[str, str],
        read_row: RowReader,
        *,
        stripe_account: str | None = None,
    ) -> Generator[Page, None, None]:
        """All pages of a list in Stripe's order, some of them read ahead in one thread.

        `stripe_account` is the connected account whose list it is, if not the client's. Raises
        StripeAccessError, StripeUnavailableError or BadPageError after the pages before the fault.
        Close the generator to stop reading.
        """
        return prefetch(
            lambda stop: self._walk(path, params, read_row, stop, stripe_account or self._acting_for),
            max_items=READ_AHEAD_PAGES,
            max_bytes=READ_AHEAD_BYTES,
            size_of=lambda page: page.byte_count,
        )

    def _walk(
        self,
        path: str,
        params: Mapping[str, str],
        read_row: RowReader,
        stop: threading.Event,
        stripe_account: str | None,
    ) -> Iterator[Page]:
        query = {**params, "limit": str(PAGE_SIZE)}
        while True:
            try:
                fetched = self._transport.fetch(
                    path, query, lambda body: parse_page(body, read_row), stop, stripe_account
                )
            except StopRequested:
                return
            parsed = fetched.value
            yield Page(
                rows=parsed.rows,
                byte_count=fetched.byte_count,
                observed_at=fetched.observed_at,
                call_count=fetched.call_count,
                throttled_count=fetched.throttled_count,
            )
            if not parsed.has_more:
                return
            if parsed.last_id is None or parsed.last_id == query.get("starting_after"):
                raise BadPageError(
                    f"{describe_request(path, query, stripe_account)}: the page ends with the row it should begin "
                    "after, so the listing would never end. Nothing of this window is committed; the next run reads "
                    "it again."
                )
            query["starting_after"] = parsed.last_id


def _parse_account(body: bytes) -> str:
    account = orjson.loads(body)
    account_id = account.get("id") if isinstance(account, dict) else None
    if not isinstance(account_id, str):
        raise NotAListError("it is no account: it has no id")
    return account_id


def _ignore_body(body: bytes) -> None:
    """For who wants the head of an answer only: the newest event may be one that cannot be read."""
