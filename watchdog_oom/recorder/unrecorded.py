"""What a recording does not have for a policy, by rule and in words: nobody asked for it in that night. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.condition import Finding
from watchdog_oom.core.matching import Fact, missing_fact
from watchdog_oom.core.model import Process, ProcessId
from watchdog_oom.core.policy import Limit, Policy
from watchdog_oom.core.rules.exceeding import size_bytes
from watchdog_oom.core.rules.recovery.trigger import clause_findings
from watchdog_oom.core.view import View
from watchdog_oom.formatting import count, duration
from watchdog_oom.lean_typing import TypeAlias
from watchdog_oom.recorder.subjects import nouns_of

MOST_NAMED = 3
_MOST_JUDGED = 100_000
_MISSING = {
    Fact.EXE: ("the executable", "so they do not match"),
    Fact.USER: ("the user", "so they do not match"),
    Fact.UNIT: ("the unit", "so they do not match; or they had none"),
    Fact.CMDLINE: ("what the policy looks for in the command line", "so they do not match"),
    Fact.HOST_NAMESPACES: ("whether they are of a container", "so they are taken for the host's own"),
    Fact.EXE_MOUNTED: ("whether the executable is the host's", "so they are taken for what they seem"),
}
_NAMESPACES = frozenset({Fact.HOST_NAMESPACES, Fact.EXE_MOUNTED})
Lack: TypeAlias = tuple[str, str]  # rule and words


class Unrecorded:
    """Collects, look by look."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._rules: dict[str, list[str]] = {}
        for rule, names in nouns_of(policy).items():
            for name in names:
                self._rules.setdefault(name, []).append(rule)
        self._judged: set[tuple[ProcessId, int]] = set()
        self._facts: dict[tuple[str, Fact], list[str]] = {}
        self._counts: dict[tuple[str, Fact], int] = {}
        self._unread: dict[Lack, None] = {}
        self._conditions: dict[tuple[str, int, int], Finding] = {}
        self._spools_used: set[str] = set()
        self._spools_seen: set[str] = set()
        self._looks = 0

    def look(self, view: View) -> None:
        """At one snapshot, as it was decided on."""
        self._looks += 1
        for process in view.snapshot.processes.values():
            self._spools_used |= process.under or frozenset()
            if not process.kernel_thread and (process.id, process.image) not in self._judged:
                self._judge(process)
        self._spools_seen |= view.snapshot.spools.keys()
        for limit in self._policy.limits.values():
            self._of_limit(view, limit)
        for recover in self._policy.recovers.values():
            for at, clause in enumerate(recover.when):
                for number, finding in enumerate(clause_findings(clause, view)):
                    key = (f"recover.{recover.name}", at, number)
                    if key not in self._conditions or not self._conditions[key].known:
                        self._conditions[key] = finding

    def words(self, longest_gap_seconds: float) -> tuple[Lack, ...]:
        """All that it lacks, each once; samples came that far apart."""
        if not self._looks:
            return ()
        found = (*self._too_short(longest_gap_seconds), *self._of_nouns(), *self._unread, *self._never_known(),
                 *self._never_scanned())
        return tuple(dict.fromkeys(found))

    def _judge(self, process: Process) -> None:
        if process.facts.asked:
            return  # at the next look it may be known
        if len(self._judged) >= _MOST_JUDGED:
            self._judged.clear()
        self._judged.add((process.id, process.image))
        known = _known(process)
        for name in self._rules:
            fact = missing_fact(self._policy.processes[name], process, known)
            if fact is not None and (fact not in _NAMESPACES or process.facts.host_namespaces is None):
                key = (name, fact)
                self._counts[key] = self._counts.get(key, 0) + 1
                self._facts.setdefault(key, []).extend([process.label] * (self._counts[key] <= MOST_NAMED))

    def _of_limit(self, view: View, limit: Limit) -> None:
        group = view.matching(limit.process)
        rule = f"limit.{limit.name}"
        if limit.swap is not None and any(process.swap_bytes is None for process in group):
            self._unread[rule, f"what processes of {limit.process} had in swap was not recorded"] = None
        total = size_bytes(view, limit.total_rss)
        if (total is not None and len(group) > 1 and sum(process.rss_bytes for process in group) > total
                and all(process.sharing is None for process in group)):
            self._unread[rule, f"what processes of {limit.process} share was not recorded, so each counts alone"] = None

    def _of_nouns(self) -> Iterator[Lack]:
        for (name, fact), labels in self._facts.items():
            what, so = _MISSING[fact]
            hidden = self._counts[name, fact] - len(labels)
            who = ", ".join(labels) + (f" and {count(hidden, 'other')}" if hidden else "")
            for rule in self._rules[name]:
                yield rule, f"{what} of {who}, who may be {name}, was not recorded, {so}"
        for name, rules in self._rules.items():
            noun = self._policy.processes[name]
            if noun.under and self._spools_used.isdisjoint(noun.under):
                for rule in rules:
                    yield rule, f"no use of {', '.join(noun.under)} was recorded, so nothing matches {name}"

    def _never_known(self) -> Iterator[Lack]:
        for (rule, _, _), finding in self._conditions.items():
            if not finding.known:
                yield rule, f"never known in the recording: {finding.words}"

    def _never_scanned(self) -> Iterator[Lack]:
        for name, clean in self._policy.cleans.items():
            if clean.spool not in self._spools_seen:
                yield f"clean.{name}", f"never known in the recording: spool {clean.spool} was not scanned"

    def _too_short(self, gap: float) -> Iterator[Lack]:
        """Samples do not show what lasts less than the time between two of them."""
        asked = [(f"limit.{name}", limit.for_seconds) for name, limit in self._policy.limits.items()]
        asked += [(f"recover.{name}", clause.for_seconds) for name, recover in self._policy.recovers.items()
                  for clause in recover.when]
        asked.append(("emergency", self._policy.emergency.pressure_for_seconds))
        for rule, seconds in asked:
            if 0 < seconds < gap:
                yield rule, (f'for = "{duration(seconds)}" is shorter than the {duration(gap)} between two samples: '
                             "what lasted so long may show in one of them, or in none")


def _known(process: Process) -> frozenset[Fact]:
    facts = process.facts
    read = {Fact.EXE: facts.exe, Fact.USER: facts.uid, Fact.UNIT: facts.unit or facts.user_unit,
            Fact.HOST_NAMESPACES: facts.host_namespaces, Fact.EXE_MOUNTED: facts.exe_mounted}
    return frozenset([fact for fact, value in read.items() if value is not None])
