"""One event as a page: plain words first, then the numbers that they rest on."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page
from watchdog_oom.formatting import printable
from watchdog_oom.kernel_log import words
from watchdog_oom.kernel_log.counted import count
from watchdog_oom.kernel_log.diagnosis import Diagnosis
from watchdog_oom.kernel_log.model import Event, Kill, Stamp
from watchdog_oom.kernel_log.prevention import Prevention
from watchdog_oom.kernel_log.shortage import Short
from watchdog_oom.kernel_log.zone_room import ZoneRoom, kilobytes, percent, rooms

WIDTH = 110
_LABEL_WIDTH = 11
_GROUPS_SHOWN = 8
_KILLS_SHOWN = 10
_ZONES_SHOWN = 12
_NAMES_SHOWN = 12


def event_page(number: int, diagnosis: Diagnosis, place: str) -> Page:
    """Everything about one event but what would have prevented it. ``place``: the log and its lines."""
    event = diagnosis.event
    page = Page()
    page.title(f"{number}. {_when(event)}{words.was_short(event, diagnosis.short)}")
    page.line((place, "dim"), indent=1)
    told = words.asked(event, diagnosis.request)
    if told:
        paragraph(page, "asked", told)
    for shortage in diagnosis.short:
        uncertain = shortage.kind in (Short.NOT_TO_BE_TOLD, Short.NOTHING)
        style = "" if uncertain else "bold"
        paragraph(page, "short", f"{shortage.kind.replace('_', ' ')}: {shortage.evidence}.", style)
    if diagnosis.contradicts:
        paragraph(page, "beware", f"the numbers contradict each other: {diagnosis.contradicts}.", "yellow")
    held = words.held_by(event, diagnosis.held)
    if held:
        paragraph(page, "held by", held)
    _killed(page, event)
    for why in diagnosis.why:
        paragraph(page, "why", why)
    for before in diagnosis.before:
        paragraph(page, "before", f"{before}.")
    _numbers(page, diagnosis)
    return page


def paragraph(page: Page, label: str, text: str, style: str = "") -> None:
    """A labelled paragraph, wrapped."""
    lines = textwrap.wrap(text, WIDTH - _LABEL_WIDTH - 2, break_long_words=False, break_on_hyphens=False) or [""]
    for place, line in enumerate(lines):
        page.line((f"{label if place == 0 else '':<{_LABEL_WIDTH}}", "dim"), (line, style), indent=1)


def prevention_page(page: Page, prevention: Prevention) -> None:
    """What would have prevented the event."""
    for words_ in prevention.settings:
        paragraph(page, "setting", f"{words_}.")
    for words_ in prevention.host:
        paragraph(page, "host", f"{words_}.")
    if prevention.policy:
        paragraph(page, "policy", "lines for a file in the policy directory; try them with watchdog-oom check first, "
                                  "and prefer exe to name where you know it:")
        for line in prevention.policy.splitlines():
            page.line(line, indent=3)


def stamp(event: Event) -> str:
    """When, as the log writes it; empty where it does not."""
    return "" if event.time is None else _time(event.time)


def _time(time: Stamp) -> str:
    if time.clock == "boot" and time.seconds is not None:
        return f"{time.seconds:.6f} s after boot"
    return printable(time.text)


def _when(event: Event) -> str:
    when = stamp(event)
    return f"{when}: " if when else ""


def _killed(page: Page, event: Event) -> None:
    kills = [kill for kill in event.kills if not kill.again]
    if not kills:
        told = words.died(event)
        if told:
            paragraph(page, "killed", told)
        return
    for kill in kills[:_KILLS_SHOWN]:
        paragraph(page, "killed", _kill_words(kill))
    if len(kills) > _KILLS_SHOWN:
        paragraph(page, "", f"and {len(kills) - _KILLS_SHOWN} more")
    for one in event.reaped:
        if one.unable:
            who = formatting.process_label(one.comm, one.pid)
            paragraph(page, "", f"the memory of {who} could not be taken back at once")


def _kill_words(kill: Kill) -> str:
    who = printable(kill.comm) if kill.pid is None else formatting.process_label(kill.comm, kill.pid)
    sizes = [(name, size) for name, size in (("anonymous", kill.anon_rss_bytes), ("of files", kill.file_rss_bytes),
                                             ("shared", kill.shmem_rss_bytes)) if size]
    parts = [f"{formatting.size(size)} {name}" for name, size in sizes]
    uid = [] if kill.uid is None else [f"user {kill.uid}"]
    adj = [f"oom_score_adj {kill.oom_score_adj}"] if kill.oom_score_adj else []
    at = f"{_time(kill.time)}  " if kill.time is not None else ""
    how = [f"by {printable(kill.words)}"] if kill.signal != "SIGKILL" and kill.words else []
    also = ["the kill line is missing, only the summary tells it"] if kill.from_summary else []
    told = ", ".join((*uid, *parts, *adj, *how, *also))
    return f"{at}{who}{': ' if told else ''}{told}"


def _numbers(page: Page, diagnosis: Diagnosis) -> None:
    event = diagnosis.event
    facts = _facts(event)
    if facts:
        paragraph(page, "numbers", "; ".join(facts))
    _zones(page, diagnosis)
    groups = diagnosis.held.groups[:_GROUPS_SHOWN]
    if groups:
        page.table(("process", "count", "RAM", "swap", "of all"), [
            (printable(group.comm), str(group.count), formatting.size(group.rss_bytes),
             formatting.size(group.swap_bytes) if diagnosis.held.swap_told else "not told",
             percent(group.share)) for group in groups], right=(1, 2, 3, 4), indent=2)


def _facts(event: Event) -> list[str]:
    facts = [f"kernel {printable(event.kernel)}"] if event.kernel else []
    if event.ram_bytes is not None:
        reserved = "" if event.reserved_bytes is None else \
            f", {event.reserved_bytes // event.page_bytes:,} pages of it reserved"
        pages = event.ram_bytes // event.page_bytes
        facts.append(f"RAM {formatting.size(event.ram_bytes)} ({pages:,} pages){reserved}")
    if event.swap_total_bytes == 0:
        facts.append("no swap")
    elif event.swap_free_bytes is not None:
        of = "" if event.swap_total_bytes is None else f" of {kilobytes(event.swap_total_bytes)}"
        facts.append(f"swap {kilobytes(event.swap_free_bytes)}{of} free")
    if event.meminfo.get("free") is not None:
        facts.append(f"free {kilobytes(event.meminfo['free'])}")
    facts += _uses(event)
    if event.page_bytes != 4096:
        facts.append(f"pages of {kilobytes(event.page_bytes)}")
    if event.missing:
        facts.append(f"missing in the log: {', '.join(name.replace('_', ' ') for name in sorted(event.missing))}")
    if event.suppressed_lines:
        facts.append(f"{event.suppressed_lines:,} lines were suppressed by rate limiting")
    return [*facts, *(printable(note) for note in event.notes)]


def _uses(event: Event) -> list[str]:
    """What the memory was used for, by the report's own counters."""
    counted = count(event)
    uses = [(counted.anon_bytes, "of processes"), (counted.file_bytes, "of the page cache"),
            (counted.slab_bytes, "in slabs"), (counted.other_kernel_bytes, "of page tables and stacks"),
            (counted.hugepages_bytes, "in huge pages"), (counted.unexplained_bytes, "in no counter")]
    told = ", ".join(f"{formatting.size(amount)} {what}" for amount, what in uses if amount)
    return [f"used: {told}"] if told else []


