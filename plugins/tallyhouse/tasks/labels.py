"""The labels of mapped tasks on a run's page: what each is for, and how far it is."""

from airflow.sdk import get_current_context
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import SetRenderedMapIndex

MOST_CHARACTERS = 250
"""What Airflow has room for. It refuses a longer label, and with it the end of a task that has done its work."""


def label_by(expression: str) -> str:
    """A map_index_template that shows what `set_label` said, or until then the value of a Jinja expression."""
    return f"{{{{ (label | default({expression})) | truncate({MOST_CHARACTERS}, killwords=True, leeway=0) }}}}"


def set_label(text: str) -> None:
    """Makes a text the label of the mapped task that runs, from now on and for good, however the task ends.

    Airflow renders the template before and after a task: what is said meanwhile is sent as it sends those.
    """
    label = text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 3] + "..."
    get_current_context()["label"] = label  # type: ignore[typeddict-unknown-key]
    task_runner.SUPERVISOR_COMMS.send(SetRenderedMapIndex(rendered_map_index=label))


BY_CONNECTION = label_by("task.op_kwargs['stripe_conn_id']")
"""The label of a task that is mapped over connections."""
