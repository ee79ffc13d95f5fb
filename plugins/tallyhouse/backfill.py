"""Plans and works off a backfill: every kind of object cut into slices, and several slices read at once."""

import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass

import psycopg

from tallyhouse import ingest, plans
from tallyhouse.client import Account, StripeClient
from tallyhouse.errors import BadRequestError, ObjectMissingError, PermissionMissingError, StripeAccessError
from tallyhouse.objects import LISTED, StripeObject
from tallyhouse.pages import ObjectReader
from tallyhouse.slices import Slice, find_listed, plan_slices, share_out
from tallyhouse.streams import work_off
from tallyhouse.windows import Window

log = logging.getLogger(__name__)

TEST_CLOCKS = "/v1/test_helpers/test_clocks"

STREAMS = 8
"""Slices that one task reads at once. Stripe takes 0.3 to 0.5 s to answer: one after another, that is 3 requests a
second of the 25 that it allows (docs/performance.md)."""

CALLS_PER_SHARE = 400
"""Requests of one task, about: a quarter of a minute of the whole limit, far more than the start of a task costs."""

SHOWN_KINDS = 3


@dataclass(frozen=True)
class BackfillPlan:
    """The slices of each task; kinds that the key may not list, each with the reason."""

    shares: list[list[Slice]]
    refused: list[tuple[Slice, str]]

    @property
    def refusal(self) -> str | None:
        """Why nothing can be listed at all, where every kind was refused."""
        return self.refused[0][1] if self.refused and not self.shares else None

    def title(self, share: int) -> str:
        """What a task lists, in words, short enough for a label: its kinds, slices and requests."""
        pieces = self.shares[share]
        kinds = list(dict.fromkeys(piece.object_name for piece in pieces))
        named = ", ".join(kinds[:SHOWN_KINDS])
        more = f" and {len(kinds) - SHOWN_KINDS} more" if len(kinds) > SHOWN_KINDS else ""
        calls = sum(piece.estimated_calls for piece in pieces)
        return f"{named}{more}: {len(pieces)} slices, about {calls:,} pages"


def plan_backfill(
    conn: psycopg.Connection,
    client: StripeClient,
    account: Account,
    run_id: str,
    objects: Iterable[str],
    window: Window,
    *,
    rows_per_slice: int,
    is_everything: bool,
) -> BackfillPlan:
    """Asks each list how much it holds, and writes down the slices that `run_id` means to read.

    A kind that the key may not list is written down as refused, and the others are planned; of a connected account
    also a kind that is refused for another reason, so that the platform's own plan stands. `is_everything`: the
    window leaves nothing out, so that what a list does not show of a deletable kind will be asked for
    (`unlisted.stage_unlisted`). With a test key, objects on test clocks are listed by clock, since lists leave them
    out otherwise. Raises StripeUnavailableError or BadPageError after the client's retries: then nothing is planned.
    """
    kinds = [find_listed(name) for name in dict.fromkeys(objects)]
    refused: list[tuple[Slice, str]] = []

    def refuse(item: StripeObject, error: StripeAccessError) -> list[Slice]:
        refused.append((Slice(item.name, window), str(error)))
        return []

    def plan_kind(item: StripeObject) -> list[Slice]:
        try:
            return plan_slices(client, item, window, rows_per_slice)
        except PermissionMissingError as error:
            return refuse(item, error)
        except StripeAccessError as error:
            # of the key's own account, that is for a person to mend before anything is listed
            if account.via is None:
                raise
            return refuse(item, error)

    def plan_clocks() -> list[Slice]:
        clocked = [item for item in kinds if item.has_test_clocks]
        if account.livemode or not clocked:
            return []
        try:
            clocks = list_test_clocks(client)
        except StripeAccessError as error:
            if account.via is None and not isinstance(error, PermissionMissingError):
                raise
            refused.extend((Slice(item.name, window, "test_clock"), str(error)) for item in clocked)
            return []
        return [Slice(item.name, window, f"test_clock={clock}") for clock in clocks for item in clocked]

    with ThreadPoolExecutor(STREAMS) as pool:
        on_clocks = pool.submit(plan_clocks)
        slices = [piece for found in pool.map(plan_kind, kinds) for piece in found] + on_clocks.result()
    plan = BackfillPlan(share_out(slices, CALLS_PER_SHARE, STREAMS), refused)
    everything = is_everything and {item.name for item in kinds} == set(LISTED)
    unreadable = {piece.object_name for piece, _ in refused if piece.scope is None}
    unlisted = [
        Slice(item.name, window)
        for item in kinds
        if is_everything and item.is_deletable and item.name not in unreadable
    ]
    plans.write_slices(conn, account, run_id, plan.shares, refused, unlisted=unlisted, is_everything=everything)
    for piece, reason in refused:
        log.error("%s of %s cannot be listed: %s", piece.object_name, account.account_id, reason)
    return plan


def list_test_clocks(client: StripeClient) -> list[str]:
    """Ids of the account's test clocks; none on a server that has no such list. Raises StripeAccessError."""
    found: list[str] = []
    try:
        for page in client.pages(TEST_CLOCKS, {}, ObjectReader()):
            found += [str(row[1]) for row in page.rows if isinstance(row, tuple)]
    except StripeAccessError as error:
        if getattr(error.__cause__, "http_status", None) != 404:
            raise
        log.warning("this server knows no test clocks, so nothing is listed by them: %s", error)
    return found


def names_nothing(error: StripeAccessError) -> bool:
    """Whether a list was refused because what it was narrowed to, such as a test clock, does not exist (any more)."""
    return isinstance(error, ObjectMissingError) or getattr(error.__cause__, "code", None) == "resource_missing"


def stage_share(
    connect: Callable[[], AbstractContextManager[psycopg.Connection]],
    client: StripeClient,
    account: Account,
    run_id: str,
    share: int,
    *,
    streams: int = STREAMS,
    tell: Callable[[plans.Progress], None] = lambda progress: None,
) -> plans.Progress:
    """Lists what is left of a share, several slices at once, each committed for itself; returns the run's progress.

    `tell` hears of the progress after each slice. Where the key may not list a kind, it is marked as refused, and the
    others go on. Any other error ends the work, after the slices under way; it is raised, and a next try goes on with
    what is left.
    """
    with connect() as control:
        control_lock = threading.Lock()
        refused: set[str] = set()

        def list_slice(conn: psycopg.Connection, piece: Slice) -> None:
            if piece.object_name in refused:
                return
            try:
                ingest.stage_list(conn, client, account, piece.object_name, piece.window, run_id, piece.scope)
            except PermissionMissingError as error:
                refused.add(piece.object_name)
                with control_lock:
                    log.error("%s cannot be listed: %s", piece.object_name, error)
                    plans.keep_error(control, account, run_id, piece.object_name, None, error, is_refused=True)
            except (ObjectMissingError, BadRequestError) as error:
                if piece.scope is None or not names_nothing(error):
                    raise
                # The test clock was deleted after it had been planned, and all on it with it.
                with control_lock:
                    log.warning("%s of %s: %s", piece.object_name, piece.scope, error)
                    plans.drop_slice(control, account, run_id, piece)
            else:
                with control_lock:
                    tell(plans.read_progress(control, account, run_id, "list"))

        work_off(plans.pending_slices(control, account, run_id, share), connect, streams, list_slice)
        return plans.read_progress(control, account, run_id, "list")
