"""The kernel's own log, where the recorder has nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.kernel_log import reports
from tests.report.conftest import BEGINS
from tests.report.journaled import journaled
from tests.report.mail_night import MailNight
from tests.report.test_kernel_kills import LINE, killed
from watchdog_oom.errors import UsageError
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.report.kernel_log import KernelLog, unrecorded
from watchdog_oom.report.model import HostPoint, Night, NightSpan
from watchdog_oom.report.night import KILLS_OF

AT = BEGINS + 7200


def stamped(text: str, at: float, form: str = "%b %e %H:%M:%S mail kernel: [ 812.5] ") -> str:
    before = time.strftime(form, time.localtime(at))
    return "".join(f"{before}{line}\n" for line in text.splitlines())


def log_of(text: str, booted: float | None = None) -> KernelLog:
    return KernelLog("/var/log/kern.log", events_in((text.encode(),)), booted)


def test_without_a_recording_the_log_tells_what_the_kernel_killed_and_why(night: Callable[..., Night]) -> None:
    found = night((), kernel_log=lambda: log_of(stamped(reports.GLOBAL_6_1, AT)))
    assert [(kill.at, kill.name, kill.source) for kill in found.history.kernel_kills] == [
        (AT, "indexer", "/var/log/kern.log")]
    (report,) = found.kernel_reports
    assert report.words.startswith("RAM and swap were used up: ")
    assert f"{KILLS_OF} /var/log/kern.log" in found.troubles


def test_a_kill_that_the_daemon_journaled_and_the_log_has_is_one(night: Callable[..., Night]) -> None:
    told = journaled([killed(AT + 30, LINE, host=1)])
    found = night(told, kernel_log=lambda: log_of(stamped(reports.GLOBAL_6_1, AT)))
    assert [(kill.at, kill.source) for kill in found.history.kernel_kills] == [(AT, "/var/log/kern.log")]


@pytest.mark.parametrize("form", ["%b %e %H:%M:%S mail kernel: ", "%Y-%m-%dT%H:%M:%S+00:00 mail kernel: "])
def test_kills_of_another_time_are_not_of_this_night(night: Callable[..., Night], form: str) -> None:
    text = stamped(LINE, BEGINS - 9000, form) + stamped(LINE, BEGINS + 86_400, form)
    found = night((), kernel_log=lambda: log_of(text))
    assert found.history.kernel_kills == ()
    assert found.quiet


def test_a_log_without_a_year_is_of_the_year_of_the_night(night: Callable[..., Night]) -> None:
    found = night((), kernel_log=lambda: log_of(stamped(LINE, BEGINS + 30_000)))
    assert [kill.at for kill in found.history.kernel_kills] == [BEGINS + 30_000]  # March, after the day that 1972 had


def test_the_kernels_buffer_counts_from_the_boot(night: Callable[..., Night]) -> None:
    text = "".join(f"[ 7300.250000] {line}\n" for line in LINE.splitlines())
    found = night((), kernel_log=lambda: log_of(text, booted=BEGINS - 100))
    assert [kill.at for kill in found.history.kernel_kills] == [BEGINS + 7200.25]
    assert night((), kernel_log=lambda: log_of(text)).history.kernel_kills == ()


def test_what_was_recorded_is_not_looked_for_in_the_log(night: Callable[..., Night], mail_night: MailNight) -> None:
    def asked() -> KernelLog:
        raise AssertionError("the log is not needed")
    calm = [mail_night.snapshot(BEGINS + at) for at in range(0, 3600, 60)]
    assert night((), calm, hours=1, kernel_log=asked).history.kernel_kills == ()
    told = night((), calm, hours=3, kernel_log=lambda: log_of(stamped(LINE, BEGINS + 1800) + stamped(
        LINE.replace("4242", "4343"), BEGINS + 8000)))
    assert [kill.pid for kill in told.history.kernel_kills] == [4343]


def test_a_log_that_cannot_be_read_is_told_and_what_was_read_is_kept(night: Callable[..., Night]) -> None:
    def events() -> Iterator[Event]:
        yield from events_in((stamped(LINE, AT).encode(),))
        raise UsageError("kern.log: Input/output error")
    found = night((), kernel_log=lambda: KernelLog("kern.log", events()))
    assert len(found.history.kernel_kills) == 1
    assert "the kernel's own log: kern.log: Input/output error" in found.troubles
    none = night((), kernel_log=lambda: KernelLog("", problem="this host keeps none"))
    assert "the kernel's own log: this host keeps none" in none.troubles


def test_killers_in_user_space_are_not_the_kernel(night: Callable[..., Night]) -> None:
    text = stamped("sending SIGTERM to process 7 uid 0 \"x\": badness 9, VmRSS 4 MiB", AT,
                   "%b %e %H:%M:%S h earlyoom[1]: ")
    assert list(events_in((text.encode(),)))
    assert night((), kernel_log=lambda: log_of(text)).history.kernel_kills == ()


def test_times_without_a_sample_are_those_at_the_edges_too() -> None:
    span = NightSpan(0, 10_000)
    points = [HostPoint(at) for at in range(2000, 9500, 60)]
    assert unrecorded(points, span) == (NightSpan(0, 2000),)
    assert unrecorded((), span) == (span,)
