"""Logs that were exported or pasted: what stands around each line takes nothing from what it says."""

from __future__ import annotations

import html
import json
from collections.abc import Callable

import pytest

from tests.kernel_log import reports
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.frames import without_frame, without_mark

FRAMES: dict[str, Callable[[int, str], str]] = {
    "CSV": lambda number, line: '"' + line.replace('"', '""') + '"',
    "CSV with other columns": lambda number, line: f'{number},"' + line.replace('"', '""') + '","host-1"',
    "an array of JSON": lambda number, line: f"    {json.dumps(line)},",
    "a program's text": lambda number, line: f'\t"{line}\\n"',
    "HTML": lambda number, line: html.escape(line),
    "paragraphs of HTML": lambda number, line: f"<p>{html.escape(line)}</p>",
    "lines of HTML": lambda number, line: f"{html.escape(line)}<br />",
    "backticks": lambda number, line: f"`{line}`",
    "a table": lambda number, line: f"| {line} |",
    "a list": lambda number, line: f"* {line}",
    "a list with dashes": lambda number, line: f"- {line}",
    "a list with numbers": lambda number, line: f"{number}. {line}",
    "line numbers": lambda number, line: f"{number:>5}  {line}",
    "a comment": lambda number, line: f"# {line}",
    "tabs": lambda number, line: line.replace("     ", "\t"),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("report", ["GLOBAL_6_1", "GROUP_V1_3_10", "LOW_2_6_9"])
@pytest.mark.parametrize("stamped", [True, False], ids=["stamped", "bare"])
def test_a_report_says_the_same_in_every_frame(name: str, report: str, stamped: bool) -> None:
    lines = [f"{'[  100.000000] ' if stamped else ''}{line}" for line in reports.ALL[report].splitlines()]
    framed = "".join(f"{FRAMES[name](number, line)}\n" for number, line in enumerate(lines, 1))
    plain = "".join(f"{line}\n" for line in lines)
    assert [facts(event) for event in events_in([framed.encode()])] == [
        facts(event) for event in events_in([plain.encode()])]


def test_the_date_in_another_column_is_the_time() -> None:
    row = '"2026-11-20T10:11:12Z","web-1","Out of memory: Killed process 9 (java) total-vm:4kB, anon-rss:2kB"\n'
    event = next(events_in([row.encode()]))
    assert event.time is not None
    assert event.time.text == "2026-11-20T10:11:12Z"


@pytest.mark.parametrize("text", [
    '"with quotes" invoked oom-killer: gfp_mask=0xcc0, order=0', "130972 pages RAM", "** 12 printk messages dropped **",
    "Killed process 5 (it's) total-vm:4kB", "<TASK>", "a && b <c> d", "Comm: -bash", "0 pages in swap cache"])
def test_what_belongs_to_the_line_stays(text: str) -> None:
    assert without_frame(text) == text
    assert without_mark(text) == text
