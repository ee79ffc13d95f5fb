"""Asks for objects by their ids, several at once: what a list did not show, Stripe may still have."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from types import TracebackType
from typing import Self

import orjson

from tallyhouse.client import StripeClient
from tallyhouse.errors import BadRequestError, ObjectMissingError
from tallyhouse.pages import ObjectReader, Page, Reject, reject
from tallyhouse.retrieval import fetch_object

THREADS = 8

CHUNK = 200
"""Objects that are asked for before they are written: what bounds the memory, and what a killed task asks again."""


class Asker:
    """Asks with one key, in threads of its own. A context manager: ends them. Safe to use from several threads."""

    def __init__(self, client: StripeClient, threads: int = THREADS):
        self._client = client
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="tallyhouse-ask")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()

    def ask(self, object_name: str, ids: Sequence[str]) -> list[Page]:
        """Each of these objects as a page of its own; what Stripe no longer has is the stub that says so.

        What Stripe does not understand of one object (another 4xx) is a reject of that one. At most a CHUNK of them:
        all answers are held. Other errors as of StripeClient.retrieve.
        """
        # Not later than the answers that have no time of their own.
        asked_at = self._client.server_time()
        return list(self._executor.map(lambda object_id: self._ask(object_name, object_id, asked_at), ids))

    def _ask(self, object_name: str, object_id: str, asked_at: datetime) -> Page:
        try:
            fetched = fetch_object(self._client, object_name, object_id)
        except ObjectMissingError:
            stub = {"id": object_id, "object": object_name, "deleted": True}
            return Page([(object_name, object_id, None, orjson.dumps(stub))], 0, asked_at)
        except BadRequestError as error:
            answer = str(getattr(error.__cause__, "http_body", None) or "").replace("\0", "\\u0000")
            refused = Reject(object_id, str(error), answer)
            return Page([refused], len(answer), asked_at)
        raw = fetched.value
        row = raw.refusal or ObjectReader()(raw.value, raw.text)
        page = Page([], fetched.byte_count, fetched.observed_at, fetched.call_count, fetched.throttled_count)
        page.rows.append(reject(raw, row) if isinstance(row, str) else row)
        return page
