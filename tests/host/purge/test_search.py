"""What purges left behind, found; and who is asked to finish it."""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.messages import Remaining
from watchdog_oom.host.purge.search import LATER_SECONDS, SOON_SECONDS, TrashSearch

MakeNoun = Callable[..., SpoolNoun]
SECONDS = 10.0


@pytest.fixture
def spool(spool_base: Path) -> Path:
    path = spool_base / "spool"
    path.mkdir()
    return path


@pytest.fixture
def search() -> Iterator[TrashSearch]:
    with select.epoll() as epoll:
        made = TrashSearch(epoll, "/proc")
        yield made
        made.close()


def clock(later: float = 0.0) -> Clock:
    return Clock(time.time() + later, time.clock_gettime(time.CLOCK_BOOTTIME) + later)


def leave_trash(spool: Path, *, inside: bool = False) -> Path:
    trash = (spool if inside else spool.parent) / f".watchdog-oom-trash.{spool.stat().st_ino:x}.feed"
    (trash / "amavis-1").mkdir(parents=True)
    trash.chmod(0o700)
    return trash


def idle(search: TrashSearch) -> bool:
    """No child of it is at work."""
    return search._running is None


def search_once(search: TrashSearch, noun: SpoolNoun, *, later: float = 0.0) -> tuple[str, ...]:
    """A search that is due, as the loop follows it; what it found."""
    assert search.tend({noun.name: noun}, (), clock(later)) == ()
    assert not idle(search), "nothing is due"
    until = time.monotonic() + SECONDS
    found: tuple[str, ...] = ()
    while not idle(search):
        assert time.monotonic() < until
        found = search.tend({noun.name: noun}, (), clock(later))
        time.sleep(0.01)
    return found


@pytest.mark.parametrize("inside", [False, True], ids=["beside the spool", "in the spool"])
def test_what_is_left_is_found_and_counted_and_not_touched(
        inside: bool, spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    trash = leave_trash(spool, inside=inside)
    noun = spool_noun(spool)
    assert search_once(search, noun) == (noun.name,)
    assert search.remaining == {noun.name: Remaining(1, 1)}
    assert search.paths() == {noun.name: str(spool)}
    assert (trash / "amavis-1").exists()


def test_it_is_looked_at_again_every_hour_for_as_long_as_something_is_left(
        spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    trash = leave_trash(spool)
    noun = spool_noun(spool)
    search_once(search, noun)
    assert search.tend({noun.name: noun}, (), clock(LATER_SECONDS / 2)) == ()
    assert idle(search)
    assert search_once(search, noun, later=LATER_SECONDS + 1) == (noun.name,)
    (trash / "amavis-1").rmdir()
    assert search_once(search, noun, later=LATER_SECONDS * 2 + 2) == ()
    assert search.remaining == {}


def test_a_spool_without_trash_is_looked_at_once(spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    assert search_once(search, noun) == ()
    leave_trash(spool)
    assert search.tend({noun.name: noun}, (), clock(LATER_SECONDS * 10)) == ()
    assert idle(search)


def test_it_is_looked_at_after_a_purge_that_failed_and_not_while_one_runs(
        spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    search_once(search, noun)
    leave_trash(spool)
    search.purge_ended(noun.name, clock().boottime, failed=True)
    assert search.tend({noun.name: noun}, (), clock()) == ()
    assert search.tend({noun.name: noun}, (noun.name,), clock(SOON_SECONDS + 1)) == ()
    assert idle(search)
    assert search_once(search, noun, later=SOON_SECONDS + 1) == (noun.name,)


def test_what_a_purge_could_not_delete_is_known_and_looked_at_later(
        spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    search_once(search, noun)
    leave_trash(spool)
    search.purge_ended(noun.name, clock().boottime, failed=False)
    search.purge_left(noun.name, Remaining(1, 1), clock().boottime)
    assert search.remaining == {noun.name: Remaining(1, 1)}
    assert search_once(search, noun, later=LATER_SECONDS + 1) == (noun.name,)


def test_a_purge_of_the_spool_ends_the_search_in_it(spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    search.tend({noun.name: noun}, (), clock())
    assert not idle(search)
    search.purge_begins(noun.name)
    assert idle(search)


def test_a_spool_that_leaves_the_policy_is_forgotten(spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    leave_trash(spool)
    search_once(search, noun)
    search.tend({}, (), clock())
    assert (search.remaining, search.paths()) == ({}, {})


def test_what_was_inherited_is_told_at_once_and_owed_until_then(
        spool: Path, spool_noun: MakeNoun, search: TrashSearch) -> None:
    noun = spool_noun(spool)
    search.inherit({noun.name: noun.path})
    assert search.paths() == {noun.name: noun.path}
    assert search.tend({}, (), clock()) == ()
    assert search.tend({noun.name: noun}, (noun.name,), clock()) == (), "a purge there is busy with it"
    assert search.paths() == {noun.name: noun.path}, "a daemon that dies now hands it on"
    assert search.tend({noun.name: noun}, (), clock()) == (noun.name,)
    assert search.tend({noun.name: noun}, (), clock()) == (), "once"
