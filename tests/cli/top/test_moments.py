"""The samples around a time: steps, jumps, gaps, the one that growth is measured from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recorder.nights import MIDNIGHT, at, record
from watchdog_oom.cli.top.moments import Moments, MomentView

NIGHT = [at(MIDNIGHT + 10 * count) for count in range(1000)]
LATER = [at(MIDNIGHT + 40_000 + 10 * count) for count in range(100)]  # eight hours later


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("flight")
    record(directory, [*NIGHT, *LATER])
    return directory


def moments(where: Path, wanted: float | None) -> Moments:
    return Moments(str(where), wanted, pytest.fail)


def shown(found: Moments) -> MomentView:
    view = found.view()
    assert view is not None
    return view


def test_the_last_sample_up_to_the_time_is_shown_and_grown_over_an_hour(where: Path) -> None:
    view = shown(moments(where, MIDNIGHT + 5003.0))
    assert view.wall == MIDNIGHT + 5000 and view.missed == ""
    assert view.base is not None
    assert view.base.snapshot.clock.wall == MIDNIGHT + 1400


def test_without_a_time_it_is_the_last_one(where: Path) -> None:
    view = shown(moments(where, None))
    assert view.wall == LATER[-1].clock.wall and view.missed == ""


def test_early_in_a_recording_growth_is_from_its_beginning_and_of_the_first_not_known(where: Path) -> None:
    base = shown(moments(where, MIDNIGHT + 95)).base
    assert base is not None
    assert base.snapshot.clock.wall == MIDNIGHT
    assert shown(moments(where, MIDNIGHT + 5)).base is None


def test_growth_is_not_measured_across_a_boot(tmp_path: Path) -> None:
    record(tmp_path, [*NIGHT[:10], *[at(MIDNIGHT + 100 + 10 * count, boot="other") for count in range(5)]])
    assert shown(Moments(str(tmp_path), None, pytest.fail)).base is None


@pytest.mark.parametrize("start", [0, 59, 60, 500, 999])
def test_a_step_goes_to_the_next_sample_wherever_the_loaded_ones_end(where: Path, start: int) -> None:
    found = moments(where, MIDNIGHT + 10 * start)
    everything = [*NIGHT, *LATER]
    for number in range(1, 80):
        found.step(1)
        assert shown(found).wall == everything[start + number].clock.wall
    for number in range(78, -1, -1):
        found.step(-1)
        assert shown(found).wall == everything[start + number].clock.wall


def test_at_both_ends_it_stays(where: Path) -> None:
    found = moments(where, MIDNIGHT)
    found.step(-1)
    found.jump(-600)
    assert shown(found).wall == MIDNIGHT
    found = moments(where, None)
    found.step(1)
    found.jump(600)
    assert shown(found).wall == LATER[-1].clock.wall


def test_a_jump_goes_ten_minutes_and_over_a_gap_to_the_next_there_is(where: Path) -> None:
    found = moments(where, MIDNIGHT + 5000)
    found.jump(600)
    assert shown(found).wall == MIDNIGHT + 5600
    found.jump(-1200)
    assert shown(found).wall == MIDNIGHT + 4400
    found = moments(where, NIGHT[-1].clock.wall)
    found.jump(600)
    assert shown(found).wall == LATER[0].clock.wall
    found.jump(-600)
    assert shown(found).wall == NIGHT[-1].clock.wall


@pytest.mark.parametrize(("wanted", "nearest", "words"), [
    (-500.0, 0.0, "8min20s later"), (20_000.0, 9990.0, "2h46min before"), (90_000.0, 40_990.0, "13h36min before")])
def test_a_time_of_which_there_is_nothing_shows_the_nearest_and_says_what_there_is(
        where: Path, wanted: float, nearest: float, words: str) -> None:
    found = moments(where, MIDNIGHT + wanted)
    view = shown(found)
    assert view.wall == MIDNIGHT + nearest
    assert "nothing was recorded at " in view.missed and "the recording goes from " in view.missed
    assert words in view.missed
    found.step(-1 if wanted > 0 else 1)
    assert shown(found).missed == "", "who goes on from there has been told"


def test_what_is_no_recording_is_told_and_has_no_moment(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"hello")
    told: list[str] = []
    assert Moments(str(tmp_path / "f"), None, told.append).view() is None
    assert len(told) == 1 and "is not a recording" in told[0]
