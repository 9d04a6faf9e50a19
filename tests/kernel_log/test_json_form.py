"""The JSON of events: every key of the schema, and null where the log does not say it."""

from __future__ import annotations

from tests.kernel_log import reports
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.json_form import event_json


def test_a_control_group_s_event_has_every_key() -> None:
    event = next(iter(events_in([reports.GROUP_V1_3_10.encode()])))
    assert event_json(event, ["cgroup_limit"], "words") == {
        "time": None, "kernel": "3.10.0-957.el7.x86_64", "constraint": "memcg", "short": ["cgroup_limit"],
        "words": "words",
        "invoker": {"comm": "java", "pid": 700, "order": 0, "gfp_mask": "0xd0", "oom_score_adj": -998},
        "cgroup": {"path": "/docker/abc", "limit_bytes": 512 << 20}, "ram_bytes": None, "swap_total_bytes": None,
        "swap_free_bytes": None, "kills": [{
            "pid": 700, "comm": "java", "uid": None, "total_vm_bytes": 20255636 * 1024,
            "anon_rss_bytes": 466160 * 1024, "file_rss_bytes": 13684 * 1024, "shmem_rss_bytes": 0,
            "oom_score_adj": None, "time": None}],
        "tasks": 2, "complete": True}


def test_what_the_log_does_not_say_is_null() -> None:
    event = next(iter(events_in([b"Jun  1 10:00:00 h kernel: VM: killing process fetchnews\n"])))
    found = event_json(event, ["not_to_be_told"], "")
    assert (found["invoker"], found["cgroup"], found["tasks"], found["complete"]) == (None, None, None, False)
    assert found["kills"][0]["pid"] is None
    assert found["time"] == "Jun  1 10:00:00"
