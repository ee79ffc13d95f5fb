"""The arithmetic of prices, discounts and taxes, by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.offers import CADENCES, FLEET, MESSAGES, OFFERS, TEAM, make_price
from simulator.pricing import cost, monthly_factor, rounded, tier_costs
from simulator.reductions import reductions, settle_lines, take_off
from simulator.states import Applied, Line
from simulator.terms import Coupon, TaxRate

COUPONS = {
    "ten": Coupon("ten", 0, "10 %", 10, None, None, "forever", None),
    "half": Coupon("half", 0, "50 %", 50, None, None, "once", None),
    "five": Coupon("five", 0, "5.00", None, 500, "usd", "forever", None),
    "dinar": Coupon("dinar", 0, "1.500", None, 1500, "kwd", "forever", None),
}
VAT = TaxRate("txr_on_top", 0, "DE", "VAT", "vat", "19", False, "", True)
INCLUDED = TaxRate("txr_included", 0, "JP", "JCT", "jct", "10", True, "", True)


def _applied(*names: str) -> tuple[Applied, ...]:
    return tuple(Applied(f"di_{name}", name) for name in names)


def _line(amount: int, item: str = "si_1", is_proration: bool = False) -> Line:
    return Line(
        id="il_1", amount=amount, description="", price="price_1", product="prod_1", quantity=1, unit_decimal="1",
        period_start=0, period_end=1, subscription="sub_1", item=item, is_proration=is_proration, invoice_item=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (0, [(0, 1000)]),
        (5, [(5, 1000 + 5 * 1500)]),
        (6, [(5, 8500), (1, 1200)]),
        (30, [(5, 8500), (15, 18_000), (10, 9000)]),
    ],
)
def test_graduated_tiers_cost_what_their_own_units_cost(quantity: int, expected: list[tuple[int, int]]) -> None:
    assert tier_costs(make_price(TEAM, TEAM, "usd", "month"), quantity) == expected


@pytest.mark.parametrize(("quantity", "expected"), [(10, 2000 + 8000), (11, 2000 + 6600), (51, 5000 + 20_400)])
def test_volume_tiers_price_all_units_by_their_number(quantity: int, expected: int) -> None:
    assert cost(make_price(FLEET, FLEET, "usd", "month"), quantity) == expected


@pytest.mark.parametrize(("quantity", "packages"), [(0, 0), (1, 1), (1000, 1), (1001, 2)])
def test_an_opened_package_counts_whole(quantity: int, packages: int) -> None:
    assert cost(make_price(MESSAGES, MESSAGES, "usd", "month"), quantity) == 700 * packages


def test_fractions_of_a_cent_stay_exact() -> None:
    price = make_price("contacts", "contacts", "usd", "month")
    assert cost(price, 1001) == Fraction(1001, 2)
    assert price.unit_amount is None


@pytest.mark.parametrize(
    ("cadence", "factor"), [("year", "1/12"), ("quarter", "1/3"), ("month", "1"), ("week", "13/3"), ("day", "365/12")]
)
def test_periods_in_a_month(cadence: str, factor: str) -> None:
    assert monthly_factor(make_price("starter", "starter", "usd", cadence)) == Fraction(factor)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [("1/2", "usd", 1), ("-1/2", "usd", -1), ("149/10", "kwd", 10), ("15", "kwd", 20), ("-15", "kwd", -20)],
)
def test_halves_go_away_from_zero_and_dinars_in_tens(amount: str, currency: str, expected: int) -> None:
    assert rounded(Fraction(amount), currency) == expected


def test_no_price_in_dinars_is_less_than_a_step() -> None:
    prices = [make_price(name, name, "kwd", c) for name, offer in OFFERS.items() if offer.variants == 1
              for c in offer.cadences]  # fmt: skip
    amounts = [price.unit_amount for price in prices if price.unit_amount is not None]
    assert len(amounts) > len(CADENCES)
    assert not [amount for amount in amounts if amount % 10 or not amount]


def test_percentages_compound_and_come_before_amounts() -> None:
    several = reductions(COUPONS.__getitem__, [()], _applied("five", "ten", "half"))
    assert take_off([Fraction(10_000)], several, lambda amount: amount) == [
        [("di_ten", 1000), ("di_half", 4500), ("di_five", 500)]
    ]


def test_amount_off_is_spread_by_the_shares_of_what_is_left() -> None:
    several = reductions(COUPONS.__getitem__, [_applied("half"), ()], _applied("five"))
    taken = take_off([2000, 4000], several, lambda amount: rounded(amount, "usd"))
    assert taken == [[("di_half", 1000), ("di_five", 100)], [("di_five", 400)]]


def test_nothing_goes_below_zero_and_credits_are_left_alone() -> None:
    several = reductions(COUPONS.__getitem__, [(), ()], _applied("five"))
    assert take_off([300, -700], several, lambda amount: rounded(amount, "usd")) == [[("di_five", 300)], []]


def test_only_discounts_of_the_durations_asked_for_count() -> None:
    several = reductions(COUPONS.__getitem__, [()], _applied("half", "ten"), durations=("forever",))
    assert [each.discount for each in several] == ["di_ten"]


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=8))
def test_parts_of_an_amount_off_add_up_to_it(amounts: list[int]) -> None:
    several = reductions(COUPONS.__getitem__, [()] * len(amounts), _applied("dinar"))
    tens = [10 * amount for amount in amounts]
    taken = take_off(tens, several, lambda amount: rounded(amount, "kwd"))
    parts = [part for of_one in taken for _, part in of_one]
    assert sum(parts) == min(1500, sum(tens))
    assert not [part for part in parts if part % 10]
    assert all(sum(part for _, part in of_one) <= amount for of_one, amount in zip(taken, tens, strict=True))


def test_taxes_come_on_top_of_or_out_of_what_the_discounts_left() -> None:
    several = reductions(COUPONS.__getitem__, [()], _applied("half"))
    (line,) = settle_lines([_line(2201)], several, [VAT, INCLUDED], "usd")
    assert line.net == 2201 - 1101
    assert [(tax.amount, tax.taxable) for tax in line.taxes] == [(209, 1100), (100, 1000)]
    assert line.tax_on_top == 209


def test_prorations_are_taxed_and_not_discounted_again() -> None:
    several = reductions(COUPONS.__getitem__, [(), ()], _applied("half"))
    proration, full = settle_lines([_line(-1000, is_proration=True), _line(3000)], several, [VAT], "usd")
    assert (proration.net, proration.tax_on_top) == (-1000, -190)
    assert full.net == 1500
