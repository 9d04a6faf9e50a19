"""The page as plain text."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from tests.report.conftest import BEGINS
from tests.report.mail_night import MailNight
from tests.report.test_page import HOSTILE, hostile_night
from watchdog_oom.report.model import Night
from watchdog_oom.report.text import WIDTH, text_of


def test_it_says_what_the_page_says_in_lines_that_a_mail_can_have(whole_night: Night) -> None:
    text = text_of(whole_night)
    lines = text.splitlines()
    assert " ".join(lines[:4]).startswith("At 03:31 five clamscans, wedged on 402 old entries of /var/spool/vscan/tmp,")
    assert all(len(line) <= WIDTH for line in lines)
    titles = [before for before, line in pairwise(lines) if line and set(line) == {"-"}]
    assert titles == ["The likely trigger", "What to do now", "Incidents", "Who held the memory at the worst moment",
                      "The daemon itself", "Rules that did nothing"]


def test_a_quiet_night_is_one_line(night: Callable[..., Night], mail_night: MailNight) -> None:
    calm = [mail_night.snapshot(BEGINS + at) for at in range(0, 3600, 60)]
    text = text_of(night((), calm, mail_night.status(), hours=1))
    assert " ".join(text.split("\n")).startswith("A quiet night: nothing had to be done from")
    assert "\n\n" not in text
    assert "*" not in text


def test_no_name_can_control_the_terminal_or_begin_a_line() -> None:
    for name in HOSTILE:
        text = text_of(hostile_night(name))
        assert text.replace("\n", "").isprintable(), ascii(name)
        assert text.encode()
