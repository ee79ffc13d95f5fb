"""The simulated company: which one it is, kept between runs, and the command that serves it."""

import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from demo.errors import DemoError

REQUESTS_PER_SECOND = 100
"""What the simulated Stripe allows: as much as Stripe does in live mode for all endpoints together. At a sandbox's 25,
most of the demo would be spent waiting."""


@dataclass(frozen=True)
class Company:
    """What determines a simulated company's whole life. `founded` is an ISO 8601 instant in UTC."""

    seed: int
    customers: int
    months: int
    founded: str


def load_or_found(path: Path, *, seed: int, customers: int, months: int, now: datetime) -> Company:
    """The company of the file, or a new one that is `months` old today, written there.

    A company that is there stays the same whatever the other arguments say, since the warehouse holds its
    past. DemoError when the file cannot be read.
    """
    if path.exists():
        try:
            return Company(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise DemoError(
                f"{path} does not describe a simulated company ({error}). `make clean` starts afresh."
            ) from error
    company = Company(seed, customers, months, _months_before(now, months))
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(company), indent=2) + "\n")
    os.replace(draft, path)
    return company


def command(company: Company, *, host: str, port: int, api_key: str) -> list[str]:
    """The command that serves the company's Stripe."""
    return [
        *(sys.executable, "-m", "simulator"),
        *("--host", host, "--port", str(port), "--api-key", api_key),
        *("--seed", str(company.seed), "--customers", str(company.customers)),
        *("--months", str(company.months), "--founded", company.founded),
        *("--rate-limit", str(REQUESTS_PER_SECOND)),
    ]


def write_files(base: str, folder: Path) -> None:
    """Writes the files of installs, ad spend and rates that the company's server at `base` has, each whole at once."""
    answer = httpx.get(f"{base}/_sim/files", timeout=60)
    answer.raise_for_status()
    for name, text in answer.json().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text)
        part.replace(path)


def _months_before(now: datetime, months: int) -> str:
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    first = datetime(year, month + 1, 1, tzinfo=UTC)
    following = (first + timedelta(days=32)).replace(day=1)
    day = min(now.day, (following - timedelta(days=1)).day)
    return first.replace(day=day).strftime("%Y-%m-%dT%H:%M:%SZ")
