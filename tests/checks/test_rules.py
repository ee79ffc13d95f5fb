"""Each rule holds in a good warehouse, and names the row that breaks it in one that was broken on purpose."""

import psycopg
import pytest
from psycopg import sql

from tallyhouse.checks import CheckResult, read_checks, run_checks
from tallyhouse.objects import MODELS
from tallyhouse.warehouse import release_batches
from tests.conftest import SQL_ROOT

CHECKS = {check.name: check for check in read_checks(SQL_ROOT)}


def run(connection: psycopg.Connection, name: str) -> CheckResult:
    connection.commit()
    (result,) = run_checks(connection, [CHECKS[name]], "test")
    return result


def thaw(connection: psycopg.Connection, mart: str) -> None:
    """Puts a table of the same rows in the place of a materialized view, which nobody can change by hand."""
    names = {"mart": sql.Identifier("mart", mart), "copy": sql.Identifier("mart", f"{mart}_copy")}
    for statement in (
        "create table {copy} as select * from {mart}",
        "drop materialized view {mart} cascade",
        "alter table {copy} rename to {name}",
    ):
        connection.execute(sql.SQL(statement).format(**names, name=sql.Identifier(mart)))


@pytest.mark.parametrize("name", CHECKS)
def test_it_holds_in_a_good_warehouse(name: str, good: psycopg.Connection) -> None:
    result = run(good, name)
    assert (result.status, result.failing, result.sample) == ("passed", 0, [])


# (the check, the mart to make changeable, what breaks the rule, what the sample must say)
DISCOUNT = """
update ops.policy set value = 'yes' where name in ('subtract_repeating', 'subtract_once');
update dwh.subscription_dim set discounts = '["di_1"]';
insert into dwh.discount_dim (
    account_id, livemode, discount_id, duration, percent_off, started_at, ended_at, version_at, version_rank,
    version_order
) values ('acct_test', false, 'di_1', '{duration}', 10, '2026-01-02', '{ended_at}', '2026-01-02', 1, 0)
"""

