"""What of an object Stripe and the warehouse tell differently, and the reasons for it."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

NEVER_SEEN = "never_seen"
STALE = "stale"
DELETED = "deleted"
UNKNOWN_SHAPE = "unknown_shape"
LATER_THAN_LAG = "later_than_lag"
UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Difference:
    """One object of which the two tell different things.

    `values`: {column: (what Stripe says, what the warehouse said)}. `observed_at` None: Stripe did not show it.
    `is_staged`: the raw layer holds what Stripe says already.
    """

    object_id: str
    reason: str
    values: dict[str, tuple[Any, Any]]
    observed_at: datetime | None
    is_staged: bool = False

    @property
    def as_json(self) -> str:
        """The columns that differ, as ops.reconciliation keeps them."""
        return json.dumps({name: list(pair) for name, pair in self.values.items()})

    def describe(self) -> str:
        """One line for a log."""
        shown = "; ".join(
            f"{name}: Stripe {ours!r}, warehouse {theirs!r}" for name, (ours, theirs) in self.values.items()
        )
        return f"{self.object_id} {self.reason}: {shown}"
