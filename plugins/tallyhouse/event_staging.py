"""Writes the events of one window into raw.event: each once, with its place in Stripe's listing."""

import struct
from collections import defaultdict
from collections.abc import Iterable

import psycopg

from tallyhouse import copy_rows as fields
from tallyhouse.client import Account
from tallyhouse.ledger import EVENTS, keep_rejects, read_stretches
from tallyhouse.listing_order import place
from tallyhouse.pages import EventRow, Page, Reject
from tallyhouse.report import Tally

# Rows and bytes of JSON held before they are written (and the rest of the last second): what bounds the memory,
# whatever the window's size.
CHUNK_ROWS = 2_000
CHUNK_BYTES = 8_000_000

_COPY = (
    "copy raw.event (account_id, livemode, event_id, type, created_at, listing_order, api_version, "
    "object_type, object_id, payload, batch_id) from stdin (format binary)"
)
_COLUMNS = 11
_created_and_order = struct.Struct("!iqiq").pack
_length = struct.Struct("!i").pack

# Never prepared: a plan made while the table was empty would read all of it later. Bounds prune partitions.
_STORED = """
select extract(epoch from e.created_at)::bigint, e.event_id, e.listing_order
from unnest(%(ids)s::text[], %(created)s::bigint[]) as k (event_id, created)
inner join raw.event as e on e.event_id = k.event_id and e.created_at = to_timestamp(k.created)
where e.account_id = %(account_id)s and e.livemode = %(livemode)s
    and e.created_at between to_timestamp(%(oldest)s) and to_timestamp(%(newest)s)
"""
# Bounds keep it to the chunk's stretch of the key; and it is asked for the seconds of late events only, which are few.
_TAKEN = """
select extract(epoch from e.created_at)::bigint, e.listing_order
from raw.event as e
where e.account_id = any(%(account_ids)s) and e.livemode = any(%(livemodes)s)
    and e.created_at between to_timestamp(%(oldest)s) and to_timestamp(%(newest)s)
    and extract(epoch from e.created_at)::bigint = any(%(seconds)s)
"""