BROKEN = [
    (
        "acquisition_adds_up",
        None,
        "update dwh.ad_spend_fact set spend_minor = 600",
        {"what": "spend", "currency": "usd", "expected": 600, "found": 500},
    ),
    (
        "acquisition_adds_up",
        None,
        "update dwh.user_first_install_fact set user_id = 'u1', install_id = user_id",
        {"what": "users", "expected": 1, "found": 2},
    ),
    (
        "acquisition_adds_up",
        "acquisition_payback",
        "update mart.acquisition_payback set users = 3 where channel_name = 'search'",
        {"what": "users of a channel", "expected": 1, "found": 3},
    ),
    (
        "fact_dimensions_exist",
        None,
        "delete from dwh.client_dim",
        {"fact": "user_first_install_fact", "dim": "client_dim", "failing": 2, "allowed": 0},
    ),
    (
        "fact_dimensions_exist",
        None,
        "delete from dwh.channel_dim where channel_name = 'partner'",
        {"fact": "ad_spend_fact", "dim": "channel_dim", "failing": 1, "allowed": 0},
    ),
    (
        "activity_adds_up",
        "customer_activity_monthly",
        "update mart.customer_activity_monthly set new_customers = 5 where month = '2026-02-01'",
        {"month": "2026-02-01", "currency": "usd", "opening_customers": 2, "new_customers": 5, "active_customers": 1},
    ),
    (
        "batch_applied_by_every_model",
        None,
        "delete from ops.batch_applied where model = 'refund_fact'",
        {"batch_id": 1, "model": "refund_fact", "source": "events"},
    ),
    (
        "cohort_sizes_constant",
        "cohort_ltv_monthly",
        "update mart.cohort_ltv_monthly set cohort_customers = 3 where months_since = 1",
        {"mart": "cohort_ltv_monthly", "of_what": "usd", "step": 1, "expected": 2, "found": 3},
    ),
    (
        "cohort_sizes_constant",
        "cohort_ltv_monthly",
        "update mart.cohort_ltv_monthly set net_minor = net_minor + 1 where months_since = 0",
        {"mart": "all cohorts", "of_what": "usd", "expected": 2100, "found": 2101},
    ),
    (
        "cohort_sizes_constant",
        "renewal_cohort_by_plan",
        "update mart.renewal_cohort_by_plan set billed_subscriptions = 2 where renewal = 1",
        {"mart": "renewal_cohort_by_plan", "of_what": "price_1", "step": 1, "expected": 1, "found": 2},
    ),
    (
        "cohort_sizes_constant",
        None,
        "update dwh.customer_payment_fact set first_month = '2026-02-01' where customer_id = 'cus_2'",
        {"mart": "cohort_ltv_monthly", "step": 0, "expected": 1, "found": 2},
    ),
    (
        "cohort_sizes_constant",
        None,
        "update dwh.subscription_dim set status = 'incomplete_expired' where is_current",
        {"mart": "renewal_cohort_by_plan", "of_what": "price_1", "step": 1, "expected": 0, "found": 1},
    ),
    (
        "payouts_balance",
        "payout_reconciliation",
        "insert into mart.payout_reconciliation (account_id, livemode, payout_id, amount_minor, result) "
        "values ('acct_test', false, 'po_1', 100, 'different')",
        {"payout_id": "po_1", "amount_minor": 100},
    ),
    (
        "payouts_balance",
        "payout_reconciliation",
        "insert into mart.payout_reconciliation (account_id, livemode, payout_id, amount_minor, withdrawn_minor, "
        "result) values ('acct_test', false, 'po_1', 100, 99, 'waiting')",
        {"payout_id": "po_1", "amount_minor": 100, "withdrawn_minor": 99},
    ),
    (
        "cohorts_add_up",
        "payment_cohort_monthly",
        "update mart.payment_cohort_monthly set cohort_customers = 3 where months_since = 1",
        {"what": "cohort", "month": "2026-01-01", "expected": 2, "found": 3},
    ),
    (
        "cohorts_add_up",
        None,
        "delete from dwh.customer_payment_fact where customer_id = 'cus_2'",
        {"what": "cohort", "month": "2026-01-01", "expected": 1, "found": 2},
    ),
    (
        "cohorts_add_up",
        "payment_cohort_monthly",
        "update mart.payment_cohort_monthly set active_customers = 2 where months_since = 1",
        {"what": "active customers", "month": "2026-02-01", "expected": 1, "found": 2},
    ),
    (
        "cohorts_add_up",
        "payment_cohort_monthly",
        "update mart.payment_cohort_monthly set cohort_customers = 1",
        {"what": "all customers", "expected": 2, "found": 1},
    ),
    (
        "customer_payments_equal_transactions",
        None,
        "delete from dwh.customer_payment_fact where is_first_in_month and previous_month is not null",
        {"currency": "usd", "expected_payments": 3, "payments": 2},
    ),
    (
        "customer_payments_equal_transactions",
        None,
        "update dwh.customer_payment_fact set previous_month = null",
        {"currency": "usd", "customers": 2, "beginners": 3},
    ),
    (
        "dim_history_without_gap",
        None,
        "update dwh.customer_dim set valid_to = valid_to - interval '1 day' where not is_current",
        {"dim": "customer_dim", "object_id": "cus_1", "valid_to": "2026-02-01T00:00:00+00:00"},
    ),
    (
        "dim_history_without_gap",
        None,
        "update dwh.subscription_item_dim set is_current = false",
        {"dim": "subscription_item_dim", "object_id": "si_1", "is_current": False},
    ),
    (
        "dim_keys_unique",
        None,
        "update dwh.customer_dim set customer_sk = 7 where is_current",
        {"dim": "customer_dim", "key": "surrogate key", "value": "7", "row_count": 2},
    ),
    (
        "dim_keys_unique",
        None,
        "update dwh.customer_dim set is_current = true where customer_id = 'cus_1'",
        {"dim": "customer_dim", "key": "current row", "value": "acct_test/f/cus_1", "row_count": 2},
    ),
    (
        "event_order_holds",
        None,
        """
        update ops.policy set value = '1' where name = 'order_contradictions_allowed';
        insert into ops.event_order_contradiction (
            account_id, livemode, object_type, object_id, event_id, event_at, event_before_id, event_before_at, key
        )
        select 'acct_test', false, 'customer', 'cus_1', 'evt_' || n, '2026-03-20', 'evt_0', '2026-03-19', 'email'
        from (values (1), (2)) as pair (n)
        """,
        {"failing": 2, "allowed": 1, "events": 2, "most_frequent": "customer.email", "first_event_id": "evt_1"},
    ),
    (
        "fact_dimensions_exist",
        None,
        """
        with listed as (
            insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at)
            values ('acct_test', false, 'list', 'customer', 'test', now()) returning batch_id
        )
        insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed;
        insert into dwh.charge_fact (
            account_id, livemode, charge_id, customer_id, currency, version_at, version_rank, version_order
        )
        select 'acct_test', false, 'ch_x' || n, 'cus_x' || n, 'usd', now(), 1, 0 from generate_series(1, 11) as n
        """,
        {"fact": "charge_fact", "dim": "customer_dim", "references_made": 14, "failing": 11, "allowed": 10},
    ),
    (
        "fact_dimensions_exist",
        None,
        "update dwh.charge_fact set currency = 'xxx' where charge_id = 'ch_1'",
        {"fact": "charge_fact", "dim": "currency_dim", "failing": 1, "allowed": 0},
    ),
    (
        "fact_dimensions_exist",
        None,
        "update dwh.charge_fact set date_sk = 19991231 where charge_id = 'ch_1'",
        {"fact": "charge_fact", "dim": "date_dim", "failing": 1, "allowed": 0},
    ),
    (
        "invoice_lines_add_up",
        None,
        "update dwh.invoice_line_fact set amount_minor = 900",
        {"invoice_id": "in_1", "subtotal_minor": 1000, "lines_minor": 900, "line_count": 1},
    ),
    (
        "invoice_lines_add_up",
        None,
        "update dwh.invoice_line_fact set amount_minor = 1100, discount_minor = 100, own_discount_minor = 99",
        {"invoice_id": "in_1", "subtotal_minor": 1000, "lines_minor": 1100, "own_discount_minor": 99},
    ),
    (
        "invoice_lines_add_up",
        None,
        "delete from dwh.invoice_line_fact",
        {"invoice_id": "in_1", "subtotal_minor": 1000, "lines_minor": None},
    ),
    (
        "fact_dimensions_exist",
        None,
        """
        with listed as (
            insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at)
            values ('acct_test', false, 'list', 'charge', 'test', now()) returning batch_id
        )
        insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed;
        insert into dwh.dispute_fact (
            account_id, livemode, dispute_id, charge_id, currency, withdrawn_minor, reinstated_minor, version_at,
            version_rank, version_order
        )
        select 'acct_test', false, 'dp_x' || n, 'ch_x' || n, 'usd', 0, 0, now(), 1, 0 from generate_series(1, 11) as n
        """,
        {"fact": "dispute_fact", "dim": "charge_fact", "references_made": 12, "failing": 11, "allowed": 10},
    ),
    (
        "fact_dimensions_exist",
        None,
        # a column that refers in a role, of a table with history
        """
        with listed as (
            insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at)
            values ('acct_test', false, 'list', 'charge', 'test', now()) returning batch_id
        )
        insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed;
        insert into dwh.customer_dim (
            account_id, livemode, customer_id, customer_sk, default_payment_method_id, valid_from, is_current
        )
        select 'acct_test', false, 'cus_y' || n, n, 'pm_y' || n, now(), true from generate_series(1, 11) as n
        """,
        {"fact": "customer_dim", "referring": "default_payment_method_id", "failing": 11, "allowed": 10},
    ),
    (
        "mart_revenue_equals_facts",
        None,
        "update dwh.transaction_fact set amount_minor = 1001 where source_id = 'ch_2'",
        {
            "currency": "usd",
            "net_minor": 2101,
            "daily_minor": 2100,
            "customer_gross_minor": 3001,
            "monthly_minor": 3000,
        },
    ),
    (
        "mart_revenue_equals_facts",
        None,
        "update dwh.transaction_fact set currency = 'eur' where source_id = 'ch_2'",
        {"currency": "eur", "net_minor": 1000, "daily_minor": None},
    ),
    (
        "mrr_movements_add_up",
        "mrr_movement_monthly",
        "update mart.mrr_movement_monthly set churn_minor = 5 where month = '2026-02-01'",
        {"month": "2026-02-01", "opening_mrr_minor": 1000, "moved_to_minor": 995, "closing_mrr_minor": 1000},
    ),
    (
        "mrr_reporting_adds_up",
        "mrr_movement_reporting_monthly",
        "update mart.mrr_movement_reporting_monthly set fx_minor = 5 where month = '2026-02-01'",
        {"month": "2026-02-01", "moved_to_minor": 1005, "closing_mrr_minor": 1000, "worth_minor": 1000},
    ),
    (
        "mrr_reporting_adds_up",
        "mrr_movement_reporting_monthly",
        "update mart.mrr_movement_reporting_monthly set churn_minor = null where month = '2026-02-01'",
        {"month": "2026-02-01", "moved_to_minor": None, "closing_mrr_minor": 1000},
    ),
    (
        "mrr_reporting_adds_up",
        "mrr_movement_reporting_monthly",
        # what adds up in itself, and is not what the currencies are worth
        "update mart.mrr_movement_reporting_monthly set fx_minor = -100, closing_mrr_minor = 900 "
        "where month = '2026-04-01'",
        {"month": "2026-04-01", "moved_to_minor": 900, "closing_mrr_minor": 900, "worth_minor": 1000},
    ),
    (
        "mrr_plans_add_up",
        "mrr_by_plan_monthly",
        "update mart.mrr_by_plan_monthly set closing_mrr_minor = 900 where month = '2026-02-01'",
        {"month": "2026-02-01", "measure": "closing MRR", "expected": 1000, "found": 900},
    ),
    (
        "mrr_equals_ledger",
        None,
        "update dwh.mrr_change_fact set mrr_change_minor = mrr_change_minor + 5",
        {"price_id": None, "ledger_mrr_minor": 1005, "mart_mrr_minor": 1000},
    ),
    (
        "mrr_equals_ledger",
        "mrr_by_plan_monthly",
        "update mart.mrr_by_plan_monthly set closing_mrr_minor = -1",
        {"ledger_mrr_minor": 1000, "mart_mrr_minor": -1},
    ),
    (
        "mrr_cohorts_add_up",
        "cohort_retention_monthly",
        "update mart.cohort_retention_monthly set active_customers = 0 where months_since = 1",
        {"what": "paying customers", "month": "2026-02-01", "expected": 1, "found": 0},
    ),
    (
        "mrr_cohorts_add_up",
        None,
        "delete from dwh.mrr_movement_fact",
        {"what": "customers of a cohort", "month": "2026-01-01", "expected": 0, "found": 1},
    ),
    (
        "retention_adds_up",
        None,
        "insert into dwh.mrr_movement_fact values "
        "('acct_test', false, 'cus_1', 'usd', '2026-02-10', 'contraction', -400, 0, 1000, 600, 0, '2026-01-02')",
        {
            "month": "2026-02-01",
            "customers_kept_minor": 600,
            "mart_kept_minor": 1000,
            "customers_kept_without_expansion_minor": 600,
            "mart_kept_without_expansion_minor": 1000,
        },
    ),
    (
        # what a customer had grows between two of its movements, and no movement tells of it
        "retention_adds_up",
        None,
        """
        insert into dwh.mrr_movement_fact values
        ('acct_test', false, 'cus_1', 'usd', '2026-02-10', 'contraction', -2600, 0, 3000, 400, 0, '2026-01-02');
        refresh materialized view mart.mrr_daily;
        refresh materialized view mart.mrr_movement_monthly;
        refresh materialized view mart.revenue_retention_monthly
        """,
        {"month": "2026-02-01", "customers_kept_minor": 400, "mart_kept_minor": -1600, "gross_revenue_retention": -1.6},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        "update dwh.mrr_change_fact set mrr_change_minor = 900",
        {"subscription_id": "sub_1", "ledger_mrr_minor": 900, "fresh_mrr_minor": 1000},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        "update dwh.subscription_dim set status = 'unpaid' where is_current",
        {"subscription_id": "sub_1", "ledger_mrr_minor": 1000, "fresh_mrr_minor": 0},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        "update dwh.subscription_dim set pause_behavior = 'void' where is_current",
        {"state": "paused", "ledger_mrr_minor": 1000, "ledger_paused_minor": 0, "fresh_paused_minor": 1000},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        "update dwh.subscription_dim set status = 'trialing' where is_current",
        {"state": "trial", "ledger_mrr_minor": 1000, "ledger_trial_minor": 0, "fresh_trial_minor": 1000},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        DISCOUNT.format(duration="repeating", ended_at="2027-01-02"),
        {"ledger_mrr_minor": 1000, "fresh_mrr_minor": 900},
    ),
    (
        "mrr_equals_subscriptions",
        None,
        DISCOUNT.format(duration="once", ended_at="infinity"),
        {"ledger_mrr_minor": 1000, "fresh_mrr_minor": 900},
    ),
    (
        "mrr_discounts_known",
        None,
        "update dwh.subscription_dim set discounts = '[\"di_x\"]'",
        {"discount_id": "di_x", "first_subscription_id": "sub_1", "failing": 1, "allowed": 0},
    ),
    (
        "mrr_discounts_known",
        None,
        DISCOUNT.format(duration="forever", ended_at="infinity")
        .replace("percent_off", "coupon_id")
        .replace("10", "'A'"),
        {"discount_id": "di_1", "coupon_id": "A", "first_subscription_id": "sub_1", "failing": 1, "allowed": 0},
    ),
    (
        # how much is known, but not of which products
        "mrr_discounts_known",
        None,
        DISCOUNT.format(duration="forever", ended_at="infinity")
        .replace("percent_off", "coupon_id, percent_off")
        .replace("10,", "'A', 10,"),
        {"discount_id": "di_1", "coupon_id": "A", "first_subscription_id": "sub_1", "failing": 1, "allowed": 0},
    ),
    (
        "mrr_items_priced",
        None,
        """
        update dwh.price_dim set unit_amount_minor = null;
        update dwh.subscription_item_dim set unit_amount_minor = null
        """,
        {"first_subscription_item_id": "si_1", "price_id": "price_1", "failing": 1, "allowed": 0},
    ),
    (
        "transaction_totals_equal_sources",
        None,
        "delete from dwh.transaction_fact where source_id = 're_1'",
        {"transaction_type": "refund", "source_rows": 1, "movement_rows": None, "source_minor": -300},
    ),
    (
        "transaction_totals_equal_sources",
        None,
        "delete from dwh.transaction_fact where transaction_type = 'dispute_reversal'",
        {"transaction_type": "dispute_reversal", "source_rows": 1, "movement_rows": None, "source_minor": 400},
    ),
    (
        "transaction_totals_equal_sources",
        None,
        "update dwh.dispute_fact set withdrawn_minor = 900",
        {"transaction_type": "dispute", "source_minor": -900, "movement_minor": -1000},
    ),
    (
        "transaction_totals_equal_sources",
        None,
        "update dwh.charge_fact set amount_captured_minor = 900 where charge_id = 'ch_3'",
        {"transaction_type": "charge", "source_minor": 2900, "movement_minor": 3000},
    ),
]


