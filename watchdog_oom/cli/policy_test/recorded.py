"""One moment of the flight recorder as the host of a case, as far as it was recorded."""

from __future__ import annotations

import os

from watchdog_oom.cli.policy_test.case import Case
from watchdog_oom.cli.since import parse_since
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.as_read import USUAL_SCORE_ADJ
from watchdog_oom.recorder.reading import covered, samples

BACK_SECONDS = 150.0  # a calm host is sampled every ten seconds, and written a minute later


def moment_of(case: Case) -> Snapshot:
    """The last sample at or before the time. Raises ValueError or a WatchdogError, for people."""
    name, at, time = str(case.host.get("recording")).rpartition("@")
    if not at or not name or not time:
        raise ValueError('write FILE@TIME, such as "night.jsonl.gz@03:12"')
    others = sorted(case.host.values.keys() - {"recording"})
    if others:
        raise ValueError(f"a recording has its own {others[0]}: give one of the two")
    path = os.path.join(os.path.dirname(case.file), name)
    span = covered(path)
    if span is None:
        raise ValueError(f"{printable(path)}: has no sample that can be read, so it is no recording")
    wanted = parse_since(time, wall=span[1])
    found = None
    for found in samples(path, wanted - BACK_SECONDS, wanted):  # noqa: B007
        pass
    if found is None:
        raise ValueError(f"{printable(path)}: nothing was recorded at {printable(time)}")
    return found.snapshot


def as_if_now(recorded: Snapshot, now: float) -> dict[int, Process]:
    """Its processes, as old as they were then. Of whom the oom_score_adj was not asked, it is taken for the usual one:
    else nobody could be ended."""
    later = now - recorded.clock.boottime
    return {pid: replace(process, started_boottime=process.started_boottime + later, swap_bytes=process.swap_bytes or 0,
                         oom_score_adj=USUAL_SCORE_ADJ if process.oom_score_adj is None else process.oom_score_adj)
            for pid, process in recorded.processes.items()}
