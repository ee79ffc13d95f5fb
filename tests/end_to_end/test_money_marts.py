"""The marts of money against the company's own books: fees, payouts, renewals, trials, recovery, cohorts, usage."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from simulator.balance import exchange_rate
from tests.end_to_end.books import assert_renewals_equal_books, books, rows
from tests.end_to_end.conftest import SETTLED_NOW
from tests.end_to_end.pipeline import Pipeline

BALANCE = """
    select
        currency, to_char(day, 'YYYY-MM-DD'), balance_transaction_type, transactions, amount_minor::bigint,
        fee_minor::bigint, net_minor::bigint, closing_balance_minor::bigint
    from mart.balance_daily
"""
FEES = "select currency, to_char(day, 'YYYY-MM-DD'), fees_minor from mart.revenue_daily where fees_minor <> 0"
CONVERTED = """
    select t.currency, to_char(t.occurred_at at time zone 'UTC', 'YYYY-MM-DD'), sum(b.amount_minor), count(*)
    from dwh.transaction_fact as t
    inner join dwh.charge_fact as c on t.source_id = c.charge_id
    inner join dwh.balance_transaction_fact as b using (balance_transaction_id)
    where t.transaction_type = 'charge' and b.exchange_rate is not null
    group by 1, 2
"""
EUROS = "select day, gross_minor, gross_reporting_minor from mart.revenue_daily where currency = 'eur'"
PAYOUTS = """
    select payout_id, amount_minor, transactions, transactions_net_minor::bigint, difference_minor::bigint, result
    from mart.payout_reconciliation
"""
TRIALS = """
    select currency, basis, to_char(month, 'YYYY-MM'), trials, converted_trials
    from mart.trial_conversion_monthly
"""
RETURNS = """
    select currency, to_char(month, 'YYYY-MM'), to_char(later_month, 'YYYY-MM'), returned_customers
    from mart.cohort_return_monthly
    where returned_customers > 0
"""
LTV = """
    select
        currency, to_char(cohort_month, 'YYYY-MM'), to_char(month, 'YYYY-MM'), net_minor::bigint,
        cumulative_net_minor::bigint
    from mart.cohort_ltv_monthly
"""
RECOVERY = """
    select
        currency, to_char(month, 'YYYY-MM'), failure_code, failed_payments, retried_payments, recovered_payments,
        lost_payments, open_payments, attempts, failed_minor::bigint, recovered_minor::bigint
    from mart.payment_recovery_monthly
"""
USAGE = """
    select price_id, currency, to_char(month, 'YYYY-MM'), quantity::bigint, amount_minor::bigint
    from mart.metered_usage_monthly
"""
RISKS = "select subscription_id, reason from mart.churn_risk where reason <> 'card_expiring'"
EXPIRING = """
    select
        count(*), count(*) filter (where method.exp_year * 12 + method.exp_month > 2026 * 12 + 4),
        count(*) filter (where risk.mrr_minor < 0)
    from mart.churn_risk as risk
    inner join dwh.payment_method_dim as method using (account_id, livemode, payment_method_id)
    where risk.reason = 'card_expiring'
