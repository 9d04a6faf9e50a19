"""What is named as the trigger: a leak, more processes than before, a job of the scheduler, mail, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from tests.core.build import proc
from tests.report.conftest import BEGINS
from tests.report.made import at, born, looks
from tests.report.mail_night import MailNight
from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.report.decline import decline
from watchdog_oom.report.model import LikelyTrigger, NightSpan
from watchdog_oom.report.recorded import recorded
from watchdog_oom.report.trigger import LIKELY, POSSIBLE, trigger_of

GIB = 1024
HOURS = 6


def trigger(night: Iterator[Snapshot]) -> LikelyTrigger | None:
    history = recorded(night, NightSpan(BEGINS, BEGINS + HOURS * 3600))
    return trigger_of(history, decline(history.points), {})


def times() -> Iterator[tuple[int, float]]:
    return ((step, BEGINS + step * 30) for step in range(HOURS * 120))


def test_a_leak_is_one_process_that_grew_steadily() -> None:
    def night() -> Iterator[Snapshot]:
        for step, wall in times():
            yield at(wall, born(7, "java", BEGINS - 5000, wall, rss=500 + step * 4, unit="app.service"),
                     born(8, "sshd", BEGINS - 5000, wall))
    found = trigger(night())
    assert found is not None
    assert found.words.startswith("java of app.service grew steadily by ")
    assert found.sure == LIKELY
    assert "as it already was when the recording began" in found.why[0] or "between" in found.why[0]


def test_more_processes_of_a_name_than_before_are_counted() -> None:
    def night() -> Iterator[Snapshot]:
        for step, wall in times():
            many = 3 if step < 500 else min(40, 3 + (step - 500) // 2)
            begun = [BEGINS - 99 if n < 3 else BEGINS + 15_000 + (n - 3) * 60 for n in range(many)]
            yield at(wall, *(born(100 + n, "apache2", when, wall, rss=80, user="www-data")
                             for n, when in enumerate(begun)))
    found = trigger(night())
    assert found is not None
    assert re.fullmatch("apache2 of user www-data came to be 40, from (three|four|five|six|seven|eight)", found.words)
    assert found.sure == LIKELY


def test_a_job_of_the_scheduler_that_takes_the_memory_is_named_with_its_command_line() -> None:
    def night() -> Iterator[Snapshot]:
        for _, wall in times():
            cron = born(20, "cron", BEGINS - 9000, wall)
            job = BEGINS + 4 * 3600
            held = min(3000.0, (wall - job) * 2)
            yield at(wall, cron, *([born(21, "cron", job, wall, ppid=20), born(22, "sh", job, wall, ppid=21),
                                    born(23, "mysqldump", job, wall, ppid=22, rss=round(held) + 1,
                                         cmdline="mysqldump --all-databases")] if wall >= job else []))
    found = trigger(night())
    assert found is not None
    assert found.words == "a job of the scheduler: mysqldump --all-databases"
    assert (found.sure, found.began) == (LIKELY, BEGINS + 4 * 3600)


def test_mail_from_outside_is_told_from_mail_of_a_cron_job() -> None:
    def night() -> Iterator[Snapshot]:
        flood = BEGINS + 3 * 3600
        for step, wall in times():
            mails = [born(5000 + step, "smtpd", wall - 5, wall, ppid=2)] if wall >= flood or step % 40 == 0 else []
            scanners = int(min(8, max(0, (wall - flood) // 300)))
            yield at(wall, born(2, "master", BEGINS - 99, wall), *mails,
                     *(born(900 + n, "clamscan", flood + n * 300, wall, rss=400, ppid=3) for n in range(scanners)))
    found = trigger(night())
    assert found is not None
    assert found.words == "a flood of mail, which came from outside or from a program that was not seen to send it"
    assert found.sure == LIKELY


def test_mail_that_comes_as_often_as_before_is_no_flood_however_close_the_recorder_looks() -> None:
    """A scanner leaks; each mail is there for two seconds."""
    def night() -> Iterator[Snapshot]:
        tight = BEGINS + 2 * 3600
        for wall in looks((2 * 3600, 10), (900, 1)):
            number, since = divmod(wall - BEGINS, 21)
            mail = [born(5000 + int(number), "smtpd", wall - since, wall, ppid=2)] if since < 2 else []
            yield at(wall, born(2, "master", BEGINS - 99, wall), *mail,
                     born(900, "clamscan", BEGINS - 99, wall, rss=400 + round(max(0, wall - tight)) * 3))
    found = trigger(night())
    assert found is not None
    assert found.words.startswith("clamscan grew")


def test_a_flood_of_a_cron_job_is_likely_after_a_few_calm_minutes() -> None:
    """Thirty lines of a crontab run a job every minute. From the fourth minute on one of them mails every other
    second; each mail starts a scanner, of which ever more wait."""
    def night() -> Iterator[Snapshot]:
        flood = BEGINS + 180
        for wall in looks((180, 10), (120, 1)):
            minute = wall - wall % 60
            jobs = [born(3000 + int(minute // 60) % 100 + 100 * n, "mrtg", minute, wall, ppid=20)
                    for n in range(4) if wall - minute < 3]
            sent = int((wall - flood) // 2)
            mails = [born(9000 + n, "sendmail", flood + n * 2, wall, ppid=20) for n in range(max(0, sent), sent + 1)]
            scanners = [born(5000 + n, "clamscan", flood + n * 2, wall, ppid=30, rss=50) for n in range(sent + 1)]
            yield at(wall, born(20, "cron", BEGINS - 99, wall), born(30, "amavisd-new", BEGINS - 99, wall),
                     *jobs, *mails, *scanners)
    found = trigger(night())
    assert found is not None
    assert found.words == ("a flood of mail from a cron job: mrtg, which the scheduler ran every minute, sent mail "
                           "from 20:03 on")
    assert found.sure == LIKELY


def test_where_memory_never_fell_and_nothing_filled_up_there_is_no_trigger(mail_night: MailNight) -> None:
    assert trigger(at(wall, born(8, "sshd", BEGINS - 5, wall)) for _, wall in times()) is None
    assert trigger(iter(())) is None
    calm = recorded([mail_night.snapshot(BEGINS + second) for second in range(0, 3600, 10)],
                    NightSpan(BEGINS, BEGINS + 3600))
    assert trigger_of(calm, decline(calm.points), {}) is None


def test_a_spool_that_filled_up_alone_is_a_possible_one(mail_night: MailNight) -> None:
    history = recorded([mail_night.snapshot(mail_night.at("01:30") + second) for second in range(0, 5000, 10)],
                       NightSpan(BEGINS, BEGINS + 36_000))
    found = trigger_of(history, decline(history.points), {"vscan": "/var/spool/vscan/tmp"})
    assert found is not None
    assert found.sure == POSSIBLE
    assert found.words.startswith("/var/spool/vscan/tmp filled from 12 to ")


def test_the_job_whose_mails_they_were_is_found_among_others(mail_night: MailNight,
                                                             snapshots: list[Snapshot]) -> None:
    """Another job of the scheduler that runs more often, at other times, and never mails."""
    def night() -> Iterator[Snapshot]:
        for one in snapshots:
            wall = one.clock.wall
            began = wall - wall % 120 + 61
            boottime = began - wall + one.clock.boottime
            other = [] if not began <= wall < began + 20 else [
                Process(proc(9, start=int(boottime * 100)).id, 210, "collect", started_boottime=boottime)]
            yield Snapshot(one.clock, memory=one.memory, spools=one.spools,
                           processes={**one.processes, **{process.pid: process for process in other}})
    history = recorded(night(), NightSpan(BEGINS, BEGINS + 10.5 * 3600))
    assert any("collect" in line for line in history.births)
    found = trigger_of(history, decline(history.points), {})
    assert found is not None
    assert "a cron job: mrtg, which the scheduler ran every 5min" in found.words


@pytest.mark.parametrize("hidden", [4, 9])
def test_a_job_that_is_seen_only_now_and_then_keeps_its_period(
        mail_night: MailNight, snapshots: list[Snapshot], hidden: int) -> None:
    from watchdog_oom.report.arrivals import period_of
    ran = [BEGINS + 300 * number for number in range(100) if number % hidden]
    assert period_of(ran) == 300
    assert period_of([BEGINS + number * number * 100 for number in range(1, 12)]) is None


def test_the_mail_job_keeps_its_name_when_it_is_a_hostile_one(night: Callable[..., object]) -> None:
    other = MailNight(BEGINS, job="a\u202eb\n")
    history = recorded(other.snapshots(), NightSpan(BEGINS, BEGINS + 10.5 * 3600))
    found = trigger_of(history, decline(history.points), {})
    assert found is not None
    assert "a cron job: a\\u202eb\\n, which" in found.words


def test_a_fall_is_told_from_its_beginning_and_not_from_the_last_bounce() -> None:
    """Room goes from 3 GiB to 1, then to and fro for an hour, and is shortest at the end of that."""
    def night() -> Iterator[Snapshot]:
        for step, wall in times():
            swing = 400 if step % 8 < 4 else 0
            used = 500 if step < 400 else 2500 + swing + (step > 500) * 20
            if step <= 520:
                yield at(wall, born(7, "app", BEGINS - 9, wall, rss=used))
    history = recorded(night(), NightSpan(BEGINS, BEGINS + HOURS * 3600))
    fall = decline(history.points)
    assert fall is not None
    assert fall.before.at == BEGINS + 399 * 30
