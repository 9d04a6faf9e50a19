"""What a night came to, as values: acts, incidents, the host's measures, and what is concluded from them.

Times are seconds since the epoch, sizes bytes. Texts of processes were made printable where these values are made, so
no control character and no mark that turns the direction of writing is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from watchdog_oom.report.kernel_kills import NightKernelKill, NightKernelReport

LEAST_FALL_SHARE = 0.10  # of RAM and swap: less is the breathing of a host


@dataclass(frozen=True, slots=True)
class NightSpan:
    """The time that is reported."""

    since: float
    until: float

    def holds(self, wall: float) -> bool:
        return self.since <= wall <= self.until


@dataclass(frozen=True, slots=True)
class NightAct:
    """One thing the daemon did: its intent and its outcome. ``verb`` is the first word of the step; ``ok`` as in the
    journal; ``ended`` is ``None`` while no outcome is known. ``only_noted``: somebody's words, not an act."""

    at: float
    verb: str
    step: str
    rule: str
    incident: str
    target: Mapping[str, Any]
    because: tuple[str, ...] = ()
    ended: float | None = None
    ok: bool | None = None
    result: str = ""
    took_seconds: float | None = None

    @property
    def process(self) -> tuple[Any, Any] | None:
        """The identity of the process it was done to, if it was one."""
        return (self.target["pid"], self.target.get("start")) if "pid" in self.target else None


@dataclass(frozen=True, slots=True)
class IncidentNews:
    """What the daemon wrote about an incident beside its acts: a step verified, a failure, how it closed."""

    at: float
    step: str
    words: str
    ok: bool | None
    took_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class NightIncident:
    """One incident of the journal, or what one rule did outside of any within minutes. ``closed`` is ``None`` if no
    record says that it is over. ``ok``: whether it came out as it was meant."""

    name: str
    rule: str
    opened: float
    last: float
    closed: float | None = None
    ok: bool | None = None
    result: str = ""
    because: tuple[str, ...] = ()
    acts: tuple[NightAct, ...] = ()
    news: tuple[IncidentNews, ...] = ()
    only_told: bool = False

    @property
    def family(self) -> str:
        """``recover``, ``limit``, ``clean``, ``emergency`` …"""
        return self.rule.partition(".")[0]

    @property
    def end(self) -> float:
        return self.closed if self.closed is not None else self.last


@dataclass(frozen=True, slots=True)
class SpoolPoint:
    entries: int
    stale: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class NameTotal:
    """What all processes of one name hold: how many they are, resident and swapped out; ``swap_bytes`` is a lower
    bound where it was not read of all."""

    count: int
    rss_bytes: int
    swap_bytes: int

    @property
    def held_bytes(self) -> int:
        return self.rss_bytes + self.swap_bytes


@dataclass(frozen=True, slots=True)
class HostPoint:
    """The host in a short time, at the sample with the least room in it. ``None`` is not known. ``some_percent`` and
    ``full_percent`` are the highest of that time. ``by_name`` has the names that hold most."""

    at: float
    available_bytes: int | None = None
    available_percent: float | None = None
    total_bytes: int | None = None
    swap_free_bytes: int | None = None
    swap_total_bytes: int | None = None
    some_percent: float | None = None
    full_percent: float | None = None
    spools: Mapping[str, SpoolPoint] = field(default_factory=dict)
    by_name: Mapping[str, NameTotal] = field(default_factory=dict)

    @property
    def room_bytes(self) -> int | None:
        """What could still be had: available memory and free swap."""
        return None if self.available_bytes is None else self.available_bytes + (self.swap_free_bytes or 0)

    @property
    def swap_used_percent(self) -> float | None:
        if not self.swap_total_bytes or self.swap_free_bytes is None:
            return None
        return 100.0 * (self.swap_total_bytes - self.swap_free_bytes) / self.swap_total_bytes


@dataclass(frozen=True, slots=True)
class Decline:
    """``worst`` is the point with the least room, ``before`` the one from which it fell, ``from_start`` whether it was
    falling already when the recording began. ``lost_bytes`` is what went between the two."""

    before: HostPoint
    worst: HostPoint
    lost_bytes: int
    from_start: bool

    @property
    def is_real(self) -> bool:
        everything = (self.worst.total_bytes or 0) + (self.worst.swap_total_bytes or 0)
        return self.lost_bytes >= LEAST_FALL_SHARE * everything > 0


@dataclass(frozen=True, slots=True)
class NameFacts:
    """Who a name is: of the largest process of that name that was seen. ``line`` are its ancestors' names and its own,
    the eldest first, without pid 1."""

    exe: str = ""
    user: str = ""
    unit: str = ""
    cmdline: str = ""
    line: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostHistory:
    """What the flight recorder saw. ``births`` are processes that began, by their line of ancestors, with the times at
    which they did; ``evenly`` those that looks at equal distances have seen: only these tell how often something began.
    ``lasted`` are the processes seen at the beginning and at the end. Empty without a recording, but for the kernel's
    kills, which others tell of, too; ``unnamed_kills`` are those of which nobody knows the name."""

    points: tuple[HostPoint, ...] = ()
    births: Mapping[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict)
    evenly: Mapping[tuple[str, ...], tuple[float, ...]] = field(default_factory=dict)
    facts: Mapping[str, NameFacts] = field(default_factory=dict)
    kernel_kills: tuple[NightKernelKill, ...] = ()
    lasted: frozenset[tuple[str, int]] = frozenset()
    samples: int = 0
    unnamed_kills: int = 0

    @property
    def kernel_killed(self) -> bool:
        """Whether the kernel killed anybody, by whoever tells of it."""
        return bool(self.kernel_kills or self.unnamed_kills)


@dataclass(frozen=True, slots=True)
class MemoryHolder:
    """A name that held memory at the worst moment: then, and when it began to fall."""

    name: str
    count: int
    held_bytes: int
    share_percent: float | None
    before_count: int
    before_bytes: int
    facts: NameFacts

    @property
    def grown_bytes(self) -> int:
        return self.held_bytes - self.before_bytes


@dataclass(frozen=True, slots=True)
class LikelyTrigger:
    """What probably began it. ``sure`` is ``likely``, ``possible`` or ``not known``; ``why`` the observations."""

    words: str
    sure: str
    why: tuple[str, ...] = ()
    began: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do now: in words, with lines of a policy (TOML) or a command, where there are any."""

    words: str
    policy: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Night:
    """All that the page says. ``troubles`` are what the report itself could not read; ``standing`` what is still held,
    paused, owed; ``health`` of the daemon; ``idle_rules`` are ``None`` if the rules in force are not known.
    ``known``: the journal or the recording tells of that time. ``down``: the daemon does not run now."""

    span: NightSpan
    host: str
    headline: str
    quiet: bool
    incidents: tuple[NightIncident, ...]
    sentences: Mapping[str, str]
    routine: tuple[str, ...]
    history: HostHistory
    worst: HostPoint | None
    fall: Decline | None
    holders: tuple[MemoryHolder, ...]
    trigger: LikelyTrigger | None
    advice: tuple[Recommendation, ...]
    standing: tuple[str, ...]
    health: tuple[str, ...]
    idle_rules: tuple[str, ...] | None
    troubles: tuple[str, ...]
    paths: Mapping[str, str] = field(default_factory=dict)
    kernel_reports: tuple[NightKernelReport, ...] = ()
    known: bool = True
    down: bool = False

    @property
    def watched(self) -> bool:
        """Whether quiet means that nothing happened."""
        return self.known and not self.down
