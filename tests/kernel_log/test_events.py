"""The same report in every kind of log says the same; cut, mixed and hostile ones do no harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.kernel_log import reports
from tests.kernel_log.containers import CONTAINERS, Messages, messages
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.lean_dataclasses import replace

EVERY_LOG = {name: container(messages(text)) for name, container in CONTAINERS.items()
             for text in (reports.GLOBAL_6_1,)}


def read(log: bytes, size: int = 4096) -> list[Event]:
    return list(events_in(log[start:start + size] for start in range(0, len(log), size)))


def facts(event: Event) -> Event:
    """The event without what its container adds: times and places."""
    return replace(event, time=None, first_line=0, last_line=0,
                   kills=tuple(replace(kill, time=None) for kill in event.kills),
                   reaped=tuple(replace(one, time=None) for one in event.reaped),
                   chosen=tuple(replace(one, time=None) for one in event.chosen),
                   failed_allocations=tuple(replace(one, time=None) for one in event.failed_allocations),
                   summary=replace(event.summary, time=None) if event.summary else None)


@pytest.mark.parametrize("report", reports.ALL)
@pytest.mark.parametrize("container", CONTAINERS)
def test_a_report_says_the_same_in_every_log(report: str, container: str) -> None:
    text = reports.ALL[report]
    bare = [facts(event) for event in read(text.encode())]
    assert len(bare) == 1
    assert [facts(event) for event in read(CONTAINERS[container](messages(text)))] == bare
