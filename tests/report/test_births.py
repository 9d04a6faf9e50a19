"""Which processes began, seen by all looks and by even ones: a closer look is no flood."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from tests.report.conftest import BEGINS
from tests.report.made import at, born, looks
from watchdog_oom.core.model import Snapshot
from watchdog_oom.report.model import HostHistory, NightSpan
from watchdog_oom.report.recorded import recorded

LINE = ("visitor",)


def visited(times: Iterable[float], *, every: float, stays: float) -> HostHistory:
    """A host where one more process comes every so many seconds, at the first of them, and stays so long."""
    def night() -> Iterator[Snapshot]:
        for wall in times:
            since = range(int((wall - BEGINS - stays) // every), int((wall - BEGINS) // every) + 1)
            here = [number for number in since if 0 <= wall - BEGINS - number * every < stays]
            yield at(wall, *(born(1000 + number, "visitor", BEGINS + number * every, wall) for number in here))
    return recorded(night(), NightSpan(BEGINS, BEGINS + 100_000))


@pytest.mark.parametrize("calm", [10.0, 60.0])
def test_what_comes_as_often_as_before_is_no_more_to_even_looks_however_close_the_recorder_looks(calm: float) -> None:
    history = visited(looks((3600, calm), (3600, 1)), every=7, stays=3)
    half = BEGINS + 3600
    before, after = (len([when for when in history.births[LINE] if (when >= half) is late]) for late in (False, True))
    assert after > 2 * before
    before, after = (len([when for when in history.evenly[LINE] if (when >= half) is late]) for late in (False, True))
    assert before > 20
    assert 0.7 < after / before < 1.4


def test_a_look_that_comes_a_little_early_or_after_a_gap_is_an_even_one() -> None:
    early = [BEGINS + number * 10 - 0.3 * (number % 2) for number in range(100)]
    assert visited(early, every=10, stays=10).evenly == visited(early, every=10, stays=10).births
    gap = [*looks((600, 10)), *(when + 7200 for when in looks((600, 10)))]
    assert visited(gap, every=10, stays=10).evenly == visited(gap, every=10, stays=10).births


def test_the_processes_of_the_first_sample_were_there_before() -> None:
    history = visited([BEGINS + 5, BEGINS + 15], every=10, stays=10)
    assert history.births == history.evenly == {LINE: (BEGINS + 10,)}
