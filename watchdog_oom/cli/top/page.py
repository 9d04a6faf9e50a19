"""The page of one sample, for a terminal and for a pipe. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterator

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page
from watchdog_oom.cli.status.gauges import show_host
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.top.moments import MomentView
from watchdog_oom.cli.top.rows import Choice, ProcessRow, Rows, rows_of
from watchdog_oom.core.model import Clock, Process, SpoolState
from watchdog_oom.daemon.status_file import memory_plain, pressure_plain
from watchdog_oom.recorder.sample import Sample, SampleKind

PROCESSES = "Processes"
_WHY = {SampleKind.CALM: "by the clock", SampleKind.NEAR: "a tick near a threshold",
        SampleKind.RING: "a tick kept in memory until something opened", SampleKind.BEFORE: "before an act"}
_NOTHING = "-"
_COLUMNS = ("pid", "user", "rss", "grown", "swap", "age", "state", "unit", "name")
_SPOOL_COLUMNS = ("spool", "entries", "stale", "size", "oldest", "problem")


def page_of(view: MomentView, choice: Choice, width: int | None) -> Page:
    """``width`` of the window, ``None`` where the page is not drawn."""
    page = Page()
    sample = view.sample
    snapshot = sample.snapshot
    host = f"{sample.about['host']}: " if sample.about.get("host") else ""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(view.wall))
    page.line((f"{host}{moment}", "bold"), f"  {_WHY[sample.kind]}")
    for words in _warnings(view):
        page.line((words, "yellow"))
    show_host(page, {"memory": memory_plain(snapshot.memory), "pressure": pressure_plain(snapshot.pressure),
                     "processes": len(snapshot.processes)}, Seen(width=width))
    _show_kernel_kills(page, sample)
    _show_processes(page, view, choice)
    _show_spools(page, sample)
    _show_services(page, sample)
    return page


def _warnings(view: MomentView) -> Iterator[str]:
    if view.missed:
        yield view.missed
    if view.sample.dropped:
        yield f"{formatting.count(view.sample.dropped, 'sample')} right before this one were lost"


def _show_kernel_kills(page: Page, sample: Sample) -> None:
    kills = sample.snapshot.kernel_kills
    if kills:
        page.title("Killed by the kernel since the sample before")
        for kill in kills:
            page.line((f"{formatting.process_label(kill.comm, kill.pid)}", "red"),
                      " in a control group at its limit" if kill.cgroup else "", indent=1)


def _show_processes(page: Page, view: MomentView, choice: Choice) -> None:
    rows = rows_of(view, choice)
    page.title(f"{PROCESSES} ({choice.sort} first{_of_whom(choice)}, {_how_many(rows)})")
    clock = view.sample.snapshot.clock
    page.table(_COLUMNS, [_cells(row, clock) for row in rows.shown], right=(0, 2, 3, 4, 5), indent=1)
    if rows.unknown:
        page.line((f"{formatting.count(rows.unknown, 'process')} left out: the recording does not say whose they are",
                   "dim"), indent=1)
    if view.base is None:
        page.line(("how they have grown is not known: there is no earlier sample of this boot", "dim"), indent=1)
    else:
        span = view.wall - view.base.snapshot.clock.wall
        page.line((f"grown: in {formatting.duration(round(span))}; new: was not there then", "dim"), indent=1)


def _of_whom(choice: Choice) -> str:
    return "".join(f", {word} {wanted}" for word, wanted in (("user", choice.user), ("unit", choice.unit))
                   if wanted is not None)


def _how_many(rows: Rows) -> str:
    return f"{len(rows.shown)} of {rows.chosen}" if len(rows.shown) < rows.chosen else f"all {rows.chosen}"


def _cells(row: ProcessRow, clock: Clock) -> tuple[str, ...]:
    process = row.process
    swap = _NOTHING if not process.swap_bytes else formatting.size(process.swap_bytes)
    return (str(process.pid), _user(process), formatting.size(process.rss_bytes), _grown(row), swap,
            formatting.duration(round(process.age_seconds(clock))), process.state,
            formatting.printable(process.facts.user_unit or process.facts.unit or _NOTHING),
            formatting.printable(process.comm))


def _user(process: Process) -> str:
    facts = process.facts
    return formatting.printable(facts.user) if facts.user else _NOTHING if facts.uid is None else str(facts.uid)


def _grown(row: ProcessRow) -> str:
    growth = row.growth_bytes
    if growth is None:
        return "new"
    return _NOTHING if not growth else f"{'+' if growth > 0 else '-'}{formatting.size(abs(growth))}"


def _show_spools(page: Page, sample: Sample) -> None:
    spools = sample.snapshot.spools
    if spools:
        page.title("Spools")
        page.table(_SPOOL_COLUMNS, [(formatting.printable(name), *_spool(state)) for name, state in spools.items()],
                   right=(1, 2, 3, 4), indent=1)


def _spool(state: SpoolState) -> tuple[str, ...]:
    least = "" if state.complete else "≥"
    return (f"{least}{state.entries}", f"{least}{state.stale}", f"{least}{formatting.size(state.size_bytes)}",
            formatting.duration(round(state.oldest_seconds)), formatting.printable(state.problem or ""))


def _show_services(page: Page, sample: Sample) -> None:
    services = sample.snapshot.services
    if services:
        page.title("Services")
        rows = []
        for name, state in services.items():
            held = state.memory.held_bytes if state.memory is not None else None
            memory = state.memory_current_bytes if held is None else held
            rows.append((formatting.printable(name), formatting.printable(state.unit), state.status.value,
                         _NOTHING if memory is None else formatting.size(memory), formatting.printable(state.words)))
        page.table(("service", "unit", "state", "memory", ""), rows, right=(3,), indent=1)
