"""`python -m simulator`: serve a generated company until interrupted."""

import argparse
import gc
import sys
import time
from contextlib import suppress

from simulator.app import DEFAULT_KEY, DEFAULT_RATE_LIMIT, create_app
from simulator.clock import Clock, format_instant, parse_instant
from simulator.company import Company
from simulator.periods import DAY, add_months
from simulator.server import configure, listen


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted. Returns 2, after one line on stderr, when the options cannot be met."""
    options = _parser().parse_args(arguments)
    try:
        now = parse_instant(options.now) if options.now else time.time()
        if options.founded:
            founded = int(parse_instant(options.founded))
        else:
            founded = add_months(int(now) // DAY * DAY, -options.months)
        bound = listen(options.host, options.port)
        company = Company(options.seed, founded, options.customers, options.months)
    except (ValueError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2
    company.ensure(now)
    clock = Clock(now if options.now else None)
    app = create_app(company, clock, options.api_key, options.rate_limit)
    gc.collect()
    gc.freeze()
    host, port = bound.getsockname()
    bound.listen(512)
    print(
        f"Simulator listening on http://{host}:{port}: {len(company.members)} customers and "
        f"{len(company.events)} events since {format_instant(founded)}, seed {options.seed}",
        flush=True,
    )
    with suppress(KeyboardInterrupt):
        configure(app, host, port).run(sockets=[bound])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    add = parser.add_argument
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
    add("--api-key", default=DEFAULT_KEY, help="the only key it accepts (default %(default)s)")
    add(
        "--rate-limit",
        type=float,
        default=DEFAULT_RATE_LIMIT,
        help="requests a second for each endpoint, 0 for no limit (default %(default)s)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
