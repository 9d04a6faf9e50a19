"""A child that is asked what may hang, and never waited for: questions and answers are packets of a socket pair.

The child answers in the order of the questions. One that leaves the first of them unanswered for too long is killed and
replaced, its question counts as failed, and the others are asked again; a question on which two children ended counts
as failed, too. A child that cannot die, because it waits in the kernel, is left behind; after a few of those nothing is
asked until one of them ends.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Generic, TypeVar

MOST_LOST = 3
MOST_UNDER_WAY = 32
MOST_WAITING = 65536
MOST_PACKET_BYTES = 65536
_LONGEST_GAP_SECONDS = 2.0  # between two polls: if the daemon itself was stopped, silence proves nothing
_CLOSE_SECONDS = 0.2

K = TypeVar("K")
Work = Callable[[socket.socket], None]


@dataclass(slots=True)
class _Question(Generic[K]):
    key: K
    packet: bytes
    fd: int | None = None  # ours until the question is over
    died: bool = False


class AskedChild(Generic[K]):
    """``work`` gets the child's end of the socket pair, and answers every packet with one packet until it is closed.
    ``fileno()`` stays the same whatever child there is, and is readable when there is an answer."""

    def __init__(self, work: Work, deadline_seconds: float) -> None:
        self._work = work
        self._deadline_seconds = deadline_seconds
        self._made_epoll: select.epoll | None = None
        self._child: Child | None = None
        self._socket: socket.socket | None = None
        self._waiting: deque[_Question[K]] = deque()
        self._doubtful: deque[_Question[K]] = deque()
        self._asked: deque[_Question[K]] = deque()
        self._lost: list[Child] = []
        self._silent_seconds = 0.0
        self._seen_at = time.monotonic()

    def fileno(self) -> int:
        return self._epoll.fileno()

    @property
    def _epoll(self) -> select.epoll:
        """Made when it is needed, so that nothing is open if nothing is asked."""
        if self._made_epoll is None:
            self._made_epoll = select.epoll()
        return self._made_epoll

    @property
    def child_pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def busy(self) -> bool:
        """Whether an answer is outstanding."""
        return bool(self._asked or self._waiting or self._doubtful)

    def start(self) -> None:
        """Start the child now rather than with the first question; if that fails, the question tries again."""
        if self._child is None:
            self._start()

    def ask(self, key: K, packet: bytes, *, fd: int | None = None, doubtful: bool = False) -> bool:
        """Ask, or keep the question until it can be asked; ``fd`` is handed over with it. ``doubtful`` questions, which
        may hang, are asked one at a time when nothing else is. False if it is too long or too many are kept."""
        if len(packet) > MOST_PACKET_BYTES or len(self._waiting) + len(self._doubtful) >= MOST_WAITING:
            return False
        (self._doubtful if doubtful else self._waiting).append(
            _Question(key, packet, os.dup(fd) if fd is not None else None))
        self._send()
        return True

    def poll(self) -> list[tuple[K, bytes | None]]:
        """The answers since the last call, in order; ``None`` for a question on which the child hung or ended."""
        self._lost = [child for child in self._lost if not _buried(child)]
        told: list[tuple[K, bytes | None]] = []
        over = self._take_answers(told)
        now = time.monotonic()
        self._silent_seconds += min(max(0.0, now - self._seen_at), _LONGEST_GAP_SECONDS)
        self._seen_at = now
        if told or not self._asked:
            self._silent_seconds = 0.0
        if over:
            self._drop()
            if self._asked and self._asked[0].died:
                told.append((_over(self._asked.popleft()), None))
            elif self._asked:
                self._asked[0].died = True  # or the child had ended before it got the question
            self._ask_again()
        elif self._asked and self._silent_seconds >= self._deadline_seconds:
            self._drop()
            told.append((_over(self._asked.popleft()), None))
            self._ask_again()
        self._send()
        if self.busy and self._child is None and len(self._lost) >= MOST_LOST:
            while queue := self._waiting or self._doubtful:
                told.append((_over(queue.popleft()), None))
        return told

    def close(self) -> None:
        """End the child. One that cannot be killed is left to the kernel, which ends it as soon as it can."""
        self._drop()
        for child in self._lost:
            ending = select.poll()
            ending.register(child.pidfd, select.POLLIN)
            ending.poll(_CLOSE_SECONDS * 1000)
            child.poll()
            child.close()
        self._lost.clear()
        for question in (*self._asked, *self._waiting, *self._doubtful):
            _over(question)
        if self._made_epoll is not None:
            self._made_epoll.close()

    def _start(self) -> None:
        if len(self._lost) >= MOST_LOST:
            return
        try:
            epoll = self._epoll
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            return
        work = self._work
        try:
            self._child = spawn_work(lambda _: work(theirs), keep=(theirs.fileno(),))
        except OSError:
            ours.close()
            return
        finally:
            theirs.close()
        ours.setblocking(False)
        self._socket, self._silent_seconds = ours, 0.0
        epoll.register(ours.fileno(), select.EPOLLIN)

    def _send(self) -> None:
        while self.busy and len(self._asked) < MOST_UNDER_WAY:
            queue = self._waiting or (self._doubtful if not self._asked else None)
            if not queue:
                return
            if self._child is None:
                self._start()
            if self._socket is None:
                return
            question = queue[0]
            try:
                if question.fd is None:
                    self._socket.send(question.packet)
                else:
                    socket.send_fds(self._socket, [question.packet], [question.fd])
            except OSError:  # full, or the child has ended, which the next poll sees
                return
            if not self._asked:
                self._silent_seconds, self._seen_at = 0.0, time.monotonic()
            self._asked.append(queue.popleft())

    def _take_answers(self, told: list[tuple[K, bytes | None]]) -> bool:
        """Whether the child has ended by itself."""
        while self._socket is not None:
            try:
                answer = self._socket.recv(MOST_PACKET_BYTES)
            except BlockingIOError:
                return False
            except OSError:
                return True
            if not answer or not self._asked:
                return True
            told.append((_over(self._asked.popleft()), answer))
        return False

    def _ask_again(self) -> None:
        self._waiting.extendleft(reversed(self._asked))
        self._asked.clear()

    def _drop(self) -> None:
        if self._socket is not None:
            self._epoll.unregister(self._socket.fileno())
            self._socket.close()
            self._socket = None
        if self._child is not None:
            self._child.kill()
            if not _buried(self._child):
                self._lost.append(self._child)
            self._child = None


def _buried(child: Child) -> bool:
    if child.poll() is None:
        return False
    child.close()
    return True


def _over(question: _Question[K]) -> K:
    if question.fd is not None:
        with suppress(OSError):
            os.close(question.fd)
    return question.key
