"""meminfo: the parser against tables and nonsense, the reader against this host."""

from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.memory.meminfo import MemoryReader, parse_meminfo

_MODERN = {"MemTotal": 1000, "MemFree": 100, "MemAvailable": 400, "Buffers": 50, "Cached": 300, "SwapCached": 0,
           "AnonPages": 200, "Mapped": 20, "Shmem": 30, "SwapTotal": 512, "SwapFree": 12}


def _meminfo(**changes: int | None) -> bytes:
    fields = {**_MODERN, **changes}
    lines = [f"{name}:{value:>15} kB" for name, value in fields.items() if value is not None]
    return ("\n".join([*lines, "HugePages_Total:       0", ""])).encode()


def test_all_numbers_become_bytes() -> None:
    assert parse_meminfo(_meminfo()) == Memory(
        total_bytes=1000 << 10, available_bytes=400 << 10, anonymous_bytes=200 << 10,
        swap_total_bytes=512 << 10, swap_free_bytes=12 << 10, shared_bytes=20 << 10)


def test_before_linux_3_14_available_memory_is_free_plus_caches_less_shared() -> None:
    assert parse_meminfo(_meminfo(MemAvailable=None)).available_bytes == (100 + 50 + 300 - 30) << 10


def test_an_estimate_never_leaves_the_bounds() -> None:
    assert parse_meminfo(_meminfo(MemAvailable=None, Shmem=900)).available_bytes == 0
    assert parse_meminfo(_meminfo(MemAvailable=None, Cached=5000)).available_bytes == 1000 << 10


def test_a_host_without_swap_is_no_nonsense() -> None:
    assert parse_meminfo(_meminfo(SwapTotal=0, SwapFree=0)).swap_total_bytes == 0


@pytest.mark.parametrize("changes", [
    {"MemTotal": None}, {"AnonPages": None}, {"SwapFree": None}, {"SwapTotal": None}, {"MemTotal": 0},
    {"MemAvailable": None, "MemFree": None}, {"SwapFree": -1}, {"MemAvailable": 1001, "MemFree": 1001},
    {"MemAvailable": 1001, "Cached": None}])
def test_what_does_not_tell_how_much_memory_there_is_is_refused(changes: dict[str, int | None]) -> None:
    with pytest.raises(ValueError, match="meminfo"):
        parse_meminfo(_meminfo(**changes))


@pytest.mark.parametrize(("changes", "expected", "doubt"), [
    ({"SwapFree": 513}, {"swap_free_bytes": 512}, "more swap free than there is"),
    ({"SwapFree": 16, "SwapTotal": 0}, {"swap_free_bytes": 0, "swap_total_bytes": 0}, "more swap free than there is"),
    ({"AnonPages": 12000}, {"anonymous_bytes": 600, "available_bytes": 400}, "more anonymous memory than there is"),
    ({"MemAvailable": 9000}, {"available_bytes": 100 + 50 + 300 - 30}, "more memory available than there is")])
def test_of_fields_that_contradict_each_other_the_one_that_cannot_be_is_left_out_and_told(
        changes: dict[str, int | None], expected: dict[str, int], doubt: str) -> None:
    memory = parse_meminfo(_meminfo(**changes))
    assert {name: getattr(memory, name) for name in expected} == {name: kib << 10 for name, kib in expected.items()}
    told, = memory.doubts
    assert doubt in told


def test_shared_memory_counts_as_far_as_it_may_be_mapped_and_a_tmpfs_full_of_files_does_not() -> None:
    hog = parse_meminfo(_meminfo(MemTotal=16 << 20, MemAvailable=80 << 10, AnonPages=178 << 10, Shmem=15 << 20,
                                 Mapped=15 << 20))
    tmpfs = parse_meminfo(_meminfo(MemTotal=16 << 20, MemAvailable=80 << 10, AnonPages=178 << 10, Shmem=15 << 20,
                                   Mapped=20 << 10))
    assert hog.available_percent < 1
    assert 25 < tmpfs.available_percent < 31


def test_mapped_files_beside_a_tmpfs_cannot_make_the_share_small_since_they_are_available_themselves() -> None:
    memory = parse_meminfo(_meminfo(MemTotal=16 << 20, MemAvailable=3 << 20, AnonPages=1 << 20, Shmem=9 << 20,
                                    Mapped=3 << 20))
    assert memory.available_percent > 40


@given(st.binary(max_size=400) | st.lists(st.sampled_from(_meminfo().split())).map(b" ".join)
       | st.lists(st.sampled_from(_meminfo().splitlines())).map(b"\n".join))
def test_any_bytes_give_a_sensible_reading_or_a_value_error(content: bytes) -> None:
    try:
        memory = parse_meminfo(content)
    except ValueError:
        return
    assert 0 <= memory.available_bytes <= memory.userspace_bytes <= memory.total_bytes
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
    path.write_bytes(_meminfo(MemTotal=0))
    reader = MemoryReader(str(tmp_path))
    assert reader.read() is None
    assert (reader.skipped, reader.problem) == (1, "meminfo: no memory at all")
    path.write_bytes(_meminfo())
    assert reader.read() is not None
    assert (reader.skipped, reader.problem) == (1, "")
    reader.close()


def test_a_reading_that_was_set_right_is_counted(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_bytes(_meminfo(SwapFree=5000))
    reader = MemoryReader(str(tmp_path))
    assert reader.read() is not None
    assert (reader.doubted, reader.skipped, reader.problem) == (1, 0, "")
    reader.close()


def test_what_zfs_would_give_back_is_available(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_bytes(_meminfo(MemTotal=64 << 20, MemAvailable=2 << 20, AnonPages=27 << 20))
    (tmp_path / "spl/kstat/zfs").mkdir(parents=True)
    (tmp_path / "spl/kstat/zfs/arcstats").write_text(f"name type data\nsize 4 {34 << 30}\nc_min 4 {2 << 30}\n")
    reader = MemoryReader(str(tmp_path))
    memory = reader.read()
    reader.close()
    assert memory is not None
    assert (memory.available_bytes, memory.zfs_bytes) == (34 << 30, 32 << 30)


def test_a_missing_meminfo_is_skipped_and_told(tmp_path: Path) -> None:
    reader = MemoryReader(str(tmp_path))
    assert reader.read() is None
    assert reader.skipped == 1
    assert "No such file" in reader.problem
