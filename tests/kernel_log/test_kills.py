"""Kill lines of every kernel, whole and cut."""

from __future__ import annotations

import pytest

from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.model import Event, Kill

WHOLE = ("Out of memory: Killed process 7788 (bash) total-vm:7169492kB, anon-rss:7165824kB, file-rss:956kB, "
         "shmem-rss:12kB, UID:1000 pgtables:14076kB oom_score_adj:-998")


def read(*lines: str) -> list[Event]:
    return list(events_in(["".join(f"[  100.000000] {line}\n" for line in lines).encode()]))


def told(line: str) -> Kill:
    return read(line)[0].kills[0]


def test_a_kill_line_that_is_cut_anywhere_tells_the_same_or_nothing_of_each_fact() -> None:
    whole = told(WHOLE)
    for end in range(WHOLE.index(")") + 1, len(WHOLE) - len("-998") + 1):
        kill = told(WHOLE[:end])
        for name in ("pid", "comm", "uid", "total_vm_bytes", "anon_rss_bytes", "file_rss_bytes", "shmem_rss_bytes"):
            assert getattr(kill, name) in (None, getattr(whole, name)), WHOLE[:end]


def test_the_user_of_red_hat_s_kernels_stands_behind_the_name() -> None:
    kill = told("Killed process 918 (mysqld), UID 27, total-vm:2184052kB, anon-rss:18492kB, file-rss:0kB")
    assert (kill.uid, kill.anon_rss_bytes) == (27, 18492 << 10)


@pytest.mark.parametrize("cut", ["Memory cgroup out of memory: Ki", "Memory cgroup out of memory: Kill p",
                                 "Memory cgroup out of memory: Killed pro"])
def test_a_line_cut_before_the_victim_still_tells_the_constraint(cut: str) -> None:
    if cut.endswith("Ki"):
        assert read(cut) == []
        return
    assert [event.constraint for event in read(cut)] == ["memcg"]


def test_a_group_is_one_event_also_where_the_line_that_says_so_is_cut() -> None:
    line = "Memory cgroup out of memory: Killed process {} (bash) total-vm:4kB, anon-rss:2kB, file-rss:0kB"
    events = read("bash invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0", line.format(5),
                  "Tasks in /kubepods.slice/kubepods-besteffort.slice/kubepods-bes", line.format(6), line.format(7))
    assert [[kill.pid for kill in event.kills] for event in events] == [[5, 6, 7]]


def test_openvz_names_the_container_and_what_the_victim_held() -> None:
    line = "Out of memory in UB 1234: OOM killed process 938 (php (x)) score 0 vm:28988kB, rss:17004kB, swap:0kB"
    events = read("OOM killer in rage, 16 tasks killed in ub 1234", line)
    kill = events[0].kills[0]
    assert (kill.pid, kill.comm, kill.total_vm_bytes, kill.rss_bytes) == (938, "php (x)", 28988 << 10, 17004 << 10)
    assert events[0].constraint == "memcg"
    assert events[0].cgroup is not None
    assert events[0].cgroup.path == "UB 1234"
    assert read("Out of memory in UB 0: OOM killed process 9 (init) score 0 vm:4kB, rss:4kB, swap:0kB")[0].constraint \
        == "none"


def test_a_summary_that_was_written_out_for_people_is_one() -> None:
    event = read("oom-kill:constraint=CONSTRAINT_MEMCG, oom_memcg=/a b, task_memcg=/a b/c, task=py thon, pid=9, "
                 "uid=0")[0]
    assert event.summary is not None
    assert (event.summary.oom_memcg, event.summary.task_memcg, event.summary.task) == ("/a b", "/a b/c", "py thon")


def test_the_path_in_which_a_summary_is_cut_is_not_told() -> None:
    event = read("oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
                 "oom_memcg=/kubepods.sl")[0]
    assert event.constraint == "memcg"
    assert event.cgroup is not None
    assert event.cgroup.path is None
