"""What ``init`` knows of software: the table known.toml as records."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.lean_dataclasses import dataclass

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.toml")


class Role(StrEnum):
    """What is proposed for it: see the head of the table."""

    CORE = "core"
    KEEP = "keep"
    WORK = "work"
    JOB = "job"


class Treatment(StrEnum):
    """What is proposed for a directory of it."""

    CLEAN = "clean"
    LEFTOVERS = "leftovers"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class KnownSpool:
    """A directory of known software; ``then`` says what is proposed for its stale entries, ``why`` what they are."""

    name: str
    paths: tuple[str, ...]
    entries: str
    stale_after: str
    then: Treatment
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """One kind of software; the head of the table says what each key means. Patterns are matched in full, ``cmdline``
    and ``master`` are searched for."""

    name: str
    title: str
    role: Role
    exe: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    cmdline: str = ""
    units: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    score: int | None = None
    children: str = ""
    master: str = ""
    workers: bool = False
    ports: tuple[tuple[int, str], ...] = ()
    start_within: str = ""
    installed: bool = False
    runtime: str = ""
    rss: str = ""
    repair: str = ""
    own: str = ""
    spools: tuple[KnownSpool, ...] = ()

    @property
    def each_unit(self) -> bool:
        """Whether it is a kind of program rather than one service: each of its units is a service of its own."""
        return not self.units and self.role is Role.WORK


def read_known(path: str = TABLE) -> tuple[Known, ...]:
    """The shipped table, in its order."""
    import tomli
    with open(path, "rb") as file:
        return tuple(_known(name, table) for name, table in tomli.load(file).items())


def _known(name: str, table: Mapping[str, Any]) -> Known:
    given: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    given["role"] = Role(table["role"])
    given["ports"] = tuple((int(port), greeting) for port, greeting in table.get("ports", {}).items())
    given["spools"] = tuple(_spool(spool) for spool in table.get("spools", ()))
    return Known(name, **given)


def _spool(table: Mapping[str, Any]) -> KnownSpool:
    return KnownSpool(**{**table, "paths": tuple(table["paths"]), "then": Treatment(table["then"])})


def matches(globs: tuple[str, ...], text: str | None, *, path: bool = False) -> bool:
    """Whether one of the globs is the whole text."""
    return text is not None and any(_compiled(glob, path).fullmatch(text) for glob in globs)


def _compiled(glob: str, path: bool) -> re.Pattern[str]:
    if (glob, path) not in _PATTERNS:
        _PATTERNS[glob, path] = glob_pattern(glob, path=path)
    return _PATTERNS[glob, path]


_PATTERNS: dict[tuple[str, bool], re.Pattern[str]] = {}
