from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from watchdog_oom.host.purge.become import become

USER = 41234


def in_a_child(part: Callable[[], bool]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            os._exit(0 if part() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_becomes_the_user_for_files_and_nobody_for_signals_and_finds_no_way_back() -> None:
    def part() -> bool:
        become(USER, 0)
        real, effective, saved = os.getresuid()
        ways_back = 0
        for uid in (0, real, effective):
            try:
                os.setresuid(uid, uid, uid)
                ways_back += uid == 0
            except PermissionError:
                pass
        return effective == USER and 0 not in (real, saved) and USER not in (real, saved) and not ways_back and (
            0 not in os.getresgid() and os.getgroups() == [])

    assert in_a_child(part)


def test_an_ordinary_user_and_a_spool_of_root_stay_as_they_are() -> None:
    def part() -> bool:
        before = os.getresuid()
        become(0 if os.geteuid() == 0 else USER, 0)
        return os.getresuid() == before

    assert in_a_child(part)
