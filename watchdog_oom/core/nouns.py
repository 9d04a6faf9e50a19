"""What a policy names: processes, spools, services; and sizes."""

from __future__ import annotations

import re
from enum import StrEnum

from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Size:
    """An amount of memory or disk: absolute bytes, or percent of a total known only at run time."""

    amount_bytes: int | None = None
    percent: float | None = None

    def of(self, total_bytes: int) -> float:
        """The size in bytes, given the total that a percentage refers to."""
        if self.amount_bytes is not None:
            return self.amount_bytes
        return min(total_bytes * (self.percent or 0.0) / 100.0, float(total_bytes))  # 100% of it is no byte more

    def scaled(self, factor: float) -> Size:
        """The size multiplied by ``factor``; a percentage is capped at 100."""
        if self.amount_bytes is not None:
            return Size(amount_bytes=int(self.amount_bytes * factor))
        return Size(percent=min(100.0, (self.percent or 0.0) * factor))


class Namespaces(StrEnum):
    """Whose processes a noun may match: the host's own, or those of containers and of users' own namespaces, too."""

    HOST = "host"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class ProcessNoun:
    """[process.NAME]: every given key must match, with any of its values. Patterns are compiled and match in full,
    except ``cmdline``, which is searched; ``parent``, ``under`` and ``excepted`` are names of other nouns; ``place`` is
    where the table is, as ``file:line``, for messages. With its own name as ``parent`` it is a whole tree: the roots,
    which the other keys select, and everything below them. What ``excepted`` nouns match, it does not."""

    name: str
    exe: tuple[re.Pattern[str], ...] = ()
    user: tuple[str, ...] = ()
    comm: tuple[re.Pattern[str], ...] = ()
    cmdline: tuple[re.Pattern[str], ...] = ()
    unit: tuple[re.Pattern[str], ...] = ()
    parent: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    namespaces: Namespaces = Namespaces.HOST
    excepted: tuple[str, ...] = ()
    age_above_seconds: float | None = None
    rss_above: Size | None = None
    orphaned: bool | None = None
    place: str = ""

    @property
    def whole_tree(self) -> bool:
        return self.name in self.parent

    @property
    def circumstantial(self) -> bool:
        """Whether it is also about how a process fares, not only about who it is."""
        return self.age_above_seconds is not None or self.rss_above is not None or self.orphaned is not None


class Busy(StrEnum):
    SKIP = "skip"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class SpoolNoun:
    """[spool.NAME]: the stale direct children of ``path`` that match ``entries`` (shell globs) may be purged."""

    name: str
    path: str
    entries: tuple[str, ...]
    stale_after_seconds: float
    busy: Busy = Busy.SKIP
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """Connect to host:port; ``expect`` must be in the server's first output, ``send`` is sent before that."""

    host: str
    port: int
    expect: str | None = None
    within_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class RunProbe:
    """Run a command; exit status 0 means that the service answers."""

    argv: tuple[str, ...]
    expect: str | None = None
    within_seconds: float = 60.0


ProbeSpec: TypeAlias = TcpProbe | RunProbe


@dataclass(frozen=True, slots=True)
class ServiceNoun:
    """[service.NAME]: a unit, the triggers that would start it again, and how to check that it works."""

    name: str
    unit: str
    triggers: tuple[str, ...] = ()
    stable_for_seconds: float = 0.0
    probe: ProbeSpec | None = None
