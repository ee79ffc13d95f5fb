"""Files read: which rows are good, what is said of the others, and how little is held at once."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from tallyhouse.file_kinds import FILE_KINDS, kind_of
from tallyhouse.file_reading import CHUNK_ROWS, BadRow, CsvReader, UnreadableFileError

KINDS = {kind.name: kind for kind in FILE_KINDS}
HEADER = "user_id,install_id,installed_at,os_name,channel_name"


def read(
    text: str | bytes, kind: str = "install", keeps_personal: bool = True
) -> tuple[list[tuple[int, dict[str, str]]], list[BadRow]]:
    content = text.encode() if isinstance(text, str) else text
    reader = CsvReader(io.BytesIO(content), KINDS[kind], {"usd", "eur"}, keeps_personal=keeps_personal, chunk_rows=2)
    chunks = list(reader.chunks())
    return [row for chunk in chunks for row in chunk.rows], [row for chunk in chunks for row in chunk.bad]


def reasons(text: str | bytes, kind: str = "install") -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in read(text, kind)[1]]


def install(**values: str) -> str:
    """A file of one install with these values."""
    row = {"user_id": "u", "install_id": "i", "installed_at": "2026-01-02", "os_name": "iOS", "channel_name": "c"}
    row |= values
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


def spend(**values: str) -> str:
    """A file of one day's spend with these values."""
    row = {"day": "2026-01-02", "channel_name": "c", "currency": "USD", "spend": "1"} | values
    return ",".join(row) + "\n" + ",".join(row.values()) + "\n"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("installs.csv", "install"),
        ("installs/2026-01.csv", "install"),
        ("installs_2026.csv", "install"),
        ("INSTALLS-1.CSV", "install"),
        ("ad_spend/google/may.csv", "ad_spend"),
        ("channels.csv", "channel"),
        ("clients.csv", "client"),
        ("fx_rates/ecb/2026.csv", "fx_rate"),
        ("installsomething.csv", None),
        ("spend.csv", None),
        ("old/installs.csv", None),
    ],
)
def test_a_files_kind_is_what_its_name_begins_with(name: str, kind: str | None) -> None:
    found = kind_of(name)
    assert (found.name if found else None) == kind


def test_blanks_and_empty_fields_are_left_out_and_codes_are_in_one_case() -> None:
    header = "day, Channel_Name ,campaign_name,currency,spend,clicks"
    rows, bad = read(f"\ufeff{header}\r\n2026-01-02, search ,,USD,12.50,\r\n", "ad_spend")
    assert rows == [(2, {"day": "2026-01-02", "channel_name": "search", "currency": "usd", "spend": "12.50"})]
    assert bad == []


def test_the_line_is_the_one_on_which_the_row_begins_in_the_file() -> None:
    text = f'{HEADER}\nu1,"i\n1",2026-01-02,iOS,c\n\nu2,,2026-01-02,iOS,c\nu3,i3,2026-01-02,iOS,c\nu4\n'
    rows, bad = read(text)
    assert [line for line, _ in rows] == [2, 6]
    assert rows[0][1]["install_id"] == "i\n1"
    assert [(row.line, row.reason) for row in bad] == [
        (5, "install_id is empty"),
        (7, "has 1 fields, and the header has 5"),
    ]


def test_a_bad_row_is_kept_as_text_with_all_that_is_wrong_with_it() -> None:
    _, bad = read(install(installed_at="2026-02-30", os_name="", country_code="GER", channel_name='"a,b"'))
    assert bad == [
        BadRow(
            2,
            "installed_at '2026-02-30' is not an instant like 2026-01-31T08:15:00Z between 2000-01-01 and 2049-12-31; "
            "os_name is empty; country_code 'GER' is not a country of two letters like DE",
            'u,i,2026-02-30,,"a,b",GER',
            user_id="u",
        )
    ]


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-02",
        "2026-01-02T03:04",
        "2026-01-02 03:04:05",
        "2026-01-02T03:04:05.123456Z",
        "2026-01-02T03:04:05+02",
        "2026-01-02T03:04:05-0330",
        "2026-01-02T03:04:05+14:00",
        "2049-12-31T23:59:59Z",
    ],
)
def test_instants_of_iso_8601_are_read(value: str) -> None:
    rows, bad = read(install(installed_at=value))
    assert (len(rows), bad) == (1, [])


