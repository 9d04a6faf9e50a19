"""One moment of a recording as ``plan`` shows the host: what would be done, and why or why not."""

from __future__ import annotations

from dataclasses import dataclass

from watchdog_oom.cli.loaded import LoadedPolicy
from watchdog_oom.cli.replay.night import BoundedSearch, replayer
from watchdog_oom.cli.top.moments import Moments
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.explain.left_out import left_out_words
from watchdog_oom.explain.not_yet import not_yet_words
from watchdog_oom.explain.rehearsal import Rehearsal, rehearse
from watchdog_oom.recorder.reading import samples

BEFORE_SECONDS = 3600.0  # so long kernel kills are remembered, and whose children processes are


@dataclass(frozen=True, slots=True)
class PlannedHost:
    """What a page needs of the host that was; nothing more can be read of it."""

    snapshot: Snapshot

    def describable(self, process: Process) -> Process:
        return process


@dataclass(frozen=True, slots=True)
class PlannedMoment:
    """``missed`` says in words that nothing was recorded at the time that was asked for."""

    rehearsal: Rehearsal
    host: PlannedHost
    wall: float
    notes: tuple[str, ...]
    missed: str


def moment_of(where: str, moments: Moments, loaded: LoadedPolicy) -> PlannedMoment | None:
    """The moment that ``moments`` stands at, with what the hour before left to remember. ``None``: it has none."""
    view = moments.view()
    if view is None:
        return None
    replay = replayer(loaded, BoundedSearch())
    wanted = view.sample.snapshot.clock
    for sample in samples(where, wanted.wall - BEFORE_SECONDS, wanted.wall):
        replay.step(sample)
        if sample.snapshot.clock == wanted:
            break
    snapshot = replay.snapshot
    if snapshot is None:
        return None
    seen = replay.history
    remembered = History(descent=seen.descent, kernel_kills=seen.kernel_kills)
    budget = Budget(loaded.config.kills_per_minute, loaded.config.purge_entries)
    rehearsal = rehearse(snapshot, loaded.policy, remembered, budget)
    lacks = (f"{rule}: {words}" for rule, words in replay.lacks.words(replay.longest_gap_seconds))
    notes = (*loaded.notes, *map(str, loaded.warnings), *left_out_words(rehearsal.view), *not_yet_words(rehearsal.view),
             *lacks)
    return PlannedMoment(rehearsal, PlannedHost(snapshot), view.wall, notes, view.missed)
