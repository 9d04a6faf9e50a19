"""What was done, as lines; and whether it is what a case expects and refuses. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from watchdog_oom import formatting
from watchdog_oom.core.actions import NoteKind, Plan, SetOomScoreAdj
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Done:
    """One line of what happened, ``after_seconds`` from the beginning. ``harmless`` are news and values of
    oom_score_adj: only a pattern that begins with their very first word means them."""

    after_seconds: float
    what: str
    rule: str
    because: tuple[str, ...] = ()
    harmless: bool = False

    def __str__(self) -> str:
        return f"{formatting.duration(self.after_seconds):>8}  {printable(self.what)} [{self.rule}]"

    def matches(self, pattern: str) -> bool:
        """With its rule or without; ``*`` and ``?`` stand for anything, everything else for itself."""
        if self.harmless and pattern.split(" ")[0] != self.what.split(" ")[0]:
            return False
        wanted = re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
        return any(wanted.fullmatch(text) for text in (self.what, f"{self.what} [{self.rule}]"))


def done_by(plan: Plan, after_seconds: float) -> Iterator[Done]:
    """The acts of a plan, and its news of incidents; outcomes only tell how acts came out."""
    for intent in plan.intents:
        yield Done(after_seconds, str(intent.action), intent.rule, intent.because,
                   isinstance(intent.action, SetOomScoreAdj))
    for note in plan.notes:
        if note.kind is NoteKind.INCIDENT:
            what = f"{note.action}: {note.result}" if note.action else note.result
            yield Done(after_seconds, what, note.rule, note.because, harmless=True)


def first_missing(expect: Iterable[str], done: Iterable[Done]) -> str | None:
    """The first pattern that nothing matches after what the patterns before it match."""
    lines = iter(done)
    for pattern in expect:
        if not any(line.matches(pattern) for line in lines):  # goes on where the last one was found
            return pattern
    return None


def refused_yet_done(refuse: Iterable[str], done: Iterable[Done]) -> tuple[tuple[str, Done], ...]:
    """What was done although it must not be, each once, by the first pattern that means it."""
    patterns = tuple(refuse)
    found = ((next((pattern for pattern in patterns if line.matches(pattern)), None), line) for line in done)
    return tuple((pattern, line) for pattern, line in found if pattern is not None)
