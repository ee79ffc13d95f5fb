"""docs/metrics.md tells of every mart that computes something, with a worked example whose sums are right."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.conftest import SQL_ROOT

DOCS = SQL_ROOT.parents[1] / "docs" / "metrics.md"

# what only shows, converts, or tells how fresh and whole the data is
NO_METRIC = {
    "asked_months",
    "charge_invoice",
    "check_status",
    "currency_span",
    "freshness",
    "gap_daily",
    "known_month",
    "payment_intent_invoice",
    "plan_label",
    "policy",
    "reconciliation_status",
    "refresh_status",
}

NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
OPERAND = rf"\(*-?{NUMBER}\)*(?: %)?"
SUM = re.compile(rf"({OPERAND}(?: [-+x/] {OPERAND})+) = (-?{NUMBER})( %)?")
"""A sum of numbers in the text, its result, and whether that is a percentage."""


def sections() -> dict[str, str]:
    """Heading -> text, without the blocks of formulas and SQL."""
    parts = re.split(r"^## (.+)$", DOCS.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def worked_sums() -> list[tuple[str, str, str]]:
    found = SUM.findall(re.sub(r"\s+", " ", DOCS.read_text()))
    return [(term, result, percent) for term, result, percent in found]


def value_of(term: str) -> Fraction:
    """What a sum of numbers, brackets and + - x / comes to, exactly."""
    exact = re.sub(NUMBER, lambda number: f"Fraction('{number[0].replace(',', '')}')", term.replace(" %", ""))
    assert re.fullmatch(r"[-+x/() ]*", re.sub(r"Fraction\('[\d.]+'\)", "", exact)), term
    return Fraction(eval(exact.replace("x", "*"), {"Fraction": Fraction}))  # noqa: S307  # numbers and operators only


@pytest.mark.parametrize("mart", sorted({path.stem for path in (SQL_ROOT / "marts").glob("*.sql")} - NO_METRIC))
def test_every_mart_is_told_of_in_a_section_with_a_worked_example(mart: str) -> None:
    told = [text for text in sections().values() if f"`{mart}`" in text or f"`mart.{mart}`" in text]
    assert told, f"docs/metrics.md does not mention {mart}"
    assert any("Worked" in text for text in told), f"no section that mentions {mart} has a worked example"


@pytest.mark.parametrize(("term", "result", "percent"), worked_sums(), ids=lambda value: str(value))
def test_every_worked_sum_is_right(term: str, result: str, percent: str) -> None:
    shown = Decimal(result.replace(",", ""))
    exact = value_of(term) * (100 if percent else 1)
    step = Fraction(10) ** int(shown.as_tuple().exponent)
    assert abs(exact - Fraction(shown)) <= step / 2


def test_the_worked_sums_are_found() -> None:
    assert len(worked_sums()) >= 30
