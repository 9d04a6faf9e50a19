from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.in_use import NOTHING_IN_USE, InUse
from watchdog_oom.host.purge.worker import MOST_ASKED_SECONDS, PurgeTask, PurgeWorker

MakeNoun = Callable[..., SpoolNoun]
ReadManifest = Callable[[Path], dict[str, tuple[object, ...]]]
FUTURE = 4_000_000_000


@pytest.fixture
def spool(spool_base: Path) -> Path:
    path = spool_base / "spool"
    path.mkdir()
    return path


@pytest.fixture
def worker(spool: Path, spool_noun: MakeNoun) -> Iterator[Callable[..., PurgeWorker]]:
    """Make a worker for the spool that takes everything for stale unless it is of the future."""
    fds = []

    def make(*, in_use: InUse = NOTHING_IN_USE, parent: bool = True) -> PurgeWorker:
        fds.extend([os.open(spool, os.O_RDONLY), os.open(spool.parent, os.O_RDONLY)])
        return PurgeWorker(PurgeTask(spool_noun(spool, stale_after=0.0), fds[-2], fds[-1] if parent else None,
                                 frozenset(), 1000, in_use=in_use))

    yield make
    for fd in fds:
        os.close(fd)


def entry(spool: Path, name: str) -> Path:
    (spool / name / "inner").mkdir(parents=True)
    (spool / name / "inner" / "file").write_text("content")
    return spool / name


def trashed(spool: Path) -> Path:
    (trash,) = [*spool.parent.glob(".watchdog-oom-trash.*"), *spool.glob(".watchdog-oom-trash.*")]
    return trash


def used(path: Path) -> InUse:
    return InUse(frozenset([path.stat().st_ino]))


