"""A running simulator in one call, for tests (in a thread) and load generators (in a process of its own)."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from simulator.app import DEFAULT_KEY, create_app
from simulator.clock import Clock, parse_instant
from simulator.company import Company
from simulator.periods import DAY, add_months
from simulator.server import serve_in_thread

_ROOT = Path(__file__).parent.parent
_STOP_TIMEOUT = 10


@contextmanager
def simulator_thread(
    *,
    now: str | None = None,
    founded: str | None = None,
    seed: int = 7,
    customers: int = 100,
    months: int = 6,
    is_frozen: bool = True,
    rate_limit: float = 0,
    api_key: str = DEFAULT_KEY,
) -> Iterator[str]:
    """A simulator on a free port while the block runs; yields its base URL.

    Instants are ISO 8601. Without `now` the clock starts at the real time; without `founded` the company is
    `months` old. The clock stands still unless `is_frozen` is false, and there is no rate limit.
    """
    start = parse_instant(now) if now else time.time()
    since = int(parse_instant(founded)) if founded else add_months(int(start) // DAY * DAY, -months)
    company = Company(seed, since, customers, months)
    app = create_app(company, Clock(start, is_frozen), api_key, rate_limit)
    with serve_in_thread(app) as url:
        yield url


@contextmanager
def simulator_process(*arguments: str) -> Iterator[str]:
    """`python -m simulator` with these arguments, on a free port, while the block runs; yields its base URL.

    Raises RuntimeError with what it printed when it does not start.
    """
    command = [sys.executable, "-m", "simulator", "--port", "0", *arguments]
    process = subprocess.Popen(  # noqa: S603 - our own module, without a shell
        command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        address = re.search(r"http://[\w.:]+\d", line)
        if address is None:
            raise RuntimeError(f"the simulator did not start ({' '.join(command)}): {line.strip()}")
        yield address[0]
    finally:
        process.terminate()
        process.wait(_STOP_TIMEOUT)
        if process.stdout:
            process.stdout.close()
