"""Names of users: of this host at once, of a directory when it answers."""

import os
import select
import signal
import time
from collections.abc import Callable
from pathlib import Path

from watchdog_oom.host.processes.user_names import UserNames, local_users


def until(names: UserNames, condition: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        select.select([names.fileno()], [], [], 0.05)
        names.poll()


def test_users_of_this_host_are_known_at_once_and_no_child_is_needed() -> None:
    names = UserNames()
    names.want(("root", "1001"))
    assert (names.name(0), names.pending, names.child_pid) == ("root", False, None)
    names.close()


def test_a_name_that_only_a_directory_may_know_is_asked_for_and_a_number_never() -> None:
    names = UserNames(users_file="/nonexistent")
    names.want(("root", "nobody-has-this-name", "4000000123"))
    assert names.pending
    until(names, lambda: not names.pending)
    assert names.name(0) == "root"
    names.close()


def test_a_directory_that_hangs_is_waited_for_by_nobody_and_no_answer_is_remembered() -> None:
    names = UserNames(deadline_seconds=0.2, users_file="/nonexistent")
    names.start()
    child = names.child_pid
    assert child is not None
    os.kill(child, signal.SIGSTOP)
    began = time.monotonic()
    names.want(("root",))
    assert names.name(4_000_000_123) is None
    assert time.monotonic() - began < 0.2
    until(names, lambda: not names.pending)
    assert names.child_pid != child
    assert not names.poll()  # and it is not asked again at once
    names.close()


def test_a_line_that_is_no_user_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "passwd").write_bytes(b"a:x:7:7::/:/bin/sh\n+\nb:x:y:1::/\n\xff:x:8:8::/:/bin/sh\n")
    assert local_users(str(tmp_path / "passwd")) == {"a": 7, "\udcff": 8}
    assert local_users(str(tmp_path / "none")) == {}
