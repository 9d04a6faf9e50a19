"""A recorded snapshot as a daemon with another policy would have read it, as far as the recording tells. Pure.

The daemon reads what its policy asks for, and so the recording has what the policy of that night asked for. Three
things can be made good: a command line that was recorded is searched for the patterns of this policy; a state of a
service counts as fresh, since the daemon would have asked again; and who was not asked for his oom_score_adj has 0,
since nobody may be ended of whom it is not known. Whatever else is missing, ``unrecorded`` tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from watchdog_oom.core.matching import Fact
from watchdog_oom.core.model import Facts, Process, ProcessId, ServiceState, Snapshot
from watchdog_oom.core.policy import Policy
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.lean_typing import TypeAlias

USUAL_SCORE_ADJ = 0
_MOST_LINES = 4096
_CMDLINE = frozenset({Fact.CMDLINE.value})
_CUT = " … "  # where host/processes/reader_child.py has shortened a command line

Patterns: TypeAlias = frozenset[re.Pattern[str]]
# Which of the patterns are found in a command line of a user's process: whoever searches bounds the time it takes.
Search: TypeAlias = Callable[[Patterns, str, int | None], Mapping[re.Pattern[str], bool]]


class AsRead:
    """Snapshots of one recording for one policy, one after the other."""

    def __init__(self, policy: Policy, search: Search) -> None:
        self._patterns = frozenset(pattern for noun in policy.processes.values() for pattern in noun.cmdline)
        self._search = search
        self._lines: dict[tuple[str, int | None], Mapping[re.Pattern[str], bool]] = {}
        self._recorded: Mapping[int, Process] = {}
        self._made: dict[int, Process] = {}

    def snapshot(self, recorded: Snapshot) -> Snapshot:
        """What happened to the acts of that night's daemon is left out: this policy has not asked for them."""
        if recorded.processes is not self._recorded:
            was, made = self._recorded, self._made
            self._made = {pid: made[pid] if was.get(pid) is process else self._process(process)
                          for pid, process in recorded.processes.items()}
            self._recorded = recorded.processes
        now = recorded.clock.boottime
        services = {name: _fresh(state, now) for name, state in recorded.services.items()}
        return replace(recorded, processes=self._made, services=services, reports=())

    def assumed_score(self, identity: ProcessId) -> bool:
        """Whether the oom_score_adj of that process, of the last snapshot, is taken and not recorded."""
        process = self._recorded.get(identity.pid)
        return process is not None and process.id == identity and process.oom_score_adj is None

    def _process(self, process: Process) -> Process:
        facts = self._searched(process.facts)
        if facts is process.facts and process.oom_score_adj is not None:
            return process
        score = USUAL_SCORE_ADJ if process.oom_score_adj is None else process.oom_score_adj
        return replace(process, facts=facts, oom_score_adj=score)

    def _searched(self, facts: Facts) -> Facts:
        wanted = self._patterns - facts.cmdline_has - facts.cmdline_lacks
        if facts.cmdline is None or not wanted:
            return facts
        key = (facts.cmdline, facts.uid)
        if key not in self._lines:
            if len(self._lines) >= _MOST_LINES:
                self._lines.clear()
            self._lines[key] = self._search(self._patterns, facts.cmdline, facts.uid)
        answers = self._lines[key]
        has = frozenset(pattern for pattern in wanted if answers.get(pattern) is True)
        cut = _CUT in facts.cmdline  # what is not in the rest of it may have been in what is missing
        lacks = frozenset(pattern for pattern in wanted if answers.get(pattern) is False and not cut)
        return replace(facts, cmdline_has=facts.cmdline_has | has, cmdline_lacks=facts.cmdline_lacks | lacks,
                       asked=facts.asked if cut else facts.asked - _CMDLINE)


def _fresh(state: ServiceState, now: float) -> ServiceState:
    return replace(state, sensed_boottime=now)
