"""What the page says when it cannot show numbers: what is wrong, and what to do, in words for who looks at it."""

import psycopg

from tallyhouse.errors import without_rows


class PageError(Exception):
    """The page, or one of its charts, cannot be shown. `what_to_do`: the next step, a sentence.

    No task raises it, so it is no TallyhouseError, of which each says whether a task is tried again.
    """

    def __init__(self, message: str, what_to_do: str) -> None:
        super().__init__(message)
        self.what_to_do = what_to_do

    def as_json(self) -> dict[str, str]:
        """As the page reads it."""
        return {"error": str(self), "what_to_do": self.what_to_do}


class UnknownChoiceError(PageError):
    """A filter asks for what there is not; the others are good."""


NOT_MIGRATED = (
    "Run the DAG warehouse: it brings the schema to what this release of Tallyhouse needs; then the DAG marts."
)


def explain(error: psycopg.Error) -> PageError:
    """Says in words what PostgreSQL refused, and nothing of rows."""
    said = without_rows(error)
    match error:
        case psycopg.errors.QueryCanceled():
            return PageError("The warehouse took too long to answer.", "Choose a shorter range, or try again later.")
        case psycopg.errors.ObjectNotInPrerequisiteState():
            return PageError(f"A view has never been filled: {said}.", "Run the DAG marts: it refreshes all views.")
        case psycopg.errors.UndefinedTable() | psycopg.errors.InvalidSchemaName() | psycopg.errors.UndefinedColumn():
            return PageError(f"The warehouse has not been migrated: {said}.", NOT_MIGRATED)
        case psycopg.errors.InsufficientPrivilege():
            return PageError(
                f"The role of the page may not read this: {said}.",
                "Run the DAG warehouse: it grants the role tallyhouse_analyst all that it may read.",
            )
        case psycopg.OperationalError():
            return PageError(
                f"The warehouse cannot be reached: {said}.",
                "Look whether PostgreSQL is up, and at the Airflow connection warehouse (Admin, Connections).",
            )
        case _:
            return PageError(f"The warehouse refused the query: {said}.", "Look at the log of Airflow's api-server.")
