"""Owns the answer to who works in a spool: whose working directory or open files lie there, read within a budget.

Reading a link of /proc/PID/fd waits for nobody, but a user may hold a million of them. Everybody's first few are read
first and again and again; those of whoever has more are read in slices, a small share of the time, and until then it is
not known what they use.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from watchdog_oom.core.model import ProcessId
from watchdog_oom.host.processes.open_files import open_paths
from watchdog_oom.lean_dataclasses import dataclass, field

FIRST_LINKS = 64
MOST_LINKS = 65_536
_LINKS_A_SLICE = 256
ROUND_SECONDS = 1.0
REST_FACTOR = 20  # 5 % of a core at the most for the first links of all
SLICE_REST_FACTOR = 9  # 10 % for the rest of those who have many

Answer = frozenset[str] | None


@dataclass(slots=True)
class _Reading:
    """The links of one process, as far as they were read; not ``whole`` where not all of them could be."""

    process: ProcessId
    links: Iterator[str]
    found: set[str] = field(default_factory=set)
    read: int = 0
    whole: bool = True

    @property
    def answer(self) -> Answer:
        return frozenset(self.found) if self.found or self.whole else None


class SpoolUsers:
    """``paths`` is asked at each round for the real paths of the spools by name. ``news`` are the answers that are new
    since they were last taken."""

    def __init__(self, root: str, paths: Callable[[], Mapping[str, str]], most_links: int = MOST_LINKS) -> None:
        self.news: dict[ProcessId, Answer] = {}
        self._root = root
        self._most_links = most_links
        self._read_paths = paths
        self._paths: Mapping[str, str] = {}
        self._asked: dict[ProcessId, None] = {}
        self._answers: dict[ProcessId, Answer] = {}
        self._first: deque[ProcessId] = deque()
        self._many: dict[ProcessId, None] = {}
        self._under_way: _Reading | None = None  # of one of the many: only one listing is open at a time
        self._round_at = self._slice_at = 0.0
        self._round_cost = 0.0

    def ask(self, processes: Iterable[ProcessId]) -> None:
        """Answer for these from now on, and for no others; the new ones first."""
        self._asked = dict.fromkeys(processes)
        self._answers = {process: answer for process, answer in self._answers.items() if process in self._asked}
        self._many = {process: None for process in self._many if process in self._asked}
        new = [process for process in self._asked if process not in self._answers and process not in self._many]
        waiting = [process for process in self._first if process in self._asked and process in self._answers]
        self._first = deque((*new, *waiting))

    def wait_seconds(self, now: float) -> float:
        """In how many seconds there is something to read; ``now`` in seconds of the monotonic clock."""
        if self._first:
            return 0.0
        waits = [self._round_at - now] if self._asked else []
        if self._many:
            waits.append(self._slice_at - now)
        return max(0.0, min(waits, default=float("inf")))

    def tick(self, budget_seconds: float) -> None:
        """Read for about so long."""
        began = now = time.monotonic()
        if not self._paths:
            self._paths = self._read_paths()
        if not self._first and self._asked and now >= self._round_at:
            self._begin_round(now)
        while self._first and now - began < budget_seconds:
            self._read_first(self._first.popleft())
            now = time.monotonic()
        self._round_cost += now - began
        self._round_at = max(self._round_at, now + self._round_cost * REST_FACTOR)
        began = now
        while self._many and now >= self._slice_at and now - began < budget_seconds:
            self._read_on()
            now = time.monotonic()
        if now > began:
            self._slice_at = now + (now - began) * SLICE_REST_FACTOR

    def _begin_round(self, now: float) -> None:
        self._paths = self._read_paths()
        self._first = deque(process for process in self._asked if process not in self._many)
        self._round_at = now + ROUND_SECONDS
        self._round_cost = 0.0

    def _open(self, process: ProcessId) -> _Reading:
        return _Reading(process, open_paths(self._root, process.pid, self._most_links))

    def _read_first(self, process: ProcessId) -> None:
        reading = self._open(process)
        if self._through(reading, FIRST_LINKS):
            self._answer(process, reading.answer)
        else:
            self._many[process] = None

    def _read_on(self) -> None:
        """Some more links of the one whose turn it is."""
        reading = self._under_way
        if reading is None or reading.process not in self._many:
            reading = self._under_way = self._open(next(iter(self._many)))
        if self._through(reading, _LINKS_A_SLICE):
            self._under_way = None
            del self._many[reading.process]
            self._answer(reading.process, reading.answer)

    def _through(self, reading: _Reading, links: int) -> bool:
        """Read so many links more; whether nothing more can be found."""
        before = reading.read
        try:
            for opened in islice(reading.links, links):
                reading.read += 1
                reading.found.update(name for name, path in self._paths.items()
                                     if opened == path or opened.startswith(path + "/"))
        except OSError:
            reading.whole = False
            return True
        reading.whole = reading.read < self._most_links
        return reading.read - before < links or not reading.whole or len(reading.found) == len(self._paths)

    def _answer(self, process: ProcessId, answer: Answer) -> None:
        if process in self._answers and self._answers[process] == answer:
            return
        self._answers[process] = answer
        self.news[process] = answer
