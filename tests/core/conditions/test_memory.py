"""Conditions on memory, swap and pressure: thresholds, words, missing readings."""

from __future__ import annotations

import pytest

from tests.core.build import memory, mib, percent, policy, snapshot
from watchdog_oom.core.conditions.memory import MemoryAvailableAbove, MemoryAvailableBelow, SwapFreeBelow
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.view import View


def view(reading: Memory | None) -> View:
    return View(snapshot(memory=reading), policy())


@pytest.mark.parametrize(("threshold", "holds"), [
    (percent(10.1), True), (percent(10.0), False), (mib(83), True), (mib(81), False)])
def test_memory_is_below_a_share_of_what_user_space_can_have_or_below_a_size(threshold: Size, holds: bool) -> None:
    reading = Memory(1 << 30, 82 << 20, 738 << 20, 0, 0)  # 82 of 820 MiB: 10 %
    assert MemoryAvailableBelow(threshold).find(view(reading)).holds is holds


@pytest.mark.parametrize("threshold", [percent(10.1), percent(10.0), percent(9.9), mib(83), mib(82), mib(81)])
def test_available_above_is_whatever_is_not_below_and_neither_when_memory_cannot_be_read(threshold: Size) -> None:
    reading = Memory(1 << 30, 82 << 20, 738 << 20, 0, 0)
    below, above = (kind(threshold).find(view(reading)) for kind in (MemoryAvailableBelow, MemoryAvailableAbove))
    assert above.holds is not below.holds
    assert above.words == below.words
    blind = MemoryAvailableAbove(threshold).find(view(None))
    assert (blind.holds, blind.known) == (False, False)


def test_a_tmpfs_full_of_files_does_not_count_as_used_by_processes() -> None:
    reading = Memory(total_bytes=1000, available_bytes=100, anonymous_bytes=100, swap_total_bytes=0, swap_free_bytes=0)
    assert not MemoryAvailableBelow(percent(20.0)).find(view(reading)).holds


@pytest.mark.parametrize(("threshold", "holds"), [
    (percent(10.1), True), (percent(10.0), False), (mib(53), True), (mib(52), False)])
def test_swap_is_below_a_share_of_all_swap_or_below_a_size(threshold: Size, holds: bool) -> None:
    reading = Memory(1 << 30, 0, 0, 520 << 20, 52 << 20)
    assert SwapFreeBelow(threshold).find(view(reading)).holds is holds


@pytest.mark.parametrize("threshold", [percent(0.0), percent(50.0), mib(1)])
def test_a_host_without_swap_meets_every_threshold_of_swap(threshold: Size) -> None:
    finding = SwapFreeBelow(threshold).find(view(memory(swap_total=0)))
    assert finding.holds and finding.words == "there is no swap"


@pytest.mark.parametrize("threshold", [percent(100.0), mib(520), mib(2000)])
def test_a_threshold_of_all_swap_or_more_is_met_however_much_is_free(threshold: Size) -> None:
    finding = SwapFreeBelow(threshold).find(view(Memory(1 << 30, 0, 0, 520 << 20, 520 << 20)))
    assert finding.holds and "swap does not matter" in finding.words


def test_mapped_shared_memory_counts_as_used_by_processes() -> None:
    reading = Memory(1000, 100, 100, 0, 0, shared_bytes=800)
    assert MemoryAvailableBelow(percent(10.1)).find(view(reading)).holds


def test_the_words_tell_what_comes_from_zfs_and_whose_limit_it_is() -> None:
    reading = Memory(64 << 30, 34 << 30, 27 << 30, 0, 0, zfs_bytes=32 << 30)
    words = MemoryAvailableBelow(percent(8.0)).find(view(reading)).words
    assert "(34 GiB, 32 GiB of it ZFS cache; threshold 8%)" in words
    bound = Memory(512 << 20, 42 << 20, 400 << 20, 0, 0, group="/docker/x")
    assert "memory available within the limit of the control group is" in (
        MemoryAvailableBelow(percent(8.0)).find(view(bound)).words)


def test_the_words_say_the_measure_and_the_threshold() -> None:
    reading = Memory(1 << 30, 82 << 20, 738 << 20, 512 << 20, 64 << 20)
    assert MemoryAvailableBelow(percent(12.5)).find(view(reading)).words == (
        "memory available is 10% (82 MiB; threshold 12.5%)")
    assert SwapFreeBelow(mib(100)).find(view(reading)).words == "swap free is 12% (64 MiB; threshold 100 MiB)"


@pytest.mark.parametrize("condition", [MemoryAvailableBelow(percent(99.0)), SwapFreeBelow(percent(99.0))])
def test_without_a_reading_nothing_is_known(condition: MemoryAvailableBelow | SwapFreeBelow) -> None:
    finding = condition.find(view(None))
    assert not finding.holds and not finding.known
