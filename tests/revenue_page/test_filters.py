"""What a URL asks for, and what is shown when it does not say."""

from datetime import date

import pytest

from tallyhouse.revenue.errors import UnknownChoiceError
from tallyhouse.revenue.filters import Filters, Money, Options, Slice, check_plan, read_filters

FIRST, LAST = date(2024, 2, 1), date(2026, 3, 1)
SLICES = [
    Slice("acct_a", False, "usd", 2, FIRST, LAST, 90),
    Slice("acct_a", True, "jpy", 0, FIRST, LAST, 40),
    Slice("acct_b", True, "eur", 2, date(2025, 11, 1), LAST, 20),
]

USD = Money("usd", 2)


def asked(**parameters: str) -> Filters:
    return read_filters(SLICES, USD, parameters)


def test_unless_told_otherwise_it_is_live_data_in_the_currency_of_most_customers_for_twelve_months() -> None:
    found = asked()
    assert (found.livemode, found.currency, found.exponent, found.account_id) == (True, "jpy", 0, None)
    assert found.shown_in == "jpy"
    assert (found.from_month, found.until_month) == (date(2025, 4, 1), date(2026, 4, 1))
    assert (found.grain, found.price_id) == ("month", None)


def test_test_data_are_shown_where_there_are_no_live_ones() -> None:
    assert read_filters(SLICES[:1], USD, {}).livemode is False


def test_an_account_is_shown_in_a_currency_and_from_a_month_that_it_has() -> None:
    found = asked(account="acct_b")
    assert (found.currency, found.from_month) == ("eur", date(2025, 11, 1))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2025-02", "2025-03", (date(2025, 1, 1), date(2025, 4, 1))),
        ("2025-03", "2025-04", (date(2025, 1, 1), date(2025, 7, 1))),
        ("2025-12", "2025-12", (date(2025, 10, 1), date(2026, 1, 1))),
    ],
)
def test_quarters_are_shown_whole(first: str, last: str, expected: tuple[date, date]) -> None:
    found = asked(by="quarter", **{"from": first, "to": last})
    assert (found.from_month, found.until_month) == expected


def test_what_reaches_beyond_the_data_ends_with_them() -> None:
    found = asked(**{"from": "0001-01", "to": "9999-12"})
    assert (found.from_month, found.until_month) == (FIRST, date(2026, 4, 1))


def test_what_ends_before_the_data_is_their_first_month() -> None:
    found = asked(to="0001-01")
    assert (found.from_month, found.until_month) == (FIRST, date(2024, 3, 1))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"currency": "xyz"}, "There is no currency 'xyz'; there is: jpy, eur, every."),
        ({"mode": "prod"}, "There is no mode 'prod'; there is: test, live."),
        ({"account": "acct_c"}, "There is no account 'acct_c'; there is: acct_a, acct_b."),
        ({"by": "week"}, "There is no by 'week'; there is: month, quarter."),
        ({"from": "January"}, "from must be a month such as 2026-01, not 'January'."),
        ({"to": "2026-13"}, "to must be a month such as 2026-01, not '2026-13'."),
        ({"from": "2026-02", "to": "2026-01"}, "The range begins in 2026-02, after its end in 2026-01."),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(parameters: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownChoiceError) as caught:
        asked(**parameters)
    assert str(caught.value) == message


def test_a_view_that_is_shared_asks_for_the_same_again() -> None:
    found = asked(account="acct_b", by="quarter", **{"from": "2025-12", "to": "2026-02"})
    shared = {name: str(value) for name, value in found.as_json().items() if value is not None}
    assert read_filters(SLICES, USD, shared) == found


def test_all_currencies_are_shown_in_the_reporting_currency_through_all_of_their_months() -> None:
    found = asked(currency="every", **{"from": "2024-02"})
    assert (found.currency, found.shown_in, found.exponent) == (None, "usd", 2)
    assert (found.from_month, found.until_month) == (FIRST, date(2026, 4, 1))
    assert Options(SLICES, USD).as_json(found)["all_in"] == "usd"


def test_all_currencies_of_one_that_has_only_one_are_not_offered() -> None:
    assert Options(SLICES, USD).as_json(asked(account="acct_b"))["all_in"] is None
    with pytest.raises(UnknownChoiceError, match="There is no currency 'every'; there is: eur"):
        asked(account="acct_b", currency="every")


def test_all_currencies_are_not_offered_where_none_is_that_of_reports() -> None:
    assert Options(SLICES, None).as_json(asked())["all_in"] is None
    with pytest.raises(UnknownChoiceError, match="There is no currency 'every'; there is: jpy, eur"):
        read_filters(SLICES, None, {"currency": "every"})


def test_the_lek_whose_code_is_all_is_a_currency_like_others() -> None:
    leks = [*SLICES, Slice("acct_b", True, "all", 2, FIRST, LAST, 1)]
    assert read_filters(leks, USD, {"currency": "all"}).currency == "all"


def test_a_plan_has_one_currency() -> None:
    with pytest.raises(UnknownChoiceError, match="A plan has one currency"):
        check_plan(asked(currency="every", plan="price_1"), [])
