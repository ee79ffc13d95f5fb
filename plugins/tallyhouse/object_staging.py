"""Writes the objects of one slice of a list into raw.object, each once per moment at which it was seen."""

import psycopg
from psycopg import sql

from tallyhouse import copy_rows as fields
from tallyhouse.client import Account
from tallyhouse.ledger import keep_rejects
from tallyhouse.pages import ObjectRow, Page, Reject
from tallyhouse.report import Tally

CHUNK_BYTES = 8_000_000

RAW = "raw.object"

_CREATE = """
create temporary table arriving_object (
    account_id text,
    livemode boolean,
    object_type text,
    object_id text,
    observed_at timestamptz,
    payload jsonb
)
"""
_COPY = "copy arriving_object from stdin (format binary)"
_COLUMNS = 6
_INSERT = """
insert into {target} (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
select account_id, livemode, object_type, object_id, observed_at, payload, %s
from arriving_object
on conflict (account_id, livemode, object_type, object_id, observed_at) do nothing
"""
# What is asked for after a list showed the object comes after it, even inside the second that Stripe's clock gives.
_INSERT_AFTER = """
insert into {target} (account_id, livemode, object_type, object_id, observed_at, payload, batch_id)
select
    account_id, livemode, object_type, object_id,
    ops.next_observation(account_id, livemode, object_type, object_id, observed_at), payload, %s
from arriving_object
on conflict (account_id, livemode, object_type, object_id, observed_at) do nothing
"""


class ObjectStager:
    """Takes a slice's pages and writes them in chunks, inside the caller's transaction, or, without one, in its own."""

    def __init__(
        self,
        conn: psycopg.Connection,
        account: Account,
        source: str,
        batch_id: int,
        tally: Tally,
        *,
        into: str = RAW,
        is_after_lists: bool = False,
    ):
        """`source` names the list where a row is rejected: list:<object>; `into` is a table like raw.object.

        `is_after_lists`: of two observations of an object in one second, this one is the later.
        """
        statement = _INSERT_AFTER if is_after_lists else _INSERT
        # a session's own table is filled before its batch is opened
        self._commits_first = into != RAW
        self._insert = sql.SQL(statement).format(target=sql.Identifier(*into.split(".")))
        self._conn = conn
        self._account = account
        self._source = source
        self._batch_id = batch_id
        self._tally = tally
        self._rows: list[bytes] = []
        self._originals: list[ObjectRow] = []
        self._rejects: list[Reject] = []
        self._size = 0

    def add(self, page: Page) -> None:
        """Takes the next page, and writes when enough has come together."""
        self._tally.see_page(page)
        observed = fields.timestamptz(int(page.observed_at.timestamp()))
        for row in page.rows:
            if isinstance(row, Reject):
                self._rejects.append(row)
                self._size += len(row.payload_text)
                continue
            listed: ObjectRow = row  # type: ignore[assignment]  # pages of objects hold nothing else
            object_type, object_id, livemode, payload = listed
            head = fields.row_head(_COLUMNS) + fields.text(self._account.account_id)
            mode = fields.boolean(self._account.livemode if livemode is None else livemode)
            key = fields.text(object_type) + fields.text(object_id)
            self._rows.append(head + mode + key + observed + fields.jsonb(payload))
            self._originals.append(listed)
            self._size += len(payload)
        if self._size >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what has come together."""
        if self._rows or self._rejects:
            with self._conn.transaction():
                self._write()
        self._rows, self._originals, self._rejects, self._size = [], [], [], 0

    def _write(self) -> None:
        if self._rows:
            self._conn.execute(_CREATE)
            refused = fields.copy_rows(self._conn, _COPY, self._rows)
            for index, reason in refused.items():
                listed = self._originals[index]
                self._rejects.append(Reject(listed[1], reason, listed[3].decode()))
            new = self._conn.execute(self._insert, [self._batch_id]).rowcount
            self._conn.execute("drop table arriving_object")
            self._tally.new += new
            self._tally.duplicates += len(self._rows) - len(refused) - new
        if self._rejects:
            kept = keep_rejects(
                self._conn,
                self._account,
                self._source,
                self._batch_id,
                self._rejects,
                commits_first=self._commits_first,
            )
            self._tally.see_rejects(kept)
            self._tally.duplicates += len(self._rejects) - len(kept)
