"""Every policy that changes a number, with each of its values: what marts say by one choice and by another."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallyhouse.checks import read_checks, require_passed, run_checks
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models, mart_upstream, refresh_statement
from tests.conftest import PostgresServer
from tests.warehouse.documents import changed, ended, epoch, subscription
from tests.warehouse.raw_rows import ACCOUNT, SQL_ROOT, StoredRow, Version, moment, stage, stage_rows

JANUARY, FEBRUARY, MARCH = "2026-01-10", "2026-02-05", "2026-03-05"
THROUGH = "2026-03-10"
ROOT = Path(__file__).parents[2]
FOLLOWING = [model for model in MODELS if model.name in ("mrr_change_fact", "mrr_movement_fact")]
"""What a load has to do where nothing came but a policy."""


@dataclass(frozen=True)
class Case:
    """What `query` finds with one value of a policy, all others as they are by default; `mart`: what it reads."""

    policy: str
    value: str
    mart: str
    query: str
    expected: list[tuple[Any, ...]]


# Each policy's documents have a currency of their own, so that no case sees another's.
STATUSES = {
    "active": 1,
    "past_due": 10,
    "trialing": 100,
    "paused": 1_000,
    "unpaid": 10_000,
    "incomplete": 100_000,
    "incomplete_expired": 1_000_000,
    "canceled": 10_000_000,
}
COUNTED = "select coalesce(sum(mrr_minor), 0)::int from mart.mrr_daily where currency = 'aed' and day = '2026-01-31'"
PAUSED = "select mrr_minor::int, held_minor::int from mart.mrr_daily where currency = 'aud' and day = '2026-02-10'"
CHURNED = "select month::text from mart.mrr_movement_monthly where currency = 'cad' and churn_minor = 1000"
REPEATING = """
    select mrr_minor::int from mart.mrr_daily
    where currency = 'chf' and day in ('2026-01-31', '2026-03-10')
    order by day
"""
ONCE = """
    select mrr_minor::int from mart.mrr_daily
    where currency = 'czk' and day in ('2026-01-31', '2026-03-01')
    order by day
"""
RATES = """
    select round(churn_rate, 4)::text, round(ltv_minor)::int
    from mart.subscriber_churn_monthly
    where currency = 'dkk' and month = '2026-02-01'
"""
USED = "select coalesce(sum(mrr_minor), 0)::int from mart.mrr_daily where currency = 'eur' and day = '2026-03-01'"
BEGAN = "select min(day)::text from mart.mrr_daily where currency = 'gbp'"
MODES = "select livemode, mrr_minor::int from mart.mrr_daily where currency = 'hkd' and day = '2026-03-01' order by 1"
EXPIRING = "select subscription_id from mart.churn_risk where reason = 'card_expiring'"
RATE = "select round(rate, 4)::text from mart.reporting_rate_daily where currency = 'jpy' and day = '2026-01-25'"
CONVERTED = """
    select closing_mrr_reporting_minor::int
    from mart.mrr_movement_monthly
    where currency = 'sek' and month = '2026-01-01'
