"""Waiting for what another thread or process does."""

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds: far more than what is waited for takes on a busy machine."""


def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds; AssertionError when it does not for a minute."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen within {PATIENCE:g} s"
        time.sleep(0.005)
