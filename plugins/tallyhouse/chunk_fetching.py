"""Fetches a chunk of the queue from Stripe: each thing by itself, or from a list where that takes fewer calls."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self

from tallyhouse.client import StripeClient
from tallyhouse.enrichment_queue import Chunk, Outcome
from tallyhouse.errors import (
    BadPageError,
    BadRequestError,
    ObjectMissingError,
    StripeAccessError,
    StripeUnavailableError,
)
from tallyhouse.object_staging import ObjectStager
from tallyhouse.objects import LISTED
from tallyhouse.pages import ObjectReader, Page, Reject, RowReader
from tallyhouse.retrieval import BALANCE_TRANSACTION, retrieve

log = logging.getLogger(__name__)

# So many of one kind that a list of pages of 100 may bring them with fewer calls.
LISTED_FROM = 50
# A balance transaction is made when its charge, refund or payout is, or moments later.
LISTED_SLACK = timedelta(minutes=1)
# Calls of such a list that may bring nothing before it is given up.
IDLE_CALLS = 3
# So many failures in a row are Stripe's, not the objects': the next run goes on.
FAILURES_IN_A_ROW = 5


class ChunkFetcher:
    """Asks with one key, in several threads, and remembers what Stripe refused. A context manager: ends them."""

    def __init__(self, client: StripeClient, threads: int):
        self.refused: set[tuple[str, str]] = set()
        """(account_id, kind) that the key may not read."""
        self._client = client
        self._failures_in_a_row = 0
        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="tallyhouse-enrichment")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown()

    @property
    def is_hopeless(self) -> bool:
        """Whether Stripe does not answer at all."""
        return self._failures_in_a_row >= FAILURES_IN_A_ROW

    def fetch(self, chunk: Chunk, reader: RowReader, stager: ObjectStager) -> dict[str, Outcome]:
        """Stages what Stripe tells of a chunk; returns what became of each of its rows, by object_id."""
        outcomes: dict[str, Outcome] = {}
        if chunk.kind == BALANCE_TRANSACTION and len(chunk.wanted) >= LISTED_FROM:
            outcomes.update(self._list(chunk, reader, stager))
        one_by_one = [wanted.object_id for wanted in chunk.wanted if wanted.object_id not in outcomes]
        answers = self._executor.map(lambda object_id: self._ask(chunk, object_id, reader), one_by_one)
        for object_id, answer in zip(one_by_one, answers, strict=True):
            if isinstance(answer, Page):
                stager.add(answer)
                outcomes[object_id] = answer.observed_at
            else:
                outcomes[object_id] = answer
        return outcomes

    def _ask(self, chunk: Chunk, object_id: str, reader: RowReader) -> Page | Exception | None:
        """In a thread: the answer, or why there is none; None when it makes no sense to ask any more."""
        if self.is_hopeless or (chunk.account_id, chunk.kind) in self.refused:
            return None
        try:
            page = retrieve(self._client, chunk.kind, object_id, reader, stripe_account=chunk.stripe_account)
        except (ObjectMissingError, BadRequestError) as error:
            return error
        except StripeAccessError as error:
            # The same for every object of the kind: one refusal is enough.
            self.refused.add((chunk.account_id, chunk.kind))
            return error
        except (StripeUnavailableError, BadPageError) as error:
            with self._lock:
                self._failures_in_a_row += 1
            return error
        with self._lock:
            self._failures_in_a_row = 0
        return page

    def _list(self, chunk: Chunk, reader: RowReader, stager: ObjectStager) -> dict[str, datetime]:
        """Lists the time in which the chunk's objects were made, as long as that brings more than asking for each."""
        hints = [wanted.hint_at for wanted in chunk.wanted if wanted.hint_at is not None]
        if len(hints) < LISTED_FROM:
            return {}
        ids = {wanted.object_id for wanted in chunk.wanted}
        found: dict[str, datetime] = {}
        params = {
            "created[gte]": str(int(min(hints).timestamp())),
            "created[lt]": str(int((max(hints) + LISTED_SLACK).timestamp())),
        }
        path = LISTED[chunk.kind].endpoint
        calls = 0
        try:
            with closing(self._client.pages(path, params, reader, stripe_account=chunk.stripe_account)) as pages:
                for page in pages:
                    stager.add(page)
                    calls += page.call_count
                    for row in page.rows:
                        object_id = row.row_key if isinstance(row, Reject) else row[1]
                        if object_id in ids:
                            found[object_id] = page.observed_at
                    if calls > len(found) + IDLE_CALLS or len(found) == len(ids):
                        break
        except (StripeAccessError, StripeUnavailableError, BadPageError) as error:
            log.warning("the list of %s cannot be read, so each is asked for: %s", chunk.kind, error)
        log.info("%d of %d %s found in %d calls of their list", len(found), len(ids), chunk.kind, calls)
        return found


class SharedReader:
    """Reads objects for several threads, and counts what is unknown in them."""

    def __init__(self) -> None:
        self._reader = ObjectReader()
        self._lock = threading.Lock()

    def __call__(self, value: Any, text: bytes) -> Any:
        """The object as a row, or what is wrong with it."""
        with self._lock:
            return self._reader(value, text)

    @property
    def unknown(self) -> dict[str, dict[str, int]]:
        """Counts by type and by field."""
        return self._reader.unknown.as_dict()
