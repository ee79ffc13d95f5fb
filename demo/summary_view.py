"""The summary as a person reads it: tables, a heat-coloured retention triangle, and where to look."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from demo import summary_depth
from demo.summary_data import CheckRow, CurrencyRow, KindCount, RetentionCell, Summary
from demo.summary_growth import ChannelRow, MrrRow

NOTHING = "-"
# From the fewest to the most retained: text on ground, from yellow over green to blue, which the colour-blind
# can tell apart, and so can terminals of 16 colours.
HEAT = (
    "black on #ffffcc",
    "black on #c7e9b4",
    "black on #7fcdbb",
    "black on #41b6c4",
    "white on #2c7fb8",
    "white on #253494",
)
MOST_KINDS = 12


def render(summary: Summary) -> RenderableType:
    """The whole summary."""
    mode = "live" if summary.livemode else "test"
    parts: list[RenderableType] = [
        Text(f"Account {summary.account_id} ({mode} data)", "bold"),
        Text(""),
        kinds_table(summary.kinds),
        Text(_customers_line(summary)),
        summary_depth.describe(summary.depth),
        Text(""),
    ]
    if summary.currencies:
        parts += [revenue_table(summary.currencies), Text(""), month_table(summary.currencies), Text("")]
    else:
        parts += [Text("No successful charge yet."), Text("")]
    if summary.growth.mrr:
        parts += [mrr_table(summary.growth.mrr), Text("")]
    if summary.retention:
        parts += [retention_table(summary.retention), Text("")]
    if summary.growth.channels:
        parts += [channel_table(summary.growth.channels), Text("")]
    parts.append(checks_lines(summary.checks))
    return Group(*parts)


def money(minor: Decimal | None, exponent: int) -> str:
    """An amount in major units with the currency's decimals: 123456 and 2 give 1,234.56."""
    if minor is None:
        return NOTHING
    step = Decimal(1).scaleb(-exponent)
    return f"{Decimal(minor).scaleb(-exponent).quantize(step, ROUND_HALF_UP):,}"


def percent(rate: Decimal | None) -> str:
    """A rate of 0..1 as a percentage with one decimal."""
    return NOTHING if rate is None else f"{Decimal(rate) * 100:.1f} %"


def kinds_table(kinds: Sequence[KindCount]) -> Table:
    """Rows in raw by kind, the most frequent first, then the rest and the sum."""
    table = _table("In raw, by kind of object", ("kind", "events", "from lists"))
    for kind in kinds[:MOST_KINDS]:
        table.add_row(kind.kind, f"{kind.events:,}", f"{kind.objects:,}")
    rest = kinds[MOST_KINDS:]
    if rest:
        table.add_row(f"{len(rest)} other kinds", *_sums(rest))
    table.add_section()
    table.add_row("all", *_sums(kinds), style="bold")
    return table


def revenue_table(rows: Sequence[CurrencyRow]) -> Table:
    """Money of all time."""
    table = _table("Revenue, all time", ("currency", "charges", "charged", "refunded", "net"))
    for row in rows:
        amounts = (row.gross_minor, row.refunded_minor, row.net_minor)
        table.add_row(row.currency.upper(), f"{row.charges:,}", *(money(amount, row.exponent) for amount in amounts))
    return table


def month_table(rows: Sequence[CurrencyRow]) -> Table:
    """Customers, churn, ARPU and lifetime value of the last complete month."""
    table = _table(
        "Last complete month: customers who paid, churn, revenue per customer, lifetime value",
        ("currency", "month", "active", "churn", "ARPU", "LTV"),
    )
    for row in rows:
        table.add_row(
            row.currency.upper(),
            NOTHING if row.month is None else f"{row.month:%Y-%m}",
            NOTHING if row.active_customers is None else f"{row.active_customers:,}",
            percent(row.churn_rate),
            money(row.arpu_minor, row.exponent),
            money(row.ltv_minor, row.exponent),
        )
    return table


def mrr_table(rows: Sequence[MrrRow]) -> Table:
    """What moved MRR in the last complete month, and where it ended."""
    table = _table(
        "MRR in the last complete month: what moved it, its end, and the share that its customers kept",
        ("currency", "month", "new", "grown", "shrunk", "churned", "MRR", "kept"),
    )
    for row in rows:
        moved = (row.new_minor, row.expansion_minor, row.contraction_minor, row.churn_minor, row.closing_mrr_minor)
        table.add_row(
            row.currency.upper(),
            f"{row.month:%Y-%m}",
            *(money(amount, row.exponent) for amount in moved),
            percent(row.net_retention),
        )
    return table


