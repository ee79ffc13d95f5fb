"""`python -m simulator`: serve a generated company until interrupted, or write the files that it has."""

import argparse
import gc
import sys
import time
from contextlib import suppress
from pathlib import Path

from simulator.account import DEFAULT_KEY
from simulator.acquisition import Acquisition
from simulator.app import DEFAULT_RATE_LIMIT, serve_accounts
from simulator.clock import Clock, format_instant, parse_instant
from simulator.company import Company
from simulator.files import write_files
from simulator.instance import make_accounts
from simulator.periods import DAY, add_months
from simulator.server import configure, listen


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted, or write files. Returns 2, after a line on stderr, when the options cannot be met."""
    options = _parser().parse_args(arguments)
    if options.command == "files" and options.folder is None:
        print("simulator: name the folder to write into: python -m simulator files <folder>", file=sys.stderr)
        return 2
    try:
        now = parse_instant(options.now) if options.now else time.time()
        if options.founded:
            founded = int(parse_instant(options.founded))
        else:
            founded = add_months(int(now) // DAY * DAY, -options.months)
        upgraded_at = parse_instant(options.upgraded) if options.upgraded else None
        keys = options.api_key or [DEFAULT_KEY]
        count = max(options.accounts, len(keys))
        companies = [
            Company(options.seed + number, founded, options.customers, options.months) for number in range(count)
        ]
        if options.command == "files":
            written = write_files(Acquisition(companies[0]), now, options.folder)
            print(f"{written} files of installs, ad spend and rates written to {options.folder}")
            return 0
        limits = (options.rate_limit, options.global_rate_limit)
        accounts = make_accounts(companies, keys, *limits, upgraded_at, options.connect)
        bound = listen(options.host, options.port)
    except (ValueError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    clock = Clock(now if options.now else None)
    app = serve_accounts(accounts, clock)
    gc.collect()
    gc.freeze()
    host, port = bound.getsockname()
    bound.listen(512)
    print(
        f"Simulator listening on http://{host}:{port}: {sum(len(c.members) for c in companies)} customers and "
        f"{sum(len(c.events) for c in companies)} events since {format_instant(founded)}, seed {options.seed}",
        flush=True,
    )
    with suppress(KeyboardInterrupt):
        configure(app, host, port).run(sockets=[bound])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    add = parser.add_argument
    add("command", nargs="?", choices=("serve", "files"), default="serve", help="what to do (default %(default)s)")
    add("folder", nargs="?", type=Path, help="with files: where to write installs, spend and rates until --now, as CSV")
    add("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    add("--port", type=int, default=8123, help="port to listen on, 0 for a free one (default %(default)s)")
    add("--seed", type=int, default=7, help="what the company is generated from (default %(default)s)")
    add(
        "--customers",
        type=int,
        default=2000,
        help="how many join in the first --months (default %(default)s)",
    )
    add("--months", type=int, default=18, help="age of the company (default %(default)s)")
    add("--founded", help="ISO 8601 instant of the founding (default: --months before now, at midnight UTC)")
    add("--now", help="ISO 8601 instant at which the clock starts (default: the real time)")
    add(
        "--api-key",
        action="append",
        help=f"an account's key, once for each; sk_live_ and rk_live_ are live mode (default {DEFAULT_KEY})",
    )
    add(
        "--accounts",
        type=int,
        default=1,
        help="how many companies, of this seed and those after it; keys not given end in _2, _3 ... (default 1)",
    )
    add("--connect", action="store_true", help="connect the further accounts to the first")
    add(
        "--upgraded",
        help="ISO 8601 instant of the upgrade from API version 2024-06-20 (default: 15 days before --months are over)",
    )
    add(
        "--rate-limit",
        type=float,
        default=DEFAULT_RATE_LIMIT,
        help="requests a second for each endpoint, 0 for no limit (default %(default)s)",
    )
    add(
        "--global-rate-limit",
        type=float,
        help="requests a second for all endpoints together (default: as --rate-limit, in live mode four times that)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
