"""What points to what: the objects of one kind by a field that names another object."""

from collections.abc import Mapping

from simulator.company import ObjectIndex
from simulator.ledger import History


class Relations:
    """Groups objects by the value that a field has from the start; follows the company as it lives on."""

    def __init__(self, objects: Mapping[str, ObjectIndex]) -> None:
        self._objects = objects
        self._groups: dict[tuple[str, str], dict[str, list[History]]] = {}
        self._read: dict[tuple[str, str], int] = {}

    def of(self, kind: str, field: str, value: str) -> list[History]:
        """Objects of `kind` whose first state has `value` in `field`, oldest first; none of an unknown kind."""
        index = self._objects.get(kind)
        if index is None:
            return []
        name = (kind, field)
        groups = self._groups.setdefault(name, {})
        read = self._read.get(name, 0)
        if read < len(index.histories):
            for history in index.histories[read:]:
                groups.setdefault(getattr(history.states[0], field), []).append(history)
            self._read[name] = len(index.histories)
        return groups.get(value, [])

    def find(self, kind: str, object_id: str) -> History | None:
        """The object, or None."""
        index = self._objects.get(kind)
        return index.by_id.get(object_id) if index is not None else None

    def find_any(self, object_id: str) -> History | None:
        """The object of whatever kind, or None."""
        for index in self._objects.values():
            history = index.by_id.get(object_id)
            if history is not None:
                return history
        return None
