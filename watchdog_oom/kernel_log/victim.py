"""Why the kernel chose this process: its own score, worked out again from the report, and whom it should have hit.

Since 2.6.36 (``oom_badness``, mm/oom_kill.c): RAM, swap and page tables in thousandths of all memory that the event was
about, plus oom_score_adj; root's processes 3 % less until 4.16. Before that: the size of the address space, which says
little of what it holds, halved or divided by the age and the CPU time of the process.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.formatting import process_label
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.gfp_bits import Version, version_of
from watchdog_oom.kernel_log.holders import Holders
from watchdog_oom.kernel_log.model import Event, Kill, Task
from watchdog_oom.lean_dataclasses import dataclass

_POINTS_SINCE: Version = (2, 6, 36)
_ROOT_BONUS_UNTIL: Version = (4, 17, 0)
_NEVER = -1000
_BACKPORTED = "el6"  # Red Hat's 2.6.32 has the points of 2.6.36
_CAUSE = 0.2         # a group with less of the whole is no cause
_CLEARLY = 3         # times what the victim held: then it hit somebody else


@dataclass(frozen=True, slots=True)
class Scored:
    """One process with its points, in thousandths."""

    task: Task
    points: int


def points(event: Event) -> tuple[Scored, ...]:
    """Every listed process that could be killed, the highest score first; empty where the kernel's score is the old
    one, or the memory that it is measured by is not known."""
    whole = _whole_bytes(event)
    if not whole or not _by_points(event):
        return ()
    version = version_of(event.kernel)
    bonus = version is not None and version < _ROOT_BONUS_UNTIL
    found = []
    for task in event.tasks:
        adj = task.oom_score_adj or 0
        if adj == _NEVER:
            continue
        held = (task.rss_bytes or 0) + (task.swap_bytes or 0) + (task.pgtables_bytes or 0)
        if bonus and task.uid == 0:
            held -= held * 3 // 100
        found.append(Scored(task, held * 1000 // whole + adj))
    return tuple(sorted(found, key=lambda scored: -scored.points))


def why(event: Event, held: Holders) -> tuple[str, ...]:
    """Why the first victim of the event died, in sentences."""
    kill = next((kill for kill in event.kills if not kill.again), None)
    if kill is None:
        return _why_none(event)
    told = [*_by_choice(event, kill), *_by_score(event, kill), *_by_group(event), *_instead(kill, held)]
    return tuple(told)


def _why_none(event: Event) -> tuple[str, ...]:
    if event.no_killable:
        return ("Nobody could be killed: every process that was left is exempt (oom_score_adj −1000), is pid 1, or is "
                "a thread of the kernel" + (", so the kernel panicked." if event.panic else "."),)
    if event.chosen:
        chosen = event.chosen[-1]
        score = "" if chosen.score is None else f" with a score of {chosen.score}"
        return ((f"The kernel chose {process_label(chosen.comm, chosen.pid)}{score}; the line that tells who died is "
                "missing."),)
    return ()


def _by_choice(event: Event, kill: Kill) -> list[str]:
    chosen = next((one for one in event.chosen if one.time is None or kill.time is None or one.time == kill.time
                   or one.pid == kill.pid), event.chosen[0] if event.chosen else None)
    if chosen is None or chosen.pid == kill.pid:
        return []
    who, victim = process_label(chosen.comm, chosen.pid), process_label(kill.comm, kill.pid or 0)
    if chosen.comm == kill.comm:
        return [f"The kernel chose {who}, a thread; it killed its process {victim}."]
    return [(f"The kernel chose {who} and, as kernels before 4.19 do, killed a child of it instead: {victim}. "
            "That frees little and leaves the cause.")]


def _by_score(event: Event, kill: Kill) -> list[str]:
    ranked = points(event)
    mine = next((one for one in ranked if one.task.pid == kill.pid), None)
    if mine is None:
        return _by_line(event, kill)
    adj = mine.task.oom_score_adj or 0
    by_adj = f", {adj:+} of it by its oom_score_adj" if adj else ""
    score = f"By the kernel's score {process_label(kill.comm, mine.task.pid)} has about {mine.points} of 1000{by_adj}"
    if mine.points == ranked[0].points:
        others = [one for one in ranked[:2] if one is not mine]
        second = "".join(f"; the next is {process_label(one.task.comm, one.task.pid)} with {one.points}"
                         for one in others[:1])
        return [f"{score}, the most of all{second}."]
    first = ranked[0]
    return [(f"{score}; {process_label(first.task.comm, first.task.pid)} has more, {first.points}, but was not taken: "
            "it was being killed already, it may be one that asked for memory and was killed in its place, or it is in "
            "another control group.")]


def _by_line(event: Event, kill: Kill) -> list[str]:
    score = next((one.score for one in event.chosen if one.pid == kill.pid and one.score is not None), None)
    if score is not None:
        return [f"The kernel gave it a score of {score}."]
    version = version_of(event.kernel)
    if event.tasks and version is not None and not _by_points(event):
        return [("This kernel scores by the size of the address space, not by what is in memory: large programs die, "
                "whoever holds the memory.")]
    if kill.oom_score_adj:
        side = "raised" if kill.oom_score_adj > 0 else "lowered"
        return [f"Its oom_score_adj of {kill.oom_score_adj} {side} its score."]
    return []


def _by_group(event: Event) -> list[str]:
    members = len({kill.pid for kill in event.kills if kill.pid is not None})
    if event.oom_group is None or members < 2:
        return []
    return [f"memory.oom.group is set: all {members} processes of the group were killed together."]


def _instead(kill: Kill, held: Holders) -> list[str]:
    """Whom it hit instead of the cause."""
    if not held.groups:
        return []
    largest = held.groups[0]
    victim = held.of(kill.comm)
    if largest.comm == kill.comm or largest.share < _CAUSE:
        return []
    own = kill_bytes(kill) if victim is None else victim.held_bytes
    if own is None or own * _CLEARLY > largest.held_bytes:
        return []
    return [(f"It hit {formatting.printable(kill.comm)}, with {formatting.size(own)}, instead of the cause: "
            f"{largest.words}.")]


def kill_bytes(kill: Kill) -> int | None:
    """What the victim held in RAM, by its own line."""
    sizes = [size for size in (kill.anon_rss_bytes, kill.file_rss_bytes, kill.shmem_rss_bytes) if size is not None]
    return sum(sizes) if sizes else kill.rss_bytes


def _by_points(event: Event) -> bool:
    version = version_of(event.kernel)
    if version is None:
        return any(task.oom_score_adj is not None for task in event.tasks)
    return version >= _POINTS_SINCE or _BACKPORTED in (event.kernel or "")


def _whole_of_group(event: Event) -> int | None:
    """``mem_cgroup_get_max``: the limit and what may be in swap; not known where swap is bounded by the host's alone,
    which the report of a group does not tell, and is used."""
    group = event.cgroup
    memory = group.limit("memory") if group is not None else None
    if group is None or memory is None or memory.unlimited:
        return None
    both, swap = group.limit("memory+swap"), group.limit("swap")
    if both is not None and not both.unlimited:
        return max(both.limit_bytes, memory.limit_bytes)
    if swap is not None and not swap.unlimited:
        return memory.limit_bytes + swap.limit_bytes
    return None if any(task.swap_bytes for task in event.tasks) else memory.limit_bytes


def _whole_bytes(event: Event) -> int | None:
    """The memory that the score is measured by: the group's limit with its swap, or RAM and swap."""
    if event.constraint == "memcg":
        return _whole_of_group(event)
    usable = count(event).usable_bytes
    return usable + (event.swap_total_bytes or 0) if usable else None
