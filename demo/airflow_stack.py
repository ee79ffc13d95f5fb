"""Airflow's processes: what they are, how they start, and when they are ready."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from demo.airflow_api import AirflowApi
from demo.errors import DemoError
from demo.processes import Child

# --skip-serve-logs: that server would listen on all addresses; the api-server reads the same files itself.
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}

Start = Callable[[str, Sequence[str]], Child]


def is_migrated(home: Path) -> bool:
    """Whether the metadata tables are known to be those of the installed Airflow."""
    stamp = home / "migrated"
    return stamp.exists() and stamp.read_text() == version("apache-airflow-core")


def migrate(start: Start, home: Path, *, timeout: float = 180) -> Child:
    """Creates or upgrades Airflow's metadata tables, and notes that; returns the child that did it.

    DemoError with the log when it fails.
    """
    child = start("airflow-migrate", [sys.executable, "-m", "airflow", "db", "migrate"])
    code = child.wait(timeout)
    if code != 0:
        outcome = f"did not end within {timeout:.0f} s" if code is None else f"ended with exit status {code}"
        raise child.failure(f"`airflow db migrate` {outcome}.")
    (home / "migrated").write_text(version("apache-airflow-core"))
    return child


def start_component(start: Start, name: str) -> Child:
    """Starts one of COMPONENTS."""
    module = "airflow" if name == "api-server" else "demo.airflow_process"  # the one that forks nothing
    return start(name, [sys.executable, "-m", module, *COMPONENTS[name]])


def wait_until_ready(
    api: AirflowApi,
    children: Sequence[Child],
    dag_ids: Sequence[str],
    dags_folder: Path,
    *,
    note: Callable[[str], None],
    timeout: float = 180,
) -> None:
    """Returns when the api-server answers, scheduler and dag-processor report, and all DAGs are parsed.

    `note` is told what is being waited for. DemoError names the DAG file that cannot be parsed, the process
    that ended, or what is missing after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    is_in = False
    missing = "the api-server"
    while time.monotonic() < deadline:
        for child in children:
            child.check_alive()
        if not is_in and api.is_up():
            api.log_in()
            is_in = True
        if is_in:
            _raise_for_import_errors(api)
            waits = [f"DAG {name}" for name in sorted(set(dag_ids) - set(api.dags()))]
            waits += [name.replace("_", "-") for name in api.unhealthy()]
            if not waits:
                return
            missing = ", ".join(waits)
        note(f"waiting for {missing}")
        time.sleep(0.5)
    slow = next((child for child in children if child.name in missing), children[0])
    if "DAG " in missing:
        slow = next((child for child in children if child.name == "dag-processor"), slow)
        missing += f" (files in {dags_folder})"
    raise slow.failure(f"Airflow is not ready after {timeout:.0f} s: still waiting for {missing}.")


def _raise_for_import_errors(api: AirflowApi) -> None:
    for filename, trace in api.import_errors().items():
        raise DemoError(
            f"Airflow cannot parse the DAG file {filename}. Mend it and start again.",
            log_path=filename,
            log_tail=trace.splitlines()[-25:],
        )
