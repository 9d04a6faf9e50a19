"""Which records of the journal ``audit`` was asked for, and what to say when there is none of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from watchdog_oom.formatting import printable
from watchdog_oom.journal.reader import Entry
from watchdog_oom.policy.names import nearest


class AuditFilter:
    """Remembers the rules and incidents that were seen, to suggest the nearest name for one that was not."""

    def __init__(self, rule: str | None, incident: str | None) -> None:
        self._rule = rule
        self._incident = incident
        self._found = False
        self._rules: set[str] = set()
        self._incidents: set[str] = set()

    def wanted(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        for entry in entries:
            if self._wants(entry.record):
                self._found = True
                yield entry

    def nothing(self, since: str | None) -> str:
        """The message that there is no such record, once all were read; empty if there is one, or if all were
        wanted."""
        if self._found or (self._rule is None and self._incident is None):
            return ""
        asked = [f'{what} "{printable(name)}"' for what, name in (("rule", self._rule), ("incident", self._incident))
                 if name is not None]
        hint = ""
        if self._incident is not None and self._incident not in self._incidents:
            hint = nearest(self._incident, self._incidents)
        if self._rule is not None and not any(_is(rule, self._rule) for rule in self._rules):
            hint = nearest(self._rule, self._rules) or nearest(self._rule, map(_name, self._rules))
        return f"no record of {' and '.join(asked)}{f' since {since}' if since is not None else ''}{hint}"

    def _wants(self, record: Mapping[str, Any]) -> bool:
        rule, incident = str(record.get("rule") or ""), record.get("incident")
        self._rules.add(rule)
        self._incidents.add(str(incident or ""))
        return ((self._rule is None or _is(rule, self._rule))
                and (self._incident is None or incident == self._incident))


def _is(rule: str, asked: str) -> bool:
    return asked in (rule, _name(rule))


def _name(rule: str) -> str:
    return rule.partition(".")[2]
