"""A process that answers what this version of Airflow knows, so that its import leaves the tests' own process alone.

Each line of its input is a question in JSON, [name, value]; each line of its output the answer. `command`, arguments:
whether they parse. `help`: the text. `options`, section: its names. `job_type`, path of a runner: how it is checked.
"""

import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from io import StringIO
from typing import Any


def is_command(arguments: list[str]) -> bool:
    """Whether Airflow's command line takes these arguments."""
    from airflow.cli import cli_parser

    try:
        return callable(cli_parser.get_parser().parse_args(arguments).func)
    except SystemExit:
        return False


def answer(name: str, value: Any) -> Any:
    """What is asked for."""
    from airflow.cli import cli_parser
    from airflow.configuration import conf

    match name:
        case "command":
            return is_command(value)
        case "help":
            return cli_parser.get_parser().format_help()
        case "options":
            return list(conf.configuration_description[value]["options"])
        case "job_type":
            module, _, runner = value.rpartition(".")
            return getattr(import_module(module), runner).job_type
    raise ValueError(name)


if __name__ == "__main__":
    for line in sys.stdin:
        # whatever Airflow writes meanwhile is not the answer
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            found = answer(*json.loads(line))
        print(json.dumps(found), flush=True)
