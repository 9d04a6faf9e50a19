"""meminfo: the parser against tables and nonsense, the reader against this host."""

from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.memory.meminfo import MemoryReader, parse_meminfo

_MODERN = {"MemTotal": 1000, "MemFree": 100, "MemAvailable": 400, "Buffers": 50, "Cached": 300, "SwapCached": 0,
           "AnonPages": 200, "Shmem": 30, "SwapTotal": 512, "SwapFree": 12}


def _meminfo(**changes: int | None) -> bytes:
    fields = {**_MODERN, **changes}
    lines = [f"{name}:{value:>15} kB" for name, value in fields.items() if value is not None]
    return ("\n".join([*lines, "HugePages_Total:       0", ""])).encode()


def test_all_numbers_become_bytes() -> None:
    assert parse_meminfo(_meminfo()) == Memory(
        total_bytes=1000 << 10, available_bytes=400 << 10, anonymous_bytes=200 << 10,
        swap_total_bytes=512 << 10, swap_free_bytes=12 << 10)


def test_before_linux_3_14_available_memory_is_free_plus_caches_less_shared() -> None:
    assert parse_meminfo(_meminfo(MemAvailable=None)).available_bytes == (100 + 50 + 300 - 30) << 10


def test_an_estimate_never_leaves_the_bounds() -> None:
    assert parse_meminfo(_meminfo(MemAvailable=None, Shmem=900)).available_bytes == 0
    assert parse_meminfo(_meminfo(MemAvailable=None, Cached=5000)).available_bytes == 1000 << 10


def test_a_host_without_swap_is_no_nonsense() -> None:
    assert parse_meminfo(_meminfo(SwapTotal=0, SwapFree=0)).swap_total_bytes == 0


@pytest.mark.parametrize("changes", [
    {"MemTotal": None}, {"AnonPages": None}, {"SwapFree": None}, {"SwapTotal": None}, {"MemTotal": 0},
    {"MemAvailable": 1001}, {"SwapFree": 513}, {"AnonPages": 1001}, {"MemAvailable": None, "MemFree": None},
    {"SwapFree": -1}])
def test_missing_or_contradicting_fields_are_refused(changes: dict[str, int | None]) -> None:
    with pytest.raises(ValueError, match="meminfo"):
        parse_meminfo(_meminfo(**changes))


@given(st.binary(max_size=400) | st.lists(st.sampled_from(_meminfo().split())).map(b" ".join)
       | st.lists(st.sampled_from(_meminfo().splitlines())).map(b"\n".join))
def test_any_bytes_give_a_sensible_reading_or_a_value_error(content: bytes) -> None:
    try:
        memory = parse_meminfo(content)
    except ValueError:
        return
    assert 0 <= memory.available_bytes <= memory.total_bytes
    assert 0 <= memory.swap_free_bytes <= memory.swap_total_bytes


def test_this_hosts_memory_is_what_psutil_sees() -> None:
    reader = MemoryReader()
    memory = reader.read()
    reader.close()
    assert memory is not None
    assert memory.total_bytes == psutil.virtual_memory().total
    assert memory.available_bytes == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    assert memory.swap_total_bytes == psutil.swap_memory().total


def test_a_bad_reading_is_skipped_counted_and_told_and_the_next_one_counts_again(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_bytes(_meminfo(MemAvailable=5000))
    reader = MemoryReader(str(tmp_path))
    assert reader.read() is None
    assert (reader.skipped, reader.problem) == (1, "meminfo: more memory available than there is")
    path.write_bytes(_meminfo())
    assert reader.read() is not None
    assert (reader.skipped, reader.problem) == (1, "")
    reader.close()


def test_a_missing_meminfo_is_skipped_and_told(tmp_path: Path) -> None:
    reader = MemoryReader(str(tmp_path))
    assert reader.read() is None
    assert reader.skipped == 1
    assert "No such file" in reader.problem
