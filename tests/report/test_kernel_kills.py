"""Kills of the kernel that several sources tell: each is one, and says who told of it."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_log import reports
from tests.report.conftest import BEGINS
from tests.report.journaled import journaled
from watchdog_oom.core.model import Clock, KernelKill, Snapshot
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.report.kernel_kills import BY_JOURNAL, NightKernelKill, sources_told, with_kills
from watchdog_oom.report.kernel_reports import KernelText
from watchdog_oom.report.model import Night
from watchdog_oom.report.page import html_of
from watchdog_oom.report.text import text_of

AT = BEGINS + 3600
LINE = ("Out of memory: Killed process 4242 (indexer) total-vm:1194804kB, anon-rss:604080kB, file-rss:0kB, "
        "shmem-rss:0kB, UID:1000 pgtables:1780kB oom_score_adj:0")
IN_GROUP = "Memory cgroup out of memory: Killed process 77 (java) total-vm:9kB, anon-rss:4kB, file-rss:0kB"


def killed(at: float, *lines: str, **counts: int) -> tuple[float, Record]:
    """What the daemon journals of the kernel's kills."""
    return at, Record(Kind.INCIDENT, rule="kernel", result="the kernel killed somebody", ok=False, because=lines,
                      detail={"kernel_kills": counts})


def test_without_a_recording_the_kills_are_those_that_the_daemon_journaled(night: Callable[..., Night]) -> None:
    found = night(journaled([killed(AT, LINE, IN_GROUP, host=1, memcg=1)]))
    assert [(kill.name, kill.pid, kill.in_group, kill.held_bytes, kill.source) for kill in found.history.kernel_kills] \
        == [("indexer", 4242, False, 604_080 << 10, BY_JOURNAL), ("java", 77, True, 4096, BY_JOURNAL)]
    assert found.headline == "The kernel killed indexer and java; the daemon had nothing to do with it."
    assert found.incidents == ()  # it is no incident of a rule that failed
    assert not found.quiet
    told = " ".join(text_of(found).split())
    assert "* 21:00:00 indexer[4242] * 21:00:00 java[77] in a control group at its limit" in told
    assert "Told by the daemon's journal (2)." in told
    assert "Told by the daemon&#39;s journal (2)." in html_of(found)


def test_a_kill_that_all_sources_tell_is_one_with_what_each_of_them_knows(night: Callable[..., Night]) -> None:
    seen = Snapshot(Clock(AT + 4, 3604 + 1e6),
                    kernel_kills=(KernelKill(4242, "indexer", LINE, 3599 + 1e6, unit="index.service"),))
    (kill,) = night(journaled([killed(AT + 60, LINE, host=1)]), [seen],
                    kernel_texts=[KernelText(AT + 9, reports.GLOBAL_6_1)]).history.kernel_kills
    assert (kill.at, kill.unit, kill.held_bytes) == (AT - 1, "index.service", 604_080 << 10)


def test_a_kill_that_only_the_kernels_counter_tells_has_no_name(night: Callable[..., Night]) -> None:
    found = night(journaled([killed(AT, unknown=2)]))
    assert found.headline == "The kernel killed two processes; the daemon had nothing to do with it."
    assert not found.quiet
    assert "Of its counter alone 2 more are known, without a name." in " ".join(text_of(found).split())
    both = night(journaled([killed(AT, LINE, host=1, unknown=1)]))
    assert both.history.unnamed_kills == 1


def test_the_same_pid_much_later_is_another_process() -> None:
    first, again = NightKernelKill(AT, 7, "a", False), NightKernelKill(AT + 4000, 7, "a", False)
    assert with_kills((first,), (again, first)) == (first, again)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from("ab"))))
def test_nothing_is_counted_twice_and_nothing_lost(told: list[tuple[int, int, str]]) -> None:
    kills = [NightKernelKill(AT + hour * 3600, pid, "x", False, source=source) for hour, pid, source in told]
    found = with_kills((), kills)
    assert {(kill.at, kill.pid) for kill in found} == {(kill.at, kill.pid) for kill in kills}
    assert len(found) == len({(kill.at, kill.pid) for kill in kills})
    assert bool(sources_told(found, 0)) is bool(found)
