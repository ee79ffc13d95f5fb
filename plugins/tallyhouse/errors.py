"""Errors of the library: which of them a retry can mend, and which only a person can."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

# Rows named in a message; all of them are in a table that it names.
SHOWN = 10


def _first(found: Sequence[tuple[str, str, str]]) -> str:
    """The first of many, each (kind, name, what is wrong with it), and how many more there are."""
    shown = "; ".join(f"{kind} {name}: {what}" for kind, name, what in found[:SHOWN])
    return f"{shown}; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else shown


def without_rows(error: psycopg.Error) -> str:
    """What PostgreSQL says is wrong, without what it quotes of rows: those are in its detail and context.

    Of a value that is not one (class 22 of its codes) the message itself quotes it; an error without a message, as of a
    connection that cannot be opened, is told by its first line.
    """
    said = error.diag.message_primary or next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return re.sub(r'"[^"]*"', '"..."', said) if isinstance(error, psycopg.DataError) else said


class TallyhouseError(Exception):
    """Base of all errors raised here. A message names the object, the window, and what to do next."""


class StripeAccessError(TallyhouseError):
    """Stripe refuses what we ask (401, 403, other 4xx) or cannot be addressed at all. A retry cannot help."""


class PermissionMissingError(StripeAccessError):
    """The key is good, but may not read this kind of object (403): others it may."""


class BadRequestError(StripeAccessError):
    """Stripe does not understand what is asked of one object or list (4xx): others may well be answered."""


class ObjectMissingError(StripeAccessError):
    """Stripe knows no object of that id (404 resource_missing): it was deleted for good, or never was."""


class StripeUnavailableError(TallyhouseError):
    """Stripe did not answer (429, 5xx, connection, timeout) within the client's retries; it may later."""


class BadPageError(TallyhouseError):
    """Stripe answered 200 with something that is no list (HTML, a cut body), in every attempt made."""


class MigrationError(TallyhouseError):
    """The files and the database, or the server's roles, disagree in a way that only a person can settle."""


class RejectedRowsError(TallyhouseError):
    """Rows were kept in raw.rejected instead of staged or loaded; everything else is in."""

    def __init__(self, rejects: Sequence[tuple[str, str, str]]):
        """`rejects`: (source, row_key, reason) of each."""
        super().__init__(
            f"{len(rejects):,} row(s) could not be staged or read: {_first(rejects)}. Everything else is in. They are "
            "kept as text, with the reason, in the table raw.rejected: look at its newest rows. Each is told "
            "once, so the next run is green without them."
        )
        self.rejects = list(rejects)


class KindsRefusedError(StripeAccessError):
    """The key may not list some kinds of objects; the others are in."""

    def __init__(self, refused: Sequence[tuple[str, str, str]]):
        """`refused`: (account_id, kind, reason) of each."""
        kinds = ", ".join(sorted({kind for _, kind, _ in refused}))
        reasons = "; ".join(f"{account_id} {kind}: {reason}" for account_id, kind, reason in refused)
        super().__init__(
            f"These kinds of objects could not be listed, and everything else is in: {kinds}. Grant what is named, or "
            f"leave them out of the form, and run the DAG again for them. {reasons}"
        )
        self.refused = list(refused)


class GapError(TallyhouseError):
    """Events were never read, and Stripe no longer keeps them; reading goes on after the gap."""

    def __init__(self, gaps: Sequence[tuple[str, datetime, datetime]]):
        """`gaps`: (account_id, from, to) of each."""
        shown = "; ".join(
            f"{account_id} created [{start.astimezone(UTC):%Y-%m-%d %H:%M:%S}, "
            f"{end.astimezone(UTC):%Y-%m-%d %H:%M:%S}) UTC"
            for account_id, start, end in gaps
        )
        super().__init__(
            f"Events were never read, and Stripe no longer keeps them: {shown}. A run of stripe_backfill "
            "that lists all objects again is asked for by itself; until it is loaded, mart.gap_daily shows the days. "
            "Everything after that is read. The gap stays in the table ops.gap; it is told once, so the next run is "
            "green."
        )
        self.gaps = list(gaps)


class ReconciliationError(TallyhouseError):
    """Stripe and the warehouse tell different things although the raw layer has what Stripe says."""

    def __init__(self, found: Sequence[tuple[str, str, str]]):
        """`found`: (object_type, object_id, difference as JSON text) of each."""
        super().__init__(
            f"{len(found):,} difference(s) between Stripe and the warehouse that nothing explains: {_first(found)}. "
            "All are in ops.reconciliation, each as [Stripe, warehouse]. Run warehouse_rebuild; if they come back, "
            "the SQL that reads these objects is wrong. Each is told once, so the next run is green without them."
        )
        self.found = list(found)


class EnrichmentError(TallyhouseError):
    """Objects that documents name or lack could not be fetched; everything else is in."""

    def __init__(self, failed: Sequence[tuple[str, str, str]]):
        """`failed`: (kind, object_id, error) of each."""
        super().__init__(
            f"{len(failed):,} thing(s) could not be fetched: {_first(failed)}. Everything else is in. They stay in "
            "ops.enrichment, and every run of stripe_enrichment tries them again."
        )
        self.failed = list(failed)
