"""The summary, read from PostgreSQL and rendered."""

import io
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from rich.console import Console

from demo import summary_data, summary_depth, summary_growth
from demo.summary_view import check_sentence, money, percent, render

# The columns that the summary reads, filled by hand: what the marts compute is tested beside them.
SCHEMA = """
create schema ops;
create schema raw;
create schema dwh;
create schema mart;
create table ops.batch (account_id text, livemode boolean, committed_at timestamptz);
create table ops.check_result (
    check_result_id int, check_name text, status text, failing_count bigint, threshold bigint,
    sample jsonb, checked_at timestamptz
);
create table raw.event (account_id text, livemode boolean, object_type text, api_version text);
create table raw.object (account_id text, livemode boolean, object_type text);
create table raw.rejected (account_id text, livemode boolean);
create table dwh.customer_dim (account_id text, livemode boolean, is_current boolean, deleted_at timestamptz);
create table dwh.currency_dim (currency text, exponent int);
create table dwh.dispute_fact (account_id text, livemode boolean, status text, is_inquiry boolean);
create table dwh.credit_note_fact (account_id text, livemode boolean);
create table dwh.payout_fact (account_id text, livemode boolean);
create table dwh.discount_dim (account_id text, livemode boolean, coupon_id text);
create table dwh.subscription_dim (account_id text, livemode boolean, is_reconstructed boolean);
create table ops.enrichment (account_id text, livemode boolean, fetched_at timestamptz, gone boolean);
create view ops.enrichment_open as select * from ops.enrichment where fetched_at is null and not gone;
create table ops.gap (account_id text, livemode boolean, closed_at timestamptz);
create table mart.customer_lifetime_value (
    account_id text, livemode boolean, customer_id text, payments bigint
);
create table mart.revenue_daily (
    account_id text, livemode boolean, currency text, charges bigint, gross_minor numeric,
    refunded_minor numeric, net_minor numeric
);
create table mart.arpu_churn_ltv_monthly (
    account_id text, livemode boolean, currency text, month date, active_customers bigint,
    churn_rate numeric, arpu_minor numeric, ltv_minor numeric, is_complete boolean
);
create table mart.payment_cohort_monthly (
    account_id text, livemode boolean, currency text, cohort_month date, months_since int,
    cohort_customers bigint, active_customers bigint, is_complete boolean
);
create table mart.mrr_movement_monthly (
    account_id text, livemode boolean, currency text, month date, new_minor numeric, reactivation_minor numeric,
    expansion_minor numeric, contraction_minor numeric, churn_minor numeric, closing_mrr_minor numeric,
    is_complete boolean
);
create table mart.revenue_retention_monthly (
    account_id text, livemode boolean, currency text, month date, net_revenue_retention numeric
);
create table mart.ltv_by_channel (
    livemode boolean, currency text, channel_name text, users bigint, spend_minor numeric, net_minor numeric,
    ltv_to_cost numeric
);
"""

