"""Child processes, each the leader of its own session, so that it can be stopped with all its descendants."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from demo.errors import DemoError


@dataclass(frozen=True)
class SessionId:
    """Names a session for as long as any of its members lives, even when its leader is gone.

    `created` is the leader's start time in seconds since 1970, which tells it from a later process that
    happens to have the same number.
    """

    name: str
    pid: int
    created: float


def tail(path: Path, lines: int = 25, *, most_bytes: int = 65536) -> list[str]:
    """The last lines of a log, out of its last `most_bytes` bytes; empty when there is none."""
    try:
        with path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - most_bytes))
            return log.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []


class Child:
    """A running child process whose output goes to a log file (appended, one header line a start)."""

    def __init__(self, name: str, command: Sequence[str], *, log_path: Path, env: Mapping[str, str], cwd: Path) -> None:
        self.name = name
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        with log_path.open("ab") as log:
            log.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')} {name} starts\n".encode())
            log.flush()
            # A new session and not only a new group: Airflow puts each task into a group of its own.
            self._popen = subprocess.Popen(  # noqa: S603 (the command is ours, never a shell's)
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        self.session = SessionId(name, self._popen.pid, _created(self._popen.pid))

    @property
    def pid(self) -> int:
        """Its process id, which is also its session's."""
        return self._popen.pid

    def exit_code(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._popen.poll()

    def wait(self, timeout: float) -> int | None:
        """Its exit status, or None when it still runs after `timeout` seconds."""
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None

    def check_alive(self) -> None:
        """DemoError with the end of its log when it has ended."""
        code = self.exit_code()
        if code is not None:
            raise self.failure(f"{self.name} ended with exit status {code}.")

    def failure(self, message: str) -> DemoError:
        """An error that carries the end of this child's log."""
        return DemoError(message, log_path=str(self.log_path), log_tail=tail(self.log_path))


def stop(sessions: Iterable[SessionId], *, grace_seconds: float = 8.0) -> list[str]:
    """Ends all processes of the sessions: SIGTERM, and SIGKILL for those that remain after the grace.

    Returns the names of the sessions that needed SIGKILL. Sessions that are gone already are no error.
    """
    wanted = list(sessions)
    for member in _members(wanted):
        _signal(member, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while time.monotonic() < deadline:
        _reap(wanted)
        if not _members(wanted):
            return []
        time.sleep(0.1)
    killed = sorted({item.name for item in wanted if _members([item])})
    # A member may fork between our look and the signal, so look again until nothing is left.
    deadline = time.monotonic() + 5
    while (left := _members(wanted)) and time.monotonic() < deadline:
        for member in left:
            _signal(member, signal.SIGKILL)
        time.sleep(0.1)
        _reap(wanted)
    return killed


def is_alive(session: SessionId) -> bool:
    """Whether any process of the session still runs."""
    return bool(_members([session]))


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()


def _members(sessions: Sequence[SessionId]) -> list[psutil.Process]:
    genuine = set()
    for session in sessions:
        try:
            is_ours = abs(psutil.Process(session.pid).create_time() - session.created) < 2
        except psutil.NoSuchProcess:
            # The leader is gone; its number is not given out again while a member of its session lives.
            is_ours = True
        if is_ours:
            genuine.add(session.pid)
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) in genuine and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, PermissionError, psutil.Error):
            continue
    return found


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)


def _reap(sessions: Sequence[SessionId]) -> None:
    for session in sessions:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(session.pid, os.WNOHANG)