@pytest.mark.parametrize(("name", "mart", "statement", "says"), BROKEN, ids=lambda value: str(value)[:60])
def test_it_fails_and_names_the_row_that_breaks_it(
    name: str, mart: str | None, statement: str, says: dict[str, object], good: psycopg.Connection
) -> None:
    if mart:
        thaw(good, mart)
    assert good.execute(statement).rowcount > 0
    result = run(good, name)
    assert result.status == "failed"
    assert result.failing > 0
    assert [row for row in result.sample if says.items() <= row.items()], result.sample


def test_what_a_discount_takes_off_is_waited_for(good: psycopg.Connection) -> None:
    good.execute("update dwh.subscription_dim set discounts = '[\"di_x\"]'")
    good.execute(
        "insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at) "
        "values ('acct_test', false, 'subscription_discounts', 'sub_1', 'acct_test', now())"
    )
    result = run(good, "mrr_discounts_known")
    assert (result.status, result.failing, result.allowed) == ("warned", 1, 1)


@pytest.mark.parametrize(
    "gone",
    [
        # as a fetch tells of one that was deleted
        "insert into dwh.coupon_dim (account_id, livemode, coupon_id, deleted_at, version_at, version_rank, "
        "version_order) values ('acct_test', false, 'A', now(), now(), 4, 0)",
        "insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at, gone) "
        "values ('acct_test', false, 'coupon', 'A', 'acct_test', now(), true)",
    ],
)
def test_what_a_discount_takes_off_nobody_can_tell_once_its_coupon_is_gone(good: psycopg.Connection, gone: str) -> None:
    discount = DISCOUNT.format(duration="forever", ended_at="infinity")
    good.execute(discount.replace("percent_off", "coupon_id").replace("10", "'A'"))
    good.execute(sql.SQL(gone))  # type: ignore[arg-type]  # written above
    result = run(good, "mrr_discounts_known")
    assert (result.status, result.failing, result.allowed) == ("warned", 1, 1)


