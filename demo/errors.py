"""What can go wrong in the demo, as errors that say what to do next."""

from collections.abc import Sequence


class DemoError(Exception):
    """A failure that a person can act on: printed without a traceback, exit status 1.

    `log_tail` are the last lines of the log that explains it, oldest first; `log_path` names that log.
    """

    def __init__(self, message: str, *, log_path: str = "", log_tail: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log_path = log_path
        self.log_tail = tuple(log_tail)
