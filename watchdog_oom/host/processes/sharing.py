"""What processes share of their memory, asked of a child and remembered.

Whoever reads ``smaps_rollup`` waits for the memory lock of the process, which its user can hold for as long as he
likes, and for the kernel to walk through its pages. So a child of its own does that, and command lines do not wait for
it. It rests twenty times as long as a round of it took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping

from watchdog_oom.core.memory import Sharing
from watchdog_oom.core.model import ProcessId
from watchdog_oom.host.children.asked_child import AskedChild
from watchdog_oom.host.processes.procfs import read_anonymous_bytes
from watchdog_oom.host.processes.reader_child import Answers
from watchdog_oom.lean_dataclasses import dataclass

ANSWER_SECONDS = 1.5  # less than is waited: a process that hangs must leave time for the others
WAIT_SECONDS = 2.0
FRESH_SECONDS = 2.0
OLD_SECONDS = 60.0
AGAIN_SECONDS = 30.0
_REST = 20.0


@dataclass(slots=True)
class _Share:
    """PSS of one process in ``bytes`` as of ``read``; it is not to be asked again before ``due``; ``failed``: the last
    question was not answered."""

    bytes: int | None = None
    read: float = 0.0
    due: float = 0.0
    failed: bool = False

    def known(self, now: float) -> int | None:
        return self.bytes if now - self.read < OLD_SECONDS else None


class SharingReader:
    """Of processes below ``root``. Of whom it is asked, is told at every look; of others it remembers nothing."""

    def __init__(self, root: str, *, deadline_seconds: float = ANSWER_SECONDS) -> None:
        self._root = root
        self._child: AskedChild[ProcessId] = AskedChild(Answers(root).serve, deadline_seconds)
        self._shares: dict[ProcessId, _Share] = {}
        self._since: dict[str, float] = {}  # by noun: since when it is asked of
        self._avoided: dict[str, float] = {}  # by noun: a child hung on one of them, nobody of it is asked until then

    def fileno(self) -> int:
        return self._child.fileno()

    @property
    def busy(self) -> bool:
        """Whether an answer is outstanding."""
        return self._child.busy

    def look(self, groups: Mapping[str, Iterable[ProcessId]]) -> dict[ProcessId, Sharing]:
        """What is known by now of the processes of these nouns; whatever is not is asked.

        The wait is one for all processes of a noun: those that come later, as many as they are, do not prolong it.
        """
        now = time.monotonic()
        members = {noun: tuple(processes) for noun, processes in groups.items()}
        self._take_answers(now, members)
        self._since = {noun: self._since.get(noun, now) for noun in members}
        self._avoided = {noun: until for noun, until in self._avoided.items() if until > now}
        self._shares = {process: self._shares.get(process) or _Share()
                        for processes in members.values() for process in processes}
        for noun, processes in members.items():
            if noun not in self._avoided:
                for process in processes:
                    self._ask(process, now)
        return self._found(members, now)

    def close(self) -> None:
        self._child.close()

    def _ask(self, process: ProcessId, now: float) -> None:
        share = self._shares[process]
        if now >= share.due:
            question = {"ask": "pss", "pid": process.pid, "start": process.start_ticks}
            asked = self._child.ask(process, json.dumps(question).encode())
            share.due = float("inf") if asked else now + FRESH_SECONDS

    def _take_answers(self, now: float, members: Mapping[str, tuple[ProcessId, ...]]) -> None:
        for process, answer in self._child.poll():
            if answer is None:
                self._avoided |= {noun: now + AGAIN_SECONDS for noun, of in members.items() if process in of}
            share = self._shares.get(process)
            if share is None:
                continue
            found = json.loads(answer) if answer is not None else {}
            share.failed = not found
            if share.failed:
                share.bytes, share.due = None, now + AGAIN_SECONDS
            else:
                share.bytes, share.read = found["pss"], now
                share.due = now + max(FRESH_SECONDS, _REST * found["took"] * len(self._shares))

    def _found(self, members: Mapping[str, tuple[ProcessId, ...]], now: float) -> dict[ProcessId, Sharing]:
        awaited: set[ProcessId] = set()
        missed: set[ProcessId] = set()
        for noun, processes in members.items():
            unknown = [process for process in processes if self._shares[process].known(now) is None]
            waits = noun not in self._avoided and now - self._since[noun] < WAIT_SECONDS
            coming = {process for process in unknown if not self._shares[process].failed} if waits else set()
            if coming:
                awaited |= coming
            elif unknown:
                missed.update(processes)  # of all, since their shares alone do not make a sum
        return {process: Sharing(share.known(now), self._anonymous(process) if process in missed else None,
                                 process in awaited)
                for process, share in self._shares.items()}

    def _anonymous(self, process: ProcessId) -> int | None:
        try:
            return read_anonymous_bytes(self._root, process.pid)
        except OSError:
            return None
