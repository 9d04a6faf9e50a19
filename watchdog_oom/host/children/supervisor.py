"""Children with a deadline, watched through one descriptor: ``fileno()`` is readable when any has ended."""

from __future__ import annotations

import select
from collections.abc import Iterator

from watchdog_oom.host.children.drain import Drain
from watchdog_oom.host.children.spawn import Child
from watchdog_oom.lean_dataclasses import dataclass

LAST_OUTPUT_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Ended:
    """A child that ended, or (``exit_status`` None) exceeded its deadline and was killed. Times are CLOCK_BOOTTIME."""

    key: str
    exit_status: int | None
    text: str
    began_boottime: float
    took_seconds: float


@dataclass(slots=True)
class _WatchedChild:
    key: str
    child: Child
    began: float
    deadline: float
    group: bool
    ended: float | None = None

    def waits_for_output(self, now: float) -> bool:
        """Whether it has ended and its last output is still to be read, which takes a moment."""
        drain = self.child.drain
        if drain is None:
            return False
        first = self.ended is None
        self.ended = now if self.ended is None else self.ended
        return (first or drain.behind()) and now - self.ended < LAST_OUTPUT_SECONDS


class ChildSupervisor:
    """Every child is reaped, none is waited for; output is trimmed while they run."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._running: dict[str, _WatchedChild] = {}
        self._dying: list[Child] = []
        self._drains: list[Drain] = []

    def __contains__(self, key: object) -> bool:
        return key in self._running

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._running))

    def __len__(self) -> int:
        return len(self._running)

    def fileno(self) -> int:
        return self._epoll.fileno()

    def add(self, key: str, child: Child, deadline_seconds: float, now: float, *, group: bool = True) -> None:
        """Take over a child. ``group`` says whether its process group is killed with it when it is overdue."""
        self._epoll.register(child.pidfd, select.EPOLLIN)
        self._running[key] = _WatchedChild(key, child, now, now + deadline_seconds, group)

    def poll(self, now: float) -> tuple[Ended, ...]:
        """The children that ended or became overdue since the last call. A killed child is reported immediately and
        reaped later."""
        self._dying = [child for child in self._dying if not self._reaped(child)]
        self._drains = [drain for drain in self._drains if not drain.reaped()]
        ended = []
        for running in tuple(self._running.values()):
            status = running.child.poll()
            if status is None and now < running.deadline:
                running.child.trim()
                continue
            if status is not None and running.waits_for_output(now):
                continue
            del self._running[running.key]
            text = running.child.printed()
            ended.append(Ended(running.key, status, text, running.began, max(0.0, now - running.began)))
            if status is None:
                running.child.kill(group=running.group)
            if not self._reaped(running.child):
                self._dying.append(running.child)
        return tuple(ended)

    def kill(self, key: str) -> None:
        """Kill a child without a report."""
        running = self._running.pop(key)
        running.child.kill(group=running.group)
        self._dying.append(running.child)

    def close(self) -> None:
        """Stop watching all children, without killing any."""
        for child in (*self._dying, *(running.child for running in self._running.values())):
            self._forget(child)
        self._dying.clear()
        self._running.clear()
        self._epoll.close()

    def _reaped(self, child: Child) -> bool:
        if child.poll() is None:
            return False
        self._forget(child)
        return True

    def _forget(self, child: Child) -> None:
        self._epoll.unregister(child.pidfd)
        child.close()
        if child.drain is not None:
            child.drain.hand_over()
            self._drains.append(child.drain)
