"""Which of the host's processes belong to which known software, and which nobody knows."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence

from watchdog_oom.cli.init.host_facts import SeenHost, SeenProcess
from watchdog_oom.cli.init.known import Known, matches
from watchdog_oom.lean_dataclasses import dataclass

_INTERPRETER = re.compile(r"(?:perl|python|ruby|java|node|php|bash|sh|dash)[0-9.]*")


@dataclass(frozen=True, slots=True)
class Recognised:
    """Known software that runs here, or that is installed and comes and goes. ``name`` is the one of its noun."""

    name: str
    known: Known
    processes: tuple[SeenProcess, ...]

    @property
    def units(self) -> tuple[str, ...]:
        """The services that its processes run in; what others of it run in too, such as a scope, is none."""
        return tuple(dict.fromkeys(process.unit for process in self.processes if process.unit))


def recognise(facts: SeenHost, table: Sequence[Known]) -> tuple[tuple[Recognised, ...], tuple[SeenProcess, ...]]:
    """The software that was recognised, in the order of the table, and the processes of which nothing is known. What a
    recognised process started under another program's name is known if that program is."""
    of: dict[str, list[SeenProcess]] = {known.name: [] for known in table}
    rest: list[SeenProcess] = []
    for process in facts.processes:
        known = _owner(process, table)
        (rest if known is None else of[known.name]).append(process)
    found: list[Recognised] = []
    for known in table:
        if of[known.name] or (known.installed and _installed(known, facts)):
            found += _instances(known, of[known.name])
    return tuple(found), tuple(rest)


def _owner(process: SeenProcess, table: Sequence[Known]) -> Known | None:
    if process.pid == 1:
        return None
    return next((known for known in table if _is(known, process)), None)


def _is(known: Known, process: SeenProcess) -> bool:
    """By its program; of an interpreter by its unit, its name or its command line, which it may choose itself."""
    if known.users and process.user not in known.users:
        return False
    if process.own_users and not matches(known.units, process.unit):
        return False  # in there, its program may be another by the same path
    if not interpreted(process):
        return matches(known.exe, process.exe, path=True)
    if process.unit is not None and matches(known.units, process.unit):
        return True
    if known.cmdline and process.cmdline is not None and re.search(known.cmdline, process.cmdline):
        return True
    return matches(known.scripts, process.comm) or matches(known.exe, process.exe, path=True)


def interpreted(process: SeenProcess) -> bool:
    """Whether its executable only says in which language it is written."""
    return _INTERPRETER.fullmatch(os.path.basename(process.exe or "")) is not None


def _installed(known: Known, facts: SeenHost) -> bool:
    return any(path in facts.installed for path in known.exe)


def _instances(known: Known, processes: Sequence[SeenProcess]) -> Iterator[Recognised]:
    """One, or for a kind of program one for each unit."""
    units = sorted({process.unit for process in processes if process.unit})
    if not known.each_unit or len(units) < 2:
        yield Recognised(known.name, known, tuple(processes))
        return
    names = _named(known.name, units)
    for unit, name in zip(units, names, strict=True):
        yield Recognised(name, known, tuple(process for process in processes if process.unit == unit))
    if alone := tuple(process for process in processes if not process.unit):
        yield Recognised(known.name, known, alone)


def _named(prefix: str, units: Iterable[str]) -> list[str]:
    """A NAME for each unit, as the policy language allows it, and no two alike."""
    names: list[str] = []
    for unit in units:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", unit.removesuffix(".service"))[:40]
        free = (f"{prefix}_{plain}{ending}" for ending in ("", *(f"_{number}" for number in range(2, 10_000))))
        names.append(next(name for name in free if name not in names))
    return names

