"""What ZFS would give back: arcstats as OpenZFS writes them, nonsense, and hosts without ZFS."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.memory import Memory
from watchdog_oom.host.memory.zfs_cache import ZfsCache, parse_arcstats, with_zfs_cache

_STATS = b"""9 1 0x01 147 39984 4213569837 52389476234
name                            type data
hits                            4    123
c                               4    9663676416
c_min                           4    1073741824
c_max                           4    17179869184
size                            4    9663676416
compressed_size                 4    8589934592
arc_meta_used                   4    5
"""


def test_the_cache_above_its_minimum_can_be_had_back() -> None:
    assert parse_arcstats(_STATS) == 8 << 30


@pytest.mark.parametrize("content", [
    b"", b"size 4 100\n", b"c_min 4 100\n", b"size 4 50\nc_min 4 100\n", b"size 4 x\nc_min 4 1\n", b"size \nc_min \n"])
def test_what_does_not_say_both_or_is_below_its_minimum_gives_nothing(content: bytes) -> None:
    assert parse_arcstats(content) == 0


@given(st.binary(max_size=300) | st.lists(st.sampled_from(_STATS.split())).map(b" ".join)
       | st.lists(st.sampled_from(_STATS.splitlines())).map(b"\n".join))
def test_any_bytes_give_a_number_of_bytes(content: bytes) -> None:
    assert parse_arcstats(content) >= 0


@given(st.integers(0, 1 << 40))
def test_more_than_there_is_room_for_is_not_believed(zfs_bytes: int) -> None:
    memory = with_zfs_cache(Memory(1000, 100, 300, 0, 0, shared_bytes=50), zfs_bytes)
    assert memory.available_bytes == 100 + min(zfs_bytes, 550)
    assert memory.userspace_bytes <= memory.total_bytes


def test_a_module_that_is_loaded_later_is_found_and_one_that_is_unloaded_gives_nothing(tmp_path: Path) -> None:
    cache = ZfsCache(str(tmp_path))
    assert cache.read() == 0
    path = tmp_path / "spl/kstat/zfs/arcstats"
    path.parent.mkdir(parents=True)
    path.write_bytes(_STATS)
    assert 8 << 30 in [cache.read() for _ in range(300)]
    cache.close()
    path.unlink()
    assert cache.read() == 0