def channel_table(rows: Sequence[ChannelRow]) -> Table:
    """What the channels of ads cost, and what the users brought who came through them."""
    table = _table(
        "Ads, all time: users by their first install, what they cost and brought",
        ("channel", "currency", "users", "spent", "brought", "of it"),
    )
    for row in rows:
        amounts = (row.spend_minor, row.net_minor)
        shown = (money(amount, row.exponent) for amount in amounts)
        table.add_row(row.channel, row.currency.upper(), f"{row.users:,}", *shown, percent(row.value_to_cost))
    return table


def retention_table(cells: Sequence[RetentionCell], *, cohorts: int = 12, months: int = 12) -> Table:
    """The latest cohorts by month of first payment; a cell is the share that paid in a later month."""
    kept = sorted({cell.cohort_month for cell in cells})[-cohorts:]
    width = min(months, max((cell.months_since for cell in cells if cell.cohort_month in kept), default=0))
    columns = [f"+{number}" for number in range(1, width + 1)]
    table = _table(
        "Retention: of a month's new customers, % who paid in a later month (italics: not over)",
        ("first paid", "customers", *columns),
    )
    found = {(cell.cohort_month, cell.months_since): cell for cell in cells}
    for cohort in kept:
        sizes = [cell.cohort_customers for cell in cells if cell.cohort_month == cohort]
        shown = [_heat(found.get((cohort, number))) for number in range(1, width + 1)]
        table.add_row(f"{cohort:%Y-%m}", f"{sizes[0]:,}", *shown)
    return table


def checks_lines(checks: Sequence[CheckRow]) -> Text:
    """How many checks passed, and the names of those that did not."""
    counts = {state: [c for c in checks if c.status == state] for state in ("passed", "warned", "failed")}
    text = Text("Checks: ", "bold")
    if not checks:
        return text.append("none has run yet", "yellow")
    text.append(f"{len(counts['passed'])} passed", "green")
    text.append(f", {len(counts['warned'])} warned", "yellow" if counts["warned"] else "dim")
    text.append(f", {len(counts['failed'])} failed", "bold red" if counts["failed"] else "dim")
    for check in counts["failed"] + counts["warned"]:
        style = "red" if check.status == "failed" else "yellow"
        text.append(f"\n  {check_sentence(check)}", style)
    return text


def check_sentence(check: CheckRow) -> str:
    """What a check found, how much of it is allowed, and the texts of its sample, which say where."""
    examples = ", ".join(filter(None, map(_example, check.sample)))
    return f"{check.name}: {check.failing:,} found, {check.allowed:,} allowed" + (f" ({examples})" if examples else "")


def _example(row: Mapping[str, Any]) -> str:
    if "fact" in row and "dim" in row:
        parts = [f"{row['fact']} -> {row['dim']}"]
    else:  # the account is the summary's own
        parts = [value for key, value in row.items() if isinstance(value, str) and key != "account_id"]
    return " ".join([*parts, f"{row['failing']:,}"] if "failing" in row else parts)


def _customers_line(summary: Summary) -> str:
    deleted = f", and {summary.deleted_customers:,} deleted" if summary.deleted_customers else ""
    line = f"{summary.customers:,} customers{deleted}; {summary.paying_customers:,} of all have paid."
    if summary.rejected:
        line += f" {summary.rejected:,} rows could not be staged: see table raw.rejected."
    return line


def _sums(kinds: Sequence[KindCount]) -> tuple[str, str]:
    return f"{sum(kind.events for kind in kinds):,}", f"{sum(kind.objects for kind in kinds):,}"


def _heat(cell: RetentionCell | None) -> Text:
    if cell is None or not cell.cohort_customers:
        return Text("")
    share = cell.active_customers / cell.cohort_customers
    colours = HEAT[min(int(share * len(HEAT)), len(HEAT) - 1)]
    italic = "" if cell.is_complete else "italic "
    return Text(f"{share * 100:3.0f}", f"{italic}{colours}")


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 1))
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", header_style="dim", no_wrap=True)
    return table
