"""Serves pages of events rendered beforehand, in its own process: the server is never what is measured.

The events are charges of about 2 KB, newest first, ten to a second. Nothing of Stripe's API is here but
what a listing of one window needs.
"""

import multiprocessing
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from multiprocessing.connection import Connection

import orjson

PAGE_SIZE = 100
EVENTS_PER_SECOND = 10
# The newest event; the window of a bench ends after it.
NEWEST = 1_772_366_400
_AFTER = re.compile(rb"starting_after=evt_bench(\d{12})")


def charge_event(rng: random.Random, number: str, created: str) -> bytes:
    """One event as Stripe renders it, about 2 KB."""
    amount = rng.randrange(100, 200_000)
    last4 = f"{rng.randrange(10_000):04d}"
    charge = {
        "id": f"ch_bench{number}",
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": f"txn_bench{number}",
        "billing_details": {
            "address": {
                "city": rng.choice(["Lyon", "Austin", "Osaka", "Graz"]),
                "country": rng.choice(["FR", "US", "JP", "AT"]),
                "line1": f"{rng.randrange(1, 400)} Example Street",
                "line2": None,
                "postal_code": f"{rng.randrange(10_000, 99_999)}",
                "state": None,
            },
            "email": f"customer{rng.randrange(10**6)}@example.com",
            "name": f"Customer {rng.randrange(10**6)}",
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "TALLYHOUSE BENCH",
        "captured": True,
        "created": "CREATED",
        "currency": rng.choice(["usd", "eur", "jpy"]),
        "customer": f"cus_bench{rng.randrange(10**6):06d}",
        "description": "Subscription update",
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        "metadata": {"user_id": f"u{rng.randrange(10**6)}"},
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": rng.randrange(65),
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_bench{number}",
        "payment_method": f"pm_bench{number}",
        "payment_method_details": {
            "card": {
                "amount_authorized": amount,
                "authorization_code": f"{rng.randrange(10**6):06d}",
                "brand": rng.choice(["visa", "mastercard", "amex"]),
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "US",
                "exp_month": rng.randrange(1, 13),
                "exp_year": rng.randrange(2027, 2033),
                "fingerprint": f"{rng.getrandbits(64):016x}",
                "funding": "credit",
                "last4": last4,
                "network": "visa",
                "network_token": {"used": False},
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "radar_options": {},
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": f"https://pay.stripe.com/receipts/payment/{rng.getrandbits(256):064x}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
    event = {
        "id": f"evt_bench{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": "CREATED",
        "data": {"object": charge},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {
            "id": f"req_{rng.getrandbits(64):016x}",
            "idempotency_key": f"{rng.getrandbits(128):032x}",
        },
        "type": "charge.succeeded",
    }
    return orjson.dumps(event).replace(b'"CREATED"', created.encode())


class Pages:
    """Bodies of pages: one rendered page, with numbers and seconds filled in for each page asked for."""

    def __init__(self, events: int, seed: int = 7):
        rng = random.Random(seed)  # noqa: S311 - a seeded generator is the point
        self.events = events
        rows = [charge_event(rng, "@NUMBER@", "@CREATED@") for _ in range(PAGE_SIZE)]
        self._parts = [re.split(rb"(@NUMBER@|@CREATED@)", row) for row in rows]
        self.event_bytes = sum(map(len, rows)) // len(rows)

    def body(self, first: int) -> bytes:
        """The page whose newest event is number `first`."""
        rows = []
        last = min(first + PAGE_SIZE, self.events)
        for number in range(first, last):
            parts = self._parts[number % PAGE_SIZE]
            fill = {
                b"@NUMBER@": b"%012d" % number,
                b"@CREATED@": b"%d" % (NEWEST - number // EVENTS_PER_SECOND),
            }
            rows.append(b"".join([fill.get(part, part) for part in parts]))
        more = b"true" if last < self.events else b"false"
        return b'{"object":"list","data":[' + b",".join(rows) + b'],"has_more":' + more + b',"url":"/v1/events"}'


def _serve(events: int, ready: Connection) -> None:
    """Renders all pages, then answers requests until the process is ended."""
    pages = Pages(events)
    # All of them in memory where that is possible, for then a request costs next to nothing.
    cached = [pages.body(first) for first in range(0, min(events, 60_000), PAGE_SIZE)]
    server = socket.create_server(("127.0.0.1", 0))
    ready.send((server.getsockname()[1], pages.event_bytes))
    while True:
        connection, _ = server.accept()
        threading.Thread(target=_answer, args=(connection, pages, cached), daemon=True).start()


def _answer(connection: socket.socket, pages: Pages, cached: list[bytes]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                received = connection.recv(65_536)
                if not received:
                    return
                buffer += received
            request, buffer = buffer.split(b"\r\n\r\n", 1)
            target = request.split(b" ", 2)[1]
            after = _AFTER.search(target)
            first = int(after[1]) + 1 if after else 0
            if b"/v1/account" in target:
                body = b'{"id":"acct_bench","object":"account"}'
            elif first // PAGE_SIZE < len(cached):
                body = cached[first // PAGE_SIZE]
            else:
                body = pages.body(first)
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id: req_bench\r\nDate: "
                + formatdate(usegmt=True).encode()
                + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
            )
            connection.sendall(head + body)


@contextmanager
def page_server(events: int) -> Iterator[tuple[str, int]]:
    """Runs the server in its own process: yields its base URL and the mean bytes of an event."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(events, there), daemon=True)
    process.start()
    try:
        port, event_bytes = here.recv()
        yield f"http://127.0.0.1:{port}", event_bytes
    finally:
        process.terminate()
        process.join()