def test_a_discount_that_is_over_is_compared_as_over(good: psycopg.Connection) -> None:
    good.execute(DISCOUNT.format(duration="repeating", ended_at="2026-01-10"))
    assert run(good, "mrr_equals_subscriptions").status == "passed"


def test_every_rule_has_a_case_that_breaks_it() -> None:
    only_counts = {"invoice_lines_complete"}
    assert {name for name, *_ in BROKEN} == CHECKS.keys() - only_counts


WAITING = """
update dwh.invoice_fact set has_more_lines = true, subtotal_minor = 3000;
insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at)
select account_id, livemode, 'invoice_lines', invoice_id, account_id, now() from dwh.invoice_fact
"""


def test_invoices_that_wait_for_lines_are_counted_and_the_run_goes_on(good: psycopg.Connection) -> None:
    good.execute(WAITING)
    result = run(good, "invoice_lines_complete")
    assert (result.status, result.failing, result.allowed) == ("warned", 1, 1)
    assert [row["first_invoice_id"] for row in result.sample] == ["in_1"]
    assert run(good, "invoice_lines_add_up").status == "passed"


def test_lines_must_add_up_as_soon_as_they_have_been_fetched(good: psycopg.Connection) -> None:
    good.execute(WAITING)
    good.execute("update ops.enrichment set fetched_at = wanted_at")
    assert run(good, "invoice_lines_complete").status == "passed"
    assert run(good, "invoice_lines_add_up").status == "failed"