@pytest.mark.parametrize(
    "value",
    ["2026-13-01", "02.01.2026", "2026-01", "1767323045", "2026-01-02T25:00", "1999-12-31", "2050-01-01", "0001-01-01"],
)
def test_what_is_no_instant_is_refused(value: str) -> None:
    assert len(reasons(install(installed_at=value))) == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("spend", "12,5"),
        ("spend", "-1"),
        ("spend", "1e3"),
        ("spend", "$1"),
        ("spend", "NaN"),
        ("spend", ""),
        ("currency", "US"),
        ("currency", "usx"),
        ("day", "2026-01-02T00:00:00Z"),
        ("day", "2026-02-29"),
        ("clicks", "1.5"),
        ("clicks", "many"),
        ("installs", "9" * 16),
    ],
)
def test_spend_that_is_no_number_currency_or_day_is_refused(column: str, value: str) -> None:
    text = spend(**{column: f'"{value}"'})
    found = reasons(text, "ad_spend")
    assert len(found) == 1
    assert found[0][1].startswith(column)


@pytest.mark.parametrize(
    ("column", "value", "is_good"),
    [
        ("rate", "1", True),
        ("rate", "0.000000000000001", True),
        ("rate", "155.20", True),
        ("rate", "0", False),
        ("rate", "0.00", False),
        ("rate", "-1.1", False),
        ("rate", "1,1", False),
        ("rate", "1e3", False),
        ("rate", "", False),
        ("to_currency", "eur", False),
        ("from_currency", "", False),
        ("date", "2026-13-01", False),
        ("source", "", True),
    ],
)
def test_a_rate_is_a_number_above_0_between_two_currencies_on_a_day(column: str, value: str, is_good: bool) -> None:
    row = {"date": "2026-01-02", "from_currency": "EUR", "to_currency": "USD", "rate": "1.1", "source": "ECB"}
    row[column] = value
    text = ",".join(row) + "\n" + ",".join(f'"{entry}"' for entry in row.values()) + "\n"
    found = [reason for _, reason in reasons(text, "fx_rate")]
    assert (found == []) is is_good
    assert all(column in reason for reason in found)


@pytest.mark.parametrize(("address", "is_good"), [("10.1.2.3", True), ("2001:db8::1", True), ("10.1.2.300", False)])
def test_addresses_of_both_versions_are_read_and_others_refused(address: str, is_good: bool) -> None:
    assert (reasons(install(ip_address=address)) == []) is is_good


def test_an_address_is_not_even_looked_at_where_none_may_be_kept() -> None:
    text = "user_id,install_id,installed_at,os_name,channel_name,ip_address\nu,i,2026-01-02,iOS,c,10.1.2.3\n"
    text += "u,,2026-01-02,iOS,c,10.1.2.4\nu,i,10.1.2.5\n"
    rows, bad = read(text, keeps_personal=False)
    assert "10.1.2" not in str(rows) + str(bad)
    assert [row.line for row in bad] == [3, 4]
    assert [row.text for row in bad] == ["u,,2026-01-02,iOS,c", ""]


def test_what_is_not_utf_8_costs_its_own_row() -> None:
    rows, bad = read(f"{HEADER}\nu\xe9,i1,2026-01-02,iOS,c\nu2,i2,2026-01-02,iOS,c\n".encode("latin-1"))
    assert [line for line, _ in rows] == [3]
    assert [(row.line, row.reason, row.text) for row in bad] == [
        (2, "user_id 'u?' is not UTF-8", "u?,i1,2026-01-02,iOS,c")
    ]


def test_columns_that_nobody_reads_are_kept_and_named() -> None:
    reader = CsvReader(io.BytesIO(f"{HEADER},color\nu,i,2026-01-02,iOS,c,red\n".encode()), KINDS["install"], set())
    assert reader.unknown == ["color"]
    assert next(reader.chunks()).rows[0][1]["color"] == "red"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its header has no user_id, install_id"),
        ("a,b\n1,2\n", "its header has no user_id, install_id"),
        (f"{HEADER},user_id\n", "names user_id more than once"),
        ("\n" + HEADER + '\nu,"i' + "x" * 200_000, "line 3: field larger"),
    ],
    ids=["empty", "other columns", "a column twice", "a quote that never ends"],
)
def test_a_file_of_which_no_row_can_be_read_says_why(text: str, words: str) -> None:
    with pytest.raises(UnreadableFileError, match=words):
        read(text)


class Endless(io.RawIOBase):
    """A file of a million rows, made while it is read."""

    def __init__(self, rows: int) -> None:
        self._lines = self._make(rows)
        self._left = b""

    @staticmethod
    def _make(rows: int) -> Iterator[bytes]:
        yield HEADER.encode() + b"\n"
        for number in range(rows):
            yield b"user_%09d,install_%09d,2026-01-02T03:04:05Z,Android,search\n" % (number, number)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        while len(self._left) < len(buffer) and (line := next(self._lines, b"")):
            self._left += line
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def test_memory_is_that_of_a_chunk_whatever_the_size_of_the_file() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        reader = CsvReader(io.BufferedReader(Endless(rows)), KINDS["install"], set(), chunk_rows=1000)
        assert sum(len(chunk.rows) for chunk in reader.chunks()) == rows
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    assert CHUNK_ROWS <= 50_000
    assert peak(20_000) < 1.2 * peak(3_000)