"""
CASES = [
    Case("mrr_statuses", "active,past_due", "mrr_daily", COUNTED, [(11,)]),
    *(Case("mrr_statuses", status, "mrr_daily", COUNTED, [(amount,)]) for status, amount in STATUSES.items()),
    Case("paused_counts", "no", "mrr_daily", PAUSED, [(0, 1_000)]),
    Case("paused_counts", "yes", "mrr_daily", PAUSED, [(1_100, 0)]),
    Case("churn_moment", "access_end", "mrr_movement_monthly", CHURNED, [("2026-03-01",)]),
    Case("churn_moment", "cancel_request", "mrr_movement_monthly", CHURNED, [("2026-02-01",)]),
    Case("subtract_repeating", "no", "mrr_daily", REPEATING, [(10_000,), (10_000,)]),
    Case("subtract_repeating", "yes", "mrr_daily", REPEATING, [(5_000,), (5_000,)]),
    Case("subtract_once", "no", "mrr_daily", ONCE, [(10_000,), (10_000,)]),
    Case("subtract_once", "yes", "mrr_daily", ONCE, [(9_000,), (10_000,)]),
    # 2 were there, 1 came, 1 left: 1/3 or 1/2; 1,000 each
    Case("churn_denominator", "opening_plus_new", "subscriber_churn_monthly", RATES, [("0.3333", 3_000)]),
    Case("churn_denominator", "opening", "subscriber_churn_monthly", RATES, [("0.5000", 2_000)]),
    Case("gross_margin", "1", "subscriber_churn_monthly", RATES, [("0.3333", 3_000)]),
    Case("gross_margin", "0.5", "subscriber_churn_monthly", RATES, [("0.3333", 1_500)]),
    Case("metered", "own_view", "mrr_daily", USED, [(0,)]),
    Case("metered", "last_invoice", "mrr_daily", USED, [(700,)]),
    Case("reporting_timezone", "UTC", "mrr_daily", BEGAN, [("2026-02-01",)]),
    Case("reporting_timezone", "America/New_York", "mrr_daily", BEGAN, [("2026-01-31",)]),
    Case("reported_modes", "live_if_any", "mrr_daily", MODES, [(True, 10)]),
    Case("reported_modes", "live", "mrr_daily", MODES, [(True, 10)]),
    Case("reported_modes", "test", "mrr_daily", MODES, [(False, 1)]),
    Case("reported_modes", "both", "mrr_daily", MODES, [(False, 1), (True, 10)]),
    Case("card_expiry_days", "30", "churn_risk", EXPIRING, []),
    Case("card_expiry_days", "120", "churn_risk", EXPIRING, [("sub_card",)]),
    # kroner are what the balance is in
    Case("reporting_currency", "", "mrr_movement_monthly", CONVERTED, [(10_500,)]),
    Case("reporting_currency", "usd", "mrr_movement_monthly", CONVERTED, [(1_000,)]),
    Case("fx_file_rate_days", "31", "reporting_rate_daily", RATE, [("0.0900",)]),
    Case("fx_file_rate_days", "0", "reporting_rate_daily", RATE, [("0.0800",)]),
]
# Those that change no number: what is red, what is stored, and under which key the app keeps its users.
ELSEWHERE = {
    "orphan_share_allowed": "tests/checks/test_rules.py",
    "order_contradictions_allowed": "tests/checks/test_rules.py",
    "keep_ip_addresses": "tests/warehouse/golden/user_first_install_fact.yaml",
    "user_id_metadata_key": "tests/warehouse/golden/user_dim.yaml",
    "recovery_days": "tests/warehouse/golden/payment_recovery_monthly.yaml",
    "hash_user_addresses": "tests/warehouse/test_erased_installs.py",
}


def discounted(name: str, currency: str, percent: int, duration: str, end: str | None) -> list[Version]:
    """A subscription for 10,000 with a discount from its beginning on, which may be known to end."""
    coupon = {"id": f"co_{name}", "object": "coupon", "percent_off": percent, "duration": duration}
    discount = {
        "object": "discount",
        "id": f"di_{name}",
        "customer": f"cus_{name}",
        "subscription": f"sub_{name}",
        "start": epoch(JANUARY),
        "end": epoch(end) if end else None,
        "coupon": coupon,
    }
    reduced = subscription(name, 10_000, currency, JANUARY, discounts=[discount["id"]])
    return [reduced, Version(moment(JANUARY), "customer.discount.created", discount, 1)]


def used() -> list[Version]:
    """Something metered, and the invoice that bills it."""
    sold = subscription("used", 5, "eur", JANUARY)
    item = sold.body["items"]["data"][0]
    item["price"]["recurring"]["usage_type"] = "metered"
    line = {"id": "il_used", "amount": 700, "currency": "eur", "quantity": 140, "subscription_item": item["id"]}
    line |= {"price": item["price"], "subscription": "sub_used"}
    body = {"object": "invoice", "id": "in_used", "subscription": "sub_used", "customer": "cus_used", "status": "paid"}
    body |= {"currency": "eur", "created": epoch("2026-02-10"), "lines": {"has_more": False, "data": [line]}}
    return [sold, Version(moment("2026-02-10"), "invoice.paid", body)]


def exchanged(day: str, rate: float) -> list[Version]:
    """A charge in yen that came into a balance in kroner."""
    created = epoch(day)
    charge = {"object": "charge", "id": f"ch_{day}", "amount": 1_000, "currency": "jpy", "status": "succeeded"}
    moved = {"object": "balance_transaction", "id": f"txn_{day}", "amount": round(1_000 * rate), "currency": "nok"}
    moved |= {"fee": 0, "net": round(1_000 * rate), "exchange_rate": rate, "type": "charge", "source": charge["id"]}
    return [
        Version(moment(day), "charge.succeeded", {**charge, "created": created}),
        Version(moment(day), None, {**moved, "created": created}),
    ]


def documents() -> list[Version]:
    versions = [
        subscription(f"in_{status}", amount, "aed", JANUARY, status=status) for status, amount in STATUSES.items()
    ]
    paused = subscription("pausing", 1_000, "aud", JANUARY)
    versions += [paused, changed(paused, FEBRUARY, pause_collection={"behavior": "void"})]
    tried = subscription("tried", 100, "aud", JANUARY, status="trialing")
    versions += [tried, changed(tried, FEBRUARY, status="paused")]
    leaving = subscription("leaving", 1_000, "cad", JANUARY)
    versions += [leaving, changed(leaving, FEBRUARY, cancel_at_period_end=True, cancel_at=epoch(MARCH))]
    versions += [ended(leaving, MARCH)]
    versions += discounted("months", "chf", 50, "repeating", "2026-04-10")
    reduced, granted = discounted("first", "czk", 10, "once", None)
    versions += [reduced, granted, changed(reduced, FEBRUARY, discounts=[])]
    versions += [Version(moment(FEBRUARY), "customer.discount.deleted", granted.body, 1)]
    there = [subscription(f"there_{n}", 1_000, "dkk", JANUARY) for n in (1, 2)]
    versions += [*there, ended(there[0], FEBRUARY), subscription("came", 1_000, "dkk", FEBRUARY)]
    versions += used()
    versions += [subscription("night", 1_000, "gbp", "2026-02-01T03:00:00"), subscription("live", 10, "hkd", JANUARY)]
    card = {"brand": "visa", "last4": "4242", "exp_month": 6, "exp_year": 2026}
    method = {"object": "payment_method", "id": "pm_june", "type": "card", "card": card, "created": epoch(JANUARY)}
    versions += [subscription("card", 1_000, "isk", JANUARY, default_payment_method="pm_june")]
    versions += [Version(moment(JANUARY), "payment_method.attached", method)]
    versions += [subscription("kronor", 10_000, "sek", JANUARY)]
    return versions + exchanged("2026-01-10", 0.07) + exchanged("2026-01-20", 0.08)


RATES_OF_FILES = [
    {"date": "2026-01-12", "from_currency": "jpy", "to_currency": "nok", "rate": "0.0009"},
    {"date": "2026-01-12", "from_currency": "sek", "to_currency": "nok", "rate": "1.05"},
    {"date": "2026-01-12", "from_currency": "sek", "to_currency": "usd", "rate": "0.1"},
]


@pytest.fixture(scope="module")
def sold(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A warehouse that has loaded what every case is about, in live mode, and a little of test mode."""
    conninfo = postgres.create_warehouse()
    with psycopg.connect(conninfo) as connection:
        for livemode in (True, False):
            connection.execute(
                "insert into ops.watermark (account_id, livemode, stream, through) values (%s, %s, 'events', %s)",
                [ACCOUNT, livemode, moment(THROUGH)],
            )
        connection.commit()
        stage(connection, [replace(version, livemode=True) for version in documents()])
        stage(connection, [subscription("test", 1, "hkd", JANUARY)])
        stage_rows(
            connection,
            [StoredRow(moment(THROUGH), "fx_rate", rate, line) for line, rate in enumerate(RATES_OF_FILES, 2)],
        )
        apply_models(connection, SQL_ROOT)
        yield connection
    postgres.drop_database(conninfo)


