"""The query parameters of list endpoints, read as strictly as Stripe reads them."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from simulator.errors import StripeError

DEFAULT_LIMIT, MAX_LIMIT, MAX_TYPES = 10, 100, 20
_CREATED = re.compile(r"created(?:\[(gt|gte|lt|lte)\])?$")
_INTEGER = re.compile(r"-?\d{1,18}$")
_EXPAND = re.compile(r"expand\[\d*\]$")
_COMMON = frozenset(("limit", "starting_after", "ending_before"))


class ListQuery(NamedTuple):
    """`first` <= created < `last`, in whole seconds.

    `repeats_cursor`: the page begins with the object that `starting_after` names, which is a fault.
    """

    limit: int
    starting_after: str | None
    ending_before: str | None
    first: float
    last: float
    filters: dict[str, str]
    types: tuple[str, ...]
    expand: tuple[str, ...] = ()
    repeats_cursor: bool = False


def read_list_query(
    pairs: Iterable[tuple[str, str]],
    filters: frozenset[str],
    has_created: bool = True,
    has_types: bool = False,
) -> ListQuery:
    """Raises StripeError 400, naming the parameter, for what the endpoint does not take."""
    limit = DEFAULT_LIMIT
    first, last = float("-inf"), float("inf")
    values: dict[str, str] = {}
    listed_types: list[str] = []
    expand: list[str] = []
    for name, value in pairs:
        if _EXPAND.match(name):
            expand.append(value)
        elif name == "limit":
            limit = min(MAX_LIMIT, max(1, _integer(name, value)))
        elif has_created and (match := _CREATED.match(name)):
            bound = _integer(name, value)
            operator = match[1]
            if operator in (None, "gte"):
                first = max(first, bound)
            if operator in (None, "lte"):
                last = min(last, bound + 1)
            if operator == "gt":
                first = max(first, bound + 1)
            if operator == "lt":
                last = min(last, bound)
        elif has_types and re.match(r"types\[\d*\]$", name):
            listed_types.append(value)
        elif name in _COMMON or name in filters or (has_types and name == "type"):
            if value == "":
                raise StripeError(
                    400,
                    f"You passed an empty string for '{name}'. We assume empty values are an attempt to "
                    "unset a parameter; however this parameter cannot be unset.",
                    "parameter_invalid_empty",
                    name,
                )
            values[name] = value
        else:
            raise StripeError(400, f"Received unknown parameter: {name}", "parameter_unknown", name)
    after, before = values.pop("starting_after", None), values.pop("ending_before", None)
    if after and before:
        raise StripeError(
            400,
            "Received both starting_after and ending_before parameters. Please pass in only one.",
            param="ending_before",
        )
    one_type = values.pop("type", None) if has_types else None
    if one_type and listed_types:
        raise StripeError(400, "Received both type and types parameters. Please pass in only one.", param="types")
    if len(listed_types) > MAX_TYPES:
        raise StripeError(400, f"Array too long: types can have at most {MAX_TYPES} elements.", param="types")
    types = (one_type,) if one_type else tuple(listed_types)
    return ListQuery(limit, after, before, first, last, values, types, tuple(expand))


def read_expand(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The paths to expand in what is retrieved. Raises StripeError 400, naming any other parameter."""
    paths = []
    for name, value in pairs:
        if not _EXPAND.match(name):
            raise StripeError(400, f"Received unknown parameter: {name}", "parameter_unknown", name)
        paths.append(value)
    return tuple(paths)


def _integer(name: str, value: str) -> int:
    if not _INTEGER.match(value):
        raise StripeError(400, f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)
