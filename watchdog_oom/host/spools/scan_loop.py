"""The child that scans: all spools of a policy in turn, and who works in them, at a small share of the processor.

It is the daemon's own fork, without any of its protection, and may be killed at any time. What it finds out it writes
to a pipe; whatever it touches it first names on the page of ``SignsOfLife``, so that the daemon knows what it hangs on.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Mapping
from contextlib import suppress

from watchdog_oom.core.model import Clock, ProcessId, SpoolState
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host import syscalls
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.spools.mount_table import MountTable
from watchdog_oom.host.spools.scan_messages import parse_order, scanned_line, split_lines, used_line
from watchdog_oom.host.spools.scanner import RESCAN_SECONDS, SLICE_SECONDS, SpoolScanner
from watchdog_oom.host.spools.signs_of_life import NOTHING, SignsOfLife
from watchdog_oom.host.spools.users import SpoolUsers
from watchdog_oom.host.spools.watch import SpoolWatch
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

DEAF_SECONDS = 0.5  # events in spools are handled at most twice a second
TELL_SECONDS = 1.0
PATIENCE_SECONDS = 10.0  # for this long the last finished scan is reported instead of the one under way
FULL_SPEED_SECONDS = 20.0  # of work on a scan that is waited for; then it goes on like any other
SLICE_REST_FACTOR = 3  # 25 % of the time while a scan is under way
SPARING_REST_FACTOR = 19  # 5 % while memory is short
_CHUNK_BYTES = 65536


@dataclass(frozen=True, slots=True)
class ScanOrder:
    """What the child is told at its start. ``under`` names the spools whose users may be asked for; ``left_alone`` are
    spools that a child before it hung on; ``idle_seconds`` is how often there is a sign of life at least."""

    nouns: Mapping[str, SpoolNoun]
    under: frozenset[str]
    left_alone: frozenset[str]
    offsets: tuple[float, ...]
    sparing: bool
    proc: str
    daemon_pid: int
    idle_seconds: float = 2.0


class ScanLoop:
    """Runs until the daemon ends it or its pipe."""

    def __init__(self, order: ScanOrder, signs: SignsOfLife, orders_fd: int, news_fd: int) -> None:
        self._signs = signs
        self._orders_fd, self._news_fd = orders_fd, news_fd
        self._received = bytearray()
        self._nouns = dict(order.nouns)
        self._numbers = {name: number for number, name in enumerate(order.nouns)}
        self._left_alone = set(order.left_alone)
        self._sparing, self._idle_seconds = order.sparing, order.idle_seconds
        self._clock = read_clock(order.offsets)
        mounts = MountTable()
        self._scanners = {name: SpoolScanner(noun, mounts.names_in) for name, noun in self._nouns.items()}
        self._ready = dict.fromkeys(self._nouns, 0.0)
        self._told = dict.fromkeys(self._nouns, float("-inf"))
        self._users = SpoolUsers(order.proc, lambda: self._real_paths(order.under))
        self._watch = self._watched()
        self._deaf_until = 0.0

    def run(self) -> None:
        while True:
            self._signs.tell()
            self._listen(self._wait_seconds())
            self._clock = read_clock(self._clock.offsets)
            for name in self._scanners:
                if self._wait_of(name) <= 0:
                    self._scan(name)
            if self._users.wait_seconds(time.monotonic()) <= 0:
                self._users.tick(SLICE_SECONDS)
            if self._users.news:
                self._write(used_line(self._users.news))
                self._users.news.clear()

    def _may_touch(self, name: str) -> bool:
        """Name the spool on the page; ``False`` for one that is to be left alone."""
        if name in self._left_alone:
            return False
        self._signs.tell(self._numbers[name])
        return True

    def _watched(self) -> SpoolWatch | None:
        try:
            return SpoolWatch({name: noun.path for name, noun in self._nouns.items()}, self._may_touch)
        except OSError:
            return None  # no inotify instance left: the scanners look by the clock

    def _real_paths(self, under: frozenset[str]) -> dict[str, str]:
        """The kernel names open files by their real paths, whatever symlinks lead to the spool."""
        paths = {name: os.path.realpath(self._nouns[name].path) if self._may_touch(name) else self._nouns[name].path
                 for name in under}
        self._signs.tell()
        return paths

    def _wait_seconds(self) -> float:
        waits = [self._idle_seconds, self._users.wait_seconds(time.monotonic())]
        if self._deaf_until:
            waits.append(self._deaf_until - time.monotonic())
        return max(0.0, min((*waits, *(self._wait_of(name) for name in self._scanners))))

    def _wait_of(self, name: str) -> float:
        """In how many seconds a spool's next slice of work is due."""
        scanner = self._scanners[name]
        if name in self._left_alone:
            return float("inf")
        boottime = time.clock_gettime(time.CLOCK_BOOTTIME)
        if scanner.scanning:
            return self._ready[name] - boottime
        due = scanner.due_seconds(boottime)
        if self._sparing and not scanner.at_once:
            due = max(due, scanner.started_boottime + RESCAN_SECONDS - boottime)
        return due

    def _scan(self, name: str) -> None:
        """One slice of work on a spool, and its rest."""
        scanner = self._scanners[name]
        self._signs.tell(self._numbers[name])
        before = scanner.cost_seconds if scanner.scanning else 0.0
        state = scanner.tick(self._clock)
        self._signs.tell()
        if not (scanner.at_once and scanner.cost_seconds < FULL_SPEED_SECONDS):
            factor = SPARING_REST_FACTOR if self._sparing else SLICE_REST_FACTOR
            rest_seconds = (scanner.cost_seconds - before) * factor
            self._ready[name] = time.clock_gettime(time.CLOCK_BOOTTIME) + rest_seconds
        if state is not None:
            self._tell(name, state)
        elif self._impatient(name, scanner):
            self._tell(name, scanner.partial())

    def _impatient(self, name: str, scanner: SpoolScanner) -> bool:
        now = self._clock.boottime
        waited_for = scanner.at_once or now - scanner.started_boottime > PATIENCE_SECONDS
        return waited_for and now - max(self._told[name], scanner.started_boottime) >= TELL_SECONDS

    def _tell(self, name: str, state: SpoolState) -> None:
        self._told[name] = self._clock.boottime
        self._write(scanned_line(name, state))

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._news_fd, line):]

    def _listen(self, wait_seconds: float) -> None:
        """Wait for orders and for events in the spools."""
        heard: list[Any] = [self._orders_fd]
        if self._watch is not None and time.monotonic() >= self._deaf_until:
            heard.append(self._watch.fileno())
            self._deaf_until = 0.0
        readable, _, _ = select.select(heard, [], [], wait_seconds)
        self._signs.tell()
        if self._watch is not None and (not readable or self._watch.fileno() in readable):
            for name in self._watch.drain():
                self._scanners[name].mark_dirty()
                self._deaf_until = time.monotonic() + DEAF_SECONDS
            self._signs.tell()
        if self._orders_fd in readable:
            part = os.read(self._orders_fd, _CHUNK_BYTES)
            if not part:
                os._exit(0)  # the daemon has gone
            self._received += part
            for line in split_lines(self._received):
                self._obey(parse_order(line))

    def _obey(self, order: list[Any]) -> None:
        match order:
            case ["rescan", str(name)] if name in self._scanners:
                self._scanners[name].rescan()
            case ["allow", str(name)]:
                self._left_alone.discard(name)
                self._ready[name] = 0.0
            case ["sparing", bool(sparing)]:
                self._sparing = sparing
            case ["offsets", [*offsets]]:
                self._clock = Clock(self._clock.wall, self._clock.boottime, offsets=tuple(map(float, offsets)))
            case ["ask", [*processes]]:
                self._users.ask(ProcessId(int(pid), int(start)) for pid, start in processes)


def scan_in_child(order: ScanOrder, signs: SignsOfLife, orders_fd: int, news_fd: int) -> None:
    """All of the child's life. It ends with the daemon, also where it waits for a file system."""
    syscalls.die_with_parent(order.daemon_pid)
    with suppress(OSError), open("/proc/self/comm", "wb", buffering=0) as own_name:
        own_name.write(b"watchdog-scan")
    signs.tell(NOTHING)
    ScanLoop(order, signs, orders_fd, news_fd).run()
