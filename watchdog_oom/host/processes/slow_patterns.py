"""Owns which patterns of the policy took too long to search for, and when that was last told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from watchdog_oom.core.nouns import ProcessNoun

_AGAIN_SECONDS = 3600.0


class SlowPatterns:
    """Counts for the status, and a note for the journal once per hour and pattern, however often somebody causes it."""

    def __init__(self) -> None:
        self._counts: dict[re.Pattern[str], int] = {}
        self._told: dict[re.Pattern[str], tuple[int, float]] = {}

    def count(self, pattern: re.Pattern[str]) -> None:
        self._counts[pattern] = self._counts.get(pattern, 0) + 1

    def counts(self, nouns: Iterable[ProcessNoun]) -> dict[str, int]:
        """How many searches were ended, by the noun whose pattern it is and its place."""
        counts: dict[str, int] = {}
        for noun, pattern in self._slow(nouns):
            what = f"{_named(noun)} took too long in a command line"
            counts[what] = counts.get(what, 0) + self._counts[pattern]
        return counts

    def news(self, nouns: Iterable[ProcessNoun], boottime: float) -> list[tuple[str, str]]:
        """Rule and words of what was not reported within the last hour."""
        news = []
        for noun, pattern in self._slow(nouns):
            count = self._counts[pattern]
            before, told = self._told.get(pattern, (0, 0.0))
            if count == before or (before and boottime - told < _AGAIN_SECONDS):
                continue
            self._told[pattern] = (count, boottime)
            times = f" ({count - before} times)" if count - before > 1 else ""
            words = f"{_named(noun)} took too long in a command line, which counts as not matching{times}"
            news.append((f"process.{noun.name}", f"{words}: {pattern.pattern}"))
        return news

    def _slow(self, nouns: Iterable[ProcessNoun]) -> Iterator[tuple[ProcessNoun, re.Pattern[str]]]:
        """What left the policy is forgotten with it."""
        if self._counts:
            pairs = [(noun, pattern) for noun in nouns for pattern in noun.cmdline if pattern in self._counts]
            self._counts = {pattern: self._counts[pattern] for _, pattern in pairs}
            yield from pairs


def _named(noun: ProcessNoun) -> str:
    place = f"{noun.place}: " if noun.place else ""
    return f"{place}[process.{noun.name}] cmdline"
