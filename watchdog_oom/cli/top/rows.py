"""The processes of a sample: which are shown, in which order, and how each has grown. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from watchdog_oom.cli.top.moments import MomentView
from watchdog_oom.core.model import Process, ProcessId

SORTS = ("rss", "swap", "age", "growth")


@dataclass(frozen=True, slots=True)
class Choice:
    """``most`` processes at most, ``None``: all. Of a process whose user or unit was not recorded nobody can tell
    whether it is meant: it is left out, and counted."""

    sort: str = SORTS[0]
    user: str | None = None
    unit: str | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """``growth_bytes`` since the base; ``None``: it was not there then, or there is no base."""

    process: Process
    growth_bytes: int | None


@dataclass(frozen=True, slots=True)
class Rows:
    """``chosen`` is how many processes are meant, ``unknown`` of how many that cannot be told."""

    shown: tuple[ProcessRow, ...]
    chosen: int
    unknown: int


def rows_of(view: MomentView, choice: Choice) -> Rows:
    """Kernel threads, which hold nothing, are shown only where they are asked for by their user."""
    base: Mapping[int, Process] = view.base.snapshot.processes if view.base is not None else {}
    earlier = {process.id: process.rss_bytes for process in base.values()}
    everybody = [process for process in view.sample.snapshot.processes.values() if not process.kernel_thread]
    told = [(process, _is_meant(process, choice)) for process in everybody]
    meant = [ProcessRow(process, _growth(process, earlier)) for process, is_meant in told if is_meant]
    meant.sort(key=_KEYS[choice.sort])
    return Rows(tuple(meant[:choice.most]), len(meant), sum(is_meant is None for _, is_meant in told))


def _growth(process: Process, earlier: Mapping[ProcessId, int]) -> int | None:
    before = earlier.get(process.id)
    return None if before is None else process.rss_bytes - before


def _grown(row: ProcessRow) -> int:
    """A process that was not there has grown from nothing."""
    return row.process.rss_bytes if row.growth_bytes is None else row.growth_bytes


_KEYS: Mapping[str, Callable[[ProcessRow], tuple[float, ...]]] = {
    "rss": lambda row: (-row.process.rss_bytes, row.process.pid),
    "swap": lambda row: (-(row.process.swap_bytes or 0), -row.process.rss_bytes),
    "age": lambda row: (row.process.id.start_ticks, row.process.pid),
    "growth": lambda row: (-_grown(row), -row.process.rss_bytes)}


def _is_meant(process: Process, choice: Choice) -> bool | None:
    """``None``: what it would take to tell was not recorded."""
    facts = process.facts
    answers: list[bool | None] = []
    if choice.user is not None:
        known = facts.user is not None or facts.uid is not None
        answers.append(choice.user in (facts.user, str(facts.uid)) if known else None)
    if choice.unit is not None:
        units = [unit for unit in (facts.unit, facts.user_unit) if unit is not None]
        answers.append(any(_unit_matches(unit, choice.unit) for unit in units) if units else None)
    return False if False in answers else None if None in answers else True


def _unit_matches(unit: str, wanted: str) -> bool:
    return fnmatchcase(unit, wanted) or fnmatchcase(unit, f"{wanted}.service")
