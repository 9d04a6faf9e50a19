"""What the daemon reports between ticks: status file, state for the next start, its own lateness, the chain's head."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from watchdog_oom import __version__
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.rules.lost_senses import BLIND
from watchdog_oom.daemon import state_file, status_file
from watchdog_oom.daemon.options import Options
from watchdog_oom.daemon.policy_store import PolicyStore
from watchdog_oom.daemon.sd_notify import SdNotifier
from watchdog_oom.daemon.status_file import Health
from watchdog_oom.journal.head_mark import HeadMarks
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.journal.system_log import SystemLog
from watchdog_oom.journal.writer import Journal
from watchdog_oom.paths import STATUS_NAME

LATE_SECONDS = 1.0
STATUS_SECONDS = 2.0


class Reporter:
    """``health`` is filled by the loop and reported here."""

    def __init__(self, options: Options, health: Health, notifier: SdNotifier) -> None:
        self.health = health
        self._options = options
        self._notifier = notifier
        self._saved: dict[str, object] = {}
        self._unsaved = False
        self._unshown = False
        self._status_due = 0.0
        self._marks = HeadMarks(SystemLog())

    def status_is_due(self) -> None:
        """Something happened that the status file should show immediately."""
        self._status_due = 0.0

    def save(self, plain: dict[str, object], write: Callable[[Record], None]) -> None:
        """Save the state if it changed, before an act changes anything that the next start would have to undo.

        If it cannot be saved the acts are done nevertheless: a full disk is one of the things they cure. The beginning
        and the end of that are recorded.
        """
        if plain == self._saved:
            return
        try:
            state_file.save(self._options.state, plain)
        except OSError as error:
            if not self._unsaved:
                write(Record(Kind.INCIDENT, rule="daemon", ok=False, because=(error.strerror or str(error),),
                             result="state.json cannot be written: if the daemon is killed now, the next one "
                                    "does not know what this one has stopped, bound or changed"))
            self._unsaved = True
            return
        if self._unsaved:
            write(Record(Kind.INCIDENT, rule="daemon", ok=True, result="state.json is written again"))
        self._unsaved = False
        self._saved = plain

    def started(self, policy_store: PolicyStore, problem: str, snapshot: Snapshot,
                write: Callable[[Record], None]) -> None:
        """The first record after a start; ``problem`` is why it is not known what the previous daemon left. Where
        memory cannot be judged that is said there, too."""
        blind = f"{BLIND} ({snapshot.memory_problem})" if snapshot.memory is None else ""
        result = "; ".join(filter(None, (f"watchdog-oomd {__version__} is ready", problem, blind)))
        write(Record(Kind.START, result=result,
                     detail={"version": __version__, "host": os.uname().nodename, "pid": os.getpid(),
                             "observe": self._options.observe,
                             "sources": policy_store.policy.sources, "notes": policy_store.notes,
                             "lacks": self.health.troubles}))

    def tell(self, snapshot: Snapshot, policy_store: PolicyStore, history: History, journal: Journal,
             budget: Budget, write: Callable[[Record], None]) -> None:
        """Write the status file and the service manager's status line when they are due."""
        if snapshot.clock.boottime < self._status_due:
            return
        self._status_due = snapshot.clock.boottime + STATUS_SECONDS
        self.health.policy_faults, self.health.policy_notes = policy_store.faults, policy_store.notes
        self.health.policy_loaded_wall = policy_store.loaded_wall
        self.health.skipped = dict(snapshot.skipped)
        self.health.journal_seq, self.health.journal_dropped = journal.last_seq, journal.dropped
        plain = status_file.to_plain(snapshot, policy_store.policy, history, self.health, budget)
        self._show(plain, write)
        self._notifier.status(_line(snapshot, policy_store))
        self._marks.keep(journal.head, snapshot.clock.boottime)

    def _show(self, plain: dict[str, object], write: Callable[[Record], None]) -> None:
        """The daemon works without its status file, too; the beginning and the end of that are recorded."""
        shown = status_file.write(self._options.runtime, plain)
        if shown == self._unshown:
            words = "written again" if shown else "not written, so `status` shows old figures or none"
            write(Record(Kind.INCIDENT, rule="daemon", ok=shown, result=f"status.json is {words}"))
        self._unshown = not shown

    def lateness(self, late_seconds: float, write: Callable[[Record], None]) -> None:
        """Record how much longer than planned one round of the loop took: the daemon reports its own starvation
        (Law 11)."""
        self.health.worst_late_seconds = max(self.health.worst_late_seconds, late_seconds)
        if late_seconds >= LATE_SECONDS:
            self.health.late_ticks += 1
            write(Record(Kind.LATE, result=f"a round of the loop took {late_seconds:.1f}s longer than it should",
                         took_seconds=late_seconds))

    def close(self, journal: Journal) -> None:
        self._marks.close(journal.head)
        with suppress(OSError):
            os.unlink(f"{self._options.runtime}/{STATUS_NAME}")


def _line(snapshot: Snapshot, policy_store: PolicyStore) -> str:
    memory = snapshot.memory
    measures = "memory unknown" if memory is None else (
        f"{memory.available_percent:.0f}% memory, {memory.swap_free_percent:.0f}% swap free")
    broken = "; POLICY FILES ARE BROKEN" if policy_store.faults else ""
    return f"{measures}; {len(policy_store.policy.recovers)} recoveries armed{broken}"
