"""Notices that a symbolic link of an ``exe`` leads elsewhere now: ``update-alternatives`` changes no policy file.

The links are read in a short-lived child, once a minute, because a path may be on a file system that hangs.
"""

from __future__ import annotations

import marshal
import os
import time
from collections.abc import Callable, Mapping

from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

AGAIN_SECONDS = 60.0
DEADLINE_SECONDS = 10.0
_CHUNK_BYTES = 1 << 16


@dataclass(slots=True)
class _LinkReading:
    """One child at work, since when, and what it wrote so far."""

    child: Child
    began: float
    received: bytearray


class LinkWatch:
    """``adopt`` takes the plain values of the policy in force; then ``changed`` is asked at every tick."""

    def __init__(self, again_seconds: float = AGAIN_SECONDS) -> None:
        self._again_seconds = again_seconds
        self._values: Mapping[str, Any] = {}
        self._links: dict[str, str] = {}
        self._due = 0.0
        self._reading: _LinkReading | None = None

    def adopt(self, ir: Mapping[str, Any]) -> None:
        if self._reading is not None:
            self._reading.began = float("-inf")  # its answer would be about the previous policy
        self._values = {"process": ir.get("process", {})}
        self._links = dict(ir.get("links", {}))
        self._due = time.monotonic() + self._again_seconds

    def changed(self) -> bool:
        """Whether a link leads elsewhere than when this was last asked or adopted; never waits."""
        now = time.monotonic()
        if self._reading is None:
            if now >= self._due:
                self._due = now + self._again_seconds
                self._begin(now)
            return False
        links = self._answer(self._reading, now)
        if links is None or links == self._links:
            return False
        self._links = links
        return True

    def _begin(self, now: float) -> None:
        if any("exe" in table for table in self._values["process"].values()):
            try:
                self._reading = _LinkReading(spawn_work(_follow(self._values)), now, bytearray())
            except OSError:
                return  # no process can be created now: in a minute

    def _answer(self, reading: _LinkReading, now: float) -> dict[str, str] | None:
        """What the child found, once it has ended; ``None`` before, and where it failed. One that is late is killed;
        until it is dead, which may take long on a file system that hangs, no other is begun."""
        if now - reading.began > DEADLINE_SECONDS:
            reading.child.kill()
            if reading.child.poll() is not None:
                self._end(reading)
            return None
        try:
            while part := os.read(reading.child.output_fd, _CHUNK_BYTES):
                reading.received += part
        except BlockingIOError:
            return None
        if reading.child.poll() is None:
            return None
        self._end(reading)
        try:
            links: dict[str, str] = marshal.loads(bytes(reading.received))  # noqa: S302 (our own child)
        except (EOFError, ValueError, TypeError):
            return None
        return links

    def _end(self, reading: _LinkReading) -> None:
        reading.child.close()
        self._reading = None


def _follow(values: Mapping[str, Any]) -> Callable[[int], None]:
    def work(output_fd: int) -> None:
        from watchdog_oom.policy.exe_links import followed, plain_paths
        data: bytes = marshal.dumps(followed(plain_paths(values)))
        while data:
            data = data[os.write(output_fd, data):]
    return work