ROWS = """
insert into ops.batch values
('acct_old', false, '2026-11-01'), ('acct_1', false, '2026-11-22');
insert into raw.event
select 'acct_1', false, 'charge', case when n <= 700 then '2024-06-20' else '2026-10-28.endive' end
from generate_series(1, 1200) as n
union all select 'acct_old', false, 'charge', '2020-08-27' from generate_series(1, 7);
insert into raw.object select 'acct_1', false, 'customer' from generate_series(1, 30);
insert into raw.rejected values ('acct_1', false);
insert into dwh.customer_dim values
('acct_1', false, true, null), ('acct_1', false, true, null), ('acct_1', false, false, null),
('acct_1', false, true, '2026-11-02');
insert into dwh.dispute_fact values
('acct_1', false, 'lost', false), ('acct_1', false, 'won', false), ('acct_1', false, 'warning_closed', true),
('acct_old', false, 'lost', false);
insert into dwh.credit_note_fact select 'acct_1', false from generate_series(1, 3);
insert into dwh.payout_fact select 'acct_1', false from generate_series(1, 1001);
insert into dwh.discount_dim select 'acct_1', false, case when n < 6 then 'c' end from generate_series(1, 7) as n;
insert into dwh.subscription_dim values ('acct_1', false, true), ('acct_1', false, false);
insert into ops.enrichment values
('acct_1', false, '2026-11-22', false), ('acct_1', false, '2026-11-22', false), ('acct_1', false, null, true),
('acct_1', false, null, false), ('acct_old', false, null, false);
insert into ops.gap values ('acct_1', false, null), ('acct_1', false, '2026-11-22'), ('acct_old', false, null);
insert into dwh.currency_dim values ('usd', 2), ('jpy', 0), ('kwd', 3);
insert into mart.customer_lifetime_value values
('acct_1', false, 'cus_1', 3), ('acct_1', false, 'cus_2', 0), ('acct_old', false, 'cus_9', 1);
insert into mart.revenue_daily values
('acct_1', false, 'usd', 3, 123456, 456, 123000), ('acct_1', false, 'usd', 2, 44, 0, 44),
('acct_1', false, 'jpy', 4, 1234567, 0, 1234567), ('acct_1', false, 'kwd', 1, 1234567, 0, 1234567),
('acct_old', false, 'usd', 1, 99999900, 0, 99999900);
insert into mart.arpu_churn_ltv_monthly values
('acct_1', false, 'usd', '2026-09-01', 10, 0.5, 100, 200, true),
('acct_1', false, 'usd', '2026-10-01', 12, 0.125, 13869, 110952, true),
('acct_1', false, 'usd', '2026-11-01', 5, null, 1, null, false),
('acct_1', false, 'jpy', '2026-10-01', 2, 0, 14424, null, true);
insert into mart.payment_cohort_monthly values
('acct_1', false, 'usd', '2026-09-01', 0, 8, 8, true), ('acct_1', false, 'jpy', '2026-09-01', 0, 2, 2, true),
('acct_1', false, 'usd', '2026-09-01', 1, 8, 5, true), ('acct_1', false, 'jpy', '2026-09-01', 1, 2, 1, true),
('acct_1', false, 'usd', '2026-09-01', 2, 8, 2, false), ('acct_1', false, 'usd', '2026-10-01', 0, 4, 4, true),
('acct_1', false, 'usd', '2026-10-01', 1, 4, 1, false);
insert into mart.mrr_movement_monthly values
('acct_1', false, 'usd', '2026-09-01', 1, 2, 3, 4, 5, 6, true),
('acct_1', false, 'usd', '2026-10-01', 10000, 2050, 3000, 4000, 5000, 1234567.8333333333, true),
('acct_1', false, 'usd', '2026-11-01', 9, 9, 9, 9, 9, 9, false),
('acct_1', false, 'jpy', '2026-10-01', 0, 0, 0, 0, 0, 5000, true),
('acct_old', false, 'eur', '2026-10-01', 1, 0, 0, 0, 0, 1, true);
insert into mart.revenue_retention_monthly values
('acct_1', false, 'usd', '2026-10-01', 1.0251), ('acct_1', false, 'jpy', '2026-10-01', null);
insert into mart.ltv_by_channel values
(false, 'usd', 'search', 1200, 50000, 75000, 1.5), (false, 'usd', 'friends', 30, 0, 900, null);
insert into ops.check_result values
(1, 'keys_unique', 'failed', 3, 0, '[]', '2026-11-21'),
(2, 'keys_unique', 'passed', 0, 0, '[]', '2026-11-22'),
(3, 'orphans', 'warned', 1090, 5432, '[
    {"dim": "customer_dim", "fact": "charge_fact", "allowed": 432, "failing": 90, "references_made": 8640},
    {"dim": "customer_dim", "fact": "invoice_fact", "allowed": 5000, "failing": 1000, "references_made": 99999}
]', '2026-11-22'),
(4, 'totals', 'failed', 1234, 0, '[
    {"account_id": "acct_1", "currency": "usd", "net_minor": 5, "month": "2026-10-01", "livemode": false}
]', '2026-11-22'),
(5, 'lines', 'failed', 130, 60, '[
    {"kind": "a", "failing": 20, "allowed": 50}, {"kind": "b", "failing": 110, "allowed": 10}
]', '2026-11-22');
"""


@pytest.fixture(scope="module")
def summary(postgres: Any) -> Iterator[summary_data.Summary]:
    conninfo = postgres.create_database()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
        connection.execute(ROWS)
        found = summary_data.read(connection)
    assert found is not None
    yield found
    postgres.drop_database(conninfo)


@pytest.fixture(scope="module")
def text(summary: summary_data.Summary) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(render(summary))
    printed = console.file
    assert isinstance(printed, io.StringIO)
    return " ".join(printed.getvalue().split())


def test_only_the_account_that_was_loaded_last_is_summarised(summary: summary_data.Summary) -> None:
    assert summary.account_id == "acct_1"
    assert [(kind.kind, kind.events, kind.objects) for kind in summary.kinds] == [
        ("charge", 1200, 0),
        ("customer", 0, 30),
    ]


def test_customers_are_counted_without_history_and_the_deleted_apart(text: str) -> None:
    assert "2 customers, and 1 deleted; 1 of all have paid." in text


def test_rejected_rows_are_mentioned(text: str) -> None:
    assert "1 rows could not be staged" in text


def test_the_api_versions_of_the_events_are_shown(text: str) -> None:
    assert "Events by API version: 2024-06-20 (700), 2026-10-28.endive (500)." in text


def test_disputes_are_counted_without_inquiries_and_beside_what_else_is_in_the_facts(text: str) -> None:
    assert "2 disputes (1 lost), 3 credit notes, 1,001 payouts, 5 discounts; 1 states of subscriptions" in text


