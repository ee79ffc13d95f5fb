"""What each number is, in the database's own words: the comments on the marts and on their columns.

They tell of months, as the marts are; what becomes of that in quarters is added where these are asked for.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg

from tallyhouse.revenue.charts import Chart

_COMMENTS = """
select c.relname, a.attname, obj_description(c.oid, 'pg_class'), col_description(c.oid, a.attnum)
from pg_class as c
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = to_regnamespace('mart') and c.relname = any(%s)
"""


@dataclass(frozen=True)
class Definitions:
    """Comments by mart, and by (mart, column)."""

    marts: Mapping[str, str]
    columns: Mapping[tuple[str, str], str]

    def of(self, chart: Chart) -> str:
        """What a chart shows: the comment of its mart, without the grain that such a comment begins with."""
        comment = self.marts.get(chart.mart, "")
        return comment.partition(". ")[2] or comment

    def of_columns(self, chart: Chart, by_quarter: bool = False) -> dict[str, str]:
        """What each of its columns is, by name."""
        added = f"\n\nBy quarter: {chart.by_quarter}" if by_quarter else ""
        return {
            column.name: (column.definition or self.columns.get(chart.sources[column.name], "")) + added
            for column in chart.columns
        }


def read_definitions(connection: psycopg.Connection, charts: Iterable[Chart]) -> Definitions:
    """The comments on all that these charts show."""
    names = sorted({mart for chart in charts for mart, _ in chart.sources.values()})
    marts: dict[str, str] = {}
    columns: dict[tuple[str, str], str] = {}
    for mart, column, of_mart, of_column in connection.execute(_COMMENTS, [names]):
        marts[mart] = of_mart or ""
        columns[mart, column] = of_column or ""
    return Definitions(marts, columns)
