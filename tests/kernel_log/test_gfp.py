"""What was asked for, in the names and the words of that kernel."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_log.made import event
from watchdog_oom.kernel_log.gfp import request_of
from watchdog_oom.kernel_log.model import FailedAllocation, Invoker


@pytest.mark.parametrize(("kernel", "mask", "names"), [
    ("2.4.26", 0x1D2, ("GFP_HIGHUSER",)),
    ("2.4.26", 0x1F0, ("GFP_KERNEL",)),
    ("2.6.9", 0x1D2, ("GFP_HIGHUSER", "__GFP_COLD")),
    ("2.6.11-rc4", 0xD0, ("GFP_KERNEL",)),
    ("2.6.18-194.el5", 0x200D2, ("GFP_HIGHUSER",)),
    ("2.6.36", 0x201DA, ("GFP_HIGHUSER_MOVABLE", "__GFP_COLD")),
    ("3.2.0-4-686-pae", 0xD0, ("GFP_KERNEL",)),
    ("4.4.0-21-generic", 0x24000C0, ("GFP_KERNEL",)),
    ("4.15.0", 0x14000C0, ("GFP_KERNEL",)),
    ("4.19.57", 0x6040C0, ("GFP_KERNEL", "__GFP_COMP")),
    ("5.10.0", 0x100CCA, ("GFP_HIGHUSER_MOVABLE",)),
    ("6.8.1", 0x101CC0, ("GFP_USER", "__GFP_WRITE")),
    ("6.8.1", 0x80000CC0, ("GFP_KERNEL", "0x80000000")),
])
def test_a_mask_is_named_as_that_kernel_names_it(kernel: str, mask: int, names: tuple[str, ...]) -> None:
    assert request_of(event(kernel=kernel, mask=mask)).names == names


@pytest.mark.parametrize(("mask", "first"), [(0x1D2, "GFP_HIGHUSER"), (0x201DA, "GFP_HIGHUSER_MOVABLE"),
                                             (0xD0, "GFP_KERNEL"), (0xCC0, "GFP_KERNEL")])
def test_without_a_version_the_mask_itself_tells_which_table_is_meant(mask: int, first: str) -> None:
    assert request_of(event(kernel=None, mask=mask)).names[0] == first


def test_the_names_of_the_log_win_over_every_table() -> None:
    asked = request_of(event(kernel="2.4.0", invoker=Invoker("a", gfp_mask=0x101CC0, gfp_names="GFP_USER|__GFP_WRITE")))
    assert asked.names == ("GFP_USER", "__GFP_WRITE")
    assert not asked.highmem
    assert asked.words == "memory that the kernel shares with a process, for data to be written to a disk"
    assert asked.use == "memory that the kernel shares with a process"


def test_where_the_memory_may_lie_follows_from_the_flags() -> None:
    anywhere, kernel = request_of(event()), request_of(event(mask=0xCC0))
    assert (anywhere.highmem, anywhere.movable) == (True, True)
    assert (kernel.highmem, kernel.movable) == (False, False)
    assert kernel.words == "memory for the kernel itself"


def test_of_2_4_the_last_failed_allocation_tells_what_was_asked_for() -> None:
    failed = (FailedAllocation(None, 2, 0x1F0), FailedAllocation(None, 0, 0x1D2))
    asked = request_of(event(kernel="2.4.26", invoker=None, failed_allocations=failed))
    assert (asked.names, asked.order) == (("GFP_HIGHUSER",), 0)


def test_without_a_mask_nothing_is_said_of_where_it_had_to_lie() -> None:
    assert not request_of(event(invoker=None)).known


@given(st.integers(0, 1 << 40), st.none() | st.text(max_size=12) | st.sampled_from(["2.4.1", "6.1", "4.9.0-x"]))
def test_no_mask_and_no_version_breaks_it(mask: int, kernel: str | None) -> None:
    asked = request_of(event(kernel=kernel, mask=mask))
    assert asked.words
    assert asked.known
