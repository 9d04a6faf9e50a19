from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.host.spools.watch import SpoolWatch

NONE: frozenset[str] = frozenset()


@pytest.fixture
def watching() -> Iterator[Callable[..., SpoolWatch]]:
    made = []

    def watch(**paths: Path) -> SpoolWatch:
        made.append(SpoolWatch({name: str(path) for name, path in paths.items()}))
        return made[-1]

    yield watch
    for each in made:
        each.close()


Watching = Callable[..., SpoolWatch]


def drained(watch: SpoolWatch) -> frozenset[str]:
    """What is dirty, once the kernel has told."""
    select.select([watch], [], [], 1)
    return watch.drain()


def test_only_the_spool_in_which_something_happened_is_dirty(tmp_path: Path, watching: Watching) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    watch = watching(a=tmp_path / "a", b=tmp_path / "b", same=tmp_path / "b")
    assert watch.drain() == NONE
    (tmp_path / "a" / "new").touch()
    assert drained(watch) == {"a"}
    assert watch.drain() == NONE
    (tmp_path / "a" / "new").rename(tmp_path / "b" / "new")
    assert drained(watch) == {"a", "b", "same"}


def test_names_that_are_not_utf_8_lose_nothing(tmp_path: Path, watching: Watching) -> None:
    for name in ("a", "b\udcff"):
        (tmp_path / name).mkdir()
    watch = watching(a=tmp_path / "a", b=tmp_path / "b\udcff")
    for raw in (b"\xff\xfe", b"\xc3"):
        os.mkdir(os.fsencode(tmp_path / "a") + b"/" + raw)
    (tmp_path / "b\udcff" / "x").touch()
    assert drained(watch) == {"a", "b"}


def test_an_overflow_of_the_queue_makes_every_spool_dirty(tmp_path: Path, watching: Watching) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    watch = watching(a=tmp_path / "a", b=tmp_path / "b")
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 20_000:
        pytest.skip("the queue of this host is too long to fill in a test")
    one, two = os.fspath(tmp_path / "a" / "1"), os.fspath(tmp_path / "a" / "2")
    os.close(os.open(one, os.O_CREAT))
    for _ in range(most // 4 + 10):
        os.rename(one, two)
        os.rename(two, one)
    dirty: frozenset[str] = NONE
    deadline = time.monotonic() + 5
    while dirty != {"a", "b"}:
        assert time.monotonic() < deadline
        dirty |= watch.drain()


def test_a_spool_that_is_deleted_and_made_anew_is_watched_again(tmp_path: Path, watching: Watching) -> None:
    spool = tmp_path / "a"
    spool.mkdir()
    watch = watching(a=spool)
    spool.rmdir()
    assert drained(watch) == {"a"}
    spool.mkdir()
    assert watch.drain() == {"a"}
    (spool / "x").touch()
    assert drained(watch) == {"a"}


def test_a_spool_that_is_replaced_by_way_of_its_parent_is_watched_again(tmp_path: Path, watching: Watching) -> None:
    spool = tmp_path / "parent" / "a"
    spool.mkdir(parents=True)
    watch = watching(a=spool)
    (tmp_path / "parent").rename(tmp_path / "old")
    spool.mkdir(parents=True)
    assert watch.drain() == {"a"}
    (tmp_path / "old" / "a" / "x").touch()
    assert watch.drain() == NONE
    (spool / "x").touch()
    assert drained(watch) == {"a"}


def test_a_missing_spool_and_one_behind_a_symlink_are_unwatched_and_no_error(
        tmp_path: Path, watching: Watching) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    watch = watching(missing=tmp_path / "none", link=tmp_path / "link")
    assert watch.drain() == NONE
    (tmp_path / "real" / "x").touch()
    assert watch.drain() == NONE


def test_the_descriptor_is_closed_on_exec_and_an_empty_queue_does_not_block(
        tmp_path: Path, watching: Watching) -> None:
    watch = watching(a=tmp_path)
    assert not os.get_inheritable(watch.fileno())
    assert not os.get_blocking(watch.fileno())
    assert [watch.drain() for _ in range(3)] == [NONE] * 3
