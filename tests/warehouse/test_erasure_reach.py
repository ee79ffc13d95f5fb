"""What erasure reaches: guests without a customer, files, identity checks; and who else may be the same person."""

from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from tallyhouse import erasure
from tallyhouse.errors import TallyhouseError
from tests.warehouse.people import (
    CHARGE,
    CREATED,
    CUSTOMER,
    NAME,
    OTHER,
    body_of,
    erase,
    loaded,
    request,
    texts,
    version,
)
from tests.warehouse.raw_rows import SQL_ROOT, Version, moment, stage

GUEST = version(
    "charge", "ch_7", amount=500, currency="usd", status="succeeded", payment_intent="pi_7", customer=None,
    billing_details={"name": NAME, "email": "Anna@example.com"}, receipt_email="anna@example.com",
    payment_method="pm_7", payment_method_details={"type": "card", "card": {"brand": "visa", "fingerprint": "fp_1"}},
)  # fmt: skip
INTENT = version(
    "payment_intent", "pi_7", customer=None, latest_charge="ch_7", currency="usd", receipt_email="anna@x.y"
)
SESSION = version(
    "checkout.session", "cs_7", customer=None, payment_intent="pi_7", customer_details={"email": "anna@example.com"}
)


@pytest.fixture
def connection(warehouse: str) -> Iterator[psycopg.Connection]:
    """A connection to a fresh warehouse on the newest PostgreSQL."""
    with psycopg.connect(warehouse) as opened:
        yield opened


@pytest.mark.parametrize("root", ["ch_7", "cs_7"])
def test_a_guest_is_erased_by_a_payment_or_a_session(connection: psycopg.Connection, root: str) -> None:
    dispute = version("dispute", "dp_7", charge="ch_7", currency="usd", amount=5, evidence={"customer_name": NAME})
    loaded(connection, GUEST, INTENT, SESSION, dispute, version("charge", "ch_8", customer=None, description="Bert"))
    erased = erasure.erase(connection, request(customer_id=root))
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    assert erased.rows["raw.object"] == 4
    assert "Bert" in texts(connection)
    assert [word for word in (NAME, "@", "fp_1") if word in texts(connection)] == []
    stage(connection, [GUEST])
    assert "@" not in texts(connection)


ABANDONED = version(
    "payment_intent", "pi_9", customer=None, currency="usd", receipt_email="anna@example.com",
    shipping={"name": NAME, "phone": "+49 30 1"}, payment_method="pm_9",
)  # fmt: skip
CARD = version(
    "payment_method", "pm_9", customer=None, type="card", billing_details={"name": NAME, "email": "anna@example.com"},
    card={"brand": "visa", "last4": "4242", "fingerprint": "fp_1"},
)  # fmt: skip
SETUP = version("setup_intent", "seti_9", customer=None, payment_method="pm_9", description=NAME)
INVOICE = version(
    "invoice", "in_9", customer=None, currency="usd", customer_name=NAME, customer_email="anna@example.com"
)


@pytest.mark.parametrize("root", [ABANDONED, CARD, SETUP, INVOICE], ids=lambda root: root.body["object"])
def test_a_guest_who_paid_nothing_is_erased_by_what_there_is(connection: psycopg.Connection, root: Version) -> None:
    stays = version("payment_intent", "pi_8", customer=None, currency="usd", receipt_email="bert@example.com")
    loaded(connection, root, stays)
    erased = erasure.erase(connection, request(customer_id=root.body["id"]))
    erasure.follow(connection, SQL_ROOT, erased.erasure_ids)
    left = texts(connection)
    assert "bert@example.com" in left
    assert [word for word in (NAME, "anna@", "fp_1", "+49") if word in left] == []
    stage(connection, [root])
    assert "anna@" not in texts(connection)
    assert NAME not in texts(connection)


def test_payments_of_guests_that_came_to_nothing_are_told_as_the_same_person(connection: psycopg.Connection) -> None:
    customer = version("customer", "cus_1", email="anna@example.com")
    loaded(connection, customer, ABANDONED, CARD, INVOICE, SETUP)
    others = erasure.count(connection, request()).others
    assert others == {"the same e-mail address": ["in_9", "pi_9", "pm_9"]}
    others = erasure.count(connection, request(customer_id="in_9")).others
    assert others == {"the same e-mail address": ["cus_1", "pi_9", "pm_9"]}


