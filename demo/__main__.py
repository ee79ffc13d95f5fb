"""`python -m demo [--once]`, `python -m demo down`, `python -m demo psql [--role analyst]`."""

import argparse
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from rich.console import Console

from demo.errors import DemoError
from demo.postgres import psql_path
from demo.report import print_error
from demo.roles import ROLES, conninfo_as
from demo.run import Demo
from demo.settings import from_environment
from demo.stack import down

INTERRUPTED = 130
WIDTH_OF_A_FILE = 120


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0, 1 on a failure, 130 when it was interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("up", "down", "psql"), default="up")
    parser.add_argument("--once", action="store_true", help="end after the summary")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parent.parent, help="the project's folder"
    )
    parser.add_argument("--role", choices=tuple(ROLES), default="analyst", help="whom psql connects as")
    options = parser.parse_args(arguments)
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        settings = from_environment(options.root.resolve(), os.environ)
        demo = Demo(settings, console)
        if options.command == "down":
            down(settings.paths, console.print)
        elif options.command == "psql":
            is_own = settings.warehouse_url is None
            conninfo = conninfo_as(options.role, demo.warehouse_parameters(), is_own=is_own)
            console.print(f"You are the {options.role}: {ROLES[options.role]}", highlight=False, soft_wrap=True)
            for other in (name for name in ROLES if name != options.role):
                console.print(f"make psql ROLE={other}: {ROLES[other]}", highlight=False, soft_wrap=True, style="dim")
            _psql(conninfo)
        else:
            return demo.run(once=options.once)
    except DemoError as error:
        print_error(console, error)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Only once: what is being stopped must not be interrupted, and children inherit that.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def _psql(conninfo: str) -> NoReturn:
    sys.stdout.flush()
    os.execv(psql_path(), ["psql", "--dbname", conninfo])  # noqa: S606 (a program, no shell)


if __name__ == "__main__":
    sys.exit(main())
