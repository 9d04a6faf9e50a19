"""What the notifier says of itself, and what ``status`` shows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.notify.made import NOW, OPS, over, settings
from watchdog_oom.cli.notify.book import NotifyBook, TargetHealth, failed
from watchdog_oom.cli.notify.schedule import ClockReading
from watchdog_oom.cli.notify.standing import standing_of
from watchdog_oom.cli.output import Page
from watchdog_oom.cli.status.attention import show_attention
from watchdog_oom.cli.status.notifier import notify_troubles, read_standing, show_notify


def standing(minute: float = 720.0, **more: Any) -> dict[str, Any]:
    book = NotifyBook(cases={"x-1.1": over()}, targets={"ops": TargetHealth(last_sent=NOW - 60)})
    failed(book, "ops", "cannot \x1b[2J reach it", NOW, 60.0)
    return standing_of(book, settings(OPS, **more), ClockReading(NOW + 20, minute), 7, ["the disk is full"])


def shown(notify: dict[str, Any], now: float = NOW + 30) -> str:
    page = Page()
    show_attention(page, {"notify": notify}, now)
    show_notify(page, notify, now)
    return page.text()


def test_what_cannot_be_delivered_is_said_first_with_its_reason() -> None:
    text = shown(json.loads(json.dumps(standing())))
    assert "ops could not be told since" in text
    assert "(1 message waiting): cannot \\x1b[2J reach it" in text
    assert "notify: the disk is full" in text
    assert "1 message waiting (it failed and is tried again later), 1 failure, next try" in text


def test_one_that_is_silent_for_long_is_said_to_be() -> None:
    assert "notify has written nothing for 10min" in shown(standing(), NOW + 620)


def test_where_there_is_none_nothing_is_shown(tmp_path: Path) -> None:
    assert read_standing(str(tmp_path / "run")) == {}
    assert shown({}) == ""


@pytest.mark.parametrize("text", ["", "[", "[]", "null", '{"targets": 5, "troubles": {}, "written": "x"}',
                                  '{"targets": {"a": [], "b": {"failures": "x", "failing_since": 1e300}}}'])
def test_whatever_stands_in_the_file_the_page_is_made(tmp_path: Path, text: str) -> None:
    (tmp_path / "run-notify").mkdir()
    (tmp_path / "run-notify" / "notify.json").write_text(text)
    found = read_standing(str(tmp_path / "run"))
    assert isinstance(shown(found), str)
    assert isinstance(notify_troubles(found, NOW), list)
