"""The incident's own arithmetic: when mails stood still, what is sent when, and what a night's row says."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from bench.incident import cronjob
from bench.incident.__main__ import row
from bench.incident.mailserver import recipe
from bench.incident.night import KILL, Outcome, mails_in, wedge

BOX = """\
From root@guest.test  Sun Nov 22 21:38:22 2026
Received: from localhost (unknown [127.0.0.1])
\tby guest.test (Postfix) with ESMTP id 026F451C17F
\tfor <box@guest.test>; Sun, 22 Nov 2026 21:38:22 +0000 (UTC)
X-Virus-Scanned: Debian amavis at guest.test
Received: by guest.test (Postfix, from userid 0); Sun, 22 Nov 2026 21:38:13 +0000 (UTC)
Subject: mrtg

ERROR: number 1. no such graph

From root@guest.test  Sun Nov 22 21:38:24 2026
Received: from localhost; Sun, 22 Nov 2026 21:38:24 +0000 (UTC)
Subject: mrtg

ERROR: number 7. no such graph

From root@guest.test  Sun Nov 22 21:38:25 2026
Received: from localhost; Sun, 22 Nov 2026 21:38:25 +0000 (UTC)
Subject: Cron <root@guest> another job

It failed.
"""
SENT_AT = 1795383490.0


@pytest.mark.parametrize(("arrivals", "expected"), [
    ([], (0.0, None)),
    ([10.0, 20.0, 60.0, 100.0, 140.0, 180.0], (None, None)),
    ([10.0, 20.0, 100.0, 110.0, 150.0, 190.0], (20.0, 100.0)),
    ([10.0, 20.0], (20.0, None)),
])
def test_mails_stand_still_when_none_arrives_for_long_and_go_on_with_the_next(
        arrivals: list[float], expected: tuple[float | None, float | None]) -> None:
    assert wedge(arrivals, lasted=200.0) == expected


def test_a_box_tells_the_number_the_time_and_the_filters_mark_of_each_mail() -> None:
    arrived, scanned = mails_in(BOX, SENT_AT)
    assert arrived == {1: 12.0, 7: 14.0}
    assert scanned == {1}


def test_a_mail_that_came_twice_counts_once_at_its_first_coming() -> None:
    assert mails_in(BOX + "\n" + BOX.replace("21:38", "21:40"), SENT_AT)[0] == {1: 12.0, 7: 14.0}


def test_the_flood_is_over_before_the_numbered_probes_begin_and_every_mail_has_a_number_of_its_own() -> None:
    mails = dict(cronjob.schedule())
    assert sorted(mails) == list(range(cronjob.FLOOD_MAILS + cronjob.PROBE_MAILS))
    assert mails[cronjob.FLOOD_MAILS - 1] < cronjob.FLOOD_SECONDS == mails[cronjob.FLOOD_MAILS]


@pytest.mark.parametrize(("clock", "minute"), [(1795383490.0, 1795383540), (1795383480.0, 1795383540),
                                               (1795383539.9, 1795383540)])
def test_the_flood_begins_at_a_full_minute_when_cron_starts_its_jobs(clock: float, minute: int) -> None:
    assert cronjob.first_minute_after(clock) == minute


def test_a_run_of_the_job_mails_each_failure_that_is_due_and_no_run_mails_it_again(tmp_path: Path) -> None:
    now = int(time.time())
    (tmp_path / "failures").write_text(f"{now - 90} 7\n{now - 30} 9\n{now + 600} 11\n")
    (tmp_path / "told").mkdir()
    (tmp_path / "sendmail").write_text(f"#!/bin/sh\ncat > {tmp_path}/mail-$$\n")
    (tmp_path / "sendmail").chmod(0o755)
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for _ in range(2):
        subprocess.run(["sh", "-c", cronjob.script("box@guest.test", str(tmp_path))], check=True, env=path)
    mails = sorted(mail.read_text() for mail in tmp_path.glob("mail-*"))
    assert mails == [f"To: box@guest.test\nSubject: mrtg\n\nERROR: number {number}. no such graph\n"
                     for number in (7, 9)]
    assert list(cronjob.told((tmp_path / "log").read_text())) == [7, 9]


def test_the_jobs_log_tells_when_which_mail_was_sent() -> None:
    assert cronjob.told("0 1795383540\n4 1795383548\n") == {0: 1795383540.0, 4: 1795383548.0}
    assert cronjob.told("") == {}


def test_the_kernels_kills_are_found_on_the_console_whatever_the_victim_calls_itself() -> None:
    console = ("[  1.0] Out of memory: Killed process 310 (mariadbd) total-vm:1kB\n"
               "[  2.0] Memory cgroup out of memory: Killed process 7 (a) Z 1 () total-vm:1kB\n")
    assert KILL.findall(console) == ["mariadbd", "a) Z 1 ("]


def test_a_row_tells_a_night_that_never_recovered_from_one_that_never_stood_still() -> None:
    night = Outcome("none", ("mariadbd",), False, {"25": 3.4, "80": 0.0, "3306": 120.0}, 68, 4, 60, 4, 4, 20.0, None,
                    900.0)
    assert row(night) == ("none", "1", "no", "3 s", "0 s", "120 s", "4 of 68", "at 20 s", "never", "–", "–", "0 / 0")
    calm = Outcome("us", (), True, {"25": 0.0, "80": 0.0, "3306": 0.0}, 68, 68, 60, 60, 68, None, None,
                   900.0, 12, 3.25, 4, 3)
    assert row(calm)[-6:] == ("68 of 68", "–", "–", "12 MiB", "3.2 %", "4 / 3")


def test_the_recipe_names_no_path_of_this_machine() -> None:
    top = str(Path(__file__).resolve().parents[2])
    text = "".join((*recipe().files.values(), *recipe().hooks))
    assert not re.search(re.escape(top), text)
