"""A running simulator in one call, for tests (in a thread) and load generators (in a process of its own)."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from simulator.account import DEFAULT_KEY, Account
from simulator.app import serve_accounts
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
    upgraded: str | None = None,
    accounts: int = 1,
    is_connected: bool = False,
) -> Iterator[str]:
    """A simulator on a free port while the block runs; yields its base URL.

    Instants are ISO 8601. Without `now` the clock starts at the real time; without `founded` the company is
    `months` old. The clock stands still unless `is_frozen` is false, and there is no rate limit. `upgraded`,
    `accounts`, `is_connected` and the keys are as in `make_accounts`.
    """
    start = parse_instant(now) if now else time.time()
    since = int(parse_instant(founded)) if founded else add_months(int(start) // DAY * DAY, -months)
    upgraded_at = parse_instant(upgraded) if upgraded else None
    companies = [Company(seed + number, since, customers, months) for number in range(accounts)]
    served = make_accounts(companies, [api_key], rate_limit, None, upgraded_at, is_connected)
    with serve_in_thread(serve_accounts(served, Clock(start, is_frozen))) as url:
        yield url


def make_accounts(
    companies: Sequence[Company],
    keys: Sequence[str],
    rate_limit: float,
    global_rate_limit: float | None,
    upgraded_at: float | None,
    is_connected: bool,
) -> list[Account]:
    """One account for each company, with the limits and the upgrade of `Account`.

    Companies beyond the keys that are given are behind the first key with `_2`, `_3` ... appended. Connected, the
    accounts after the first are connected to it.
    """
    further = [f"{keys[0]}_{number}" for number in range(len(keys) + 1, len(companies) + 1)]
    accounts = [
        Account(company, key, rate_limit, global_rate_limit, upgraded_at)
        for company, key in zip(companies, [*keys, *further], strict=False)
    ]
    if is_connected:
        for account in accounts[1:]:
            accounts[0].connect(account)
    return accounts


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
