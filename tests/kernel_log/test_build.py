"""What is said of a report whose right side, or a part of which, is missing: less, and never something else."""

from __future__ import annotations

import pytest

from tests.kernel_log import reports
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.shortage_of_host import judge


def cut(report: str, columns: int) -> Event:
    return next(events_in(["".join(f"{line[:columns]}\n" for line in report.splitlines()).encode()]))


@pytest.mark.parametrize("columns", range(40, 240, 7))
def test_a_report_cut_at_a_column_never_says_that_something_else_was_short(columns: int) -> None:
    whole = next(events_in([reports.GLOBAL_6_1.encode()]))
    event = cut(reports.GLOBAL_6_1, columns)
    kinds = {str(one.kind) for one in judge(whole)} | {"not_to_be_told"}
    assert str(judge(event)[0].kind) in kinds
    assert len(event.tasks) + event.tasks_omitted in (0, len(whole.tasks))
    assert event.ram_bytes in (None, whole.ram_bytes)


def test_rows_without_their_right_side_are_counted_and_the_report_is_not_complete() -> None:
    whole, event = next(events_in([reports.GLOBAL_6_1.encode()])), cut(reports.GLOBAL_6_1, 60)
    assert event.tasks_omitted > 0
    assert len(event.tasks) + event.tasks_omitted == len(whole.tasks)
    assert {"tasks", "zones"} <= event.missing
    assert any("cut off at their right side" in note for note in event.notes)


def test_the_row_in_whose_middle_a_log_ends_is_none() -> None:
    rows = ("[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
            "[    300]     0   300     6209      140    73728      210          -250 systemd-journal\n"
            "[    301]     0   301     62")
    event = next(events_in([rows.encode()]))
    assert (len(event.tasks), event.tasks_omitted) == (1, 0)


def test_names_of_flags_that_are_cut_are_worked_out_from_the_mask() -> None:
    event = next(events_in([b"a invoked oom-killer: gfp_mask=0x100cca(GFP_HIGHUSER_MOV\n"]))
    assert event.invoker is not None
    assert (event.invoker.gfp_mask, event.invoker.gfp_names) == (0x100CCA, None)


def test_the_path_of_a_group_that_one_line_has_cut_is_that_of_the_line_that_has_it_whole() -> None:
    log = ("Task in /docker/2e088f/x killed as a result of limit of /docker/2e\n"
           "memory: usage 10240kB, limit 10240kB, failcnt 5\n"
           "Memory cgroup stats for /docker/2e088f: cache:0KB rss:980KB\n")
    event = next(events_in([log.encode()]))
    assert event.cgroup is not None
    assert event.cgroup.path == "/docker/2e088f"


def test_totals_that_a_web_page_glued_together_are_each_one() -> None:
    log = ("Free swap  = 0kB\nTotal swap = 524280kB131071 pages RAM0 pages HighMem3673 pages reserved\n"
           "Out of memory: Kill process 9682 (mysqld) score 9 or sacrifice child\n")
    event = next(events_in([log.encode()]))
    assert (event.swap_total_bytes, event.ram_bytes) == (524280 << 10, 131071 << 12)
    assert event.reserved_bytes == 3673 << 12
