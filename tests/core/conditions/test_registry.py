"""The registry of condition families, and how findings are joined."""

from __future__ import annotations

import pytest

from tests.core.build import mib, policy, snapshot
from watchdog_oom.core.condition import Condition, Finding, verdict
from watchdog_oom.core.conditions.kernel import KernelOomKill
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow, SwapFreeBelow
from watchdog_oom.core.conditions.pressure import PressureAbove
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.registry import build, families
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.view import View


def evidence(condition: Condition, view: View) -> str | None:
    finding = condition.find(view)
    return finding.words if finding.holds else None


YES, NO, MISSING = Finding(True, "yes"), Finding(False, "no"), Finding(False, "?", known=False)


@pytest.mark.parametrize(("findings", "expected"), [
    ((), True), ((YES, YES), True), ((YES, NO), False), ((YES, MISSING), None), ((NO, MISSING), False),
    ((MISSING,), None)])
def test_a_missing_reading_leaves_it_open_unless_another_finding_decides(findings: tuple[Finding, ...],
                                                                         expected: bool | None) -> None:
    assert verdict(findings) is expected


def test_evidence_is_the_words_of_a_condition_that_holds() -> None:
    view = View(snapshot(), policy())
    assert "threshold 2.0 GiB" not in (evidence(MemoryAvailableBelow(mib(1)), view) or "")
    assert evidence(MemoryAvailableBelow(mib(1)), view) is None
    assert "memory available is 50%" in (evidence(MemoryAvailableBelow(mib(2048)), view) or "")


def test_every_key_of_every_family_belongs_to_one_family_or_is_a_subject() -> None:
    keys = [key for family in families() for key in family.keys]
    assert len(keys) == len(set(keys))
    assert all(family.subject in (None, *family.keys) for family in families())


def test_a_clause_becomes_one_condition_a_host_key_and_one_a_subject() -> None:
    built = build({"memory_available_below": mib(10), "swap_free_below": mib(5), "pressure_full_above": 5.0,
                   "pressure_some_above": 6.0, "kernel_oom_kill": "any", "service": "amavis", "failed": True,
                   "process": "scan", "rss_above": mib(1), "runtime_above": 60.0, "spool": "vscan",
                   "entries_above": 10})
    assert built == (
        MemoryAvailableBelow(mib(10)), SwapFreeBelow(mib(5)), PressureAbove(full=False, percent=6.0),
        PressureAbove(full=True, percent=5.0), KernelOomKill(None), ServiceIs("amavis", failed=True),
        ProcessesAre("scan", rss_above=mib(1), runtime_above=60.0), SpoolIs("vscan", entries_above=10))
    assert build({"kernel_oom_kill": "mysqld"}) == (KernelOomKill("mysqld"),)
    assert build({}) == ()
