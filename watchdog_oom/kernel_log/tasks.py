"""The dump of tasks: a table whose columns every few kernels are others, so its header is believed."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft, Row
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import Task

ROWS_KEPT = 32768
_ROW = re.compile(r"\[ *(\d{1,10})\] +(.*)")
# Without a header: what the numbers are, by how many there are before the name.
_GUESSES = {
    6: ("uid", "tgid", "total_vm", "rss", "cpu", "oom_adj"),
    7: ("uid", "tgid", "total_vm", "rss", "nr_ptes", "swapents", "oom_score_adj"),
    8: ("uid", "tgid", "total_vm", "rss", "nr_ptes", "nr_pmds", "swapents", "oom_score_adj"),
    10: ("uid", "tgid", "total_vm", "rss", "rss_anon", "rss_file", "rss_shmem", "pgtables_bytes", "swapents",
         "oom_score_adj"),
}
_NUMBER = re.compile(r"-?\d{1,20}$")


def take_columns(draft: Draft, line: Line) -> None:
    """``[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name``."""
    draft.columns = tuple(line.text.partition("]")[2].split())
    draft.columns_seen = True
    draft.in_slabs = False


def take_tasks(draft: Draft, line: Line) -> None:
    """``Tasks state (memory values in pages):``, since 4.19."""
    draft.columns_seen = True
    draft.in_slabs = False


def take_task(draft: Draft, line: Line) -> None:
    """One row. A name may hold blanks: it is the last column. A row that was cut before it is only counted."""
    found = _ROW.match(line.text)
    if not found:
        return
    columns = draft.columns[:-1] if draft.columns[-1:] == ("name",) else _guess(found[2])
    values = found[2].split(None, len(columns))
    numbers = [int(value) for value in values[:len(columns)] if _NUMBER.match(value)]
    if not columns or len(values) <= len(columns) or len(numbers) < len(columns):
        draft.row_cut = True
        return
    if len(draft.rows) >= ROWS_KEPT:
        draft.rows_omitted += 1
        return
    draft.rows.append(Row(int(found[1]), values[len(columns)].strip(), dict(zip(columns, numbers, strict=True))))


def _guess(text: str) -> tuple[str, ...]:
    words = text.split()
    count = next((index for index, word in enumerate(words) if not _NUMBER.match(word)), len(words))
    guess = _GUESSES.get(count, ())
    if count == 7 and int(words[4]) >= 4096 and int(words[4]) % 4096 == 0:
        return (*guess[:4], "pgtables_bytes", *guess[5:])  # since 4.15
    if count == 7 and int(words[4]) < 64 and -17 <= int(words[5]) <= 15 and -17 <= int(words[5]) < 0:
        return (*guess[:4], "cpu", "oom_adj", guess[6])  # 2.6.36 to 3.2
    return guess


def task_of(row: Row, page: int) -> Task:
    """The row in bytes."""
    numbers = row.numbers

    def size(name: str) -> int | None:
        return numbers[name] * page if name in numbers else None

    tables = [numbers[name] for name in ("nr_ptes", "nr_pmds", "nr_puds") if name in numbers]
    return Task(row.pid, row.comm, numbers.get("uid"), numbers.get("tgid"), size("total_vm"), size("rss"),
                size("rss_anon"), size("rss_file"), size("rss_shmem"), size("swapents"),
                numbers.get("pgtables_bytes", sum(tables) * page if tables else None),
                numbers.get("oom_score_adj"), numbers.get("oom_adj"))
