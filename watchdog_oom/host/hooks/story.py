"""What a hook is told on its standard input: one JSON object, as docs/operations.md describes it. Reads no file."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

from watchdog_oom.core.actions import Intent
from watchdog_oom.core.hook_action import RunHook, Victim
from watchdog_oom.core.model import Process, Snapshot

VERSION = 1
MOST_VICTIMS = 64
MOST_REASONS = 32
LONGEST_TEXT_CHARS = 500


def story_of(intent: Intent, action: RunHook, snapshot: Snapshot, all_facts: Callable[[Process], Process]) -> bytes:
    """ASCII, with a newline at its end, some hundred kilobytes at most. ``all_facts`` adds to a process what can be had
    at once."""
    victims = [_victim(victim, snapshot, all_facts) for victim in action.victims[:MOST_VICTIMS]]
    return json.dumps({
        "v": VERSION, "event": action.event.value, "time": _rfc3339(snapshot.clock.wall), "host": os.uname().nodename,
        "boot": snapshot.boot_id, "id": intent.id, "incident": intent.incident, "rule": intent.rule,
        "evidence": _texts(intent.because), "result": _text(action.result) or None, "ok": action.ok,
        "victims": victims, "more_victims": len(action.victims) - len(victims)}).encode("ascii") + b"\n"


def _victim(victim: Victim, snapshot: Snapshot, all_facts: Callable[[Process], Process]) -> dict[str, object]:
    told: dict[str, object] = {"pid": victim.target.pid, "start": victim.target.start_ticks, "name": _text(victim.comm),
                               "signal": victim.signal, "rule": victim.rule, "evidence": _texts(victim.because)}
    process = snapshot.alive(victim.target)
    if process is None:
        return told
    process = all_facts(process)
    facts = process.facts
    return told | {"rss": process.rss_bytes, "swap": process.swap_bytes, "uid": facts.uid, "user": _text(facts.user),
                   "unit": _text(facts.unit), "exe": _text(facts.exe)}


def _texts(reasons: tuple[str, ...]) -> list[str | None]:
    return [_text(reason) for reason in reasons[:MOST_REASONS]]


def _text(text: str | None) -> str | None:
    """Bytes that are not UTF-8 become ``\\xff``: strict readers reject a lone surrogate."""
    if text is None:
        return None
    return text[:LONGEST_TEXT_CHARS].encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _rfc3339(wall: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(wall))}.{int(wall * 1000) % 1000:03d}Z"
