"""The condition on a service."""

from __future__ import annotations

import pytest

from tests.core.build import policy, service_state, snapshot
from watchdog_oom.core.conditions.service import ServiceFailed
from watchdog_oom.core.model import ServiceStatus
from watchdog_oom.core.view import View


@pytest.mark.parametrize("status", list(ServiceStatus))
def test_only_failed_is_failed_and_what_the_operator_stopped_is_not(status: ServiceStatus) -> None:
    seen = snapshot(services={"db": service_state("db.service", status, words="code=killed")})
    finding = ServiceFailed("db").find(View(seen, policy()))
    assert finding.holds is (status is ServiceStatus.FAILED)
    assert finding.known is (status is not ServiceStatus.UNKNOWN)
    assert finding.words == f"db.service is {status} (code=killed)"


def test_a_state_that_nobody_told_yet_is_not_known() -> None:
    finding = ServiceFailed("db").find(View(snapshot(), policy()))
    assert not finding.holds and not finding.known