@pytest.mark.parametrize("parent", [True, False])
def test_cleared_entries_are_out_of_the_spool_before_anything_is_deleted(
        parent: bool, spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    entry(spool, "amavis-1")
    (spool / "amavis-2").write_text("a file is an entry too")
    purge = worker(parent=parent)
    assert purge.clear().renamed == 2
    assert list(spool.glob("amavis-*")) == []
    assert trashed(spool).parent == (spool.parent if parent else spool)
    assert (trashed(spool) / "amavis-1" / "inner" / "file").exists()
    assert purge.delete(NOTHING_IN_USE).entries == 2
    assert list(spool.iterdir()) == []
    assert list(spool.parent.iterdir()) == [spool]


def test_an_entry_that_came_into_use_after_it_was_cleared_is_put_back_as_it_was(
        spool: Path, worker: Callable[..., PurgeWorker], spool_manifest: ReadManifest) -> None:
    inside = entry(spool, "amavis-1") / "inner" / "file"
    entry(spool, "amavis-2")
    before = spool_manifest(spool / "amavis-1")
    in_use = used(inside)
    purge = worker()
    purge.clear()
    deleted = purge.delete(in_use)
    assert (deleted.entries, deleted.restored) == (1, 1)
    assert [path.name for path in spool.iterdir()] == ["amavis-1"]
    assert spool_manifest(spool / "amavis-1") == before


def touch_inside(path: Path) -> None:
    os.utime(path / "inner" / "file", (FUTURE, FUTURE))


def change_mode(path: Path) -> None:
    path.chmod(0o711)


def add_file(path: Path) -> None:
    (path / "new").touch()


def replace_by_symlink(path: Path) -> None:
    path.rename(path.with_name("aside"))
    path.symlink_to("/etc")


def replace_by_another(path: Path) -> None:
    path.rename(path.with_name("aside"))
    entry(path.parent, path.name)


@pytest.mark.parametrize("change", [touch_inside, change_mode, add_file, replace_by_symlink, replace_by_another])
def test_an_entry_that_changed_after_it_was_cleared_is_put_back(
        change: Callable[[Path], None], spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    entry(spool, "amavis-1")
    purge = worker()
    purge.clear()
    change(trashed(spool) / "amavis-1")
    deleted = purge.delete(NOTHING_IN_USE)
    assert (deleted.entries, deleted.files, deleted.restored) == (0, 0, 1)
    assert os.path.lexists(spool / "amavis-1")


FILE_CHANGES: list[Callable[[Path], object]] = [
    lambda path: path.write_text("other content"), lambda path: path.chmod(0o604),
    lambda path: os.utime(path, (1, 1)), lambda path: path.with_name("amavis-2").rename(path),
    lambda path: os.utime(path, (FUTURE, FUTURE))]


@pytest.mark.parametrize("change", FILE_CHANGES)
def test_a_plain_file_that_changed_after_it_was_cleared_is_put_back(
        change: Callable[[Path], object], spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    for name in ("amavis-1", "amavis-2"):
        (spool / name).write_text("content")
    purge = worker()
    assert purge.clear().renamed == 2
    change(trashed(spool) / "amavis-1")
    assert purge.delete(NOTHING_IN_USE).restored == 1
    assert [path.name for path in spool.iterdir()] == ["amavis-1"]


def test_a_plain_file_in_use_is_kept_at_every_look_and_the_kernel_is_asked_where_users_are_not_known(
        spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    for name in ("amavis-1", "amavis-2", "amavis-3", "amavis-4"):
        (spool / name).write_text("content")
    unsure = InUse(used(spool / "amavis-1").inodes, unseen=1)
    with open(spool / "amavis-2"):
        purge = worker(in_use=unsure)
        cleared = purge.clear()
        assert (cleared.renamed, cleared.kept_busy, cleared.kept_unsure) == (2, 1, 1)
        with open(trashed(spool) / "amavis-3"):
            deleted = purge.delete(unsure)
    assert (deleted.entries, deleted.files, deleted.restored) == (1, 1, 1)
    assert sorted(path.name for path in spool.iterdir()) == ["amavis-1", "amavis-2", "amavis-3"]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_entry_into_which_something_was_mounted_after_it_was_cleared_is_put_back_whole(
        spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    entry(spool, "amavis-1")
    (spool / "amavis-1" / "beside").touch()
    purge = worker()
    purge.clear()
    inner = trashed(spool) / "amavis-1" / "inner"
    subprocess.run(["mount", "--bind", "/etc", str(inner)], check=True)
    deleted = purge.delete(NOTHING_IN_USE)
    assert (deleted.entries, deleted.files, deleted.restored) == (0, 0, 1)
    subprocess.run(["umount", str(spool / "amavis-1" / "inner")], check=True)
    assert (spool / "amavis-1" / "beside").exists()
    assert (spool / "amavis-1" / "inner" / "file").exists()


def test_an_entry_whose_name_is_taken_meanwhile_waits_in_the_trash_and_loses_nothing(
        spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    entry(spool, "amavis-1")
    purge = worker()
    purge.clear()
    touch_inside(trashed(spool) / "amavis-1")
    (spool / "amavis-1").write_text("new")
    deleted = purge.delete(NOTHING_IN_USE)
    assert deleted.left == ("amavis-1: it is in use or changed, and its name in the spool is taken",)
    assert (spool / "amavis-1").read_text() == "new"
    assert (trashed(spool) / "amavis-1" / "inner" / "file").exists()


def test_what_a_killed_purge_left_is_judged_anew(spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    for name in ("amavis-stale", "amavis-fresh", "amavis-busy"):
        entry(spool, name)
    killed = worker(parent=False)
    killed.clear()
    left = trashed(spool)
    os.close(killed._trash.fd)  # type: ignore[union-attr]  # as the end of its process would
    touch_inside(left / "amavis-fresh")
    in_use = used(left / "amavis-busy" / "inner")
    entry(spool, "amavis-new")
    purge = worker()
    assert purge.clear().renamed == 1
    deleted = purge.delete(in_use)
    assert (deleted.entries, deleted.restored) == (2, 2)
    assert sorted(path.name for path in spool.iterdir()) == ["amavis-busy", "amavis-fresh"]


def test_an_entry_in_use_is_not_even_renamed(spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    inside = entry(spool, "amavis-1") / "inner"
    cleared = worker(in_use=used(inside)).clear()
    assert (cleared.renamed, cleared.kept_busy) == (0, 1)


def test_where_users_could_not_be_told_the_kernel_is_asked_before_an_entry_is_taken_and_before_it_goes(
        spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    """One entry is open all the time, one only after it was cleared; nobody told the worker of either."""
    for name in ("amavis-1", "amavis-2", "amavis-3"):
        entry(spool, name)
    unsure = InUse(frozenset(), unseen=1)
    with open(spool / "amavis-1" / "inner" / "file"):
        purge = worker(in_use=unsure)
        cleared = purge.clear()
        with open(trashed(spool) / "amavis-2" / "inner" / "file"):
            deleted = purge.delete(unsure)
    assert (cleared.renamed, cleared.kept_unsure, cleared.unseen) == (2, 1, 1)
    assert (deleted.entries, deleted.restored) == (1, 1)
    assert sorted(path.name for path in spool.iterdir()) == ["amavis-1", "amavis-2"]


def test_in_a_full_spool_the_kernel_is_asked_only_before_an_entry_goes_and_one_in_use_is_put_back(
        spool: Path, worker: Callable[..., PurgeWorker]) -> None:
    for name in ("amavis-1", "amavis-2"):
        entry(spool, name)
    unsure = InUse(frozenset(), unseen=1)
    purge = worker(in_use=unsure)
    purge._asked_seconds = MOST_ASKED_SECONDS + 1  # as many entries before would have made it
    with open(spool / "amavis-1" / "inner" / "file"):
        assert purge.clear().renamed == 2
        deleted = purge.delete(unsure)
    assert (deleted.entries, deleted.restored) == (1, 1)
    assert [path.name for path in spool.iterdir()] == ["amavis-1"]


def test_a_purge_of_nothing_settles_what_was_left_and_takes_nothing_new(
        spool: Path, spool_noun: MakeNoun, worker: Callable[..., PurgeWorker]) -> None:
    entry(spool, "amavis-left")
    killed = worker()
    killed.clear()
    os.close(killed._trash.fd)  # type: ignore[union-attr]  # as the end of its process would
    entry(spool, "amavis-new")
    fds = [os.open(path, os.O_RDONLY) for path in (spool, spool.parent)]
    purge = PurgeWorker(PurgeTask(spool_noun(spool, stale_after=0.0), fds[0], fds[1], frozenset(), 0))
    cleared, deleted = purge.clear(), purge.delete(NOTHING_IN_USE)
    assert (cleared.renamed, cleared.limited, deleted.entries) == (0, False, 1)
    assert [path.name for path in spool.iterdir()] == ["amavis-new"]
    for fd in fds:
        os.close(fd)


NAMES = [*(f"amavis-{number}" for number in range(6)), "other", ".hid", "amavis-\udcff\n"]
Kinds = st.sampled_from(["stale", "fresh", "link", "fifo", "file", "busy"])


@settings(max_examples=at_most(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kinds=st.dictionaries(st.sampled_from(NAMES), Kinds))
def test_whatever_a_spool_holds_only_the_stale_free_plain_entries_go(
        kinds: dict[str, str], spool: Path, worker: Callable[..., PurgeWorker], spool_manifest: ReadManifest) -> None:
    shutil.rmtree(spool.parent / "outside", ignore_errors=True)
    outside = entry(spool.parent, "outside")
    busy: set[int] = set()
    for name, kind in kinds.items():
        match kind:
            case "link":
                (spool / name).symlink_to(outside)
            case "fifo":
                os.mkfifo(spool / name)
            case "file":
                (spool / name).write_text("x")
            case _:
                made = entry(spool, name)
                (made / "out").symlink_to(outside)
                if kind == "fresh":
                    touch_inside(made)
                elif kind == "busy":
                    busy |= used(made / "inner" / "file").inodes
    before = spool_manifest(spool.parent)
    purge = worker(in_use=InUse(frozenset(busy)))
    purge.clear()
    purge.delete(InUse(frozenset(busy)))
    doomed = {name for name, kind in kinds.items() if name.startswith("amavis-") and kind in ("stale", "file")}
    after = spool_manifest(spool.parent)
    assert after == {path: facts for path, facts in before.items() if not set(path.split("/", 2)[1:2]) & doomed}
    for left in spool.iterdir():
        left.unlink() if left.is_symlink() or not left.is_dir() else shutil.rmtree(left)
