"""Samples without what tells whose host it is: names, users, paths, arguments, units and the host are replaced.

Numbers stay: memory, times, pids. What is free text, which nobody can replace word by word and be sure, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from watchdog_oom.cli.record.words import Words
from watchdog_oom.core.matching import Fact
from watchdog_oom.core.memory import Memory, ServiceMemory
from watchdog_oom.core.model import NO_FACTS, Facts, KernelKill, Process, ServiceState, Snapshot, SpoolState
from watchdog_oom.core.outcome import EffectReport
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.sample import Sample

_T = TypeVar("_T")
PROBLEM = "a problem, whose words were left out"


class Anonymous:
    """One run: the same name is replaced by the same name in every sample."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._facts: dict[Facts, Facts] = {NO_FACTS: NO_FACTS}
        self._before: Mapping[int, tuple[Process, Process]] = {}

    def sample(self, sample: Sample) -> Sample:
        """Texts that were read besides are left out."""
        return replace(sample, snapshot=self.snapshot(sample.snapshot), about=self._about(sample.about), extra={})

    def snapshot(self, seen: Snapshot) -> Snapshot:
        pairs = {pid: self._pair(pid, process) for pid, process in seen.processes.items()}
        self._before = pairs
        return replace(
            seen, boot_id=self._words.text(seen.boot_id), memory=self._memory(seen.memory),
            memory_problem=_problem(seen.memory_problem) or "",
            processes={pid: new for pid, (_, new) in pairs.items()},
            spools={self._words.text(name): self._spool(state) for name, state in seen.spools.items()},
            services={self._words.text(name): self._service(state) for name, state in seen.services.items()},
            kernel_kills=tuple([self._kill(kill) for kill in seen.kernel_kills]),
            reports=tuple([_report(report) for report in seen.reports]),
            below={identity: self._names(names) for identity, names in seen.below.items()}, skipped={})

    def _pair(self, pid: int, process: Process) -> tuple[Process, Process]:
        """What is the same object as before stays the same, so that it is not recorded again."""
        known = self._before.get(pid)
        return known if known is not None and known[0] is process else (process, self._process(process))

    def _process(self, process: Process) -> Process:
        return replace(process, comm=self._words.text(process.comm), state=process.state[:1],
                       facts=self._facts_of(process.facts),
                       under=None if process.under is None else self._names(process.under))

    def _facts_of(self, facts: Facts) -> Facts:
        """Without the patterns: they are those of a policy, and no words of theirs could be replaced safely."""
        found = self._facts.get(facts)
        if found is None:
            found = self._facts[facts] = Facts(
                exe=self._text(facts.exe), cmdline=self._text(facts.cmdline),
                uid=None if facts.uid is None else self._words.number(facts.uid), user=self._text(facts.user),
                unit=self._text(facts.unit), user_unit=self._text(facts.user_unit), asked=facts.asked & FACT_NAMES,
                host_namespaces=facts.host_namespaces, exe_mounted=facts.exe_mounted)
        return found

    def _memory(self, memory: Memory | None) -> Memory | None:
        return None if memory is None else replace(memory, group=self._words.text(memory.group), doubts=())

    def _spool(self, state: SpoolState) -> SpoolState:
        return replace(state, problem=_problem(state.problem), gaps=_problem(state.gaps))

    def _service(self, state: ServiceState) -> ServiceState:
        words = self._words
        return replace(state, unit=words.text(state.unit), words="", invocation=words.text(state.invocation),
                       control_group=words.text(state.control_group), memory=_service_memory(state.memory),
                       result=state.result if state.result in RESULTS else words.text(state.result),
                       triggered_by=tuple([words.text(unit) for unit in state.triggered_by]))

    def _kill(self, kill: KernelKill) -> KernelKill:
        comm = self._words.text(kill.comm)
        return replace(kill, comm=comm, line=f"Killed process {kill.pid} ({comm})", memcg=self._text(kill.memcg),
                       unit=self._text(kill.unit), uid=None if kill.uid is None else self._words.number(kill.uid),
                       victim=None if kill.victim is None else self._process(kill.victim))

    def _about(self, about: Mapping[str, str]) -> Mapping[str, str]:
        return {key: self._words.text(text) if key != "version" else text for key, text in about.items()
                if key in ("host", "version")}

    def _names(self, names: frozenset[str]) -> frozenset[str]:
        return frozenset([self._words.text(name) for name in names])

    def _text(self, text: str | None) -> str | None:
        return None if text is None else self._words.text(text)


RESULTS = frozenset({"", "success", "resources", "protocol", "timeout", "exit-code", "signal", "core-dump", "watchdog",
                     "start-limit-hit", "oom-kill", "condition"})  # of systemd.exec(5)


FACT_NAMES = frozenset(fact.value for fact in Fact)


def _problem(words: _T) -> _T | str:
    return PROBLEM if words else words


def _service_memory(memory: ServiceMemory | None) -> ServiceMemory | None:
    return None if memory is None else replace(memory, problem=_problem(memory.problem))


def _report(report: EffectReport) -> EffectReport:
    return replace(report, intent_id="", outcome=replace(report.outcome, words=""))