def _zones(page: Page, diagnosis: Diagnosis) -> None:
    if diagnosis.event.constraint == "memcg":
        return  # kernels before 3.8 print them for a control group, too, where they say nothing
    found = rooms(diagnosis.event, diagnosis.request)[:_ZONES_SHOWN]
    if found:
        page.table(("zone", "free", "min", "low", "high", "CMA", "judged"), [
            (room.label, kilobytes(room.free_bytes), kilobytes(room.zone.min_bytes), kilobytes(room.zone.low_bytes),
             kilobytes(room.zone.high_bytes), kilobytes(room.cma_bytes) if room.cma_bytes else "",
             _judged(room)) for room in found], right=(1, 2, 3, 4, 5), indent=2)


def _judged(room: ZoneRoom) -> str:
    if not room.allowed:
        return "not for this request"
    return "below min" if room.below_min else "below high" if room.tight else "has room" if room.ample else "above high"


def summary_page(page: Page, counts: Sequence[tuple[str, int]], events: int, kills: int, times: Sequence[str]) -> None:
    """How many events and kills, and of whom: in the order of their deaths, of many names the most frequent."""
    shown = counts if len(counts) <= _NAMES_SHOWN else sorted(counts, key=lambda one: -one[1])[:_NAMES_SHOWN]
    names = ", ".join(f"{printable(comm)}{f' ({number} times)' if number > 1 else ''}" for comm, number in shown)
    more = f" and {len(counts) - len(shown)} other names" if len(counts) > len(shown) else ""
    span = f", from {times[0]} to {times[-1]}" if len(times) > 1 else f", at {times[0]}" if times else ""
    page.title("all together")
    paragraph(page, "", f"{formatting.count(events, 'event')}, {formatting.count(kills, 'kill')}{span}"
                        f"{f': {names}{more}' if names else ''}.")
