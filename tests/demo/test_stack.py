"""One stack at a time, and none is left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.errors import DemoError
from demo.postgres import EmbeddedPostgres
from demo.processes import is_alive
from demo.settings import Paths
from demo.stack import NOTHING, Stack, down

ROOT = Path(__file__).resolve().parents[2]

# A demo in small: takes the lock, starts one child, and ends on SIGTERM as the real one does.
HOLDER = """
import os, signal, sys, time
from pathlib import Path
from demo.settings import Paths
from demo.stack import Stack
def leave(*_):
    raise KeyboardInterrupt
signal.signal(signal.SIGTERM, leave)
stack = Stack(Paths(Path(sys.argv[1])))
stack.acquire()
child = stack.start("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], os.environ)
try:
    print(child.pid, flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    stack.stop()
"""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path)


@pytest.fixture
def holder(paths: Paths) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(paths.root)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()
    down(paths, lambda text: None)


def test_a_second_demo_is_refused_and_told_how_to_stop_the_first(paths: Paths, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(DemoError, match=rf"already runs here \(process {holder.pid}\).*make down"):
        Stack(paths).acquire()


def test_down_stops_a_running_demo(paths: Paths, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    down(paths, said.append)
    assert holder.wait(5) == 0
    assert said[0] == f"Stopping the demo (process {holder.pid}) ..."


def test_the_next_start_stops_what_a_crashed_demo_left(paths: Paths, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(5)
    stack = Stack(paths)
    assert stack.acquire() == ["sleeper"]
    stack.stop()


def test_down_stops_what_a_crashed_demo_left(paths: Paths, holder: subprocess.Popen[str]) -> None:
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait(5)
    said: list[str] = []
    down(paths, said.append)
    assert said == ["Stopped sleeper."]


def test_down_has_nothing_to_do_in_a_fresh_folder(paths: Paths) -> None:
    said: list[str] = []
    down(paths, said.append)
    assert said == [NOTHING]
    assert not paths.local.exists()


def test_down_says_when_nothing_was_running(paths: Paths, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []
    down(paths, said.append)
    assert said[1:] == ["Stopped all that was running here."]
    said.clear()
    down(paths, said.append)
    assert said == [NOTHING]


def test_down_stops_a_postgresql_that_was_left_alone(paths: Paths) -> None:
    EmbeddedPostgres(paths.postgres).start()
    said: list[str] = []
    down(paths, said.append)
    assert said == ["Stopped PostgreSQL."]


def test_a_child_that_ends_by_itself_is_reported(paths: Paths) -> None:
    stack = Stack(paths)
    stack.acquire()
    child = stack.start("short", [sys.executable, "-c", "raise SystemExit(4)"], os.environ)
    child.wait(10)
    with pytest.raises(DemoError, match="short ended with exit status 4"):
        stack.check_alive()
    stack.stop()


def test_stop_ends_the_children_and_frees_the_lock(paths: Paths) -> None:
    stack = Stack(paths)
    stack.acquire()
    child = stack.start("sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], os.environ)
    begun = time.monotonic()
    stack.stop(order=(("sleeper",),))
    assert time.monotonic() - begun < 5
    assert not is_alive(child.session)
    again = Stack(paths)
    assert again.acquire() == []
    again.stop()
