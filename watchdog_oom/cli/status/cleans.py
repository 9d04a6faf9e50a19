"""The routine cleanings on the page of ``status``, and how near they are. Pure; any value may be missing, as there."""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, local_time
from watchdog_oom.cli.status.values import Plain, map_of, number_of
from watchdog_oom.explain.closeness import ALMOST, Closeness


def show_cleans(page: Page, cleans: Plain, now: float) -> None:
    """When each runs next, or why not; how the last run came out."""
    if cleans:
        page.title("Cleaning")
    for name, clean in cleans.items():
        mode = "" if clean.get("mode") == "act" else "  only observes"
        every = formatting.duration(number_of(clean, "every_seconds"))
        page.line((name, "bold"), f"  {clean.get('spool')}, every {every}: ", *_now(clean, now), mode, indent=1)
        if clean.get("last_result") and clean.get("last_ended"):
            page.line(f"last: {clean['last_result']}, {local_time(number_of(clean, 'last_ended'), now)}", indent=2)


def _now(clean: Plain, now: float) -> tuple[tuple[str, str], str]:
    if clean.get("state") == "running":
        return ("running", "bold yellow"), f" for {formatting.duration(number_of(clean, 'for_seconds'))}"
    due = number_of(clean, "due")
    if due > now:
        return ("waiting", "green"), f" until {local_time(due, now)}"
    return ("waiting", "yellow"), f": {clean['why_waiting']}" if clean.get("why_waiting") else ""


def nearness(cleans: Plain, now: float) -> tuple[Closeness, ...]:
    """How much of the time until each is due has passed; one that is due or runs is at 100 %."""
    return tuple(_nearness(name, map_of(cleans, name), now) for name in cleans)


def _nearness(name: str, clean: Plain, now: float) -> Closeness:
    rule, every, left = f"clean.{name}", number_of(clean, "every_seconds"), number_of(clean, "due") - now
    if clean.get("state") == "running":
        return Closeness(rule, 1.0, "is running")
    if left > 0:
        share = None if every <= 0 else max(0.0, min(ALMOST, 1.0 - left / every))
        return Closeness(rule, share, f"is due in {formatting.duration(left)}")
    waits = clean.get("why_waiting")
    return Closeness(rule, 1.0, f"is due, but {waits}" if waits else "is due")
