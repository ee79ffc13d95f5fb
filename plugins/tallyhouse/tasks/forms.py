"""What trigger forms ask: the kinds of fields, each with a title and a sentence on what it means."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Param


def some_of(choices: Sequence[str], title: str, description: str, default: Sequence[str] | None = None) -> Param:
    """Any of the choices; without a default, all of them."""
    return Param(
        list(choices if default is None else default),
        type="array",
        items={"type": "string", "enum": list(choices)},
        examples=list(choices),
        title=title,
        description=description,
    )


def one_of(choices: Sequence[str] | Mapping[str, str], default: str, title: str, description: str) -> Param:
    """One of the choices; a mapping has a text for each, which the form shows."""
    shown: dict[str, Any] = {"values_display": dict(choices)} if isinstance(choices, Mapping) else {}
    return Param(default, type="string", enum=list(choices), title=title, description=description, **shown)


def names(title: str, description: str) -> Param:
    """Any number of words, none at first."""
    return Param([], type="array", items={"type": "string"}, title=title, description=description)


def text(title: str, description: str, **schema: Any) -> Param:
    """A line that has to be filled in; `schema` is JSON schema's."""
    return Param(type="string", title=title, description=description, **schema)


def optional_text(title: str, description: str, **schema: Any) -> Param:
    """A line that may be left empty; `schema` is JSON schema's."""
    return Param(None, type=["null", "string"], title=title, description=description, **schema)


def optional_day(title: str, description: str) -> Param:
    """A day (YYYY-MM-DD) that may be left empty."""
    return optional_text(title, description, format="date")


def number(default: int, least: int, title: str, description: str) -> Param:
    """A whole number."""
    return Param(default, type="integer", minimum=least, title=title, description=description)


def switch(is_on: bool, title: str, description: str) -> Param:
    """On or off."""
    return Param(is_on, type="boolean", title=title, description=description)
