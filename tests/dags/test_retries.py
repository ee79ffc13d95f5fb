"""Which failures are worth another try."""

import psycopg
import pytest

from tallyhouse.checks import ChecksFailedError, OvertakenError
from tallyhouse.errors import (
    BadPageError,
    EnrichmentError,
    GapError,
    ReconciliationError,
    RejectedRowsError,
    StripeAccessError,
    StripeUnavailableError,
    TallyhouseError,
)
from tallyhouse.file_reading import UnreadableFileError
from tallyhouse.file_staging import FileChangedError
from tallyhouse.migrations import MigrationError

pytestmark = pytest.mark.usefixtures("airflow_environment")


def decision(error: Exception) -> str:
    from tallyhouse.tasks import common

    return common.DEFAULT_ARGS["retry_policy"].evaluate(error, 1, 4).action.value


@pytest.mark.parametrize(
    "error",
    [
        StripeAccessError("401"),
        RejectedRowsError([("events", "evt_1", "odd")]),
        GapError([]),
        ReconciliationError([]),
        EnrichmentError([]),
        ChecksFailedError("1 of 5"),
        MigrationError("edited"),
        UnreadableFileError("no header"),
        TallyhouseError("a setting that makes no sense"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_only_a_person_can_mend_fails_at_once(error: Exception) -> None:
    assert decision(error) == "fail"


@pytest.mark.parametrize(
    "error",
    [
        StripeUnavailableError("503"),
        BadPageError("HTML"),
        FileChangedError("written to while it was read"),
        OvertakenError("a load went on"),
        psycopg.OperationalError("the server closed the connection"),
        psycopg.errors.DeadlockDetected("deadlock"),
        OSError("no route to host"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert decision(error) == "default"


def test_every_error_of_the_library_is_judged() -> None:
    judged = {StripeAccessError, RejectedRowsError, GapError, EnrichmentError, ReconciliationError}
    judged |= {ChecksFailedError, MigrationError, StripeUnavailableError, BadPageError}
    judged |= {UnreadableFileError, FileChangedError, OvertakenError}
    assert set(TallyhouseError.__subclasses__()) == judged
