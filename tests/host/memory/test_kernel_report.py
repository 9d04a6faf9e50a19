"""The kernel's own last OOM report, out of its log."""

from __future__ import annotations

from pathlib import Path

from watchdog_oom.host.memory.kernel_report import last_report


def log(place: Path, *records: tuple[int, int, str]) -> str:
    """Only one record is had by a read, as from the device: so each is as long as the buffer."""
    place.write_bytes(b"".join(f"{priority},1,{seconds * 1_000_000},-;{text}\n".encode().ljust(8192, b" ")
                               for priority, seconds, text in records))
    return str(place)


def test_the_last_report_is_told_from_its_first_line_on(tmp_path: Path) -> None:
    kmsg = log(tmp_path / "kmsg", (4, 100, "a invoked oom-killer: order=0"), (4, 100, "Mem-Info: old"),
               (6, 160, "eth0: up"), (4, 170, "b invoked oom-killer: order=0"), (4, 170, "Mem-Info:"),
               (11, 170, "forged by a user"), (3, 171, "Out of memory: Killed process 5 (x)"))
    assert last_report(kmsg, now=180.0) == ("b invoked oom-killer: order=0\nMem-Info:\n"
                                            "Out of memory: Killed process 5 (x)")


def test_a_report_of_yesterday_is_not_told_again(tmp_path: Path) -> None:
    kmsg = log(tmp_path / "kmsg", (4, 100, "a invoked oom-killer: order=0"), (4, 100, "Mem-Info:"))
    assert last_report(kmsg, now=1000.0) == ""


def test_without_a_log_there_is_no_report(tmp_path: Path) -> None:
    assert last_report(str(tmp_path / "none")) == ""
    assert last_report("/dev/null") == ""


def test_nobody_can_make_it_longer_than_it_may_be(tmp_path: Path) -> None:
    lines = [(4, 170, "b invoked oom-killer")] + [(4, 170, "x")] * 2100
    assert last_report(log(tmp_path / "kmsg", *lines), now=180.0).count("\n") == 1999
