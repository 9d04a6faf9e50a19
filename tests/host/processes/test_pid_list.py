"""When /proc is listed: real processes on the kernel's own /proc, and directories that only look like one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.processes.pid_list import LONGEST_SECONDS, PidList, parse_pulse


@pytest.fixture
def ours() -> PidList:
    return PidList("/proc")


def made_up(root: Path, *pids: int, loadavg: str = "0.20 0.18 0.12 1/80 11206\n") -> Path:
    for pid in pids:
        (root / str(pid)).mkdir()
    (root / "loadavg").write_text(loadavg)
    (root / "self").unlink(missing_ok=True)
    (root / "self").symlink_to(str(os.getpid()))
    return root


def test_every_process_that_comes_and_goes_is_seen_at_the_next_look(ours: PidList) -> None:
    for _ in range(20):
        assert os.getpid() in ours.pids(100.0)
        with subprocess.Popen(["/bin/sleep", "60"]) as child:
            assert child.pid in ours.pids(100.0)
            child.kill()
        assert child.pid not in ours.pids(100.0)


def test_a_process_that_ended_is_listed_until_it_is_reaped(ours: PidList) -> None:
    with subprocess.Popen(["/bin/true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.pid in ours.pids(100.0)
    assert child.pid not in ours.pids(100.0)


def test_the_directory_is_not_listed_again_while_the_pulse_stays(tmp_path: Path) -> None:
    population = PidList(str(made_up(tmp_path, 1, 2)))
    assert population.pids(100.0) == {1, 2}
    (tmp_path / "3").mkdir()
    assert population.pids(100.1) == {1, 2}
    made_up(tmp_path, 4, loadavg="0.20 0.18 0.12 1/81 11206\n")
    assert population.pids(100.2) == {1, 2, 3, 4}
    (tmp_path / "5").mkdir()
    (tmp_path / "loadavg").write_text("0.99 0.18 0.12 7/81 11206\n")
    assert population.pids(100.3) == {1, 2, 3, 4}, "the averages and the running ones are no pulse"
    (tmp_path / "loadavg").write_text("0.99 0.18 0.12 7/81 11207\n")
    assert population.pids(100.4) == {1, 2, 3, 4, 5}


def test_a_listing_of_the_same_names_gives_the_same_set_and_any_other_a_new_one(tmp_path: Path) -> None:
    population = PidList(str(made_up(tmp_path, 1, 2)))
    first = population.pids(100.0)
    (tmp_path / "loadavg").write_text("0.20 0.18 0.12 1/81 11206\n")
    assert population.pids(100.1) is first == {1, 2}
    (tmp_path / "2").rmdir()
    made_up(tmp_path, 3, loadavg="0.20 0.18 0.12 1/82 11206\n")
    assert population.pids(100.2) == {1, 3}, "as many as before, but others"
    (tmp_path / "3").rmdir()
    made_up(tmp_path, 2, loadavg="0.20 0.18 0.12 1/83 11206\n")
    assert population.pids(100.3) == first


def test_a_pulse_that_was_found_to_lie_is_never_believed_again(tmp_path: Path) -> None:
    population = PidList(str(made_up(tmp_path, 1)))
    assert population.pids(100.0) == {1}
    (tmp_path / "2").mkdir()
    assert population.pids(100.0 + LONGEST_SECONDS) == {1, 2}
    (tmp_path / "3").mkdir()
    assert population.pids(100.1 + LONGEST_SECONDS) == {1, 2, 3}


def test_a_proc_that_is_not_of_this_process_is_listed_every_time(tmp_path: Path) -> None:
    made_up(tmp_path, 1)
    (tmp_path / "self").unlink()
    population = PidList(str(tmp_path))
    assert population.pids(100.0) == {1}
    (tmp_path / "2").mkdir()
    assert population.pids(100.1) == {1, 2}


@pytest.mark.parametrize("content", [b"", b"0.00 0.00 0.00 0/0 0\n", b"0.1 0.1 0.1 1/80\n", b"0.1 0.1 0.1 80 7\n",
                                     b"0.1 0.1 0.1 1/-3 7\n", b"0.1 0.1 0.1 1/80 x\n"])
def test_what_only_imitates_the_file_has_no_pulse(content: bytes) -> None:
    assert parse_pulse(content) is None


@given(st.binary(max_size=80))
def test_no_bytes_break_the_parser(content: bytes) -> None:
    parse_pulse(content)


def test_a_missing_proc_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        PidList(str(tmp_path / "none")).pids(100.0)
