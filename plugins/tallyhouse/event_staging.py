"""Writes the events of one window into raw.event: each once, with its place in Stripe's listing."""

import struct
from collections.abc import Iterable

import psycopg

from tallyhouse import copy_rows as fields
from tallyhouse.client import Account
from tallyhouse.ledger import EVENTS, keep_rejects
from tallyhouse.pages import EventRow, Page, Reject
from tallyhouse.report import Tally

# Rows and bytes of JSON held before they are written: what bounds the memory, whatever the window's size.
CHUNK_ROWS = 2_000
CHUNK_BYTES = 8_000_000

_COPY = (
    "copy raw.event (account_id, livemode, event_id, type, created_at, listing_order, api_version, "
    "object_type, object_id, payload, batch_id) from stdin (format binary)"
)
_COLUMNS = 11
_created_and_place = struct.Struct("!iqii").pack
_length = struct.Struct("!i").pack

# Never prepared: a plan made while the table was empty would read all of it later. Bounds prune partitions.
_STORED = """
select e.event_id, extract(epoch from e.created_at)::bigint, e.listing_order
from unnest(%(ids)s::text[], %(created)s::bigint[]) as k (event_id, created)
inner join raw.event as e on e.event_id = k.event_id and e.created_at = to_timestamp(k.created)
where e.account_id = %(account_id)s and e.livemode = %(livemode)s
    and e.created_at between to_timestamp(%(oldest)s) and to_timestamp(%(newest)s)
"""
_SHIFT = """
update raw.event as e
set listing_order = k.place
from unnest(%(ids)s::text[], %(created)s::bigint[], %(places)s::integer[]) as k (event_id, created, place)
where e.account_id = %(account_id)s and e.livemode = %(livemode)s
    and e.event_id = k.event_id and e.created_at = to_timestamp(k.created) and e.listing_order > k.place
"""


class EventStager:
    """Takes a window's pages in Stripe's order and writes them in chunks, inside the caller's transaction.

    The place of an event in its second is 0 for the newest, then -1, -2, ...: Stripe's listing is newest
    first, and a second is always wholly inside one window. An event stored with a higher place than the
    listing now gives it is moved down, since one that became visible late stands above it: the least place
    wins, whatever the order of the runs.
    """

    def __init__(self, conn: psycopg.Connection, account: Account, batch_id: int, watermark: int | None, tally: Tally):
        """`watermark`: seconds since 1970 before which all had been read: a new event there is late."""
        self._conn = conn
        self._account = account
        self._batch_id = batch_id
        self._watermark = watermark
        self._tally = tally
        self._chunk: list[tuple[EventRow, int]] = []
        self._rejects: list[Reject] = []
        self._size = 0
        self._second: int | None = None
        self._place = 0
        self._seen: set[str] = set()
        # Fields of few values, encoded once.
        self._encoded: dict[str | None, bytes] = {}
        # The keys to look up are few beside the table, always; the planner may not know that yet.
        for setting in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
            conn.execute(f"set local {setting} = off")

    def add(self, page: Page) -> None:
        """Takes the next page, and writes when enough has come together."""
        self._tally.see_page(page)
        for row in page.rows:
            if isinstance(row, Reject):
                self._rejects.append(row)
                self._size += len(row.payload_text)
                if row.place is not None:
                    self._take_place(*row.place)
                continue
            event: EventRow = row  # type: ignore[assignment]  # pages of events hold nothing else
            if not self._take_place(event[0], event[2]):
                self._tally.duplicates += 1
                continue
            self._chunk.append((event, self._place))
            self._size += len(event[8])
            if len(self._chunk) >= CHUNK_ROWS or self._size >= CHUNK_BYTES:
                self.flush()

    def _take_place(self, event_id: str, created: int) -> bool:
        """Gives the event the next place in its second; False if the listing shows it there again."""
        if created != self._second:
            self._second = created
            self._place = 0
            self._seen = {event_id}
            return True
        if event_id in self._seen:
            return False
        self._seen.add(event_id)
        self._place -= 1
        return True

    def flush(self) -> None:
        """Writes what has come together."""
        groups: dict[tuple[str, bool], dict[tuple[str, int], tuple[EventRow, int]]] = {}
        for event, place in self._chunk:
            account_id = self._account.account_id if event[6] is None else event[6]
            livemode = self._account.livemode if event[7] is None else event[7]
            group = groups.setdefault((account_id, livemode), {})
            key = (event[0], event[2])
            if key in group:
                self._tally.duplicates += 1
                place = min(place, group[key][1])
            group[key] = (event, place)
        for (account_id, livemode), group in groups.items():
            self._drop_stored(account_id, livemode, group)
            if group:
                self._write(account_id, livemode, list(group.values()))
        if self._rejects:
            new = keep_rejects(self._conn, self._account, EVENTS, self._batch_id, self._rejects)
            self._tally.see_rejects(new)
            self._tally.duplicates += len(self._rejects) - len(new)
        self._chunk, self._rejects, self._size = [], [], 0

    def _drop_stored(self, account_id: str, livemode: bool, group: dict[tuple[str, int], tuple[EventRow, int]]) -> None:
        """Takes out of the group what is stored already, and moves down there what now stands lower."""
        created = [key[1] for key in group]
        stored = self._conn.execute(
            _STORED,
            {
                "ids": [key[0] for key in group],
                "created": created,
                "account_id": account_id,
                "livemode": livemode,
                "oldest": min(created),
                "newest": max(created),
            },
            prepare=False,
        ).fetchall()
        shifts = []
        for event_id, second, stored_place in stored:
            _, place = group.pop((event_id, second))
            if place < stored_place:
                shifts.append((event_id, second, place))
        self._tally.duplicates += len(stored)
        if shifts:
            ids, seconds, places = zip(*shifts, strict=True)
            self._conn.execute(
                _SHIFT,
                {
                    "ids": list(ids),
                    "created": list(seconds),
                    "places": list(places),
                    "account_id": account_id,
                    "livemode": livemode,
                },
                prepare=False,
            )

    def _write(self, account_id: str, livemode: bool, events: list[tuple[EventRow, int]]) -> None:
        """Copies new events; those that PostgreSQL refuses become rejects."""
        refused = fields.copy_rows(self._conn, _COPY, list(self._encode(account_id, livemode, events)))
        for index, reason in refused.items():
            event = events[index][0]
            self._rejects.append(Reject(event[0], reason, event[8].decode()))
        self._tally.new += len(events) - len(refused)
        if self._watermark is not None:
            for index, (event, _) in enumerate(events):
                if event[2] < self._watermark and index not in refused:
                    self._tally.late += 1

    def _encode(self, account_id: str, livemode: bool, events: list[tuple[EventRow, int]]) -> Iterable[bytes]:
        """The rows in the form and order of columns that _COPY names."""
        head = fields.row_head(_COLUMNS) + fields.text(account_id) + fields.boolean(livemode)
        tail = fields.bigint(self._batch_id)
        encoded, name = self._encoded, self._name
        for (event_id, event_type, created, version, object_type, object_id, _, _, payload), place in events:
            yield b"".join(
                (
                    head,
                    fields.text(event_id),
                    encoded.get(event_type) or name(event_type),
                    _created_and_place(8, (created - fields.EPOCH) * 1_000_000, 4, place),
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
