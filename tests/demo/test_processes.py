"""Children are stopped with everything that they started."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from demo.errors import DemoError
from demo.processes import Child, is_alive, stop, tail

READY = "print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); {READY}"
# As Airflow's tasks do: a grandchild that leaves its parent's process group.
PARENT = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], process_group=0)
print(child.pid, flush=True)
{READY}
"""


class Starter:
    """Starts children of a test and stops them after it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.children = folder, list[Child]()

    def __call__(self, code: str, *, wait_for: str = "ready") -> Child:
        child = Child(
            "child",
            [sys.executable, "-c", code],
            log_path=self.folder / "logs" / "child.log",
            env=os.environ,
            cwd=self.folder,
        )
        self.children.append(child)
        deadline = time.monotonic() + 20
        while wait_for not in "\n".join(tail(child.log_path)) and time.monotonic() < deadline:
            time.sleep(0.02)
        return child


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    starter = Starter(tmp_path)
    yield starter
    stop([child.session for child in starter.children], grace_seconds=0)


def test_a_child_that_obeys_sigterm_is_not_killed(start: Starter) -> None:
    child = start(f"import time; {READY}")
    assert stop([child.session]) == []
    assert not is_alive(child.session)


def test_a_child_that_ignores_sigterm_is_killed_after_the_grace(start: Starter) -> None:
    child = start(STUBBORN)
    assert stop([child.session], grace_seconds=0.3) == ["child"]
    assert not is_alive(child.session)


def test_a_grandchild_in_a_group_of_its_own_is_stopped_too(start: Starter) -> None:
    child = start(PARENT)
    grandchild = int(tail(child.log_path)[1])
    stop([child.session])
    assert not psutil.pid_exists(grandchild) or psutil.Process(grandchild).status() == "zombie"


def test_what_a_killed_leader_left_behind_is_stopped(start: Starter) -> None:
    child = start(PARENT)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(5)
    assert is_alive(child.session)
    stop([child.session])
    assert not is_alive(child.session)


def test_a_process_that_only_has_the_same_number_is_left_alone(start: Starter) -> None:
    child = start(f"import time; {READY}")
    earlier = replace(child.session, created=child.session.created - 3600)
    stop([earlier], grace_seconds=0)
    assert child.exit_code() is None


def test_a_dead_child_is_reported_with_the_end_of_its_log(start: Starter) -> None:
    child = start("print('one'); print('two'); raise SystemExit(3)", wait_for="two")
    child.wait(5)
    with pytest.raises(DemoError, match="child ended with exit status 3") as caught:
        child.check_alive()
    assert caught.value.log_tail[-2:] == ("one", "two")


def test_the_tail_of_a_log_that_does_not_exist_is_empty(tmp_path: Path) -> None:
    assert tail(tmp_path / "none.log") == []