def test_the_discounts_of_single_lines_are_taken_off_the_subtotal_and_no_others(good: psycopg.Connection) -> None:
    good.execute("update dwh.invoice_line_fact set amount_minor = 1100, discount_minor = 300, own_discount_minor = 100")
    assert run(good, "invoice_lines_add_up").status == "passed"


def test_orphans_are_only_counted_before_their_kind_has_been_listed(good: psycopg.Connection) -> None:
    good.execute("update dwh.charge_fact set customer_id = 'cus_x'")
    good.execute("delete from dwh.customer_dim")
    result = run(good, "fact_dimensions_exist")
    assert result.status == "warned"
    assert {
        "fact": "charge_fact",
        "dim": "customer_dim",
        "referring": "customer_id",
        "references_made": 4,
        "failing": 4,
        "allowed": 4,
    } in result.sample


def test_payment_methods_that_have_yet_to_be_asked_for_are_only_counted(good: psycopg.Connection) -> None:
    good.execute(
        """
        with listed as (
            insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at)
            values ('acct_test', false, 'list', 'charge', 'test', now()) returning batch_id
        )
        insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed;
        insert into dwh.payment_intent_fact (
            account_id, livemode, payment_intent_id, payment_method_id, currency, version_at, version_rank,
            version_order
        )
        select 'acct_test', false, 'pi_x' || n, 'pm_x' || n, 'usd', now(), 1, 0 from generate_series(1, 11) as n;
        insert into ops.enrichment (account_id, livemode, kind, object_id, requested_via, wanted_at)
        values ('acct_test', false, 'payment_method', 'pm_x1', 'acct_test', now());
        """
    )
    assert run(good, "fact_dimensions_exist").status == "warned"
    good.execute("update ops.enrichment set attempts = 1 where object_id = 'pm_x1'")
    assert run(good, "fact_dimensions_exist").status == "failed"
    # the answer is staged, in a batch that no load has brought yet
    good.execute("update ops.enrichment set fetched_at = wanted_at, batch_id = 99 where object_id = 'pm_x1'")
    assert run(good, "fact_dimensions_exist").status == "warned"
    good.execute("insert into ops.batch_applied select 'enrichment', 99, 0, 0")
    assert run(good, "fact_dimensions_exist").status == "failed"


