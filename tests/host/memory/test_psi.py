"""Pressure and the kernel's OOM kill count: parsers, readers, and a real trigger where the kernel has PSI."""

import os
import select
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Pressure
from watchdog_oom.host.memory.psi import (
    OomKillCounter,
    PressureReader,
    arm_trigger,
    parse_oom_kills,
    parse_pressure,
)

_PSI = "/proc/pressure/memory"


def _pressure(some_total: int = 1234) -> bytes:
    return (f"some avg10=12.50 avg60=3.00 avg300=0.10 total={some_total}\n"
            f"full avg10=4.25 avg60=1.00 avg300=0.00 total=99\n").encode()


def test_shares_and_totals_are_read() -> None:
    assert parse_pressure(_pressure()) == Pressure(12.5, 4.25, 1234, 99)


@pytest.mark.parametrize("content", [
    b"", b"\n", b"some avg10=1.00 total=5\n", b"some avg10=nan total=1\nfull avg10=0 total=1",
    b"some avg10=-1 total=1\nfull avg10=0 total=1", b"some avg10=1 total=x\nfull avg10=0 total=1",
    b"some avg10=inf total=1\nfull avg10=0 total=1"])
def test_nonsense_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_pressure(content)


@given(st.binary(max_size=200) | st.lists(st.sampled_from(_pressure().split())).map(b" ".join))
def test_any_bytes_are_a_reading_or_a_value_error(content: bytes) -> None:
    with suppress(ValueError):
        parse_pressure(content)


def test_a_kernel_without_psi_gives_nothing_and_no_bad_reading(tmp_path: Path) -> None:
    reader = PressureReader(str(tmp_path))
    assert reader.read() is None
    assert reader.skipped == 0
    assert "No such file" in reader.problem


def test_garbage_is_skipped_and_counted(tmp_path: Path) -> None:
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure/memory").write_bytes(b"some garbage\n")
    reader = PressureReader(str(tmp_path))
    assert reader.read() is None
    assert reader.skipped == 1
    (tmp_path / "pressure/memory").write_bytes(_pressure())
    assert reader.read() == parse_pressure(_pressure())
    reader.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Path]:
    """A recorded /proc, in which the pressure is an ordinary file."""
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure/memory").write_bytes(_pressure())
    yield tmp_path


def test_a_recorded_proc_gets_no_trigger_and_is_not_written_to(recorded: Path) -> None:
    assert arm_trigger(str(recorded)) is None
    assert (recorded / "pressure/memory").read_bytes() == _pressure()


def test_without_psi_there_is_no_trigger(tmp_path: Path) -> None:
    assert arm_trigger(str(tmp_path)) is None


def _kernel_takes_triggers() -> bool:
    try:
        with open(_PSI, "r+b", buffering=0) as file:
            file.write(b"some 300000 2000000\0")
    except OSError:
        return False
    return True


@pytest.mark.skipif(not _kernel_takes_triggers(), reason="this kernel takes no triggers from this user")
def test_this_kernel_arms_a_trigger_that_can_be_waited_for() -> None:
    trigger = arm_trigger()
    assert trigger is not None
    assert trigger.window_seconds in (1, 2)
    with pytest.raises(OSError, match="busy"):  # so the trigger is in place: one descriptor takes only one
        os.write(trigger.fileno(), b"some 300000 2000000\0")
    poll = select.poll()
    poll.register(trigger.fileno(), select.POLLPRI)
    assert all(not events & (select.POLLERR | select.POLLNVAL) for _, events in poll.poll(0))
    trigger.close()


def test_the_kernels_count_of_its_kills_is_found() -> None:
    assert parse_oom_kills(b"pgfree 12\noom_kill 7\noom_kill_other 9\n") == 7
    assert parse_oom_kills(b"pgfree 12\n") is None
    assert parse_oom_kills(b"oom_kill many\n") is None
    assert parse_oom_kills(b"oom_kill 7") == 7
    assert parse_oom_kills(b"drop_oom_kill 7\noom_kill\n") is None


def test_new_kills_are_those_since_the_last_call(tmp_path: Path) -> None:
    path = tmp_path / "vmstat"
    path.write_bytes(b"oom_kill 3\n")
    counter = OomKillCounter(str(tmp_path))
    assert counter.available
    assert counter.new_kills() == 0
    path.write_bytes(b"oom_kill 5\n")
    assert counter.new_kills() == 2
    assert counter.new_kills() == 0
    path.write_bytes(b"")
    assert counter.new_kills() == 0
    path.write_bytes(b"oom_kill 6\n")
    assert counter.new_kills() == 1
    counter.close()


def test_a_kernel_that_does_not_count_has_no_new_kills(tmp_path: Path) -> None:
    (tmp_path / "vmstat").write_bytes(b"pgfree 12\n")
    counter = OomKillCounter(str(tmp_path))
    assert not counter.available
    assert counter.new_kills() == 0
    counter.close()


def test_this_kernels_count_is_found_wherever_it_stands_in_vmstat() -> None:
    with open("/proc/vmstat") as file:
        expected = "\noom_kill " in file.read()
    counter = OomKillCounter()
    assert counter.available == expected
    counter.close()
