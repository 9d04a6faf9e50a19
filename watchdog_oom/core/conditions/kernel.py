"""Condition on the kernel's own OOM kills, as reported in its log."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView
from watchdog_oom.core.form import Form
from watchdog_oom.core.model import KernelKill
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.formatting import printable, process_label
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class KernelOomKill:
    """The kernel killed a process of the noun, or any process (``noun`` None), and the rule has not run since."""

    noun: str | None

    def find(self, view: SnapshotView) -> Finding:
        for kill in view.kernel_kills:
            if self.noun is None or _was(view, view.noun(self.noun), kill):
                return Finding(True, f"the kernel killed {process_label(kill.comm, kill.pid)}: {printable(kill.line)}")
        return Finding(False, f"the kernel has not just killed {self.noun or 'any process'}")


def _was(view: SnapshotView, noun: ProcessNoun, kill: KernelKill) -> bool:
    """A dead process is matched as last seen alive. One never seen, by all keys of the noun, which the kernel's line
    must be able to answer: anybody can let a process called mysqld die in a control group of his own."""
    if kill.victim is not None:
        return view.matches(noun, kill.victim)
    if noun.exe or noun.cmdline or noun.parent or noun.under or noun.excepted or noun.circumstantial or not noun.comm:
        return False
    user = None if kill.uid is None else _name(view, kill.uid)
    return (any(pattern.fullmatch(kill.comm) for pattern in noun.comm)
            and (not noun.user or str(kill.uid) in noun.user or user in noun.user)
            and (not noun.unit or any(pattern.fullmatch(kill.unit or "") for pattern in noun.unit)))


def _name(view: SnapshotView, uid: int) -> str | None:
    """The user's name, as it is known from other processes: the name service cannot be asked here."""
    if uid == 0:
        return "root"
    return next((process.facts.user for process in view.snapshot.processes.values() if process.facts.uid == uid), None)


def explained(view: SnapshotView, noun: str, unit: str) -> bool:
    """Whether the kernel killed a process of the noun that was the unit's own: what died in a container, or in a
    control group that a user made, explains nothing about a service of the same program."""
    return any(_was(view, view.noun(noun), kill) and _lived_in(kill, unit) for kill in view.kernel_kills)


def _lived_in(kill: KernelKill, unit: str) -> bool:
    """Where nothing tells its control group, as without systemd, the noun alone decides."""
    there = kill.unit or (kill.victim.facts.unit if kill.victim is not None else None)
    if there is not None:
        return there.removesuffix(".service") == unit.removesuffix(".service")
    return kill.memcg in (None, "/")


def _build(values: Mapping[str, Any]) -> Condition:
    name = values["kernel_oom_kill"]
    return KernelOomKill(None if name == "any" else name)


FAMILY = Family(keys={"kernel_oom_kill": Form.PROCESS_OR_ANY}, build=_build)
