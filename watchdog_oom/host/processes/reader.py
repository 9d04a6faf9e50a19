"""The command line of a process, which only a child may read: asked and remembered.

Nothing here waits. A command line that is asked for is not known until the answer comes; for how long that may be is
bounded, and a user on whose processes a child hung gets no such time for others of them.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable

from watchdog_oom.core.model import ProcessId
from watchdog_oom.host.children.asked_child import AskedChild
from watchdog_oom.host.processes.reader_child import Answers
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias

ANSWER_SECONDS = 3.0  # what is swapped out may take that long
UNKNOWN_SECONDS = 5.0
FRESH_SECONDS = 1.0
AGAIN_SECONDS = 60.0
_MOST_HUNG = 1024

Patterns: TypeAlias = frozenset[re.Pattern[str]]
NO_PATTERNS: Patterns = frozenset()


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Which patterns are known to be in it, or not to be; ``text`` is for people, and shortened. Patterns that are in
    neither are not known yet."""

    has: Patterns = NO_PATTERNS
    lacks: Patterns = NO_PATTERNS
    text: str | None = None


@dataclass(slots=True)
class _Asked:
    """The command line of one program image. ``asked`` are the patterns of the question under way; ``since``: from when
    on something is not known, 0 if nothing; ``due``: not to be asked again before; ``failed``: it could not be read."""

    image: int
    uid: int | None
    known: CommandLine = CommandLine()
    asked: Patterns = NO_PATTERNS
    since: float = 0.0
    due: float = 0.0
    failed: bool = False
    late: bool = False  # told that it takes too long


_Key: TypeAlias = tuple[ProcessId, int, tuple[re.Pattern[str], ...]]


class ProcessReader:
    """Of the processes below ``root``. ``slow`` is called with each pattern that took too long to search for."""

    def __init__(self, root: str = "/proc", *, slow: Callable[[re.Pattern[str]], None] = lambda pattern: None,
                 deadline_seconds: float = ANSWER_SECONDS) -> None:
        self.hung = 0
        self._slow = slow
        self._child: AskedChild[_Key] = AskedChild(Answers(root).serve, deadline_seconds)
        self._lines: dict[ProcessId, _Asked] = {}
        self._hung: dict[int | None, float] = {}  # user -> until when his processes are doubtful

    def fileno(self) -> int:
        return self._child.fileno()

    @property
    def child_pid(self) -> int | None:
        return self._child.child_pid

    @property
    def busy(self) -> bool:
        """Whether an answer is outstanding."""
        return self._child.busy

    def cmdline(self, process: ProcessId, image: int, uid: int | None, patterns: Iterable[re.Pattern[str]],
                *, young: bool = False) -> CommandLine:
        """What is known by now; the rest is requested. ``young``: it may still change, so it is requested again."""
        now = time.monotonic()
        wanted = frozenset(patterns)
        line = self._lines.get(process)
        if line is None or line.image != image:
            line = self._lines[process] = _Asked(image, uid, since=now)
        line.uid = uid
        missing = wanted - line.known.has - line.known.lacks
        if missing and not line.since:
            line.since = now
        if now >= line.due and not line.asked and (missing or young):
            self._ask(process, line, wanted | line.known.has | line.known.lacks)
        if missing and (line.failed or self._is_doubtful(uid) or now - line.since >= UNKNOWN_SECONDS):
            return CommandLine(line.known.has, line.known.lacks | missing, line.known.text)
        return line.known

    def text(self, process: ProcessId) -> str | None:
        """As far as it was read, for people."""
        line = self._lines.get(process)
        return line.known.text if line is not None else None

    def poll(self) -> set[int]:
        """Take in answers; returns the pids of which something new may be known."""
        told: set[int] = set()
        for (process, image, patterns), answer in self._child.poll():
            told.add(process.pid)
            found = json.loads(answer) if answer is not None else {}
            if answer is None:
                self._has_hung(process)
            self._learn(process, image, patterns, found)
        now = time.monotonic()
        for process, line in self._lines.items():
            if line.since and not line.asked and now >= line.due:
                told.add(process.pid)
            elif line.since and not line.late and now - line.since >= UNKNOWN_SECONDS:
                line.late = True
                told.add(process.pid)
        return told

    def want(self, patterns: Patterns) -> None:
        """From now on these patterns may be asked for, and no others."""
        if not patterns:
            self._lines.clear()
        for line in self._lines.values():
            line.known = CommandLine(line.known.has & patterns, line.known.lacks & patterns, line.known.text)

    def forget(self, process: ProcessId) -> None:
        """The process is gone."""
        self._lines.pop(process, None)

    def close(self) -> None:
        self._child.close()

    def _ask(self, process: ProcessId, line: _Asked, patterns: Patterns) -> None:
        line.asked = patterns
        in_order = tuple(patterns)
        question = {"ask": "cmdline", "pid": process.pid, "start": process.start_ticks,
                    "patterns": [pattern.pattern for pattern in in_order]}
        key = (process, line.image, in_order)
        if not self._child.ask(key, json.dumps(question).encode(), doubtful=self._is_doubtful(line.uid)):
            line.asked, line.due = NO_PATTERNS, time.monotonic() + FRESH_SECONDS

    def _learn(self, process: ProcessId, image: int, patterns: tuple[re.Pattern[str], ...],
               found: dict[str, list[int]]) -> None:
        line = self._lines.get(process)
        if line is None or line.image != image:
            return
        now = time.monotonic()
        line.asked, line.due = NO_PATTERNS, now + FRESH_SECONDS
        line.failed = not found
        if line.failed:
            line.due, line.since = now + AGAIN_SECONDS, line.since or now
            return
        for at in found["slow"]:
            self._slow(patterns[at])
        has = frozenset(patterns[at] for at in found["has"])
        rests = frozenset(patterns[at] for at in found["rests"])
        old = line.known
        line.known = CommandLine(has | (rests & old.has), frozenset(patterns) - has - (rests - old.lacks),
                                 str(found["text"]))
        line.late, line.since = False, (line.since or now) if rests else 0.0

    def _has_hung(self, process: ProcessId) -> None:
        self.hung += 1
        asked = self._lines.get(process)
        if asked is None or asked.uid is None:
            return
        if len(self._hung) >= _MOST_HUNG:
            self._hung.clear()
        self._hung[asked.uid] = time.monotonic() + AGAIN_SECONDS

    def _is_doubtful(self, uid: int | None) -> bool:
        return bool(self._hung) and self._hung.get(uid, 0.0) > time.monotonic()
