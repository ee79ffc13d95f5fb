"""Installs, spend and what came back: what the marts say of the files and of Stripe's data, and what the books say."""

from typing import Any

from tests.end_to_end.books import books, rows
from tests.end_to_end.pipeline import Pipeline

PAYBACK = """
    select
        channel_name, to_char(install_month, 'YYYY-MM'), currency, max(users), max(spend_minor)::bigint,
        string_agg(revenue_minor::bigint::text, ' ' order by months_since), to_char(max(payback_month), 'YYYY-MM')
    from mart.acquisition_payback
    group by channel_name, install_month, currency
"""
LTV = "select channel_name, currency, users, spend_minor::bigint, net_minor::bigint from mart.ltv_by_channel"
INSTALLS = "select channel_name, sum(installs)::bigint from mart.channel_install_by_os group by 1"
TWICE = "select user_id, day, installs from mart.install_duplicate_daily"
LOADED = """
    select user_id, (installed_at at time zone 'UTC')::date, count(*)
    from dwh.user_first_install_fact
    group by 1, 2
    having count(*) > 1
"""


# Deleted before the events that are left: of these Stripe tells that they are gone, and nothing else.
UNKNOWN = """
    select distinct c.customer_id
    from dwh.transaction_fact as t
    inner join dwh.customer_dim as c using (account_id, livemode, customer_id)
    where c.deleted_at is not null and c.metadata is null
"""
WITHOUT_USER = """
    select distinct customer_id
    from dwh.transaction_fact
    where not exists (select from dwh.user_dim as u where u.customer_id = transaction_fact.customer_id)
"""


def by_channel(settled: Pipeline) -> list[dict[str, Any]]:
    unknown = rows(settled.conninfo, UNKNOWN)
    assert rows(settled.conninfo, WITHOUT_USER) == unknown
    assert len(unknown) <= 5
    found = books(settled.api_base, "acquisition", without=",".join(customer for (customer,) in unknown))
    assert {row["currency"] for row in found} >= {"usd", "eur", "jpy"}
    return found


def test_payback_equals_the_books_to_the_minor_unit(settled: Pipeline) -> None:
    expected = {
        (
            row["channel"],
            row["month"],
            row["currency"],
            row["users"],
            row["spend_minor"],
            " ".join(map(str, row["revenue_minor"])),
            row["payback_month"],
        )
        for row in by_channel(settled)
    }
    assert rows(settled.conninfo, PAYBACK) == expected
    # some paid back at once, some later, some not yet, and some cost nothing
    paid_back = {(row[1] == row[6], row[6] is None, row[4] > 0) for row in expected}
    assert paid_back == {(True, False, True), (False, False, True), (False, True, True), (False, True, False)}


def test_lifetime_value_by_channel_equals_the_books(settled: Pipeline) -> None:
    totals: dict[tuple[str, str], list[int]] = {}
    for row in by_channel(settled):
        total = totals.setdefault((row["channel"], row["currency"]), [0, 0, 0])
        total[0] += row["users"]
        total[1] += row["spend_minor"]
        total[2] += sum(row["revenue_minor"])
    # nobody pays here before the first install, so that both count the same money
    assert rows(settled.conninfo, LTV) == {(*cell, *total) for cell, total in totals.items()}


def test_installs_by_channel_equal_the_books(settled: Pipeline) -> None:
    installs: dict[str, int] = {}
    for row in {(row["channel"], row["month"]): row for row in by_channel(settled)}.values():
        installs[row["channel"]] = installs.get(row["channel"], 0) + row["installs"]
    assert rows(settled.conninfo, INSTALLS) == set(installs.items())


def test_users_who_install_twice_on_a_day_are_told(settled: Pipeline) -> None:
    twice = rows(settled.conninfo, TWICE)
    assert len(twice) > 5
    assert twice == rows(settled.conninfo, LOADED)