def test_what_was_fetched_and_what_is_missing_is_told(summary: summary_data.Summary, text: str) -> None:
    assert "events only name it: 2, 1 not there any more. Missing: 1 to be fetched, 1 gaps." in text
    complete = summary_depth.describe(replace(summary.depth, wanted=0, open_gaps=0))
    assert complete.plain.endswith("Nothing is missing, no gap.")


def test_money_is_in_major_units_with_the_currencys_decimals(text: str) -> None:
    assert "USD 5 1,235.00 4.56 1,230.44" in text
    assert "JPY 4 1,234,567 0 1,234,567" in text
    assert "KWD 1 1,234.567 0.000 1,234.567" in text


def test_rates_are_those_of_the_last_complete_month(text: str) -> None:
    assert "USD 2026-10 12 12.5 % 138.69 1,109.52" in text


def test_a_lifetime_value_that_is_not_defined_is_a_dash(text: str) -> None:
    assert "JPY 2026-10 2 0.0 % 14,424 -" in text


def test_a_currency_without_a_complete_month_shows_dashes(text: str) -> None:
    assert "KWD - - - - -" in text


def test_what_moved_mrr_in_the_last_complete_month_is_shown(text: str) -> None:
    assert "USD 2026-10 120.50 30.00 40.00 50.00 12,345.68 102.5 %" in text
    assert "JPY 2026-10 0 0 0 0 5,000 -" in text
    assert "EUR" not in text


def test_channels_that_cost_money_show_what_it_brought(text: str) -> None:
    assert "search USD 1,200 500.00 750.00 150.0 %" in text
    assert "friends" not in text


def test_cohorts_are_added_over_currencies(text: str) -> None:
    assert "2026-09 10 60 20" in text
    assert "2026-10 4 25" in text


def test_the_latest_result_of_each_check_counts(text: str) -> None:
    assert "Checks: 1 passed, 1 warned, 2 failed" in text


def test_a_check_that_found_references_to_nothing_says_which_and_how_many(text: str) -> None:
    assert (
        "orphans: 1,090 found, 5,432 allowed (charge_fact -> customer_dim 90, invoice_fact -> customer_dim 1,000)"
        in text
    )


def test_a_check_whose_rows_stand_for_themselves_shows_their_texts(text: str) -> None:
    assert "totals: 1,234 found, 0 allowed (2026-10-01 usd)" in text


def test_what_exceeds_the_allowed_comes_first(text: str) -> None:
    assert "lines: 130 found, 60 allowed (b 110, a 20)" in text


def test_a_check_without_a_sample_is_told_by_its_counts() -> None:
    assert check_sentence(summary_data.CheckRow("keys", "failed", 3, 0)) == "keys: 3 found, 0 allowed"


def test_no_number_is_cut_on_a_terminal_of_80_columns(summary: summary_data.Summary) -> None:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(render(summary))
    assert "…" not in capture.get()


def test_an_open_month_is_in_italics_and_more_retained_is_darker(summary: summary_data.Summary) -> None:
    console = Console(file=io.StringIO(), width=100, force_terminal=True, color_system="truecolor")
    with console.capture() as capture:
        console.print(render(summary))
    shown = capture.get()
    assert "\x1b[30;48;2;65;182;196m 60\x1b[0m" in shown
    assert "\x1b[3;30;48;2;199;233;180m 25\x1b[0m" in shown


def test_the_real_schema_has_every_column_that_the_summary_reads(warehouse: str) -> None:
    with psycopg.connect(warehouse, autocommit=True) as connection:
        assert summary_data.read(connection) is None
        connection.execute(
            "insert into ops.batch (account_id, livemode, source, run_id, started_at)"
            " values ('acct_1', false, 'events', 'r', now())"
        )
        found = summary_data.read(connection)
    assert found is not None
    assert (found.customers, list(found.currencies)) == (0, [])


def test_an_account_without_a_charge_says_so() -> None:
    nothing = summary_depth.Depth([], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    empty = summary_data.Summary("acct_1", False, [], 0, 0, 0, 0, [], [], [], nothing, summary_growth.Growth([], []))
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(render(empty))
    assert "No successful charge yet." in capture.get()
    assert "none has run yet" in capture.get()


@pytest.mark.parametrize(
    ("minor", "exponent", "shown"),
    [
        (Decimal(100005), 2, "1,000.05"),
        (Decimal("13869.4"), 2, "138.69"),
        (Decimal("13869.5"), 2, "138.70"),
        (Decimal(-5), 2, "-0.05"),
        (Decimal(5), 0, "5"),
        (None, 2, "-"),
    ],
)
def test_an_amount_in_minor_units_is_shown_in_major_ones(minor: Decimal | None, exponent: int, shown: str) -> None:
    assert money(minor, exponent) == shown


def test_a_rate_is_shown_in_percent() -> None:
    assert percent(Decimal("0.0909")) == "9.1 %"
