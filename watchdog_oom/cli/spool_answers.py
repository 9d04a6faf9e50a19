"""The spools for a command: scanned by a child like the daemon's, begun at once and collected when the rest is read."""

from __future__ import annotations

import select
import time
from collections.abc import Mapping

from watchdog_oom.core.model import Clock, ProcessId, SpoolState
from watchdog_oom.core.policy import Policy
from watchdog_oom.formatting import printable
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.spools.scanners import SpoolScanners

SPOOL_SECONDS = 3.0


class SpoolAnswers:
    """Begins to scan the policy's spools when it is made; ``under`` are those whose users matter. ``states``, ``users``
    and ``unscanned``, the words about those that would have taken too long, whose figures, if there are any, are lower
    bounds, are complete after ``collect``. Close it in any case."""

    def __init__(self, policy: Policy, clock: Clock, proc: str, under: frozenset[str]) -> None:
        self.states: dict[str, SpoolState] = {}
        self.unscanned: tuple[str, ...] = ()
        self._nouns, self._clock, self._under = policy.spools, clock, under
        self._scanners = SpoolScanners(proc)
        self._deadline = time.monotonic() + SPOOL_SECONDS
        self._look()

    @property
    def users(self) -> Mapping[ProcessId, frozenset[str]]:
        return self._scanners.users

    def collect(self, asked: tuple[ProcessId, ...]) -> None:
        """Wait until every spool is scanned, and known which of them these processes use, as far as time allows."""
        if not self._nouns:
            return
        poll = select.poll()
        poll.register(self._scanners.fileno(), select.POLLIN)
        while True:
            self._look()
            self._scanners.ask(asked)
            late = [name for name in self._nouns if name not in self.states or not self.states[name].finished]
            unknown = [identity for identity in asked if identity not in self.users]
            left = self._deadline - time.monotonic()
            if left <= 0 or not (late or unknown):
                break
            poll.poll(min(left, 0.1) * 1000)
        unscanned = [f"spool {name}: {printable(self._nouns[name].path)} could not be scanned within {SPOOL_SECONDS:g}s"
                     for name in late]
        if unknown:
            unscanned.append(f"the use of spools by {len(unknown)} processes could not be read within "
                             f"{SPOOL_SECONDS:g}s")
        self.unscanned = tuple(unscanned)

    def close(self) -> None:
        self._scanners.close()

    def _look(self) -> None:
        self._clock = read_clock(self._clock.offsets)
        self.states = self._scanners.look(self._nouns, self._clock, under=self._under)
