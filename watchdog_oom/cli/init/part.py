"""One recognised software with all that a first policy says of it."""

from __future__ import annotations

from watchdog_oom.cli.init.host_facts import SeenHost, SeenProcess
from watchdog_oom.cli.init.known import KnownSpool, Role, Treatment
from watchdog_oom.cli.init.nouns import ProposedService, selectors, services, workers
from watchdog_oom.cli.init.recognise import Recognised
from watchdog_oom.core.model import SpoolState
from watchdog_oom.lean_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Software:
    """One recognised software with all that is said of it. ``keys`` are empty if its processes cannot be told from
    others; then it has no rule about processes."""

    each: Recognised
    keys: list[tuple[str, str]]
    services: tuple[ProposedService, ...]
    workers: tuple[SeenProcess, ...]
    spools: tuple[tuple[KnownSpool, str, SpoolState], ...]

    @property
    def name(self) -> str:
        return self.each.name

    @property
    def has_workers(self) -> bool:
        return bool(self.keys) and self.each.known.workers

    @property
    def cleared(self) -> tuple[tuple[KnownSpool, str, SpoolState], ...]:
        """The directories that may be cleared; of those that are refused, none."""
        return tuple(spool for spool in self.spools
                     if spool[0].then is not Treatment.NEVER and spool[2].problem is None)

    @property
    def limited(self) -> str:
        """The noun that a limit is about, or nothing."""
        if self.has_workers:
            return f"{self.name}_worker"
        return self.name if self.keys and self.each.known.role in (Role.WORK, Role.JOB) else ""


def part_of(each: Recognised, facts: SeenHost) -> Software:
    spools = tuple((spool, path, facts.spools[path]) for spool in each.known.spools
                   if (path := used_path(spool, facts)) is not None)
    return Software(each, selectors(each, facts), services(each, facts),
                workers(each, facts) if each.known.workers else (), spools)


def used_path(spool: KnownSpool, facts: SeenHost) -> str | None:
    """Of its directories that are there, the one that holds most: a package leaves its own behind, empty, when the
    administrator has named another; of alike ones the first."""
    there = [path for path in spool.paths if path in facts.spools]
    return max(there, key=lambda path: facts.spools[path].entries, default=None)
