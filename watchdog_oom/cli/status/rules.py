"""Of the status: the rules nearest to acting, the last acts, the largest processes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watchdog_oom import formatting
from watchdog_oom.cli.output import GAP, Page, Part, local_time, safe
from watchdog_oom.cli.status.bars import WIDE, bar, bar_width, kind_of
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.values import Plain, map_of
from watchdog_oom.explain.closeness import Closeness

LARGEST = ("PID", "USER", "TTY", "MEMORY", "CHANGE", "SWAP", "CPU", "AGE", "LISTENS", "NAME")
_ON_THE_RIGHT = frozenset(("PID", "MEMORY", "CHANGE", "SWAP", "CPU", "AGE"))
_LEAVES_FIRST = ("TTY", "LISTENS", "CPU", "AGE", "SWAP", "CHANGE", "USER")
LARGEST_TITLE = "Largest processes"
NEAREST, ACTIONS = 5, 5


def show_nearest(page: Page, status: Plain, seen: Seen) -> None:
    """The rules nearest to acting; of a wide window more of them."""
    if seen.near is None:
        return
    page.title("Nearest to acting")
    if seen.near.problem:
        page.line((f"not known: {seen.near.problem}", "yellow"), indent=1)
    most = NEAREST * (2 if seen.width is not None and seen.width >= WIDE else 1)
    for one in seen.near.rules[:most]:
        page.line(*_near(one, status, seen.width), indent=1)
    if len(seen.near.rules) > most:
        page.line((f"and {len(seen.near.rules) - most} rules further away", "dim"), indent=1)


def _near(one: Closeness, status: Plain, width: int | None) -> tuple[Part, ...]:
    style = "" if one.rule.startswith("clean.") else kind_of(one.share)  # what is due by the clock is no alarm
    percent = "   ?" if one.share is None else f"{min(999, int(one.share * 100)):>3}%"
    drawn: Part = ("" if width is None else f"{bar(one.share or 0.0, bar_width(width))} ", style or "green")
    return drawn, (percent, style), "  ", (one.rule, "bold"), f"{_state(one.rule, status)}  {one.words}"


def _state(rule: str, status: Plain) -> str:
    """What keeps a recovery from acting however near it is."""
    kind, _, name = rule.partition(".")
    recovery = map_of(map_of(status, "recoveries"), name) if kind == "recover" else {}
    state = str(recovery.get("state", "armed"))
    return "" if state == "armed" else f" ({state})"


def show_actions(page: Page, seen: Seen, now: float) -> None:
    if not seen.actions and not seen.no_actions:
        return
    page.title("Last actions")
    if seen.no_actions:
        page.line((f"not known: {seen.no_actions}", "dim"), indent=1)
    for record in seen.actions[:ACTIONS]:
        page.line(*_action(record, now), indent=1)


def _action(record: Mapping[str, Any], now: float) -> tuple[Part, ...]:
    bad = record.get("ok") is False or record.get("kind") == "refused"
    subject = record.get("step") or record.get("incident") or ""
    told = ": ".join(str(part) for part in (subject, "failed" if record.get("ok") is False else "",
                                            record.get("result") or "") if part)
    rule = f"  [{record['rule']}]" if record.get("rule") else ""
    kind = "" if record.get("kind") == "outcome" else f"{record.get('kind')}: "
    return (_when(record, now), "dim"), f"  {kind}", (told, "red" if bad else ""), (rule, "dim")


def _when(record: Mapping[str, Any], now: float) -> str:
    try:
        return local_time(datetime.fromisoformat(str(record.get("time"))).timestamp(), now)
    except (ValueError, OverflowError):
        return "at an unknown time"


def show_largest(page: Page, seen: Seen) -> None:
    """As many columns as the window holds; the name is never left out."""
    if not seen.largest:
        return
    by = f", by {seen.sorted_by}" if seen.sorted_by not in ("", "memory") else ""
    page.title(f"{LARGEST_TITLE}{by}")
    columns = list(range(len(LARGEST)))
    leaving = [LARGEST.index(name) for name in _LEAVES_FIRST]
    while leaving and seen.width is not None and _table_width(seen.largest, columns) + len(GAP) > seen.width:
        columns.remove(leaving.pop(0))
    page.table([LARGEST[column] for column in columns], [[row[column] for column in columns] for row in seen.largest],
               right=[at for at, column in enumerate(columns) if LARGEST[column] in _ON_THE_RIGHT], indent=1)


def _table_width(rows: Sequence[Sequence[str]], columns: Sequence[int]) -> int:
    widths = (max(len(LARGEST[column]), *(len(safe(row[column])) for row in rows)) for column in columns)
    return sum(widths) + len(GAP) * (len(columns) - 1)


def steps_of(seen: Seen, name: str) -> tuple[str, ...]:
    """The steps of a recovery in words, as far as its policy is known."""
    policy = None if seen.near is None else seen.near.policy
    recover = None if policy is None else policy.recovers.get(name)
    return () if recover is None else tuple(formatting.printable(str(step)) for step in recover.steps)
