"""A purge that two processes share: what it does in sum, and what is left when one of them dies."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from watchdog_oom.core.nouns import SpoolNoun
from watchdog_oom.host.purge.job import PurgeJob, start_purge
from watchdog_oom.host.purge.messages import Cleared, Deleted, Failed, PurgeNews, Remaining
from watchdog_oom.host.purge.pair import SHARED_FROM_ENTRIES
from watchdog_oom.host.purge.request import PurgeRequest
from watchdog_oom.host.purge.worker import PurgeTask

MakeNoun = Callable[..., SpoolNoun]
Purge = Callable[..., list[PurgeNews]]
SECONDS = 20.0
MANY = SHARED_FROM_ENTRIES * 2

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one processor is not shared")


def filled(base: Path, entries: int, *, files: int = 2) -> Path:
    spool = base / "spool"
    spool.mkdir()
    for number in range(entries):
        (spool / f"amavis-{number}").mkdir()
        for part in range(files):
            (spool / f"amavis-{number}" / f"part-{part}").write_text("mail")
    return spool


def children(pid: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def waits(pid: int) -> bool:
    return b") S " in Path(f"/proc/{pid}/stat").read_bytes()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.001)


def gone(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return b") Z " in Path(f"/proc/{pid}/stat").read_bytes()
    return True


def paused_with_a_helper(noun: SpoolNoun, **limits: float) -> tuple[PurgeJob, int, int]:
    """A purge whose helper is stopped as soon as it is there; the job, the worker and the helper."""
    job = start_purge(PurgeRequest(noun, **limits))  # type: ignore[arg-type]
    pairs: list[tuple[int, int]] = []

    def found() -> bool:
        pairs.extend((worker, helper) for worker in children(job.child.pid) for helper in children(worker))
        return bool(pairs)

    until(found, "the helper")
    worker, helper = pairs[0]
    os.kill(helper, signal.SIGSTOP)
    return job, worker, helper


def finished(job: PurgeJob) -> list[PurgeNews]:
    told: list[PurgeNews] = []
    deadline = time.monotonic() + SECONDS
    while not job.done:
        assert time.monotonic() < deadline, told
        select.select([job.fileno(), job.child.pidfd], [], [], 1)
        told.extend(job.poll())
    job.close()
    return told


def left_in(base: Path) -> int:
    """Files anywhere, trash included."""
    return sum(len(files) for _, _, files in os.walk(base))


def test_two_take_every_entry_once_and_tell_the_sum(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = filled(spool_base, MANY, files=3)
    cleared, deleted = spool_purge(spool_noun(spool, stale_after=0.0))
    assert isinstance(cleared, Cleared)
    assert isinstance(deleted, Deleted)
    assert (cleared.renamed, cleared.kept) == (MANY, 0)
    assert (deleted.entries, deleted.files, deleted.restored, deleted.left_count) == (MANY, MANY * 3, 0, 0)
    assert os.listdir(spool_base) == ["spool"]
    assert os.listdir(spool) == []


@pytest.mark.slow
def test_two_take_no_more_than_the_limit(spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = filled(spool_base, MANY)
    limit = SHARED_FROM_ENTRIES + 1
    cleared, deleted = spool_purge(spool_noun(spool, stale_after=0.0), limit=limit)
    assert isinstance(cleared, Cleared)
    assert isinstance(deleted, Deleted)
    assert cleared.limited
    assert 0 < cleared.renamed == deleted.entries <= limit
    assert len(os.listdir(spool)) == MANY - cleared.renamed


@pytest.mark.slow
def test_a_small_spool_and_a_small_limit_are_left_to_one(spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = filled(spool_base, MANY)
    few = spool_base / "few"
    few.mkdir()
    (few / "amavis-1").mkdir()
    for noun in (spool_noun(spool, stale_after=0.0, limit=3), spool_noun(few, stale_after=0.0)):
        job = start_purge(PurgeRequest(noun))
        seen = set()
        while not job.done:
            for worker in children(job.child.pid):
                seen.update(children(worker))
            job.poll()
        job.close()
        assert seen == set()
    assert len(os.listdir(spool)) == MANY - 3


def test_a_helper_that_is_killed_fails_the_purge_and_the_next_one_settles_its_half(
        spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    spool = filled(spool_base, MANY)
    noun = spool_noun(spool, stale_after=0.0)
    job, _, helper = paused_with_a_helper(noun)
    os.kill(helper, signal.SIGKILL)
    failed = finished(job)[0]
    assert isinstance(failed, Failed)
    assert "half of the purge ended before it was finished" in failed.words
    assert left_in(spool_base) > 0
    deleted = spool_purge(noun)[-1]
    assert isinstance(deleted, Deleted)
    assert deleted.left_count == 0
    assert left_in(spool_base) == 0
    assert os.listdir(spool_base) == ["spool"]


@pytest.mark.slow
def test_the_helper_ends_with_the_worker(spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = filled(spool_base, MANY)
    job, worker, helper = paused_with_a_helper(spool_noun(spool, stale_after=0.0))
    os.kill(worker, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(helper, signal.SIGCONT)  # it may have been stopped before it could ask to end with its parent
    until(lambda: gone(helper), "the end of the helper")
    failed = finished(job)[0]
    assert isinstance(failed, Failed)


def test_every_name_falls_to_one_of_two(spool_base: Path, spool_noun: MakeNoun) -> None:
    halves = [PurgeTask(spool_noun(spool_base), -1, None, frozenset(), MANY, parts=2, part=part) for part in (0, 1)]
    names = [f"amavis-{number}" for number in range(1000)] + ["amavis-\udcff"]
    assert all(halves[0].is_ours(name) != halves[1].is_ours(name) for name in names)
    assert 400 < sum(halves[0].is_ours(name) for name in names) < 600


@pytest.mark.slow
def test_an_entry_that_changes_between_the_looks_is_put_back_by_whoever_took_it(
        spool_base: Path, spool_noun: MakeNoun) -> None:
    spool = filled(spool_base, MANY)
    job, worker, helper = paused_with_a_helper(spool_noun(spool, stale_after=0.0))
    until(lambda: waits(worker), "the worker to wait for its helper")
    (taken,) = [names for trash in spool_base.glob(".watchdog-oom-trash.*")
                if len(names := sorted(trash.iterdir())) > MANY // 4]
    tomorrow = time.time() + 86400  # younger than any limit, however slow the test runs
    os.utime(taken[0] / "part-0", (tomorrow, tomorrow))
    os.kill(helper, signal.SIGCONT)
    told = finished(job)
    deleted = told[-1]
    assert isinstance(deleted, Deleted), told
    assert (deleted.entries, deleted.restored) == (MANY - 1, 1)
    assert os.listdir(spool) == [taken[0].name]
    assert sorted(os.listdir(spool / taken[0].name)) == ["part-0", "part-1"]


@pytest.mark.parametrize(("limits", "why"), [
    ({"stalled_seconds": 0.5}, "the purge was ended: it made no progress for 0.5s"),
    pytest.param({"within_seconds": 1.0}, "the purge was ended: the spool was not cleared within 1s",
                 marks=pytest.mark.slow)])
def test_a_purge_that_stands_still_is_ended_and_the_next_one_finishes_its_work(
        limits: dict[str, float], why: str, spool_base: Path, spool_noun: MakeNoun, spool_purge: Purge) -> None:
    noun = spool_noun(filled(spool_base, MANY), stale_after=0.0)
    job, worker, helper = paused_with_a_helper(noun, **limits)
    told = finished(job)
    assert told[0] == Failed(why)
    assert isinstance(told[-1], Remaining)
    with suppress(ProcessLookupError):
        os.kill(helper, signal.SIGCONT)  # it may have been stopped before it could ask to end with its parent
    until(lambda: gone(worker) and gone(helper), "the end of both")
    assert isinstance(spool_purge(noun)[-1], Deleted)
    assert left_in(spool_base) == 0
