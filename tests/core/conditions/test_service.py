"""Conditions on a service: that it failed, and how much it holds."""

from __future__ import annotations

import pytest

from tests.core.build import MIB, memory, mib, percent, policy, service_state, snapshot
from watchdog_oom.core.condition import Finding
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.memory import Memory, ServiceMemory
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.view import View


def found(threshold: Size, held: ServiceMemory | None, total: Memory | None = None, *, failed: bool = False,
          status: ServiceStatus = ServiceStatus.ACTIVE) -> Finding:
    state = service_state("app.service", status, memory=held)
    seen = snapshot(services={"app": state}, memory=total)
    return ServiceIs("app", failed, threshold).find(View(seen, policy()))


@pytest.mark.parametrize("status", list(ServiceStatus))
def test_only_failed_is_failed_and_what_the_operator_stopped_is_not(status: ServiceStatus) -> None:
    seen = snapshot(services={"db": service_state("db.service", status, words="code=killed")})
    finding = ServiceIs("db", failed=True).find(View(seen, policy()))
    assert finding.holds is (status is ServiceStatus.FAILED)
    assert finding.known is (status is not ServiceStatus.UNKNOWN)
    assert finding.words == f"db.service is {status} (code=killed)"


@pytest.mark.parametrize("condition", [ServiceIs("db", failed=True), ServiceIs("db", memory_above=mib(1))])
def test_a_state_that_nobody_told_yet_is_not_known(condition: ServiceIs) -> None:
    finding = condition.find(View(snapshot(), policy()))
    assert not finding.holds and not finding.known


def test_a_service_holds_too_much_only_above_the_threshold_and_its_file_cache_is_told_apart() -> None:
    at = found(mib(3072), ServiceMemory(3072 * MIB, 420 * MIB))
    above = found(mib(3072), ServiceMemory(3072 * MIB + 1))
    assert (at.holds, at.known) == (False, True)
    assert at.words == "app.service holds 3 GiB (threshold 3 GiB; 420 MiB of file cache not counted)"
    assert (above.holds, above.known, above.words) == (True, True, "app.service holds 3.0 GiB (threshold 3 GiB)")


def test_a_percentage_is_of_all_memory_and_not_known_without_it() -> None:
    assert found(percent(50), ServiceMemory(513 * MIB), memory(total=1024)).holds
    assert not found(percent(50), ServiceMemory(512 * MIB), memory(total=1024)).holds
    unread = found(percent(50), ServiceMemory(513 * MIB))
    assert (unread.holds, unread.known, unread.words) == (False, False, "memory could not be read")


def test_what_is_not_known_neither_holds_nor_does_not_and_says_why() -> None:
    reason = found(mib(1), ServiceMemory(problem="it has no control group"))
    assert (reason.holds, reason.known) == (False, False)
    assert reason.words == "what app.service holds is not known: it has no control group"
    assert found(mib(1), None) == Finding(False, "what app.service holds is not known yet", known=False)


def test_both_keys_of_one_clause_must_hold_and_one_that_does_not_decides() -> None:
    both = found(mib(1), ServiceMemory(2 * MIB), failed=True, status=ServiceStatus.FAILED)
    assert both.holds and both.words == "app.service is failed, app.service holds 2 MiB (threshold 1 MiB)"
    assert not found(mib(1), ServiceMemory(2 * MIB), failed=True).holds
    assert found(mib(1), ServiceMemory(), failed=True).known  # it did not fail, whatever it holds
    assert not found(mib(1), ServiceMemory(), failed=True, status=ServiceStatus.FAILED).known
