"""What a batch brought: counted while it is staged, kept in ops.batch, shown in the task's log."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tallyhouse.pages import Page

# Rejects named in a report; all of them are in raw.rejected.
SAMPLE_SIZE = 10


@dataclass
class Tally:
    """Counts of a batch in the making; every received row is new, a duplicate, or rejected."""

    rows: int = 0
    new: int = 0
    duplicates: int = 0
    late: int = 0
    rejected: int = 0
    byte_count: int = 0
    calls: int = 0
    throttled: int = 0
    reject_sample: list[tuple[str, str]] = field(default_factory=list)

    def see_page(self, page: Page) -> None:
        """Counts a page as received."""
        self.rows += len(page.rows)
        self.byte_count += page.byte_count
        self.calls += page.call_count
        self.throttled += page.throttled_count

    def see_rejects(self, rejects: Sequence[tuple[str, str]]) -> None:
        """Counts newly rejected rows, given as (row_key, reason)."""
        self.rejected += len(rejects)
        self.reject_sample += rejects[: SAMPLE_SIZE - len(self.reject_sample)]


@dataclass(frozen=True)
class BatchReport:
    """A committed batch, in JSON's types only, so that `dataclasses.asdict` can go from task to task.

    `asked_from`, `asked_to` and `watermark` are ISO strings in UTC; `rejected` holds [row_key, reason] of the
    first newly rejected rows; `skipped` says that an earlier attempt of the same run had committed the batch.
    """

    batch_id: int
    account_id: str
    livemode: bool
    source: str
    object_type: str | None
    asked_from: str
    asked_to: str
    row_count: int
    new_count: int
    duplicate_count: int
    late_count: int
    rejected_count: int
    byte_count: int
    call_count: int
    throttled_count: int
    seconds: float
    unknown: dict[str, dict[str, int]]
    rejected: list[list[str]]
    scope: str | None = None
    watermark: str | None = None
    skipped: bool = False

    @property
    def rows_per_second(self) -> float:
        """Rows received and committed, by the second of the wall clock."""
        return self.row_count / self.seconds if self.seconds else 0.0

    @property
    def what(self) -> str:
        """The batch in words: account, object, window."""
        start, end = (
            datetime.fromisoformat(at).strftime("%Y-%m-%d %H:%M:%S") for at in (self.asked_from, self.asked_to)
        )
        mode = "live" if self.livemode else "test"
        what = f"{self.object_type or self.source} of {self.account_id} ({mode})"
        return f"{what} with {self.scope}" if self.scope else f"{what} created [{start}, {end}) UTC"

    def describe(self) -> str:
        """One line for the task's log."""
        if self.skipped:
            return f"{self.what}: already committed by this run as batch {self.batch_id}; skipped"
        line = (
            f"{self.what}: batch {self.batch_id}, {self.row_count:,} rows: {self.new_count:,} new, "
            f"{self.duplicate_count:,} duplicates, {self.late_count:,} late, "
            f"{self.rejected_count:,} rejected, {self.byte_count / 1e6:,.1f} MB in {self.call_count:,} calls "
            f"({self.throttled_count:,} throttled), {self.seconds:.1f} s, {self.rows_per_second:,.0f} rows/s"
        )
        for kind, counts in self.unknown.items():
            line += f"; unknown {kind}: " + ", ".join(f"{name} ({n:,})" for name, n in sorted(counts.items()))
        for row_key, reason in self.rejected:
            line += f"; rejected {row_key}: {reason}"
        return line
