"""The incident's own arithmetic: when mails stood still, what is sent when, and what a night's row says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.incident import outside
from bench.incident.__main__ import row
from bench.incident.mailserver import recipe
from bench.incident.night import KILL, Outcome, mails_in, wedge

BOX = """\
From mrtg@outside.test  Sun Nov 22 21:38:22 2026
Received: from localhost (unknown [127.0.0.1])
\tby guest.test (Postfix) with ESMTP id 026F451C17F
\tfor <box@guest.test>; Sun, 22 Nov 2026 21:38:22 +0000 (UTC)
X-Virus-Scanned: Debian amavis at guest.test
Received: from outside.test; Sun, 22 Nov 2026 21:38:13 +0000 (UTC)
Subject: number 1.

ERROR: no such graph

From mrtg@outside.test  Sun Nov 22 21:38:24 2026
Received: from localhost; Sun, 22 Nov 2026 21:38:24 +0000 (UTC)
Subject: number 7.

ERROR: no such graph
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
    mails = dict(outside.schedule())
    assert sorted(mails) == list(range(outside.FLOOD_MAILS + outside.PROBE_MAILS))
    assert mails[outside.FLOOD_MAILS - 1] < outside.FLOOD_SECONDS == mails[outside.FLOOD_MAILS]
    assert max(mails.values()) < outside.MAIL_SECONDS


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
