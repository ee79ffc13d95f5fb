"""README.md as a front page: its tables name what there is, and say where they know the rest from."""

import re
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def table(heading: str) -> list[list[str]]:
    """Rows of the first table under a heading that has more than two columns, each as its cells."""
    text = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert set(rows[1]) == {"---"}
    return rows[2:]


def test_the_table_of_marts_has_each_view_of_the_catalogue_once_with_a_question(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        found = connection.execute(
            """
            select relname from pg_class
            where relnamespace = 'mart'::regnamespace and relkind in ('v', 'm') order by relname::text
            """
        ).fetchall()
    rows = table("What you can ask")
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row[0])) == [name for (name,) in found]
    assert [row for row in rows if len(row) != 3 or not row[1] or len(row[2]) < 10] == []


def test_the_front_page_begins_with_a_picture_that_is_there_and_how_to_start() -> None:
    (picture, *_) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert (ROOT / picture).is_file()
    assert README.index(picture) < README.index("make demo     #") < README.index("## What you can ask")


MAKERS = {
    "Stripe": ("docs.stripe.com/",),
    "Fivetran": ("fivetran.com/docs/", "github.com/fivetran/"),
    "Airbyte": ("docs.airbyte.com/", "github.com/airbytehq/"),
    "Stitch": ("github.com/stitchdata/",),
    "dlt": ("dlthub.com/docs/", "github.com/dlt-hub/"),
    "ChartMogul": ("help.chartmogul.com/",),
    "Baremetrics": ("help.baremetrics.com/",),
    "ProfitWell": ("developer.paddle.com/", "learn.profitwell.com/"),
}
"""Tool, by what its row begins with -> where its maker speaks of it."""


def test_what_is_said_of_a_tool_is_known_from_its_maker() -> None:
    for row in table("How it compares")[1:]:
        (makers,) = [hosts for tool, hosts in MAKERS.items() if row[0].removeprefix("[").startswith(tool)]
        links = re.findall(r"\]\(https://([^)]+)\)", " ".join(row))
        assert links
        assert [link for link in links if not link.startswith(makers)] == [], row[0]


def test_every_claim_of_the_comparison_has_a_source_and_a_date() -> None:
    text = README.split("## How it compares", 1)[1].split("\n## ", 1)[0]
    assert re.search(r"looked up on \d+ \w+ 20\d\d", text)
    rows = table("How it compares")
    named = " ".join(row[0] for row in rows)
    tools = (
        "Sigma",
        "Data Pipeline",
        "dbt_stripe",
        "Airbyte",
        "Stitch",
        "dlt",
        "ChartMogul",
        "Baremetrics",
        "ProfitWell",
    )
    assert [tool for tool in tools if tool not in named] == []
    for row in rows[1:]:
        assert "](https://" in row[0] + row[1], row[0]
        assert "](https://" in row[2], row[0]
        # what the others do better is said of each
        assert len(row[3]) > 20, row[0]


def test_every_dag_is_named_in_the_front_page() -> None:
    assert [path.stem for path in (ROOT / "dags").glob("*.py") if path.stem not in README] == []


def test_every_page_of_the_documentation_is_linked() -> None:
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"](docs/{path.name}" not in README] == []
