"""What the kernel wrote when memory ran out: a sentence of what was short, and kills that no sample tells."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_log import reports
from tests.report.conftest import BEGINS
from watchdog_oom.core.model import Clock, KernelKill, Snapshot
from watchdog_oom.report.kernel_reports import KernelText, kernel_reports
from watchdog_oom.report.model import Night
from watchdog_oom.report.text import text_of

AT = BEGINS + 3600


def at(second: float, *kills: KernelKill) -> Snapshot:
    return Snapshot(Clock(BEGINS + second, second + 1e6), kernel_kills=kills)


def test_a_report_says_what_was_short_and_whom_the_kernel_killed() -> None:
    (report,) = kernel_reports([KernelText(AT, reports.GLOBAL_6_1)])
    assert report.words.startswith("RAM and swap were used up: ")
    assert "12 kB of 524,284 kB swap are free" in report.words
    assert [(kill.name, kill.pid, kill.in_group, kill.held_bytes) for kill in report.kills] == [
        ("indexer", 4242, False, 604_080 << 10)]


def test_a_report_that_was_read_twice_is_one_with_all_of_its_kills() -> None:
    begun = reports.GLOBAL_6_1.partition("oom-kill:")[0]
    (report,) = kernel_reports([KernelText(AT, begun), KernelText(AT + 9, reports.GLOBAL_6_1)])
    assert (report.at, [kill.pid for kill in report.kills]) == (AT, [4242])
    assert kernel_reports([KernelText(AT, reports.GLOBAL_6_1), KernelText(AT + 9, begun)]) == kernel_reports(
        [KernelText(AT, reports.GLOBAL_6_1)])


def test_a_kill_that_only_the_kernels_report_has_is_told(night: Callable[..., Night]) -> None:
    found = night((), [at(0), at(10)], kernel_texts=[KernelText(AT, reports.GLOBAL_6_1)])
    assert found.headline == "The kernel killed indexer; the daemon had nothing to do with it."
    assert not found.quiet
    told = " ".join(text_of(found).split())
    assert "What the kernel killed ---------------------- 21:00:00: RAM and swap were used up: " in told
    assert "* 21:00:00 indexer[4242]" in told


def test_a_kill_that_a_sample_and_the_report_have_is_one(night: Callable[..., Night]) -> None:
    kill = KernelKill(4242, "indexer", "", 3590 + 1e6)
    found = night((), [at(3600, kill)], kernel_texts=[KernelText(AT, reports.GLOBAL_6_1)])
    assert [(one.at, one.pid) for one in found.history.kernel_kills] == [(BEGINS + 3590, 4242)]
    again = night((), [at(3600, kill)], kernel_texts=[KernelText(AT + 4000, reports.GLOBAL_6_1)])
    assert len(again.history.kernel_kills) == 2


@given(st.lists(st.text() | st.sampled_from(list(reports.ALL.values())), max_size=4))
def test_no_text_is_too_strange(texts: list[str]) -> None:
    for report in kernel_reports([KernelText(AT, text + "\ud800") for text in texts]):
        assert report.words.isprintable()
        assert all(kill.name.isprintable() for kill in report.kills)