@pytest.fixture(scope="module")
def defaults(sold: psycopg.Connection) -> dict[str, str]:
    with sold.transaction():
        return dict(sold.execute("select name, value from ops.policy").fetchall())


def choose(connection: psycopg.Connection, values: dict[str, str]) -> None:
    """Sets the policies; those that have their value already are not touched."""
    with connection.transaction():
        for name, value in values.items():
            connection.execute("update ops.policy set value = %s where name = %s and value <> %s", [value, name, value])


def refresh(connection: psycopg.Connection, mart: str) -> None:
    """Refreshes a mart, and before it those that it reads."""
    upstream = mart_upstream(SQL_ROOT)
    wanted = {mart}
    for name in reversed(upstream):
        if name in wanted:
            wanted |= set(upstream[name])
    for name in upstream:
        if name in wanted:
            with connection.transaction():
                connection.execute(refresh_statement(name))  # type: ignore[arg-type]  # a name of ours


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.policy}={case.value}")
def test_a_mart_follows_a_policy_with_the_next_load(
    case: Case, sold: psycopg.Connection, defaults: dict[str, str]
) -> None:
    choose(sold, {**defaults, case.policy: case.value})
    apply_models(sold, SQL_ROOT, FOLLOWING)
    refresh(sold, case.mart)
    with sold.transaction():
        assert sold.execute(case.query).fetchall() == case.expected  # type: ignore[arg-type]  # written in this file


