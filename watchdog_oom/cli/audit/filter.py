"""Which records of the journal ``audit`` was asked for, and what to say when there is none of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.host.processes.pattern_search import SEARCH_SECONDS, PatternSearch
from watchdog_oom.journal.record import Kind
from watchdog_oom.policy.names import nearest


class AuditFilter:
    """Remembers the rules and incidents that were seen, to suggest the nearest name for one that was not. No kinds
    means all of them."""

    def __init__(self, rule: str | None, incident: str | None, kinds: Collection[str] = ()) -> None:
        self._rule = rule
        self._incident = incident
        self._kinds = frozenset(kinds)
        self._rules: set[str] = set()
        self._incidents: set[str] = set()

    @property
    def outcomes_wanted(self) -> bool:
        return not self._kinds or Kind.OUTCOME in self._kinds

    def wants(self, record: Mapping[str, Any]) -> bool:
        rule, incident = str(record.get("rule") or ""), record.get("incident")
        self._rules.add(rule)
        self._incidents.add(str(incident or ""))
        return ((self._rule is None or _is(rule, self._rule))
                and (self._incident is None or incident == self._incident)
                and (not self._kinds or record["kind"] in self._kinds))

    def nothing(self, period: str, grep: str | None = None) -> str:
        """The message that there was no such record in a period (in words, or empty), once all were read; empty if all
        were wanted."""
        named = [("rule", self._rule), ("incident", self._incident)]
        asked = [f'{what} "{printable(name)}"' for what, name in named if name is not None]
        asked += [f"kind {' or '.join(sorted(self._kinds))}"] if self._kinds else []
        asked += [f'the text "{printable(grep)}"'] if grep is not None else []
        if not asked:
            return ""
        hint = ""
        if self._incident is not None and self._incident not in self._incidents:
            hint = nearest(self._incident, self._incidents)
        if self._rule is not None and not any(_is(rule, self._rule) for rule in self._rules):
            hint = nearest(self._rule, self._rules) or nearest(self._rule, map(_name, self._rules))
        return f"no record of {' and '.join(asked)}{f' {period}' if period else ''}{hint}"


class TextSearch:
    """``--grep``: a regular expression, found anywhere in what is shown. Case does not matter if the pattern has no
    capital letter, as journalctl(1) has it. Raises UsageError, also when a search takes longer than it may."""

    def __init__(self, pattern: str) -> None:
        try:
            self._pattern = re.compile(pattern, re.MULTILINE | (re.IGNORECASE if pattern == pattern.lower() else 0))
        except (re.error, OverflowError, RecursionError) as error:
            raise UsageError(f'--grep: "{printable(pattern)}" is not a regular expression: {error}') from error
        self._search = PatternSearch(self._too_long)

    def found_in(self, text: str) -> bool:
        return self._search.found((self._pattern,), text, lambda: None)[self._pattern]

    @staticmethod
    def _too_long(pattern: re.Pattern[str]) -> None:
        raise UsageError(f'--grep: the search for "{printable(pattern.pattern)}" was given up: it took more than '
                         f"{SEARCH_SECONDS:g} s for one line; write it without repetitions inside repetitions")


def _is(rule: str, asked: str) -> bool:
    return asked in (rule, _name(rule))


def _name(rule: str) -> str:
    return rule.partition(".")[2]
