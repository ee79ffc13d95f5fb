"""`python -m simulator`, and the ways to start it from Python."""

import socket
import subprocess
import sys
from pathlib import Path

import httpx

from simulator.instance import simulator_process, simulator_thread

ROOT = Path(__file__).parent.parent.parent


def test_command_serves_what_its_options_say() -> None:
    options = ("--customers", "20", "--months", "2", "--seed", "5", "--now", "2026-03-01T00:00:00Z")
    with simulator_process(*options, "--api-key", "sk_test_other") as url:
        assert url.startswith("http://127.0.0.1:")
        stats = httpx.get(f"{url}/_sim/stats").json()
        assert stats["seed"] == 5
        assert stats["founded"] == "2026-01-01T00:00:00Z"
        assert httpx.get(f"{url}/v1/account", auth=("sk_test_other", "")).status_code == 200


def test_command_names_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "simulator", "--port", port, "--customers", "5"]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_command_refuses_an_instant_it_cannot_read() -> None:
    command = [sys.executable, "-m", "simulator", "--port", "0", "--now", "noon"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "noon" in ended.stderr


def test_thread_and_process_give_the_same_bytes() -> None:
    with (
        simulator_thread(now="2026-03-01T00:00:00Z", seed=5, customers=20, months=2) as here,
        simulator_process("--customers", "20", "--months", "2", "--seed", "5", "--now", "2026-03-01") as there,
    ):
        until = {"until": "2026-03-01T00:00:00Z"}
        listed = {"created[lt]": 1772323200, "limit": 100}
        books, events = [], []
        for url in (here, there):
            books.append(httpx.get(f"{url}/_sim/books/monthly", params=until).json())
            events.append(httpx.get(f"{url}/v1/events", params=listed, auth=("sk_test_tallyhouse", "")).content)
    assert books[0] == books[1]
    assert any(row["revenue_minor"] for row in books[0])
    assert events[0] == events[1]
    assert b"previous_attributes" in events[0]
