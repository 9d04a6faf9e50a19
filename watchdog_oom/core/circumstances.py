"""What a noun says of how a process fares: older, larger, without its parent. Pure.

It changes while the process lives. Whoever was chosen by it stays chosen: see ``match``.
"""

from __future__ import annotations

from watchdog_oom.core.model import Process, Snapshot
from watchdog_oom.core.nouns import ProcessNoun, Size


def match(noun: ProcessNoun, process: Process, snapshot: Snapshot, *, chosen: bool = False) -> bool | None:
    """Whether ``age_above``, ``rss_above`` and ``orphaned`` hold; ``None``: a reading is missing.

    ``chosen``: the process got TERM because they held. That it gave memory back since does not end what was begun: it
    is half stopped, and nothing is gained by leaving it so.
    """
    if noun.age_above_seconds is not None and process.age_seconds(snapshot.clock) <= noun.age_above_seconds:
        return False
    if chosen:
        return True
    answers = {_larger(noun.rss_above, process, snapshot), _orphanhood(noun.orphaned, process, snapshot)}
    return False if False in answers else None if None in answers else True


def orphan(process: Process, snapshot: Snapshot) -> bool | None:
    """Whether the parent has ended: it was seen to change, or who adopts orphans is the parent now, and did not start
    the process itself, as far as that can be told. ``None``: the parent is not known at this moment.

    systemd starts everything as the leader of a session (setsid(2)) and nothing in a scope (systemd.scope(5)). Other
    subreapers (prctl(2)) do not show that they are.
    """
    if process.reparented or process.id in snapshot.reparented:
        return True
    if process.ppid == 0:
        return False
    if process.ppid != 1:
        parent = snapshot.processes.get(process.ppid)
        if parent is None:
            return None
        if not _user_manager(parent):
            return False
    unit = process.facts.user_unit or process.facts.unit or ""
    return process.session != process.pid or unit.endswith(".scope")


def _user_manager(process: Process) -> bool:
    return process.comm == "systemd" and process.ppid == 1 and process.session == process.pid


def _larger(size: Size | None, process: Process, snapshot: Snapshot) -> bool | None:
    if size is None:
        return True
    if size.percent is not None and snapshot.memory is None:
        return None
    return process.rss_bytes > size.of(snapshot.memory.total_bytes if snapshot.memory is not None else 0)


def _orphanhood(wanted: bool | None, process: Process, snapshot: Snapshot) -> bool | None:
    if wanted is None:
        return True
    is_orphan = orphan(process, snapshot)
    return None if is_orphan is None else is_orphan is wanted