def test_orphans_within_the_share_that_policy_allows_are_only_counted(good: psycopg.Connection) -> None:
    (statement,) = [entry[2] for entry in BROKEN if "cus_x" in entry[2]]
    good.execute(statement)
    good.execute("update ops.policy set value = '0.78' where name = 'orphan_share_allowed'")  # of 14: 10.9
    assert run(good, "fact_dimensions_exist").status == "failed"
    good.execute("update ops.policy set value = '0.79' where name = 'orphan_share_allowed'")  # of 14: 11.1
    assert run(good, "fact_dimensions_exist").status == "warned"


def test_a_batch_that_came_while_models_were_run_is_not_missed_in_them(good: psycopg.Connection) -> None:
    good.execute(
        """
        insert into ops.batch (account_id, livemode, source, run_id, started_at)
        values ('acct_test', false, 'events', 'meanwhile', now())
        """
    )
    assert run(good, "batch_applied_by_every_model").status == "passed"
    release_batches(good)
    result = run(good, "batch_applied_by_every_model")
    assert result.failing == len(MODELS)


def test_a_model_that_never_ran_has_applied_nothing(good: psycopg.Connection) -> None:
    good.execute("delete from ops.batch_applied where model = 'refund_fact'")
    good.execute("delete from ops.last_run where relation = 'refund_fact'")
    result = run(good, "batch_applied_by_every_model")
    assert result.status == "failed"
    assert {row["model"] for row in result.sample} == {"refund_fact"}


def test_what_a_listing_that_is_under_way_will_bring_is_only_counted(good: psycopg.Connection) -> None:
    good.execute(
        """
        with listed as (
            insert into ops.batch (account_id, livemode, source, object_type, run_id, started_at)
            values ('acct_test', false, 'list', 'customer', 'first', now()) returning batch_id
        ),

        planned as (
            insert into ops.planned_batch (
                run_id, account_id, livemode, source, object_type, asked_from, asked_to, batch_id
            )
            select 'first', 'acct_test', false, 'list', 'customer', day, day + interval '1 day',
                case when day < '2026-01-02' then listed.batch_id end
            from listed
            cross join generate_series('2026-01-01'::timestamptz, '2026-01-02', interval '1 day') as day
        )

        insert into ops.batch_applied select 'enrichment', batch_id, 0, 0 from listed
        """
    )
    (statement,) = [entry[2] for entry in BROKEN if "cus_x" in entry[2]]
    good.execute(statement.partition(";")[2] if statement.lstrip().startswith("with") else statement)
    assert run(good, "fact_dimensions_exist").status == "warned"
    good.execute("update ops.planned_batch set batch_id = (select max(batch_id) from ops.batch)")
    assert run(good, "fact_dimensions_exist").status == "failed"
