"""The stages of the start, each shown while it lasts and with the time that it took."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console


class Stages:
    """Prints one line a stage. Times are what each added to the clock: what ran beside it is not counted."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.times: list[tuple[str, float]] = []
        self._begun = time.monotonic()

    @property
    def total(self) -> float:
        """Seconds since the first stage could begin."""
        return time.monotonic() - self._begun

    @contextmanager
    def stage(self, title: str) -> Iterator[Callable[[str], None]]:
        """Times a block. The value is a function to tell what is going on, shown on a terminal only."""
        begun = time.monotonic()
        try:
            if self.console.is_terminal:
                with self.console.status(f"{title} ...") as status:
                    yield lambda note: status.update(f"{title}: {note} ({time.monotonic() - begun:.0f} s)")
            else:
                yield lambda note: None
        except BaseException:
            self.console.print(f"[red]x[/] {title:<44} {time.monotonic() - begun:6.1f} s")
            raise
        self.done(title, time.monotonic() - begun)

    def done(self, title: str, seconds: float) -> None:
        """Records and prints a stage that has been timed elsewhere."""
        self.times.append((title, seconds))
        self.console.print(f"[green]✓[/] {title:<44} {seconds:6.1f} s", highlight=False)
