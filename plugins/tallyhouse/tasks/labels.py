"""The labels of mapped tasks on a run's page: what each is for, and how far it is."""

from airflow.sdk import get_current_context

MOST_CHARACTERS = 250
"""What Airflow has room for. It refuses a longer label, and with it the end of a task that has done its work."""


def label_by(expression: str) -> str:
    """A map_index_template that shows what `set_label` said, or until then the value of a Jinja expression."""
    return f"{{{{ (label | default({expression})) | truncate({MOST_CHARACTERS}, killwords=True, leeway=0) }}}}"


def set_label(text: str) -> None:
    """Makes a text the label of the mapped task that runs; Airflow shows it when the task ends, however it ends."""
    get_current_context()["label"] = text  # type: ignore[typeddict-unknown-key]


BY_CONNECTION = label_by("task.op_kwargs['stripe_conn_id']")
"""The label of a task that is mapped over connections."""
