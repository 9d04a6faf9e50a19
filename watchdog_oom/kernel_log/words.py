"""One event in plain words: what happened, what was short, who held it, who died."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from watchdog_oom import formatting
from watchdog_oom.formatting import printable, process_label
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.gfp import Request
from watchdog_oom.kernel_log.gfp_bits import Version, version_of
from watchdog_oom.kernel_log.holders import Holders
from watchdog_oom.kernel_log.model import Event, Kill
from watchdog_oom.kernel_log.shortage import Short, Shortage, by_hand
from watchdog_oom.kernel_log.victim import kill_bytes
from watchdog_oom.kernel_log.zone_room import kilobytes, percent

_LISTS_PROCESSES: Version = (2, 6, 25)  # vm.oom_dump_tasks
_TOLD = 8
_HOLDERS_TOLD = 3
_LITTLE = 0.25

HEADLINES: Mapping[Short, str] = {
    Short.RAM_AND_SWAP: "RAM and swap were used up",
    Short.RAM_NO_SWAP: "RAM was used up, and there is no swap",
    Short.CGROUP_LIMIT: "a control group reached its limit",
    Short.LOWMEM: "low memory was used up, high memory was not",
    Short.FRAGMENTATION: "memory was free, but in pieces too small",
    Short.CMA: "what was free belongs to CMA and was of no use here",
    Short.KERNEL_MEMORY: "the kernel itself held the memory",
    Short.HUGEPAGES: "memory is set aside as huge pages",
    Short.UNACCOUNTED: "memory is held that no counter explains",
    Short.NODE: "the only allowed node had none to give",
    Short.NOTHING: "nothing was short",
    Short.PRESSURE: "a program acted before the kernel had to",
    Short.NOT_TO_BE_TOLD: "what was short cannot be told",
}
_RUNNING_OUT: Mapping[Short, str] = {Short.RAM_AND_SWAP: "RAM and swap were running out",
                                     Short.RAM_NO_SWAP: "RAM was running out, and there is no swap"}


def asked(event: Event, request: Request) -> str:
    """Who asked for how much: ``mysqld[30714] asked for 4 kB (order 0): a page of …``; empty where no line says it."""
    if by_hand(event):
        return "Somebody asked the kernel to kill a process (SysRq f)."
    invoker = event.invoker
    if invoker is None and not request.known:
        return ""
    comm = invoker.comm if invoker is not None else None
    who = "Somebody" if comm is None or invoker is None else printable(comm) if invoker.pid is None \
        else process_label(comm, invoker.pid)
    names = f" ({'|'.join(printable(name) for name in request.names)})" if request.names else ""
    return f"{who} asked for {_amount(event, request)}{request.words}{names}."


def _amount(event: Event, request: Request) -> str:
    if request.order is None or not 0 <= request.order < 32:
        return ""
    return f"{kilobytes(event.page_bytes << request.order)} (order {request.order}) of "


def was_short(event: Event, short: Sequence[Shortage]) -> str:
    """``RAM and swap were used up; the kernel itself held the memory.``"""
    early = event.constraint == "userspace"  # they act before anything is used up
    kinds = [shortage.kind for place, shortage in enumerate(short)
             if place == 0 or shortage.kind is not Short.NOT_TO_BE_TOLD]
    told = "; ".join((_RUNNING_OUT if early else HEADLINES).get(kind, HEADLINES[kind]) for kind in kinds)
    return f"{told[:1].upper()}{told[1:]}."


def held_by(event: Event, held: Holders) -> str:
    """The largest groups; or that it cannot be known who held the memory, and why."""
    if held.groups and held.held_bytes:
        told = "; ".join(group.words for group in held.groups[:_HOLDERS_TOLD])
        shared = " Memory that they share counts several times." if held.shared else ""
        among = f"Of {held.processes} processes, " if held.processes > 1 else ""
        return f"{_little(event, held)}{among}{told}.{shared}"
    if event.no_killable and not event.tasks and "meminfo" in event.parts and "tasks" not in event.missing:
        return "There was no process that could be killed: no process held the memory."
    largest = max(event.kills, key=lambda kill: kill_bytes(kill) or 0, default=None)
    alone = kill_bytes(largest) if largest is not None else None
    own = "" if largest is None or not alone else \
        f" {_who(largest)} itself held {formatting.size(alone)} when it was killed."
    return f"Who held the memory cannot be known: {_why_no_list(event)}.{own}" if _list_matters(event) else own.strip()


def _little(event: Event, held: Holders) -> str:
    """Where all processes together hold only a little of the memory, that comes first."""
    ram = count(event).usable_bytes
    if not ram or event.constraint == "memcg" or held.held_bytes >= _LITTLE * ram:
        return ""
    return (f"All listed processes together hold {formatting.size(held.held_bytes)}, {_share(held.held_bytes, ram)} of "
            "RAM: the memory is not theirs. ")


def _share(part: int, whole: int) -> str:
    return percent(part / whole)


def died(event: Event) -> str:
    """``Killed: mysqld[22073].``"""
    kills = [kill for kill in event.kills if not kill.again]
    if not kills:
        return "No line tells who was killed." if not (event.no_killable or event.panic) else ""
    told = ", ".join(_who(kill) for kill in kills[:_TOLD])
    rest = f" and {len(kills) - _TOLD} more" if len(kills) > _TOLD else ""
    return f"Killed: {told}{rest}."


def event_words(event: Event, request: Request, short: Sequence[Shortage], held: Holders) -> str:
    """The whole, as one paragraph: the value of ``words`` in JSON."""
    evidence = short[0].evidence
    parts = (was_short(event, short), asked(event, request), f"{evidence[:1].upper()}{evidence[1:]}.",
             held_by(event, held), died(event))
    return " ".join(part for part in parts if part)


def _who(kill: Kill) -> str:
    return printable(kill.comm) if kill.pid is None else process_label(kill.comm, kill.pid)


def _list_matters(event: Event) -> bool:
    return not by_hand(event) and event.constraint != "userspace"


def _why_no_list(event: Event) -> str:
    version = version_of(event.kernel)
    if event.tasks_omitted:
        return "the list of processes is cut off at its right side"
    if (version is not None and version < _LISTS_PROCESSES) or (version is None and _looks_old(event)):
        return ("this kernel lists no processes (they do since 2.6.25), so whoever held it is in no line, unless it "
                "was killed")
    return ("the list of processes is not in the log (it is cut, or vm.oom_dump_tasks is 0), so whoever held it is in "
            "no line, unless it was killed")


def _looks_old(event: Event) -> bool:
    """Kernels until 2.6.24 name in a kill line nothing but the process, and count their pages unsplit."""
    plain = bool(event.kills) and all(kill.total_vm_bytes is None and kill.uid is None for kill in event.kills)
    return "active" in event.meminfo or (plain and not event.meminfo and event.summary is None
                                         and event.constraint == "none")
