"""The evidence of incidents in what ``audit`` lists: an incident has it once, its other records name the incident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from watchdog_oom.formatting import printable


class ShownEvidence:
    """What was shown of each incident so far. ``look_up`` finds the records of an incident in the whole journal, also
    those before what is listed; ``one`` is the only incident that is listed, if it is only one."""

    def __init__(self, look_up: Callable[[str], Iterable[Mapping[str, Any]]], one: str | None) -> None:
        self._look_up = look_up
        self._one = one
        self._shown: dict[str, list[str]] = {}

    def title(self, record: Mapping[str, Any]) -> str:
        """A line to show above this record, if its incident was not shown before: its rule and its evidence. Empty
        where the record shows them itself, or nobody knows them."""
        incident = record.get("incident")
        if not isinstance(incident, str) or incident in self._shown:
            return ""
        self._shown[incident] = []
        if reasons_of(record) and incident != self._one:
            return ""
        opening = next((known for known in self._look_up(incident) if reasons_of(known)), None)
        if opening is None:
            return ""
        self._shown[incident] = reasons_of(opening)
        rule = f"  [{printable(str(opening['rule']))}]" if opening.get("rule") else ""
        return f"incident {printable(incident)}{rule}  because {'; '.join(self._shown[incident])}"

    def reasons(self, record: Mapping[str, Any]) -> str:
        """What stands behind the record: the reasons that its incident's line has not shown, or the incident's name."""
        incident = record.get("incident")
        left = [reason for reason in reasons_of(record) if reason not in self._shown.get(str(incident), ())]
        if left:
            return f"  because {'; '.join(left)}"
        named = incident and incident != self._one and record.get("step")
        return f"  in incident {printable(str(incident))}" if named else ""


def reasons_of(record: Mapping[str, Any]) -> list[str]:
    """The evidence that a record itself holds, safe for a terminal."""
    found = record.get("because")
    return [printable(str(reason)) for reason in found] if isinstance(found, list) else []
