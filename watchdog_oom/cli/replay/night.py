"""A recording run through one policy or two, in one reading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchdog_oom.cli.loaded import LoadedPolicy
from watchdog_oom.core.guard import Budget
from watchdog_oom.host.processes.pattern_search import PatternSearch
from watchdog_oom.recorder.act import ReplayAct
from watchdog_oom.recorder.as_read import Patterns
from watchdog_oom.recorder.replay import Replay
from watchdog_oom.recorder.sample import Sample
from watchdog_oom.recorder.unrecorded import Lack


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What came of one policy, which was given as ``name``; ``sources`` are its files."""

    name: str
    sources: tuple[str, ...]
    acts: tuple[ReplayAct, ...]
    lacks: tuple[Lack, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlayedNight:
    """A recording and what came of it. Times are in seconds since the epoch."""

    host: str
    first: float
    last: float
    samples: int
    dropped: int
    longest_gap_seconds: float
    breaks: tuple[tuple[float, float], ...]
    verdicts: tuple[PolicyVerdict, ...]


class BoundedSearch:
    """Searches command lines; a pattern that takes too long is not found, and told."""

    def __init__(self) -> None:
        self.slow: dict[str, None] = {}
        self._search = PatternSearch(lambda pattern: self.slow.setdefault(pattern.pattern))

    def __call__(self, patterns: Patterns, text: str, uid: int | None) -> Mapping[re.Pattern[str], bool]:
        return self._search.found(patterns, text, lambda: uid)


def replayer(loaded: LoadedPolicy, search: BoundedSearch) -> Replay:
    """The policy with the budget of its configuration."""
    return Replay(loaded.policy, Budget(loaded.config.kills_per_minute, loaded.config.purge_entries), search)


def run(samples: Iterable[Sample], policies: Mapping[str, LoadedPolicy]) -> PlayedNight | None:
    """``None`` if there is no sample."""
    search = BoundedSearch()
    replays = {name: replayer(loaded, search) for name, loaded in policies.items()}
    acts: dict[str, list[ReplayAct]] = {name: [] for name in policies}
    count = dropped = 0
    host, first, last = "", 0.0, 0.0
    for sample in samples:
        if sample.repeated:
            continue
        count, dropped, last = count + 1, dropped + sample.dropped, sample.snapshot.clock.wall
        first, host = (last if count == 1 else first), sample.about.get("host", "") or host
        for name, replay in replays.items():
            acts[name] += replay.step(sample)
    if not count:
        return None
    one = next(iter(replays.values()))
    verdicts = tuple(_verdict(name, policies[name], replay, acts[name], search) for name, replay in replays.items())
    return PlayedNight(host, first, last, count, dropped, one.longest_gap_seconds, tuple(one.breaks), verdicts)


def _verdict(name: str, loaded: LoadedPolicy, replay: Replay, acts: list[ReplayAct],
             search: BoundedSearch) -> PolicyVerdict:
    ours = {pattern.pattern for noun in loaded.policy.processes.values() for pattern in noun.cmdline}
    slow = tuple(f"{pattern!r} took too long in a command line, which counts as not matching"
                 for pattern in search.slow if pattern in ours)
    return PolicyVerdict(name, loaded.policy.sources, tuple(acts), replay.lacks.words(replay.longest_gap_seconds),
                   (*loaded.notes, *map(str, loaded.warnings), *slow))
