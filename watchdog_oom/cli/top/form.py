"""One sample as a JSON document, for ``top --json``. Pure."""

from __future__ import annotations

from typing import Any

from watchdog_oom.cli.top.moments import MomentView
from watchdog_oom.cli.top.rows import Choice, ProcessRow, rows_of
from watchdog_oom.core.model import Clock
from watchdog_oom.daemon.status_file import memory_plain, pressure_plain, service_memory_plain
from watchdog_oom.recorder.plain import plain

VERSION = 1


def plain_view(view: MomentView, choice: Choice) -> dict[str, Any]:
    """What docs/recorder.md describes; null is what was not recorded."""
    sample, rows = view.sample, rows_of(view, choice)
    snapshot = sample.snapshot
    return {
        "v": VERSION, "host": sample.about.get("host"), "time": view.wall, "boot_id": snapshot.boot_id,
        "boottime": snapshot.clock.boottime, "kind": sample.kind.value, "missed": view.missed or None,
        "grown_since": None if view.base is None else view.base.snapshot.clock.wall,
        "memory": memory_plain(snapshot.memory), "pressure": pressure_plain(snapshot.pressure),
        "processes": [_process(row, snapshot.clock) for row in rows.shown],
        "processes_chosen": rows.chosen, "processes_unknown": rows.unknown, "processes_all": len(snapshot.processes),
        "spools": {name: plain(state) for name, state in snapshot.spools.items()},
        "services": {name: {"unit": state.unit, "status": state.status.value, "words": state.words,
                            "memory": service_memory_plain(state.memory)} for name, state in snapshot.services.items()},
        "kernel_kills": [{"pid": kill.pid, "comm": kill.comm, "cgroup": kill.cgroup, "line": kill.line}
                         for kill in snapshot.kernel_kills]}


def _process(row: ProcessRow, clock: Clock) -> dict[str, Any]:
    process, facts = row.process, row.process.facts
    return {"pid": process.pid, "start_ticks": process.id.start_ticks, "ppid": process.ppid, "comm": process.comm,
            "state": process.state, "rss_bytes": process.rss_bytes, "grown_bytes": row.growth_bytes,
            "swap_bytes": process.swap_bytes, "age_seconds": round(process.age_seconds(clock), 1),
            "threads": process.threads, "uid": facts.uid, "user": facts.user, "unit": facts.unit,
            "user_unit": facts.user_unit, "exe": facts.exe, "cmdline": facts.cmdline,
            "oom_score_adj": process.oom_score_adj}
