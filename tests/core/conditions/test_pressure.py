"""Conditions on memory pressure."""

from __future__ import annotations

import pytest

from tests.core.build import policy, snapshot
from watchdog_oom.core.conditions.pressure import PressureAbove
from watchdog_oom.core.memory import Pressure
from watchdog_oom.core.view import View


@pytest.mark.parametrize(("full", "threshold", "holds"), [
    (False, 39.9, True), (False, 40.0, False), (True, 9.9, True), (True, 10.0, False)])
def test_each_share_is_compared_with_its_own_threshold(full: bool, threshold: float, holds: bool) -> None:
    seen = View(snapshot(pressure=Pressure(40.0, 10.0)), policy())
    finding = PressureAbove(full, threshold).find(seen)
    assert finding.holds is holds and ("(full)" if full else "(some)") in finding.words


def test_a_kernel_without_pressure_leaves_it_open() -> None:
    finding = PressureAbove(True, 0.0).find(View(snapshot(), policy()))
    assert not finding.holds and not finding.known and "not available" in finding.words
