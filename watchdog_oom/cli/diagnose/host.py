"""The running host's own settings about memory running out, each with a judgement; and the kernel's own count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from watchdog_oom import formatting
from watchdog_oom.lean_dataclasses import dataclass

_KIB = 1024
_LEAST_FREE, _MOST_FREE = 0.001, 0.05  # of RAM, for min_free_kbytes
_LITTLE_SWAP = 0.05
_LARGE_ZRAM = 2


@dataclass(frozen=True, slots=True)
class HostSetting:
    """One setting: ``good`` is false for what should be changed, ``None`` for what depends on the purpose."""

    name: str
    value: str
    judgement: str
    good: bool | None


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What was read of the host; a file that is missing leaves its value out. ``vm``: /proc/sys/vm. ``swaps``: the
    areas with their sizes. ``kills``: the kernel's own count since boot (``oom_kill``, since 4.13)."""

    vm: Mapping[str, int]
    meminfo_bytes: Mapping[str, int]
    swaps: tuple[tuple[str, int], ...]
    kills: int | None
    boot_time: float | None


def read_host(proc: str) -> HostFacts:
    """The host behind this /proc."""
    names = ("overcommit_memory", "overcommit_ratio", "swappiness", "panic_on_oom", "oom_dump_tasks", "min_free_kbytes",
             "oom_kill_allocating_task")
    vm = {name: int(text) for name in names if (text := _text(f"{proc}/sys/vm/{name}").strip()).lstrip("-").isdigit()}
    return HostFacts(vm, _meminfo(_text(f"{proc}/meminfo")), _swaps(_text(f"{proc}/swaps")),
                     _counter(_text(f"{proc}/vmstat"), "oom_kill"), _counter(_text(f"{proc}/stat"), "btime"))


def judged(facts: HostFacts) -> Iterator[HostSetting]:
    """Each setting that is known, the important first."""
    yield from _swap(facts)
    for name, judge in (("overcommit_memory", _overcommit), ("swappiness", _swappiness), ("panic_on_oom", _panic),
                        ("oom_dump_tasks", _dump), ("oom_kill_allocating_task", _allocating),
                        ("min_free_kbytes", _min_free)):
        value = facts.vm.get(name)
        if value is not None:
            judgement, good = judge(value, facts)
            yield HostSetting(f"vm.{name}", str(value), judgement, good)


def _swap(facts: HostFacts) -> Iterator[HostSetting]:
    ram = facts.meminfo_bytes.get("MemTotal", 0)
    if "SwapTotal" not in facts.meminfo_bytes:
        return
    total, free = facts.meminfo_bytes["SwapTotal"], facts.meminfo_bytes.get("SwapFree", 0)
    if not total:
        yield HostSetting("swap", "none", "nothing can be put away, and memory runs out within seconds; some swap, or "
                          "zram, gives a watchdog time to act", False)
        return
    value = f"{formatting.size(free)} of {formatting.size(total)} free"
    if free < _LITTLE_SWAP * total:
        yield HostSetting("swap", value, "nearly full now: the next shortage of RAM ends in a kill", False)
    else:
        yield HostSetting("swap", value, "there is room", True)
    zram = sum(size for name, size in facts.swaps if "zram" in name)
    if zram:
        large = ram and zram > _LARGE_ZRAM * ram
        yield HostSetting("zram", formatting.size(zram), "more than twice RAM: what does not compress fills RAM itself"
                          if large else "compressed in RAM: what it holds takes a third to a half of that", not large)


def _overcommit(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    if value == 2:
        limit, promised = (facts.meminfo_bytes.get(name) for name in ("CommitLimit", "Committed_AS"))
        told = "" if limit is None or promised is None \
            else f" ({formatting.size(promised)} of {formatting.size(limit)} are promised)"
        return f"programs are refused memory instead{told}; many do not expect that", None
    if value == 1:
        return "everything is promised to everybody; only kills bound memory (Redis asks for it)", None
    return "the default: obvious excess is refused", True


def _swappiness(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    if value == 0 and facts.meminfo_bytes.get("SwapTotal"):
        return "swap is used only when it is nearly too late; 1 to 60 is better", False
    if value > 100 and not any("zram" in name for name, _ in facts.swaps):
        return "above 100 is for swap that is faster than the disks (zram)", None
    return "as usual" if value else "there is no swap", True


def _panic(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    if value == 0:
        return "the kernel kills a process", True
    return f"the kernel panics instead of killing{', also for a cpuset or control group' if value == 2 else ''}", None


def _dump(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    return ("reports list the processes", True) if value \
        else ("reports do not say who held the memory; set it to 1", False)


def _allocating(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    return ("the kernel kills whoever asks first, not who holds most", None) if value \
        else ("the kernel chooses by its score", True)


def _min_free(value: int, facts: HostFacts) -> tuple[str, bool | None]:
    ram = facts.meminfo_bytes.get("MemTotal", 0)
    share = value * _KIB / ram if ram else None
    if share is None:
        return "RAM is not known here", None
    told = formatting.percent(round(100 * share, 2))
    if share < _LEAST_FREE:
        return f"{told} of RAM: little for bursts of the network and for large blocks; 0.5 to 1 % is usual", False
    if share > _MOST_FREE:
        return f"{told} of RAM, which nobody can use: kills come early", False
    return f"{told} of RAM", True


def _meminfo(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdigit():
            found[name] = int(words[0]) * (_KIB if words[1:] == ["kB"] else 1)
    return found


def _swaps(text: str) -> tuple[tuple[str, int], ...]:
    rows = [line.split() for line in text.splitlines()[1:]]
    return tuple((row[0], int(row[2]) * _KIB) for row in rows if len(row) >= 3 and row[2].isdigit())


def _counter(text: str, name: str) -> int | None:
    rows = (line.split() for line in text.splitlines())
    return next((int(row[1]) for row in rows if len(row) == 2 and row[0] == name and row[1].isdigit()), None)


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
