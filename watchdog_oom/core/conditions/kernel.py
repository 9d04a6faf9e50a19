"""Condition on the kernel's own OOM kills, as reported in its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView
from watchdog_oom.core.form import Form
from watchdog_oom.core.model import KernelKill
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.formatting import printable, process_label
from watchdog_oom.lean_dataclasses import dataclass


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
    """A dead process is matched as last seen alive; one never seen, only by the name in the kernel's log line."""
    if kill.victim is not None:
        return view.matches(noun, kill.victim)
    return bool(noun.comm) and any(pattern.fullmatch(kill.comm) for pattern in noun.comm)


def _build(values: Mapping[str, Any]) -> Condition:
    name = values["kernel_oom_kill"]
    return KernelOomKill(None if name == "any" else name)


FAMILY = Family(keys={"kernel_oom_kill": Form.PROCESS_OR_ANY}, build=_build)
