"""inotify as the kernel sends it: real directories, and bytes that no kernel sent."""

from __future__ import annotations

import errno
import os
import resource
import select
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.spools.inotify import (
    IN_CREATE,
    IN_DELETE,
    IN_IGNORED,
    IN_Q_OVERFLOW,
    Inotify,
    InotifyEvents,
    parse_events,
)


def event(watch: int, mask: int, name: bytes = b"") -> bytes:
    padded = name + b"\0" * (-len(name) % 16)
    return struct.pack("=iIII", watch, mask, 7, len(padded)) + padded


@pytest.fixture
def inotify() -> Iterator[Inotify]:
    instance = Inotify()
    yield instance
    instance.close()


def told(inotify: Inotify) -> InotifyEvents:
    select.select([inotify], [], [], 1)
    return inotify.read()


def test_watch_and_mask_of_each_event_are_read_and_names_are_passed_over() -> None:
    content = event(1, IN_CREATE, b"\xff\xfe") + event(-1, IN_Q_OVERFLOW) + event(2, IN_DELETE, b"a" * 255)
    assert list(parse_events(content)) == [(1, IN_CREATE), (-1, IN_Q_OVERFLOW), (2, IN_DELETE)]


def test_half_an_event_at_the_end_is_left_out() -> None:
    whole = event(1, IN_CREATE, b"name")
    for cut in range(1, len(whole)):
        assert list(parse_events(whole + whole[:cut])) == [(1, IN_CREATE)]


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parser(content: bytes) -> None:
    assert len(list(parse_events(content))) <= len(content) // 16


def test_what_comes_and_goes_in_a_directory_is_told(inotify: Inotify, tmp_path: Path) -> None:
    watch = inotify.watch_directory(str(tmp_path))
    assert watch is not None
    assert inotify.read() == InotifyEvents()
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\xfe")
    assert told(inotify) == InotifyEvents(touched=frozenset({watch}))
    os.rmdir(os.fsencode(tmp_path) + b"/\xff\xfe")
    assert told(inotify) == InotifyEvents(touched=frozenset({watch}))


def test_a_watch_that_is_over_is_told(inotify: Inotify, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    watch = inotify.watch_directory(str(tmp_path / "a"))
    assert watch is not None
    (tmp_path / "a").rmdir()
    assert told(inotify) == InotifyEvents(frozenset({watch}), ended=frozenset({watch}))
    inotify.forget(watch)


def test_the_end_that_the_kernel_tells_alone_is_an_end(inotify: Inotify, tmp_path: Path) -> None:
    watch = inotify.watch_directory(str(tmp_path))
    assert watch is not None
    inotify.forget(watch)
    assert told(inotify).ended == {watch}
    assert list(parse_events(event(watch, IN_IGNORED))) == [(watch, IN_IGNORED)]


def test_only_directories_are_watched_and_no_symlink_is_followed(inotify: Inotify, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path)
    assert [inotify.watch_directory(str(tmp_path / name)) for name in ("file", "link", "none")] == [None] * 3


def test_the_descriptor_is_closed_on_exec_and_never_blocks(inotify: Inotify) -> None:
    assert not os.get_inheritable(inotify.fileno())
    assert not os.get_blocking(inotify.fileno())
    assert [inotify.read() for _ in range(3)] == [InotifyEvents()] * 3


def test_without_an_instance_left_the_kernels_reason_is_raised() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.open("/", os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken, hard))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EMFILE)):
            Inotify()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(taken)


def test_nothing_is_inherited_by_a_program(inotify: Inotify) -> None:
    listed = subprocess.run(["ls", "-l", "/proc/self/fd"], capture_output=True, text=True, check=True, close_fds=False)
    assert "inotify" not in listed.stdout
