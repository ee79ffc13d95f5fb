"""From minor to major units: by each currency's decimals, exactly, and never by a guess."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest

from tallyhouse.objects import MODELS
from tallyhouse.warehouse import apply_models
from tests.conftest import PostgresServer
from tests.warehouse.raw_rows import SQL_ROOT

ZERO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF"
THREE_DECIMALS = "BHD JOD KWD OMR TND"
# Two on Stripe's wire, although ISO 4217 has none, or cash has none.
TWO_DECIMALS = "EUR GBP HUF ISK TWD USD"


@pytest.fixture(scope="module")
def money(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A warehouse that knows the currencies, and nothing else."""
    conninfo = postgres.create_warehouse()
    with psycopg.connect(conninfo, autocommit=True) as connection:
        apply_models(connection, SQL_ROOT, [model for model in MODELS if model.name == "currency_dim"])
        yield connection
    postgres.drop_database(conninfo)


def major_units(connection: psycopg.Connection, amount: str | None, currency: str | None) -> str | None:
    """The amount as PostgreSQL writes it: with the decimals that it carries."""
    row = connection.execute("select dwh.major_units(%s::numeric, %s)::text", [amount, currency]).fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


@pytest.mark.parametrize("currency", ZERO_DECIMALS.split())
def test_a_currency_without_a_smaller_unit_stays_as_it_is(currency: str, money: psycopg.Connection) -> None:
    assert major_units(money, "1999", currency) == "1999"


@pytest.mark.parametrize("currency", TWO_DECIMALS.split())
def test_hundredths(currency: str, money: psycopg.Connection) -> None:
    assert major_units(money, "1999", currency) == "19.99"


@pytest.mark.parametrize("currency", THREE_DECIMALS.split())
def test_thousandths(currency: str, money: psycopg.Connection) -> None:
    assert major_units(money, "1990", currency) == "1.990"


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0", "usd", "0.00"),
        ("-250", "usd", "-2.50"),
        ("-250", "jpy", "-250"),
        ("0.25", "usd", "0.0025"),
        ("0.000000000001", "usd", "0.00000000000001"),
        ("0.5", "jpy", "0.5"),
        ("0.125", "kwd", "0.000125"),
        ("9223372036854775807", "usd", "92233720368547758.07"),
        ("123456789012345678901234567890.123456789012", "kwd", "123456789012345678901234567.890123456789012"),
    ],
)
def test_fractions_of_a_cent_and_any_size_are_exact(
    amount: str, currency: str, expected: str, money: psycopg.Connection
) -> None:
    assert major_units(money, amount, currency) == expected


def test_a_currency_is_known_in_either_case(money: psycopg.Connection) -> None:
    assert major_units(money, "1999", "USD") == major_units(money, "1999", "usd")


def test_without_an_amount_or_a_currency_there_is_none(money: psycopg.Connection) -> None:
    assert major_units(money, None, "usd") is None
    assert major_units(money, "1999", None) is None


def test_an_unknown_currency_is_an_error_that_says_where_to_add_it(money: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue, match='currency "zzz" are not known') as caught:
        major_units(money, "1999", "zzz")
    assert "currency_dim.sql" in str(caught.value.diag.message_hint)


def test_a_whole_column_is_converted_by_the_currency_of_each_row(money: psycopg.Connection) -> None:
    rows = money.execute(
        "select currency, dwh.major_units(100, currency) * 10 ^ exponent from dwh.currency_dim"
    ).fetchall()
    assert len(rows) > 130
    assert {amount for _, amount in rows} == {Decimal(100)}


def test_the_currencies_are_those_of_stripe(money: psycopg.Connection) -> None:
    exponents = dict(money.execute("select upper(currency), exponent from dwh.currency_dim").fetchall())
    assert sorted(name for name, exponent in exponents.items() if exponent == 0) == ZERO_DECIMALS.split()
    assert sorted(name for name, exponent in exponents.items() if exponent == 3) == THREE_DECIMALS.split()
    assert set(exponents.values()) == {0, 2, 3}
    assert {"HRK", "LTL", "LVL", "EEK"} <= set(exponents), "charged in since 2014, and gone by now"