class EventStager:
    """Takes a window's pages in Stripe's order and writes them in chunks, inside the caller's transaction.

    The order of an event inside its second (see `place`) is given when it is stored, and never changes: an
    event that became visible late is placed between those that are there. So a second is seen whole before it
    is written; a second is always wholly inside one window.
    """

    def __init__(self, conn: psycopg.Connection, account: Account, batch_id: int, watermark: int | None, tally: Tally):
        """`watermark`: seconds since 1970 before which all had been read: a new event there is late."""
        self._conn = conn
        self._account = account
        self._batch_id = batch_id
        self._watermark = watermark
        self._tally = tally
        # The events of each second by id, newest first.
        self._chunk: dict[int, dict[str, EventRow]] = {}
        self._count = 0
        self._size = 0
        self._second: int | None = None
        self._listed: dict[str, EventRow] = {}
        self._rejects: list[Reject] = []
        self._rejects_size = 0
        # Where events may be stored: what earlier batches read, and whatever this one has written.
        self._read_before = read_stretches(conn, batch_id)
        self._oldest_written: int | None = None
        # Fields of few values, encoded once.
        self._encoded: dict[str | None, bytes] = {}
        # The keys to look up are few beside the table, always; the planner may not know that yet.
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            conn.execute(f"set local {setting} = off")

    def add(self, page: Page) -> None:
        """Takes the next page, and writes when enough has come together and a second is over."""
        self._tally.see_page(page)
        for row in page.rows:
            if isinstance(row, Reject):
                self._rejects.append(row)
                self._rejects_size += len(row.payload_text)
                continue
            event: EventRow = row  # type: ignore[assignment]  # pages of events hold nothing else
            event_id, created = event[0], event[2]
            if created != self._second:
                if self._count >= CHUNK_ROWS or self._size >= CHUNK_BYTES:
                    self._write_chunk()
                self._second = created
                self._listed = self._chunk.setdefault(created, {})
            if event_id in self._listed:
                self._tally.duplicates += 1
                continue
            self._listed[event_id] = event
            self._count += 1
            self._size += len(event[8])
        if len(self._rejects) >= CHUNK_ROWS or self._rejects_size >= CHUNK_BYTES:
            self._write_rejects()

    def flush(self) -> None:
        """Writes what is left, after the last page."""
        self._write_chunk()
        self._write_rejects()

    def _write_chunk(self) -> None:
        """Writes the events that have come together, each second of them whole, but for those already stored."""
        if not self._chunk:
            return
        stored = self._find_stored()
        late = [
            second
            for second, listed in self._chunk.items()
            if len(listed) > len(stored[second]) and (stored[second] or self._may_hold(second))
        ]
        taken = self._find_taken(late)
        new: list[tuple[EventRow, int]] = []
        for second, listed in self._chunk.items():
            there = stored[second]
            if len(listed) > len(there):
                orders = place(list(listed), there, taken[second])
                new += [(listed[event_id], order) for event_id, order in orders.items()]
            self._tally.duplicates += len(there)
        if new:
            self._write(new)
        oldest = min(self._chunk)
        self._oldest_written = oldest if self._oldest_written is None else min(oldest, self._oldest_written)
        self._chunk, self._count, self._size = {}, 0, 0
        self._second = None

    def _write_rejects(self) -> None:
        if self._rejects:
            kept = keep_rejects(self._conn, self._account, EVENTS, self._batch_id, self._rejects)
            self._tally.see_rejects(kept)
            self._tally.duplicates += len(self._rejects) - len(kept)
        self._rejects, self._rejects_size = [], 0

    def _owner(self, event: EventRow) -> tuple[str, bool]:
        """The account and mode that an event belongs to: its own, or the key's where it does not say."""
        return (
            self._account.account_id if event[6] is None else event[6],
            self._account.livemode if event[7] is None else event[7],
        )

    def _may_hold(self, second: int) -> bool:
        """Whether events of this second may be stored that the listing does not show there."""
        if self._oldest_written is not None and second >= self._oldest_written:
            return True
        return any(start <= second < end for start, end in self._read_before)

    def _find_stored(self) -> dict[int, dict[str, int]]:
        """Of the chunk's events those that are stored: second -> id -> order."""
        keys: dict[tuple[str, bool], tuple[list[str], list[int]]] = {}
        for second, listed in self._chunk.items():
            for event_id, event in listed.items():
                ids, created = keys.setdefault(self._owner(event), ([], []))
                ids.append(event_id)
                created.append(second)
        stored: dict[int, dict[str, int]] = defaultdict(dict)
        for (account_id, livemode), (ids, created) in keys.items():
            found = self._conn.execute(
                _STORED,
                {
                    "ids": ids,
                    "created": created,
                    "account_id": account_id,
                    "livemode": livemode,
                    "oldest": min(created),
                    "newest": max(created),
                },
                prepare=False,
            )
            for second, event_id, order in found:
                stored[second][event_id] = order
        return stored

    def _find_taken(self, seconds: list[int]) -> dict[int, list[int]]:
        """The orders of all stored events of these seconds, of the accounts and modes in the chunk."""
        taken: dict[int, list[int]] = defaultdict(list)
        if not seconds:
            return taken
        owners = {self._owner(event) for listed in self._chunk.values() for event in listed.values()}
        found = self._conn.execute(
            _TAKEN,
            {
                "account_ids": sorted({account_id for account_id, _ in owners}),
                "livemodes": sorted({livemode for _, livemode in owners}),
                "oldest": min(seconds),
                "newest": max(seconds),
                "seconds": seconds,
            },
            prepare=False,
        )
        for second, order in found:
            taken[second].append(order)
        return taken

    def _write(self, events: list[tuple[EventRow, int]]) -> None:
        """Copies new events; those that PostgreSQL refuses become rejects."""
        refused = fields.copy_rows(self._conn, _COPY, list(self._encode(events)))
        for index, reason in refused.items():
            event = events[index][0]
            text = event[8].decode()
            self._rejects.append(Reject(event[0], reason, text))
            self._rejects_size += len(text)
        self._tally.new += len(events) - len(refused)
        if self._watermark is not None:
            for index, (event, _) in enumerate(events):
                if event[2] < self._watermark and index not in refused:
                    self._tally.late += 1

    def _encode(self, events: list[tuple[EventRow, int]]) -> Iterable[bytes]:
        """The rows in the form and order of columns that _COPY names."""
        heads: dict[tuple[str | None, bool | None], bytes] = {}
        tail = fields.bigint(self._batch_id)
        encoded, name = self._encoded, self._name
        for event, order in events:
            event_id, event_type, created, version, object_type, object_id, account, mode, payload = event
            head = heads.get((account, mode))
            if head is None:
                account_id, livemode = self._owner(event)
                head = fields.row_head(_COLUMNS) + fields.text(account_id) + fields.boolean(livemode)
                heads[(account, mode)] = head
            yield b"".join(
                (
                    head,
                    fields.text(event_id),
                    encoded.get(event_type) or name(event_type),
                    _created_and_order(8, (created - fields.EPOCH) * 1_000_000, 8, order),
                    encoded.get(version) or name(version),
                    encoded.get(object_type) or name(object_type),
                    fields.text(object_id),
                    _length(len(payload) + 1),
                    b"\1",
                    payload,
                    tail,
                )
            )

    def _name(self, value: str | None) -> bytes:
        if len(self._encoded) >= 10_000:
            self._encoded.clear()
        field = self._encoded[value] = fields.text(value)
        return field
