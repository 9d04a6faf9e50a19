"""Hosts with hooks."""

from __future__ import annotations

import pytest

from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent, HookSettings
from watchdog_oom.core.hook_state import Hooks

PROGRAM = ("/usr/local/sbin/hook",)


@pytest.fixture
def hooked() -> History:
    """What a fresh daemon remembers that has a hook for everything."""
    return History(run_id="1", hooks=Hooks(HookSettings({event: (*PROGRAM, event.value) for event in HookEvent}, 10.0)))
