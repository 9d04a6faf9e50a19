"""What systemd-oomd, earlyoom and nohang wrote when they killed, in the words of their versions."""

from __future__ import annotations

import pytest

from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event

MIB = 1 << 20
HEAD = "Oct 07 19:16:10 host earlyoom[26328]: "


def read(text: str) -> list[Event]:
    return list(events_in([text.encode()]))


def test_earlyoom_tells_what_was_left_and_whom_it_signalled() -> None:
    events = read(f"{HEAD}mem avail:   165 of 31880 MiB ( 0.52%), swap free: 19581 of 49151 MiB (39.84%)\n"
                  f"{HEAD}low memory! at or below SIGTERM limits: mem  5.00%, swap 40.00%\n"
                  f'{HEAD}sending SIGTERM to process 57834 uid 1000 "code": badness 866, VmRSS 5 MiB\n')
    assert [event.constraint for event in events] == ["userspace"]
    kill, said = events[0].kills[0], events[0].pressure
    assert (kill.pid, kill.comm, kill.uid, kill.rss_bytes, kill.signal) == (57834, "code", 1000, 5 * MIB, "SIGTERM")
    assert said is not None
    assert (said.by, said.memory_available_percent, said.swap_free_percent) == ("earlyoom", 0.52, 39.84)
    assert (said.memory_total_bytes, said.swap_total_bytes) == (31880 * MIB, 49151 * MIB)
    assert (events[0].first_line, events[0].last_line) == (1, 3)


@pytest.mark.parametrize(("line", "pid", "comm"), [
    (f'{HEAD}sending SIGKILL to process 696 "ipfs": badness 757, VmRSS 637 MiB', 696, "ipfs"),
    ('sending SIGTERM to process 997 uid 1000 "a "quoted" b": oom_score 1146, oom_score_adj 0, VmRSS 7 MiB', 997,
     'a "quoted" b'),
    (f"{HEAD}Killing process 22066 (tail)", 22066, "tail"),
])
def test_older_and_newer_words_of_earlyoom(line: str, pid: int, comm: str) -> None:
    assert [(kill.pid, kill.comm) for event in read(f"{line}\n") for kill in event.kills] == [(pid, comm)]


def test_systemd_oomd_by_pressure() -> None:
    event = read("Jun  1 10:00:00 h systemd-oomd[700]: Killed /user.slice/user-1000.slice/app.scope due to memory "
                 "pressure for /user.slice/user-1000.slice being 62.70% > 50.00% for > 20s with reclaim activity\n")[0]
    assert event.constraint == "userspace"
    assert event.cgroup is not None
    assert (event.cgroup.path, event.cgroup.task_path) == (
        "/user.slice/user-1000.slice", "/user.slice/user-1000.slice/app.scope")
    assert event.pressure is not None
    assert event.pressure.pressure_percent == 62.7
    assert [(kill.pid, kill.comm) for kill in event.kills] == [(None, "app.scope")]


def test_systemd_oomd_by_swap() -> None:
    event = read("Jun  1 10:00:00 h systemd-oomd[700]: Killed /system.slice/x.service due to memory used (15000) / "
                 "total (16000) and swap used (1900) / total (2000) being more than 90.00%\n")[0]
    assert event.pressure is not None
    assert (event.pressure.memory_available_percent, event.pressure.swap_free_percent) == (6.25, 5.0)
    assert event.pressure.swap_total_bytes == 2000


def test_nohang_on_many_lines() -> None:
    head = "Feb 14 10:12:58 laptop nohang[1240]:   "
    event = read("".join(f"{head}{line}\n" for line in (
        "MemAvailable [133 MiB, 1.1 %] <= soft_threshold_min_mem [947 MiB, 8.0 %]",
        "SwapFree [363 MiB, 11.8 %] <= soft_threshold_min_swap [369 MiB, 12.0 %]",
        "Victim status (found in 3 ms):", "Name:      python3", "PID:       25714", "EUID:      1000",
        "badness:   422, oom_score:  422, oom_score_adj:  7",
        "VmRSS:     6287 MiB  (Anon: 6282 MiB, File: 5 MiB, Shmem: 0 MiB)",
        "Sending SIGKILL to the victim")))[0]
    kill = event.kills[0]
    assert (kill.pid, kill.comm, kill.uid, kill.oom_score_adj, kill.signal) == (25714, "python3", 1000, 7, "SIGKILL")
    assert (kill.rss_bytes, kill.anon_rss_bytes) == (6287 * MIB, 6282 * MIB)
    assert event.pressure is not None
    assert (event.pressure.memory_available_percent, event.pressure.swap_free_percent) == (1.1, 11.8)


def test_a_start_line_and_a_kill_that_failed_are_no_events() -> None:
    assert read(f"{HEAD}earlyoom 1.7\n{HEAD}kill failed: Timer expired\n"
                f"{HEAD}mem avail: 27949 of 31880 MiB (87.67%), swap free: 44345 of 49151 MiB (90.22%)\n") == []


def test_systemd_oomd_s_words_since_258_and_a_time_since_boot() -> None:
    event = read("[   77.749670] systemd-oomd[659]: Marked /system.slice/x.service for killing due to memory pressure "
                 "for /system.slice being 85.03% > 80.00% for > 2s with reclaim activity\n")[0]
    assert event.pressure is not None
    assert event.pressure.pressure_percent == 85.03
    assert event.kills[0].control_group == "/system.slice/x.service"
    assert event.time is not None
    assert event.time.text == "77.749670"
