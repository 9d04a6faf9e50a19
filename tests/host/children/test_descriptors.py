"""Descriptors for children are whole or not there at all."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from watchdog_oom.host.children.descriptors import in_memory, two_pipes
from watchdog_oom.host.children.spawn import spawn_drained


def test_what_a_child_is_told_is_read_from_its_beginning() -> None:
    told = in_memory(b"x" * 300_000)
    assert os.read(told, 1 << 20) == b"x" * 300_000
    os.close(told)


def own_children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@pytest.mark.parametrize("left", range(6))
def test_where_descriptors_run_out_none_is_lost_for_good(left: int) -> None:
    """Six are needed for a program whose output is drained: its file, two pipes, the pidfd of its reader."""
    before, children = sorted(os.listdir("/proc/self/fd")), own_children()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    filler = []
    highest = os.open("/dev/null", os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + left, hard))
    try:
        while True:  # holes below the limit would be taken first
            filler.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        for fd in sorted(filler)[len(filler) - left:]:
            os.close(fd)
            filler.remove(fd)
        with pytest.raises(OSError, match="Too many open files"):
            spawn_drained(("true",))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in (*filler, highest):
            os.close(fd)
    assert sorted(os.listdir("/proc/self/fd")) == before
    assert own_children() == children, "nobody would ever reap it"


def test_two_pipes_are_two() -> None:
    first_end, first, second_end, second = two_pipes()
    os.write(first, b"1")
    os.write(second, b"2")
    assert (os.read(first_end, 9), os.read(second_end, 9)) == (b"1", b"2")
    for fd in (first_end, first, second_end, second):
        os.close(fd)
