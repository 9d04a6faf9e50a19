"""Which nouns the name and the executable of a process leave possible: worked out once for each pair of them.

A host has far fewer programs than processes, and most nouns name an executable that most programs are not.
"""

from __future__ import annotations

from watchdog_oom.core.matching import Fact, any_of
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import ProcessNoun

_MOST_KEPT = 128  # a user may give a thousand names to what he runs


class Shortlist:
    """Of these nouns, in their order."""

    def __init__(self, nouns: tuple[ProcessNoun, ...] = ()) -> None:
        self._nouns = nouns
        self._kept: dict[tuple[str, str | None, bool], tuple[ProcessNoun, ...]] = {}

    def of(self, process: Process, known: frozenset[Fact]) -> tuple[ProcessNoun, ...]:
        """Those that may match a process of that name and, if that was read, of that executable."""
        program = process.comm, process.facts.exe, Fact.EXE in known
        left = self._kept.get(program)
        if left is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            left = self._kept[program] = tuple([noun for noun in self._nouns if _may_be(noun, *program)])
        return left


def _may_be(noun: ProcessNoun, comm: str, exe: str | None, exe_known: bool) -> bool:
    return (not noun.comm or bool(any_of([comm], noun.comm))) and (
        not noun.exe or not exe_known or bool(any_of([exe], noun.exe)))
