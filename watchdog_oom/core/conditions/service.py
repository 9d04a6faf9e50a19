"""Condition on the state of a service."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView
from watchdog_oom.core.form import Form
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class ServiceFailed:
    """The service manager reports that the unit failed. A stopped unit may have been stopped by the operator."""

    service: str

    def find(self, view: SnapshotView) -> Finding:
        state = view.snapshot.services.get(self.service)
        if state is None:
            return Finding(False, f"the state of {self.service} is not known yet", known=False)
        told = f" ({state.words})" if state.words else ""
        return Finding(state.status is ServiceStatus.FAILED, f"{state.unit} is {state.status}{told}",
                       known=state.status is not ServiceStatus.UNKNOWN)


def _build(values: Mapping[str, Any]) -> Condition:
    return ServiceFailed(values["service"])


FAMILY = Family(subject="service", keys={"service": Form.SERVICE, "failed": Form.TRUE}, build=_build)
