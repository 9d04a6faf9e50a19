"""The flight recorder as the loop sees it: every tick is handed to a child that writes, which is never waited for.

What the child does not take is dropped, counted, and told in the journal and in ``status``.
"""

from __future__ import annotations

import marshal
import socket
from collections.abc import Callable

from watchdog_oom import formatting
from watchdog_oom.core.actions import Plan
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.opening import hurried, pressing, what_opens, worth_a_look
from watchdog_oom.core.policy import Emergency
from watchdog_oom.daemon.config import Config
from watchdog_oom.daemon.flight.losses import Losses
from watchdog_oom.daemon.flight.packing import LOOK, Packer
from watchdog_oom.daemon.flight.writer_child import WriterChild
from watchdog_oom.host.children import own_code
from watchdog_oom.journal.record import Record

STUCK_SECONDS = 60.0
FIRST_RESTART_SECONDS, LONGEST_RESTART_SECONDS = 0.5, 300.0
STEADY_SECONDS = 60.0
LONGEST_GAP_SECONDS = 2.0  # between two ticks: if the daemon itself was stopped, silence proves nothing
LOOK_AGAIN_SECONDS = 10.0
MOST_LOST = 3  # children that not even SIGKILL ends; then none is started until one of them ends

Write = Callable[[Record], None]


class FlightRecorder:
    """``status`` is what ``status`` shows of it, and is kept up to date in place. Times are CLOCK_BOOTTIME."""

    def __init__(self, directory: str, proc: str, config: Config, write: Write) -> None:
        self.status: dict[str, object] = {"state": "off", "problem": None, "last_sample": None, "size_bytes": 0,
                                          "dropped_ticks": 0, "lost_samples": 0}
        self._directory, self._proc, self._config = directory, proc, config
        self._write = write
        self._child: WriterChild | None = None
        self._packer = Packer(self._send)
        self._lost: list[WriterChild] = []
        self._failures = 0
        self._started_at = self._start_at = 0.0
        self._silent_seconds = self._tended_at = 0.0
        self._dropped = self._untold_drops = 0
        self._lost_samples = self._lost_earlier = 0
        self._opening = False
        self._looked_at = float("-inf")
        self._losses = Losses()

    def start(self, now: float) -> None:
        """Before the daemon's memory is locked, so that no page of it has to be copied later."""
        if self._config.recorder_enabled:
            self._start(now)

    def alert(self, plan: Plan, before: History, after: History, snapshot: Snapshot) -> None:
        """Called before the plan is performed: where something opens, the child looks at the largest meanwhile."""
        if self._child is None or not what_opens(plan, before, after, snapshot):
            return
        self._opening = True
        now = snapshot.clock.boottime
        if now - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = now
            self._send(LOOK + marshal.dumps((worth_a_look(plan, snapshot), hurried(plan))))

    def take(self, snapshot: Snapshot, emergency: Emergency, history: History) -> None:
        """Called once a tick, when what was urgent is done."""
        if not self._config.recorder_enabled:
            return
        now = snapshot.clock.boottime
        self._tend(now)
        if self._child is not None and self._child.report is not None and self._hand_over(
                snapshot, pressing(snapshot, emergency, history)):
            self._opening, self._untold_drops = False, 0
        elif self._child is None or self._child.report is not None:
            self._dropped += 1
            self._untold_drops += 1
        self._show()
        self._losses.tell(self._dropped, self._lost_samples, str(self.status["problem"] or ""), now, self._write)

    def _hand_over(self, snapshot: Snapshot, pressed: bool) -> bool:
        """What cannot be packed is a mistake of ours: it costs the sample, and never the tick."""
        try:
            return self._packer.hand_over(snapshot, pressing=pressed, opening=self._opening,
                                          dropped=self._untold_drops)
        except (ValueError, TypeError):  # marshal's
            return False

    def close(self) -> None:
        """Wait a second at most for what is still to be written."""
        if self._child is not None:
            self._child.finish()
            self._child = None
        for child in self._lost:
            child.buried()

    def _send(self, packet: bytes) -> bool:
        return self._child is not None and self._child.send(packet)

    def _start(self, now: float) -> None:
        directory, proc, config = self._directory, self._proc, self._config

        def work(connection: socket.socket) -> None:
            # It keeps the priority of everybody: at a lower one it got no processor at all for minutes on a busy host,
            # and just these are what it is for. It needs less than a hundredth of one.
            try:
                from watchdog_oom.daemon.flight.writer import record
                own_code.refuse_another_version()
            except Exception as error:  # noqa: BLE001 - code that is missing, damaged or half written fails in many ways
                words = f"the code of the recorder cannot be loaded: {error or type(error).__name__}"
                connection.send(marshal.dumps((None, 0, 0, words)))
                return
            record(connection, directory, proc, config)

        self._packer.forget()
        self._started_at, self._silent_seconds = now, 0.0
        try:
            self._child = WriterChild(work)
        except OSError as error:
            self._failed(now, f"no process can be had for it: {error.strerror}")

    def _tend(self, now: float) -> None:
        """Replace a child that has ended, or has taken up no tick for a minute."""
        gap, self._tended_at = min(max(0.0, now - self._tended_at), LONGEST_GAP_SECONDS), now
        self._lost = [child for child in self._lost if not child.buried()]
        child = self._child
        if child is None:
            if now >= self._start_at and len(self._lost) < MOST_LOST:
                self._start(now)
        elif not child.alive():
            self._drop(child, now, "the process that records has ended by itself")
        elif child.heard:
            self._silent_seconds = 0.0
            if now - self._started_at >= STEADY_SECONDS:
                self._failures = 0
        else:
            self._silent_seconds += gap
            if self._silent_seconds >= STUCK_SECONDS:
                self._drop(child, now, f"the process that records hung for {formatting.duration(STUCK_SECONDS)}")

    def _drop(self, child: WriterChild, now: float, why: str) -> None:
        child.kill()
        if not child.buried():
            self._lost.append(child)
        self._child = None
        self._lost_earlier = self._lost_samples
        self._failed(now, (child.report and child.report.problem) or why)

    def _failed(self, now: float, why: str) -> None:
        self._start_at = now + min(FIRST_RESTART_SECONDS * 2.0 ** min(self._failures, 16), LONGEST_RESTART_SECONDS)
        self._failures += 1
        self.status["problem"] = why

    def _show(self) -> None:
        status, report = self.status, None if self._child is None else self._child.report
        status["dropped_ticks"] = self._dropped
        if report is None:
            status["state"] = "starting" if self._child is not None else "waiting to start again"
            return
        self._lost_samples = self._lost_earlier + report.lost
        status |= {"state": "stopped" if report.problem else "recording", "problem": report.problem or None,
                   "last_sample": report.last_wall or status["last_sample"], "size_bytes": report.size_bytes,
                   "lost_samples": self._lost_samples}
