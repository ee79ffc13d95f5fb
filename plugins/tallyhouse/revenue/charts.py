"""The charts of the page: each one query over the marts, and what its columns are. How they are drawn is the page's."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["period", "text", "count", "money", "rate", "factor", "flag"]
"""period: first day of a month or quarter; money: exact minor units, shown in major ones; rate: 0.1 is 10 %; factor: a
plain number; flag: whether the numbers of the row are final."""


@dataclass(frozen=True)
class Column:
    """One column of a query. `source`: the column of a mart whose comment defines it, as mart.column.

    `of_all_currencies`: shown only where all currencies are asked for together. `definition`: what it is, where the
    query makes of a mart's column something that no comment tells.
    """

    name: str
    label: str
    kind: Kind
    source: str | None = None
    of_all_currencies: bool = False
    definition: str = ""

    @property
    def key(self) -> str:
        """Its name outside the database, where money is in major units."""
        return self.name.removesuffix("_minor")


@dataclass(frozen=True)
class Chart:
    """One chart. `query`: include/sql/page/<query>.sql, which has all of its columns, and may have those of another.

    `mart`: the view whose comment defines it. `by_plan`, `by_account`: whether it follows these filters; the marts that
    it reads keep no plan, or no account, otherwise. `when_empty`: what to do when there is nothing, a sentence that may
    name a DAG in backticks. `by_quarter`: how its numbers come to be where quarters are asked for, since the comments
    tell of months. `note_of_all`: what else is to be known where all currencies are asked for together.
    """

    name: str
    query: str
    title: str
    mart: str
    columns: tuple[Column, ...]
    when_empty: str
    by_quarter: str
    by_plan: bool = False
    by_account: bool = True
    note: str = ""
    note_of_all: str = ""

    @cached_property
    def sources(self) -> dict[str, tuple[str, str]]:
        """Column -> (mart, column) whose comment says what it is."""
        found = {}
        for column in self.columns:
            mart, _, name = (column.source or f"{self.mart}.{column.name}").rpartition(".")
            found[column.name] = (mart, name)
        return found


_NO_SUBSCRIBERS = "No customer had a subscription with MRR in this range. Choose a longer range or another currency."
_EACH = "A customer with several currencies counts in each of them."
_FINAL = Column("is_complete", "Final", "flag")
_PERIODS_SINCE = Column(
    "periods_since",
    "Periods since",
    "count",
    "cohort_retention_monthly.months_since",
    definition="Months, or quarters, since the one in which the cohort had its first MRR; 0 is that one.",
)


def _month(source: str) -> Column:
    return Column("period", "Period", "period", source)


def _recovery(first: Column) -> tuple[Column, ...]:
    return (
        first,
        Column("failed_payments", "Failed", "count"),
        Column("retried_payments", "Retried", "count"),
        Column("recovered_payments", "Recovered", "count"),
        Column("lost_payments", "Lost", "count"),
        Column("open_payments", "Open", "count"),
        Column("failed_minor", "Failed amount", "money"),
        Column("recovered_minor", "Recovered amount", "money"),
        Column("lost_minor", "Lost amount", "money"),
        Column("recovery_rate", "Recovery rate", "rate"),
        _FINAL,
    )


CHARTS = (
    Chart(
        "mrr",
        "mrr",
        "MRR and what moved it",
        "mrr_movement_monthly",
        (
            _month("mrr_movement_monthly.month"),
            Column("opening_mrr_minor", "Opening", "money"),
            Column("new_minor", "New", "money"),
            Column("expansion_minor", "Expansion", "money"),
            Column("reactivation_minor", "Reactivation", "money"),
            Column("contraction_minor", "Contraction", "money"),
            Column("churn_minor", "Churn", "money"),
            Column("held_change_minor", "Held", "money"),
            Column("fx_minor", "Exchange rates", "money", "mrr_movement_reporting_monthly.fx_minor", True),
            Column("closing_mrr_minor", "Closing", "money"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="It opens as its first month does, closes as its last does, and movements are added up.",
        by_plan=True,
        note_of_all="Movements count at the rate of their day; what rates alone changed is a movement of its own.",
    ),
    Chart(
        "revenue",
        "revenue",
        "Net revenue",
        "revenue_daily",
        (
            _month("revenue_daily.day"),
            Column("gross_minor", "Gross", "money"),
            Column("refunded_minor", "Refunds", "money"),
            Column("disputed_minor", "Disputes", "money"),
            Column("net_minor", "Net", "money"),
            Column("fees_minor", "Stripe fees", "money"),
            Column("net_after_fees_minor", "Net after fees", "money"),
            Column("is_complete", "Final", "flag", "customer_activity_monthly.is_complete"),
        ),
        "No money moved in this range. Choose a longer range or another currency.",
        by_quarter="The sum of its months.",
    ),
    Chart(
        "subscribers",
        "mrr",
        "Active subscribers",
        "mrr_movement_monthly",
        (
            _month("mrr_movement_monthly.month"),
            Column("subscribers", "Active", "count"),
            Column("paying_customers", "Paying", "count"),
            Column("new_customers", "New", "count"),
            Column("reactivated_customers", "Back", "count"),
            Column("churned_customers", "Left", "count"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="Subscribers as its last month ends; who came and who left in any of its months.",
        by_plan=True,
        note_of_all=_EACH,
    ),
    Chart(
        "churn",
        "churn",
        "Subscriber churn",
        "subscriber_churn_monthly",
        (
            _month("subscriber_churn_monthly.month"),
            Column("opening_customers", "Opening", "count"),
            Column("started_customers", "Started", "count"),
            Column("churned_customers", "Left", "count"),
            Column("voluntary_customers", "By choice", "count"),
            Column("involuntary_customers", "Payment failed", "count"),
            Column("other_customers", "Pays nothing now", "count"),
            Column("churn_rate", "Churn rate", "rate"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="Who left in it, of those who were there as its first month began or began in it.",
        note_of_all=_EACH,
    ),
    Chart(
        "retention",
        "retention",
        "Net and gross revenue retention",
        "revenue_retention_monthly",
        (
            _month("revenue_retention_monthly.month"),
            Column("opening_mrr_minor", "Opening MRR", "money"),
            Column("net_revenue_retention", "NRR", "rate"),
            Column("gross_revenue_retention", "GRR", "rate"),
            Column("gross_mrr_churn_rate", "Gross MRR churn", "rate"),
            Column("net_mrr_churn_rate", "Net MRR churn", "rate"),
            Column("quick_ratio", "Quick ratio", "factor"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="NRR and GRR are the product of its months, MRR churn what they leave; the quick ratio is of sums.",
    ),
    Chart(
        "value",
        "value",
        "ARPU and lifetime value",
        "subscriber_churn_monthly",
        (
            _month("subscriber_churn_monthly.month"),
            Column("closing_mrr_minor", "MRR", "money", "mrr_movement_monthly.closing_mrr_minor"),
            Column("paying_customers", "Customers", "count", "mrr_movement_monthly.paying_customers"),
            Column("arpu_minor", "ARPU", "money"),
            Column("churn_rate", "Monthly churn", "rate"),
            Column("ltv_minor", "LTV", "money"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="Monthly all the same: ARPU as its last month ends, churn and LTV by the mean of its months.",
        note_of_all=_EACH,
    ),
    Chart(
        "trials",
        "trials",
        "Trial conversion",
        "trial_conversion_monthly",
        (
            _month("trial_conversion_monthly.month"),
            Column("trials", "Trials ended", "count"),
            Column("converted_trials", "Converted", "count"),
            Column("conversion_rate", "Conversion", "rate"),
            _FINAL,
        ),
        "No trial ended in this range. Choose a longer range or another currency.",
        by_quarter="Of all trials that ended in it.",
    ),
    Chart(
        "cohort_customers",
        "cohorts",
        "Cohort retention: customers",
        "cohort_retention_monthly",
        (
            Column("cohort", "Cohort", "period", "cohort_retention_monthly.cohort_month"),
            _PERIODS_SINCE,
            Column("cohort_customers", "Customers at first", "count"),
            Column("active_customers", "Still active", "count"),
            Column("retention_rate", "Retention", "rate"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="The cohorts of its months added up; a step is a quarter, and counts as its last month ends.",
        note_of_all=_EACH,
    ),
    Chart(
        "cohort_revenue",
        "cohorts",
        "Cohort retention: revenue",
        "cohort_revenue_retention_monthly",
        (
            Column("cohort", "Cohort", "period", "cohort_revenue_retention_monthly.cohort_month"),
            _PERIODS_SINCE,
            Column("cohort_mrr_minor", "MRR at first", "money"),
            Column("mrr_minor", "MRR", "money"),
            Column("revenue_retention_rate", "Retention", "rate"),
            _FINAL,
        ),
        _NO_SUBSCRIBERS,
        by_quarter="The cohorts of its months added up; a step is a quarter, and counts as its last month ends.",
    ),
    Chart(
        "renewals",
        "renewals",
        "Renewals by plan",
        "renewal_cohort_by_plan",
        (
            Column("plan", "Plan", "text", "plan_label.label"),
            Column("cohort", "Started", "period", "renewal_cohort_by_plan.cohort_month"),
            Column("renews_every", "Renews every", "text", "renewal_cohort_by_plan.interval_unit"),
            Column("renewal", "Renewal", "count"),
            Column("started_subscriptions", "Started on it", "count"),
            Column("billed_subscriptions", "Billed", "count"),
            Column("renewed_subscriptions", "Renewed", "count"),
            Column("renewal_rate", "Renewal rate", "rate"),
        ),
        "No subscription that started in this range has had its time to renew. Choose a longer range.",
        by_quarter="A plan's cohorts are of all who started in it; renewals are counted as ever.",
        by_plan=True,
        note="Renewals that were due to all, and whose retries are over. Choose a plan to see its cohorts.",
    ),
    Chart(
        "recovery",
        "recovery",
        "Failed payments and recovery",
        "payment_recovery_monthly",
        _recovery(_month("payment_recovery_monthly.month")),
        "No payment failed at its first attempt in this range.",
        by_quarter="Of all payments that failed first in it.",
    ),
    Chart(
        "failures",
        "failures",
        "Why payments failed",
        "payment_recovery_monthly",
        _recovery(Column("failure_code", "Failure code", "text")),
        "No payment failed at its first attempt in this range.",
        by_quarter="Of the whole range, by quarters as by months; it begins and ends with a quarter.",
    ),
    Chart(
        "payback",
        "payback",
        "Acquisition payback",
        "acquisition_payback",
        (
            Column("channel_name", "Channel", "text"),
            Column("months_since", "Months since", "count"),
            Column("install_months", "Install months", "count", "acquisition_payback.install_month"),
            Column("users", "Users", "count"),
            Column("spend_minor", "Spend", "money"),
            Column("cumulative_minor", "Came back", "money"),
            Column("payback_share", "Payback", "rate"),
        ),
        "No installs or ad spend are loaded for this range. Name their folder in the Variable "
        "tallyhouse_acquisition_path and run `acquisition`.",
        by_quarter="By months since the install, as ever; the range begins and ends with a quarter.",
        by_account=False,
        note="Channels with spend, months that are over; later columns are of fewer install months.",
    ),
)
"""In the order of the page."""

BY_NAME = {chart.name: chart for chart in CHARTS}
