"""What purges left behind, found and finished."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchdog_oom.core.model import Clock
from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.messages import Remaining
from watchdog_oom.host.purge.sweeps import LATER_SECONDS, SOON_SECONDS, SweepNote, Sweeps

MakeNoun = Callable[..., SpoolNoun]
SECONDS = 10.0


@pytest.fixture
def spool(spool_base: Path) -> Path:
    path = spool_base / "spool"
    path.mkdir()
    return path


@pytest.fixture
def epoll() -> Iterator[select.epoll]:
    made = select.epoll()
    yield made
    made.close()


@pytest.fixture
def sweeps(epoll: select.epoll) -> Iterator[Sweeps]:
    made = Sweeps(epoll, "/proc")
    yield made
    made.close()


def clock(later: float = 0.0) -> Clock:
    return Clock(time.time() + later, time.clock_gettime(time.CLOCK_BOOTTIME) + later)


def leave_trash(spool: Path, *names: str, inside: bool = False) -> Path:
    trash = (spool if inside else spool.parent) / f".watchdog-oom-trash.{spool.stat().st_ino:x}.{len(names)}"
    trash.mkdir(0o700)
    for name in names:
        (trash / name).mkdir()
        (trash / name / "file").write_text("x")
    return trash


def tend(sweeps: Sweeps, noun: SpoolNoun, done: Callable[[list[SweepNote]], bool], *, act: bool = True,
         later: float = 0.0) -> list[SweepNote]:
    """As the loop does it, until that is so."""
    notes: list[SweepNote] = []
    until = time.monotonic() + SECONDS
    while not done(notes):
        assert time.monotonic() < until, notes
        notes += sweeps.tend({noun.name: noun}, (), clock(later), act=act)
        time.sleep(0.01)
    return notes


def idle(sweeps: Sweeps) -> bool:
    """No child of it is at work."""
    return sweeps._running is None


def search_once(sweeps: Sweeps, noun: SpoolNoun) -> None:
    assert sweeps.tend({noun.name: noun}, (), clock(), act=True) == ()
    assert not idle(sweeps)
    tend(sweeps, noun, lambda _: idle(sweeps))


def words_of(note: SweepNote) -> str:
    assert note.outcome is not None and note.outcome.ok
    return note.outcome.words


def ended(notes: list[SweepNote]) -> bool:
    return bool(notes and notes[-1].outcome)


@pytest.mark.parametrize("inside", [False, True], ids=["beside the spool", "in the spool"])
def test_what_a_killed_purge_left_is_deleted_what_is_not_stale_put_back_and_nothing_new_taken(
        inside: bool, spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    trash = leave_trash(spool, "amavis-1", "amavis-fresh", inside=inside)
    (spool / "amavis-stale").mkdir()
    tomorrow = time.time() + 86400
    os.utime(trash / "amavis-fresh" / "file", (tomorrow, tomorrow))
    begun, over = tend(sweeps, spool_noun(spool, stale_after=0.0), ended)
    assert begun.because == "an earlier purge left 2 entries in 1 trash directory still to be deleted"
    assert begun.id == over.id
    assert words_of(over).startswith("1 entry deleted (1 files, ")
    assert words_of(over).endswith("), 1 put back: in use or changed after all")
    assert not trash.exists()
    assert sorted(path.name for path in spool.iterdir()) == ["amavis-fresh", "amavis-stale"]
    assert sweeps.remaining == {}


def test_a_daemon_that_only_observes_finds_it_and_touches_nothing(
        spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    trash = leave_trash(spool, "amavis-1")
    noun = spool_noun(spool, stale_after=0.0)
    assert tend(sweeps, noun, lambda _: bool(sweeps.remaining), act=False) == []
    assert sweeps.remaining == {noun.name: Remaining(1, 1)}
    assert (trash / "amavis-1" / "file").exists()


def test_a_spool_without_trash_is_looked_at_once(spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    noun = spool_noun(spool, stale_after=0.0)
    search_once(sweeps, noun)
    leave_trash(spool, "amavis-1")
    for _ in range(20):
        assert sweeps.tend({noun.name: noun}, (), clock(LATER_SECONDS * 10), act=True) == ()
    assert idle(sweeps)


def test_it_is_looked_at_again_after_a_purge_that_failed_and_not_while_one_runs(
        spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    noun = spool_noun(spool, stale_after=0.0)
    search_once(sweeps, noun)
    leave_trash(spool, "amavis-1")
    sweeps.purged(noun.name, clock().boottime, failed=True)
    assert sweeps.tend({noun.name: noun}, (), clock(), act=True) == ()
    assert sweeps.tend({noun.name: noun}, (noun.name,), clock(SOON_SECONDS + 1), act=True) == ()
    assert idle(sweeps)
    assert words_of(tend(sweeps, noun, ended, later=SOON_SECONDS + 1)[-1]).startswith("1 entry deleted")


def test_a_purge_of_the_spool_ends_a_sweep_of_it(spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    noun = spool_noun(spool, stale_after=0.0)
    leave_trash(spool, "amavis-1")
    sweeps.tend({noun.name: noun}, (), clock(), act=True)
    assert not idle(sweeps)
    sweeps.give_way(noun.name)
    assert idle(sweeps)


def test_a_spool_that_leaves_the_policy_is_forgotten(spool: Path, spool_noun: MakeNoun, sweeps: Sweeps) -> None:
    noun = spool_noun(spool, stale_after=0.0)
    leave_trash(spool, "amavis-1")
    tend(sweeps, noun, lambda _: bool(sweeps.remaining), act=False)
    sweeps.tend({}, (), clock(), act=False)
    assert sweeps.remaining == {}
