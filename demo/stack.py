"""Which stack runs here: one at a time, on record, so that it can be stopped by whoever comes next."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from demo.errors import DemoError
from demo.postgres import EmbeddedPostgres
from demo.processes import Child, SessionId, is_alive, stop
from demo.settings import Paths

NOTHING = "Nothing to stop: nothing was running here."


class Stack:
    """The children of one demo, on record in `.local/stack.json` from their start to their end.

    `acquire()` before anything else: it holds a lock for as long as this process lives, and stops what a
    crashed demo left behind.
    """

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.postgres = EmbeddedPostgres(paths.postgres)
        self.children: list[Child] = []
        self._lock: int | None = None

    def acquire(self) -> list[str]:
        """Takes the lock; returns the names of what was left behind and is stopped now.

        DemoError when another demo runs here.
        """
        self.paths.local.mkdir(parents=True, exist_ok=True)
        # Not inherited by children (Python opens files so), so it says whether the demo itself lives.
        lock = os.open(_lock_path(self.paths), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise DemoError(
                f"`make demo` already runs here (process {_holder(self.paths) or 'unknown'}). "
                "Stop it with Ctrl-C in its terminal, or with `make down`."
            ) from None
        self._lock = lock
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        left = [session for session in _recorded(self.paths) if is_alive(session)]
        stop(left)
        self._record()
        return [session.name for session in left]

    def start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> Child:
        """Starts a child in the project's root, its output in `.local/logs/<name>.log`."""
        child = Child(name, command, log_path=self.paths.logs / f"{name}.log", env=env, cwd=self.paths.root)
        self.children.append(child)
        self._record()
        return child

    def check_alive(self) -> None:
        """DemoError when a child that should run has ended."""
        for child in self.children:
            child.check_alive()

    def forget(self, child: Child) -> None:
        """Takes a child that has ended, as it should, off the record."""
        self.children.remove(child)
        self._record()

    def stop(self, *, order: Sequence[Sequence[str]] = ()) -> bool:
        """Stops all children, those named first group by group, then PostgreSQL, and frees the lock.

        Returns whether PostgreSQL ran.
        """
        for names in order:
            stop([child.session for child in self.children if child.name in names])
        # What is left keeps nothing in memory that must be written; Airflow's api-server, its work done,
        # takes seconds to leave the interpreter.
        stop([child.session for child in self.children], grace_seconds=2)
        self.children.clear()
        was_up = self.postgres.stop()
        self._record()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        return was_up

    def _record(self) -> None:
        path = _record_path(self.paths)
        draft = path.with_suffix(".draft")
        sessions = [child.session.__dict__ for child in self.children]
        draft.write_text(json.dumps({"sessions": sessions}, indent=2) + "\n")
        os.replace(draft, path)


def down(paths: Paths, say: Callable[[str], None], *, timeout: float = 60) -> None:
    """Stops the stack of this folder, whoever started it: a running demo, or what a crashed one left.

    DemoError when a running demo does not end within `timeout` seconds.
    """
    if not paths.local.exists():
        say(NOTHING)
        return
    stack = Stack(paths)
    holder = _holder(paths)
    deadline = time.monotonic() + timeout
    asked = False
    while True:
        try:
            left = stack.acquire()
            break
        except DemoError:
            if holder is not None and not asked:
                say(f"Stopping the demo (process {holder}) ...")
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder, signal.SIGTERM)
                asked = True
            if time.monotonic() > deadline:
                raise DemoError(
                    f"The demo (process {holder}) has not ended {timeout:.0f} s after it was asked to. "
                    f"See {paths.logs}, or end it with `kill -9 {holder}` and repeat `make down`."
                ) from None
            time.sleep(0.2)
    if stack.stop():
        left.append("PostgreSQL")
    if left:
        say(f"Stopped {', '.join(left)}.")
    else:
        say("Stopped all that was running here." if asked else NOTHING)


def _recorded(paths: Paths) -> list[SessionId]:
    try:
        return [SessionId(**item) for item in json.loads(_record_path(paths).read_text())["sessions"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return []


def _holder(paths: Paths) -> int | None:
    try:
        return int(_lock_path(paths).read_text())
    except (FileNotFoundError, ValueError):
        return None


def _lock_path(paths: Paths) -> Path:
    return paths.local / "stack.lock"


def _record_path(paths: Paths) -> Path:
    return paths.local / "stack.json"
