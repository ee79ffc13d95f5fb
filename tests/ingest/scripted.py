"""A small HTTP server that lists rows as Stripe does, and answers otherwise when a test's script says so."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sk_test_tallyhouse"
ACCOUNT = "acct_scripted"


@dataclass
class Scripted:
    """One answer out of the ordinary. `cut` closes the connection after so many bytes of the body.

    It comes after `delay` seconds; before, where `released` is set.
    """

    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    delay: float = 0.0
    released: threading.Event = field(default_factory=threading.Event)


MISSING = Scripted(
    404, b'{"error": {"type": "invalid_request_error", "code": "resource_missing", "message": "No such object"}}'
)


@dataclass
class Row:
    """A row as served: its JSON text, and what the listing needs of it."""

    row_id: str
    created: int
    text: bytes


def event(event_id: str, created: int, *, type: str = "charge.succeeded", object: Any = None, **extra: Any) -> Row:
    """An event, with a charge in it unless told otherwise; `object` replaces data.object."""
    value = {
        "id": event_id,
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": created,
        "data": {"object": {"id": f"ch_{event_id}", "object": "charge", "amount": 100} if object is None else object},
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
        **extra,
    }
    return Row(event_id, created, json.dumps(value).encode())


class ScriptedStripe:
    """What the server holds; rows are served in the order of `rows[path]`: newest first.

    `by_clock[path, clock]` is what a list shows when it is asked for a test clock; `delay` what every page takes.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {"/v1/events": []}
        # what a path without a list answers; None: there is no such object
        self.objects: dict[str, dict[str, Any] | None] = {}
        self.script: list[Scripted] = []
        self.scripts: dict[str, list[Scripted]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.now: float | None = None
        self.page_size = 100
        self.delay = 0.0
        self.by_clock: dict[tuple[str, str], list[Row]] = {}
        self.base_url = ""
        self.lock = threading.Lock()
        self._now_waiting = 0
        self.most_at_once = 0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While an answer is held back; `most_at_once` is how many were at the same time."""
        with self.lock:
            self._now_waiting += 1
            self.most_at_once = max(self.most_at_once, self._now_waiting)
        try:
            yield
        finally:
            with self.lock:
                self._now_waiting -= 1

    def calls(self, path: str) -> list[dict[str, str]]:
        """The queries that a path was asked with."""
        return [query for asked, query in self.requests if asked == path]

    def answer(self, path: str, query: dict[str, str]) -> Scripted:
        """What to answer: the script first, then the rows."""
        with self.lock:
            scripts = [self.scripts.get(path, [])]
            # What a client asks beside its listings is answered plainly.
            if path != "/v1/account" and query.get("limit") != "1":
                scripts.append(self.script)
            for script in scripts:
                if script:
                    scripted = script.pop(0)
                    if scripted.body is None:
                        scripted.body = self.listing(path, query)
                    return scripted
        if path == "/v1/account":
            return Scripted(body=json.dumps({"id": ACCOUNT, "object": "account"}).encode())
        if path in self.objects:
            found = self.objects[path]
            return MISSING if found is None else Scripted(body=json.dumps(found).encode())
        return Scripted(body=self.listing(path, query), delay=self.delay)

    def listing(self, path: str, query: dict[str, str]) -> bytes:
        """A page of a list."""
        low, high = int(query.get("created[gte]", 0)), int(query.get("created[lt]", 2**60))
        clock = query.get("test_clock")
        held = self.rows.get(path, []) if clock is None else self.by_clock.get((path, clock), [])
        rows = [row for row in held if low <= row.created < high]
        after = query.get("starting_after")
        if after:
            rows = rows[[row.row_id for row in rows].index(after) + 1 :]
        size = min(self.page_size, int(query.get("limit", 10)))
        more = b"true" if len(rows) > size else b"false"
        data = b",".join(row.text for row in rows[:size])
        return b'{"object": "list", "data": [' + data + b'], "has_more": ' + more + b', "url": "/v1/x"}'


@contextmanager
def scripted_stripe() -> Iterator[ScriptedStripe]:
    """Runs the server on a free port of 127.0.0.1 until the block ends."""
    stripe = ScriptedStripe()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Otherwise the head and the body of an answer are 40 ms apart.
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            stripe.requests.append((parts.path, query))
            stripe.headers.append(dict(self.headers.items()))
            answer = stripe.answer(parts.path, query)
            if answer.delay:
                with stripe.waiting():
                    answer.released.wait(answer.delay)
            body = answer.body or b""
            self.send_response_only(answer.status)
            self.send_header("Date", formatdate(stripe.now, usegmt=True))
            self.send_header("Request-Id", f"req_{len(stripe.requests)}")
            self.send_header("Content-Length", str(len(body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """The script is the log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stripe.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
