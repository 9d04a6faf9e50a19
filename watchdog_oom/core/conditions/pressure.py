"""Conditions on memory pressure (PSI, accounting/psi in the kernel's documentation)."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom import formatting
from watchdog_oom.core.condition import Condition, Family, Finding, SnapshotView
from watchdog_oom.core.form import Form
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any


@dataclass(frozen=True, slots=True)
class PressureAbove:
    """The share of the last 10 s in which some tasks (``full``: all tasks) were stalled on memory."""

    full: bool
    percent: float

    def find(self, view: SnapshotView) -> Finding:
        pressure = view.snapshot.pressure
        if pressure is None:
            return Finding(False, "memory pressure is not available on this kernel", known=False)
        share = pressure.full_avg10_percent if self.full else pressure.some_avg10_percent
        word = "full" if self.full else "some"
        return Finding(share > self.percent, f"memory pressure ({word}) is {formatting.percent(share)} "
                                             f"over 10 s (threshold {self.percent:g}%)")


def _build(values: Mapping[str, Any]) -> Condition:
    (key, percent), = values.items()
    return PressureAbove(full=key == "pressure_full_above", percent=percent)


FAMILY = Family(keys={"pressure_some_above": Form.PERCENT, "pressure_full_above": Form.PERCENT}, build=_build)
