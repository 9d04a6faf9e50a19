"""Conditions on a service: its state, and what its control group holds."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView, threshold_bytes, verdict
from watchdog_oom.core.form import Form
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.nouns import Size
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class ServiceIs:
    """All given keys hold for the unit. ``failed``: the service manager reports that it failed; a stopped unit may have
    been stopped by the operator. ``memory_above``: a percentage is of all RAM."""

    service: str
    failed: bool = False
    memory_above: Size | None = None

    def find(self, view: SnapshotView) -> Finding:
        state = view.snapshot.services.get(self.service)
        if state is None:
            return Finding(False, f"the state of {self.service} is not known yet", known=False)
        asked = (_failed(state) if self.failed else None, self._memory(view, state))
        findings = [finding for finding in asked if finding is not None]
        holds = verdict(findings)
        return Finding(holds is True, ", ".join(finding.words for finding in findings), known=holds is not None)

    def _memory(self, view: SnapshotView, state: ServiceState) -> Finding | None:
        if self.memory_above is None:
            return None
        threshold = threshold_bytes(view, self.memory_above)
        if threshold is None:
            return Finding(False, "memory could not be read", known=False)
        held = state.memory.held_bytes if state.memory is not None else None
        if state.memory is None or held is None:
            why = f": {state.memory.problem}" if state.memory is not None and state.memory.problem else " yet"
            return Finding(False, f"what {state.unit} holds is not known{why}", known=False)
        cache = state.memory.cache_bytes
        apart = f"; {formatting.size(cache)} of file cache not counted" if cache else ""
        return Finding(held > threshold, f"{state.unit} holds {formatting.size(held)} "
                                         f"(threshold {formatting.size(threshold)}{apart})")


def _failed(state: ServiceState) -> Finding:
    told = f" ({state.words})" if state.words else ""
    return Finding(state.status is ServiceStatus.FAILED, f"{state.unit} is {state.status}{told}",
                   known=state.status is not ServiceStatus.UNKNOWN)


def _build(values: Mapping[str, Any]) -> Condition:
    return ServiceIs(values["service"], values.get("failed", False), values.get("service_memory_above"))


FAMILY = Family(subject="service", build=_build, keys={
    "service": Form.SERVICE, "failed": Form.TRUE, "service_memory_above": Form.SIZE})