"""


def test_the_balance_of_each_day_and_type_equals_the_books_and_runs_on(settled: Pipeline) -> None:
    listed = books(settled.api_base, "balance")
    closing: dict[tuple[str, str], int] = {}
    running: dict[str, int] = {}
    for row in sorted(listed, key=lambda row: row["day"]):
        running[row["currency"]] = running.get(row["currency"], 0) + row["net_minor"]
        closing[row["currency"], row["day"]] = running[row["currency"]]
    names = ("currency", "day", "type", "transactions", "amount_minor", "fee_minor", "net_minor")
    expected = {(*(row[name] for name in names), closing[row["currency"], row["day"]]) for row in listed}
    assert len(expected) > 400
    assert rows(settled.conninfo, BALANCE) == expected


def test_fees_of_each_day_equal_the_books_in_the_currency_of_the_payment(settled: Pipeline) -> None:
    expected = {
        (row["currency"], row["day"]): Fraction(row["fees_minor"]) for row in books(settled.api_base, "payments/fees")
    }
    found = {(currency, day): Fraction(fees) for currency, day, fees in rows(settled.conninfo, FEES)}
    assert {currency for currency, _ in found} == {"usd", "eur", "jpy", "kwd"}
    assert found.keys() == expected.keys()
    # ten decimals for each transaction
    assert all(abs(found[key] - expected[key]) < Fraction(1, 10**8) for key in expected)


def test_converted_revenue_is_what_stripe_paid_for_it_but_for_its_rounding(settled: Pipeline) -> None:
    converted = "select currency, to_char(day, 'YYYY-MM-DD'), gross_reporting_minor from mart.revenue_daily"
    found = {(currency, day): amount for currency, day, amount in rows(settled.conninfo, converted)}
    paid = rows(settled.conninfo, CONVERTED)
    assert {currency for currency, *_ in paid} == {"jpy", "kwd"}
    for currency, day, settled_minor, charges in paid:
        assert abs(found[currency, day] - settled_minor) <= Decimal(charges) / 2


def test_what_nobody_exchanges_is_converted_by_the_companys_own_file(settled: Pipeline) -> None:
    days = [(day, gross, converted) for day, gross, converted in rows(settled.conninfo, EUROS)]
    assert len(days) > 50
    for day, gross, converted in days:
        # what was not over as the file was written goes by the day before
        known = min(day, SETTLED_NOW.date() - timedelta(days=1))
        assert converted == gross * exchange_rate("eur", (known - date(1970, 1, 1)).days)


def test_each_payout_equals_what_it_paid_out(settled: Pipeline) -> None:
    expected = {
        (row["id"], row["amount_minor"], row["transactions"], row["transactions_net_minor"], 0, "equal")
        for row in books(settled.api_base, "payouts")
    }
    assert len(expected) > 100
    assert rows(settled.conninfo, PAYOUTS) == expected


def test_renewals_of_each_plan_and_month_of_start_equal_the_books(settled: Pipeline) -> None:
    assert assert_renewals_equal_books(settled) > 300


def test_trials_by_their_start_and_end_equal_the_books(settled: Pipeline) -> None:
    expected = {
        (row["currency"], row["basis"], row["month"], row["trials"], row["converted"])
        for row in books(settled.api_base, "plans/trials")
        if row["month"] <= "2026-03"
    }
    assert sum(row[4] for row in expected) > 40
    assert rows(settled.conninfo, TRIALS) == expected


def test_who_came_back_in_which_month_equals_the_books(settled: Pipeline) -> None:
    expected = {
        (row["currency"], row["month"], row["later_month"], row["customers"])
        for row in books(settled.api_base, "payments/returns")
    }
    assert len(expected) > 80
    assert rows(settled.conninfo, RETURNS) == expected


def test_what_cohorts_have_brought_equals_the_books(settled: Pipeline) -> None:
    net = {
        (row["currency"], row["cohort_month"], row["month"]): row["net_minor"]
        for row in books(settled.api_base, "payments/cohorts")
    }
    found = rows(settled.conninfo, LTV)
    assert {row[:3] for row in found} >= net.keys()
    for currency, cohort, month, amount, cumulative in found:
        assert amount == net.get((currency, cohort, month), 0)
        assert cumulative == sum(
            value for (of, since, at), value in net.items() if (of, since) == (currency, cohort) and at <= month
        )


def test_failed_payments_and_what_became_of_them_equal_the_books(settled: Pipeline) -> None:
    names = ("failed", "retried", "recovered", "lost", "open", "attempts", "failed_minor", "recovered_minor")
    expected = {
        (row["currency"], row["month"], row["failure_code"], *(row[name] for name in names))
        for row in books(settled.api_base, "payments/recovery")
    }
    assert sum(row[5] for row in expected) > 5
    assert sum(row[6] for row in expected) > 5
    assert rows(settled.conninfo, RECOVERY) == expected


def test_metered_usage_equals_the_books(settled: Pipeline) -> None:
    expected = {
        (row["price"], row["currency"], row["month"], row["quantity"], row["amount_minor"])
        for row in books(settled.api_base, "plans/usage")
    }
    assert len(expected) >= 5
    assert rows(settled.conninfo, USAGE) == expected


def test_who_may_leave_equals_the_books_and_cards_that_expire_later_are_no_risk(settled: Pipeline) -> None:
    expected = {(row["subscription"], row["reason"]) for row in books(settled.api_base, "plans/risks")}
    assert "cancel_scheduled" in {reason for _, reason in expected}
    assert rows(settled.conninfo, RISKS) == expected
    ((cards, later, below_nothing),) = rows(settled.conninfo, EXPIRING)
    assert (later, below_nothing) == (0, 0)
    assert cards > 0