def test_no_policy_is_without_a_test(defaults: dict[str, str]) -> None:
    assert {case.policy for case in CASES} | ELSEWHERE.keys() == defaults.keys()
    for name, path in ELSEWHERE.items():
        assert name in (ROOT / path).read_text()
    tested = {(case.policy, case.value) for case in CASES}
    assert [name for name, value in defaults.items() if name not in ELSEWHERE and (name, value) not in tested] == []


def test_no_value_of_a_policy_is_without_a_test(sold: psycopg.Connection, defaults: dict[str, str]) -> None:
    with sold.transaction():
        constraints = sold.execute(
            "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'ops.policy'::regclass"
        ).fetchall()
    words = set(re.findall(r"'([a-z_]+)'::text", " ".join(text for (text,) in constraints)))
    words |= set(",".join(re.findall(r"'{([a-z_,]+)}'", " ".join(text for (text,) in constraints))).split(","))

    def is_known(name: str, value: str) -> bool:
        try:
            with sold.transaction(force_rollback=True):
                sold.execute("update ops.policy set value = %s where name = %s", [value, name])
        except (psycopg.errors.CheckViolation, psycopg.errors.InvalidTextRepresentation):
            return False
        return True

    # a currency is any three letters, a time zone is not checked
    of_words = [name for name in defaults.keys() - ELSEWHERE.keys() if not is_known(name, "abc")]
    values = {(name, word) for name in of_words for word in words if is_known(name, word)}
    assert {name for name, _ in values} >= {"mrr_statuses", "paused_counts", "churn_moment", "reported_modes"}
    untested = values - {(case.policy, case.value) for case in CASES}
    assert untested == set()


def test_a_discount_for_some_months_lowers_mrr_until_its_end_which_marts_show_once_data_reaches_it(
    sold: psycopg.Connection, defaults: dict[str, str]
) -> None:
    ahead = "select max(day)::text from mart.mrr_daily where currency = 'chf'"
    found = []
    choose(sold, {**defaults, "subtract_repeating": "yes"})
    with sold.transaction():
        # who told of the discount told its end
        ((told,),) = sold.execute("select event_id from raw.event where object_id = 'di_months'").fetchall()
    for through in (THROUGH, "2026-04-15"):
        with sold.transaction():
            sold.execute("update ops.watermark set through = %s", [moment(through)])
        apply_models(sold, SQL_ROOT, FOLLOWING)
        refresh(sold, "mrr_by_plan_monthly")
        with sold.transaction():
            # the ledger knows what is promised
            promised = sold.execute(
                "select changed_at, mrr_change_minor::int, event_id from dwh.mrr_change_fact "
                "where currency = 'chf' and changed_at > '2026-04-01'"
            ).fetchall()
            assert promised == [(moment("2026-04-10"), 5_000, told)]
            found.append(sold.execute(ahead).fetchall())  # type: ignore[arg-type]  # written in this file
            months = sold.execute(
                "select month::text, expansion_minor::int, closing_mrr_minor::int from mart.mrr_by_plan_monthly "
                "where currency = 'chf' order by month desc limit 1"
            ).fetchall()
            found.append(months)
        checks = [check for check in read_checks(SQL_ROOT) if check.name in ("mrr_equals_ledger", "mrr_plans_add_up")]
        require_passed(run_checks(sold, checks, "test"))
    with sold.transaction():
        sold.execute("update ops.watermark set through = %s", [moment(THROUGH)])
    assert found == [
        [("2026-03-10",)],
        [("2026-03-01", 0, 5_000)],
        [("2026-04-15",)],
        [("2026-04-01", 5_000, 10_000)],
    ]
