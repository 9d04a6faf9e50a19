"""All spools of the policy, scanned by a child: what is known of them by now, and what to do when the child hangs."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterable, Mapping

from watchdog_oom import formatting
from watchdog_oom.core.model import Clock, ProcessId, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.formatting import printable
from watchdog_oom.host.children import own_code
from watchdog_oom.host.spools import scan_messages as say
from watchdog_oom.host.spools.scan_child import ScanChild
from watchdog_oom.host.spools.signs_of_life import SignsOfLife
from watchdog_oom.lean_dataclasses import dataclass, replace

IDLE_SECONDS = 2.0
STUCK_SECONDS = 30.0  # a slow disk on a starved host may hold up a single look for some seconds
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0
FIRST_RESTART_SECONDS, LONGEST_RESTART_SECONDS = 0.25, 60.0
MOST_LOST = 3  # children that cannot even be killed; then nothing is tried again until one of them ends
ASK_SECONDS = 0.5
CLOSE_SECONDS = 0.2
FAILURES_TOLD = 3
_ASKED = float("inf")  # it is being tried again


@dataclass(slots=True)
class _Hung:
    """A spool that a child hung on: how often, and when it is tried again (CLOCK_BOOTTIME)."""

    times: int
    until: float


class SpoolScanners:
    """Follows the policy's spools. Register ``fileno()`` for reading: it stays the same whatever the policy names.

    ``users`` are the spools that processes use, as far as that is known of those that were asked for.
    """

    def __init__(self, proc: str = "/proc", *, stuck_seconds: float = STUCK_SECONDS) -> None:
        self.users: dict[ProcessId, frozenset[str]] = {}
        self._proc = proc
        self._stuck_seconds = stuck_seconds
        self._epoll = select.epoll()
        self._nouns: dict[str, SpoolNoun] = {}
        self._under: frozenset[str] = frozenset()
        self._states: dict[str, SpoolState] = {}
        self._child: ScanChild | None = None
        self._lost: list[ScanChild] = []
        self._hung: dict[str, _Hung] = {}
        self._failures = 0
        self._start_at = 0.0
        self._clock = Clock(0.0, 0.0)
        self._sparing = False
        self._asked: tuple[ProcessId, ...] = ()
        self._sent: tuple[ProcessId, ...] = ()
        self._sent_at = float("-inf")

    def fileno(self) -> int:
        return self._epoll.fileno()

    def look(self, nouns: Mapping[str, SpoolNoun], clock: Clock, *, under: Iterable[str] = (),
             sparing: bool = False) -> dict[str, SpoolState]:
        """What is known of each spool by now; one of which nothing is known yet is missing. ``under`` names the spools
        whose users may be asked for; ``sparing`` says that memory is short."""
        wanted = frozenset(under)
        if dict(nouns) != self._nouns or wanted != self._under:
            self._adopt(dict(nouns), wanted)
        moved, spared = clock.offsets != self._clock.offsets, sparing != self._sparing
        self._clock, self._sparing = clock, sparing
        self._lost = [child for child in self._lost if not self._buried(child)]
        if self._child is not None:
            if moved:
                self._child.send(say.offsets_line(clock.offsets))
            if spared:
                self._child.send(say.sparing_line(sparing))
            self._tend(self._child)
        if self._child is None and self._nouns and clock.boottime >= self._start_at and len(self._lost) < MOST_LOST:
            self._start()
        return dict(self._states)

    def ask(self, processes: Iterable[ProcessId]) -> None:
        """From now on it matters which spools these processes use, and no others."""
        self._asked = tuple(sorted(processes))
        if len(self.users) > len(self._asked):
            self.users = {process: self.users[process] for process in self._asked if process in self.users}
        now = self._clock.boottime
        if (self._child is not None and self._asked != self._sent and not self._child.congested
                and now - self._sent_at >= ASK_SECONDS):
            self._child.send(say.ask_line(self._asked))
            self._sent, self._sent_at = self._asked, now

    def rescan(self, name: str) -> None:
        """Scan at once, however recent the last scan; a child that starts does so anyway."""
        if self._child is not None:
            self._child.send(say.rescan_line(name))

    def close(self) -> None:
        """End the child. One that cannot be killed is left to the kernel, which ends it as soon as it can."""
        for child in (*self._lost, *([self._child] if self._child is not None else [])):
            child.kill()
            child.reaped(CLOSE_SECONDS)
            child.close()
        self._child = None
        self._lost.clear()
        self._epoll.close()

    def _adopt(self, nouns: dict[str, SpoolNoun], under: frozenset[str]) -> None:
        """Another policy: what is known of spools that are the same stays, until a new child has looked."""
        self._drop()
        same = {name for name, noun in nouns.items() if self._nouns.get(name) == noun}
        self._states = {name: state for name, state in self._states.items() if name in same}
        self._hung = {name: hung for name, hung in self._hung.items() if name in same}
        self._nouns, self._under = nouns, under
        self._failures, self._start_at = 0, 0.0
        self.users.clear()

    def _start(self) -> None:
        now = self._clock.boottime
        self._hung = {name: _Hung(hung.times, min(hung.until, now)) if hung.until == _ASKED else hung
                      for name, hung in self._hung.items()}
        nouns, under, offsets, sparing = self._nouns, self._under, self._clock.offsets, self._sparing
        left_alone, proc, daemon_pid = frozenset(self._hung), self._proc, os.getpid()
        idle_seconds = min(IDLE_SECONDS, self._stuck_seconds / 3)

        def work(signs: SignsOfLife, orders_fd: int, news_fd: int) -> None:
            try:
                from watchdog_oom.host.spools.scan_loop import ScanOrder, scan_in_child
                own_code.refuse_another_version()
            except Exception as error:  # noqa: BLE001 - code that is missing, damaged or half written fails in many ways
                state = SpoolState(now, problem=_cannot(f"{error or type(error).__name__}"), finished=False)
                for name in nouns:
                    os.write(news_fd, say.scanned_line(name, state))
                return
            order = ScanOrder(nouns, under, left_alone, offsets, sparing, proc, daemon_pid, idle_seconds)
            scan_in_child(order, signs, orders_fd, news_fd)

        try:
            self._child = ScanChild(work, time.monotonic())
        except OSError as error:
            self._failed(f"no process can be had for it: {error.strerror}")
            return
        self._epoll.register(self._child.fileno(), select.EPOLLIN)
        self._sent, self._sent_at = (), float("-inf")

    def _tend(self, child: ScanChild) -> None:
        """Take up its news, and see whether it is well."""
        for told in child.news():
            if isinstance(told, say.Used):
                self._learn(told)
            elif told.spool in self._nouns:
                self._states[told.spool] = told.state
                if told.state.finished:
                    self._failures = 0
                    self._hung.pop(told.spool, None)
        child.flush()
        touched = child.watch(time.monotonic())
        if child.over:
            self._drop()
            self._failed("the process that scans has ended by itself")
        elif child.silent_seconds >= self._stuck_seconds:
            self._drop()
            self._replace_hung(touched)
        else:
            self._try_again(child)

    def _learn(self, told: say.Used) -> None:
        for process, names in told.by_process.items():
            if names is None:
                self.users.pop(process, None)
            else:
                self.users[process] = names

    def _replace_hung(self, touched: int) -> None:
        """The child hangs: the spool it hangs on is left alone for a while, the others get another child at once."""
        name = list(self._nouns)[touched] if 0 <= touched < len(self._nouns) else None
        if name is None:
            self._failed(f"the process that scans gave no sign of life for {formatting.duration(self._stuck_seconds)}")
            return
        times = self._hung[name].times + 1 if name in self._hung else 1
        wait_seconds = min(FIRST_RETRY_SECONDS * 2.0 ** min(times - 1, 16), LONGEST_RETRY_SECONDS)
        self._hung[name] = _Hung(times, self._clock.boottime + wait_seconds)
        self._states[name] = SpoolState(
            self._clock.boottime, problem=f"a look at {printable(self._nouns[name].path)} has not come back for "
            f"{formatting.duration(self._stuck_seconds)}; the next one is tried after "
            f"{formatting.duration(wait_seconds)}")

    def _try_again(self, child: ScanChild) -> None:
        for name, hung in self._hung.items():
            if self._clock.boottime >= hung.until and len(self._lost) < MOST_LOST:
                child.send(say.allow_line(name))
                self._hung[name] = replace(hung, until=_ASKED)

    def _failed(self, why: str) -> None:
        """Start again: once at once, then ever later; and say so where that does not help."""
        self._start_at = self._clock.boottime + min(
            (2.0 ** min(self._failures, 16) - 1) * FIRST_RESTART_SECONDS, LONGEST_RESTART_SECONDS)
        self._failures += 1
        if self._failures >= FAILURES_TOLD:
            known = {name: state for name, state in self._states.items() if state.problem and not state.finished}
            self._states = {name: SpoolState(self._clock.boottime, problem=_cannot(why)) for name in self._nouns}
            self._states |= known  # the child said itself why it could not begin

    def _drop(self) -> None:
        """End the child; it is reaped when it can be."""
        if self._child is not None:
            self._epoll.unregister(self._child.fileno())
            self._child.kill()
            if not self._buried(self._child):
                self._lost.append(self._child)
            self._child = None

    def _buried(self, child: ScanChild) -> bool:
        if child.reaped() is None:
            return False
        child.close()
        return True


def _cannot(why: str) -> str:
    return f"it cannot be scanned: {why}"
