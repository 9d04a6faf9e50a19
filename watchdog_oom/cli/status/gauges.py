"""Memory, swap and pressure of the status as gauges, with the emergency's thresholds on them. Pure."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part
from watchdog_oom.cli.status.bars import bar, bar_width, kind_of
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.values import Plain, map_of, number_of, texts_of
from watchdog_oom.core.conditions.memory import text
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.policy import Emergency
from watchdog_oom.core.shortage import watches_pressure


def show_host(page: Page, status: Plain, seen: Seen) -> None:
    page.title("Host")
    emergency = seen.near.policy.emergency if seen.near is not None and seen.near.policy is not None else None
    memory, pressure = map_of(status, "memory"), map_of(status, "pressure")
    if memory:
        _memory(page, memory, emergency, seen.width)
        _swap(page, memory, emergency, seen.width)
    else:
        page.line(("memory could not be read", "yellow"), indent=1)
    if pressure:
        _pressure(page, pressure, emergency, seen.width)
    for doubt in texts_of(memory, "doubts"):
        page.line((doubt, "yellow"), indent=1)
    page.line(f"{status.get('processes')} processes", indent=1)


def _memory(page: Page, memory: Plain, emergency: Emergency | None, width: int | None) -> None:
    available, total = number_of(memory, "available_percent"), number_of(memory, "total_bytes")
    threshold = None if emergency is None else emergency.memory_available_below
    told = (f"memory available {formatting.percent(available)} ({formatting.size(number_of(memory, 'available_bytes'))}"
            f" of {formatting.size(total)}){_kind_of(memory)}")
    _gauge(page, told, available, _percent_of(threshold, total), threshold, width)


def _swap(page: Page, memory: Plain, emergency: Emergency | None, width: int | None) -> None:
    total, free = number_of(memory, "swap_total_bytes"), number_of(memory, "swap_free_percent")
    threshold = None if emergency is None else emergency.swap_free_below
    if not total:
        page.line("no swap", indent=1)
        return
    mark = _percent_of(threshold, total)
    told = f"swap free {formatting.percent(free)} ({formatting.size(number_of(memory, 'swap_free_bytes'))})"
    if mark is not None and mark >= 100.0:  # so a policy says that swap does not matter
        mark, threshold = None, None
    _gauge(page, told, free, mark, threshold, width)


def _pressure(page: Page, pressure: Plain, emergency: Emergency | None, width: int | None) -> None:
    full = number_of(pressure, "full_avg10")
    mark = emergency.pressure_full_above if emergency is not None and watches_pressure(emergency) else None
    told = (f"pressure over 10 s: some {formatting.percent(number_of(pressure, 'some_avg10'))}, "
            f"full {formatting.percent(full)}")
    share = None if mark is None else full / mark if mark else float(full > 0)
    _line(page, told, full, mark, share, f"emergency above {mark:g}%" if mark is not None else "", width)


def _gauge(page: Page, told: str, left_percent: float, below_percent: float | None, threshold: Size | None,
           width: int | None) -> None:
    """A gauge that fills as what is left gets less."""
    mark = None if below_percent is None else 100.0 - below_percent
    share = None
    if below_percent is not None:
        share = below_percent / left_percent if left_percent > 0 else 1.0
        share = share if left_percent < below_percent else min(share, 0.99)
    words = "" if threshold is None else f"emergency below {text(threshold)}"
    _line(page, told, 100.0 - left_percent, mark, share, words, width)


def _line(page: Page, told: str, used_percent: float, mark_percent: float | None, share: float | None, words: str,
          width: int | None) -> None:
    """``share`` is that of the way to the threshold; passed, it is said in words as well as in colour."""
    style = kind_of(share) if share is not None else ""
    passed = ", PASSED" if share is not None and share >= 1.0 else ""
    parts: list[Part] = []
    if width is not None:
        drawn = bar(used_percent / 100.0, bar_width(width), None if mark_percent is None else mark_percent / 100.0)
        parts = [(drawn, style or "green"), " "]
    page.line(*parts, (told, style), (f"; {words}{passed}" if words else "", style or "dim"), indent=1)


def _percent_of(threshold: Size | None, total_bytes: float) -> float | None:
    if threshold is None:
        return None
    if threshold.percent is not None:
        return threshold.percent
    return 100.0 * threshold.of(0) / total_bytes if total_bytes else 0.0


def _kind_of(memory: Plain) -> str:
    zfs = number_of(memory, "zfs_bytes")
    group = f", bound by the control group {memory['group']}" if memory.get("group") else ""
    return (f", {formatting.size(zfs)} of it ZFS cache" if zfs else "") + group
