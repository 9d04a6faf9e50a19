"""The events as JSON, version 1: null where the log does not say it."""

from __future__ import annotations

from watchdog_oom.kernel_log.model import Event, Kill
from watchdog_oom.lean_typing import Any

VERSION = 1


def event_json(event: Event, short: list[str], words: str) -> dict[str, Any]:
    """One event of the document, with what was short, the strongest first, and the words for people."""
    return {
        "time": event.time.text if event.time else None,
        "kernel": event.kernel,
        "constraint": event.constraint,
        "short": short,
        "words": words,
        "invoker": _invoker(event),
        "cgroup": _cgroup(event),
        "ram_bytes": event.ram_bytes,
        "swap_total_bytes": event.swap_total_bytes,
        "swap_free_bytes": event.swap_free_bytes,
        "kills": [_kill(kill) for kill in event.kills],
        "tasks": len(event.tasks) + event.tasks_omitted or None,
        "complete": event.complete,
    }


def _invoker(event: Event) -> dict[str, Any] | None:
    invoker = event.invoker
    if invoker is None:
        return None
    return {"comm": invoker.comm, "pid": invoker.pid, "order": invoker.order,
            "gfp_mask": None if invoker.gfp_mask is None else f"0x{invoker.gfp_mask:x}",
            "oom_score_adj": invoker.oom_score_adj}


def _cgroup(event: Event) -> dict[str, Any] | None:
    group = event.cgroup
    if group is None:
        return None
    limit = group.limit("memory")
    return {"path": group.path, "limit_bytes": limit.limit_bytes if limit else None}


def _kill(kill: Kill) -> dict[str, Any]:
    return {"pid": kill.pid, "comm": kill.comm, "uid": kill.uid, "total_vm_bytes": kill.total_vm_bytes,
            "anon_rss_bytes": kill.anon_rss_bytes, "file_rss_bytes": kill.file_rss_bytes,
            "shmem_rss_bytes": kill.shmem_rss_bytes, "oom_score_adj": kill.oom_score_adj,
            "time": kill.time.text if kill.time else None}