def test_the_days_of_the_persons_charges_are_told_since_exported_files_stay(connection: psycopg.Connection) -> None:
    at = moment("2026-03-05T23:30:00")
    told = [Version(at.replace(day=day), "charge.updated", CHARGE.body) for day in (9, 5)]
    loaded(connection, CUSTOMER, *told, Version(at.replace(day=7), "charge.updated", OTHER.body))
    counted = erasure.count(connection, request())
    assert counted.days == [date(2026, 3, 5), date(2026, 3, 9)]
    assert "2 days (UTC)" in counted.describe_days()
    assert "2026-03-05, 2026-03-09" in counted.describe_days()
    erase(connection)
    # they stay as they were: the days can still be told
    assert erasure.count(connection, request("again")).days == counted.days


def test_a_payment_of_a_customer_stands_for_nobody(connection: psycopg.Connection) -> None:
    loaded(connection, CUSTOMER, CHARGE)
    for tell in (erasure.count, erasure.erase):
        with pytest.raises(TallyhouseError, match="ch_1 is a payment of customer cus_1, and no guest's"):
            tell(connection, request(customer_id="ch_1"))
    assert NAME in texts(connection)


def test_who_may_be_the_same_person_is_told_by_id_before_and_not_erased(connection: psycopg.Connection) -> None:
    second = version("customer", "cus_2", email="ANNA@example.com ")
    same_card = version(
        "charge", "ch_9", customer="cus_9", currency="usd", payment_method="pm_9",
        payment_method_details={"type": "card", "card": {"fingerprint": "fp_1"}},
    )  # fmt: skip
    bert = version("customer", "cus_3", email="bert@example.com")
    loaded(connection, CUSTOMER, CHARGE, second, GUEST, SESSION, same_card, bert)
    connection.commit()
    assert erasure.count(connection, request()).others == {"the same e-mail address": ["ch_7", "cs_7", "cus_2"]}
    told = erasure.count(connection, request(customer_id="ch_7"))
    assert told.others["the same card or account"] == ["cus_9"]
    assert told.others["the same e-mail address"] == ["cus_1", "cus_2"]
    assert told.describe_others()[0].startswith("the same card or account: 1 more")
    erase(connection)
    assert erasure.count(connection, request("another", "ch_7")).others["the same e-mail address"] == ["cus_2"]
    assert body_of(connection, "ch_7") == GUEST.body


def test_files_about_the_person_go_and_the_companys_stay(connection: psycopg.Connection) -> None:
    evidence = {"receipt": "file_1", "customer_signature": "file_2", "refund_policy": "file_3"}
    dispute = version("dispute", "dp_1", charge="ch_1", amount=7, currency="usd", evidence=evidence)
    files = [version("file", f"file_{n}", filename="anna_smith_passport.pdf", title=NAME) for n in (1, 2, 3)]
    link = version("file_link", "link_1", file="file_1", url="https://files.example/anna", metadata={"for": NAME})
    loaded(connection, CUSTOMER, CHARGE, dispute, *files, link)
    erase(connection)
    bare = {"object": "file", "id": "file_1", "created": CREATED}
    assert [body_of(connection, each.body["id"]) for each in files] == [bare, {**bare, "id": "file_2"}, files[2].body]
    assert body_of(connection, "link_1") == {"object": "file_link", "id": "link_1", "created": CREATED}
    # one that comes once the evidence is empty
    stage(connection, [version("file", "file_1", second=9, filename="again.pdf")])
    assert "again.pdf" not in texts(connection)


def test_identity_checks_go_with_what_they_saw(connection: psycopg.Connection) -> None:
    session = version(
        "identity.verification_session", "vs_1", related_customer="cus_1", last_verification_report="vr_1",
        verified_outputs={"first_name": NAME}, status="verified",
    )  # fmt: skip
    report = version(
        "identity.verification_report", "vr_1", verification_session="vs_1",
        document={"files": ["file_8"], "number": "L01X00T47", "first_name": NAME}, selfie={"selfie": "file_9"},
    )  # fmt: skip
    photos = [version("file", each, filename="anna.png") for each in ("file_8", "file_9")]
    loaded(connection, CUSTOMER, session, report, *photos)
    erase(connection)
    assert [word for word in (NAME, "anna.png", "L01X00T47") if word in texts(connection)] == []


def test_what_names_the_account_that_stands_for_the_customer_goes_too(connection: psycopg.Connection) -> None:
    customer = version("customer", "cus_1", customer_account="acct_1", name=NAME)
    theirs = version("setup_attempt", "setatt_1", customer=None, customer_account="acct_1", payment_method_details=NAME)
    others = version("setup_attempt", "setatt_2", customer=None, customer_account="acct_2", payment_method_details="B")
    loaded(connection, customer, theirs, others)
    erase(connection)
    assert NAME not in texts(connection)
    assert body_of(connection, "setatt_2") == others.body
