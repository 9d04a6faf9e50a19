"""One line from the control socket to a typed request. Whatever is not exactly one is refused, in words."""

from __future__ import annotations

import json

from watchdog_oom import formatting
from watchdog_oom.core.requests import (
    LONGEST_PAUSE_SECONDS,
    SHORTEST_PAUSE_SECONDS,
    PauseRule,
    Rearm,
    Reload,
    ResumeRule,
    RunNow,
    Steering,
)
from watchdog_oom.errors import UsageError
from watchdog_oom.lean_typing import Any

VERSION = 1
LONGEST_RULE_CHARS = 200
LONGEST_WHY_CHARS = 500
_KEYS = {"pause": {"rule", "for_seconds"}, "resume": {"rule"}, "rearm": {"rule"}, "run": {"rule"}, "reload": set[str]()}


def parse(line: bytes) -> Steering:
    """Raises UsageError."""
    try:
        asked = json.loads(line)
    except (ValueError, RecursionError):  # also bytes that are not UTF-8, and brackets without end
        raise UsageError("a request is one line of JSON") from None
    if not isinstance(asked, dict) or asked.get("v") != VERSION:
        raise UsageError(f'a request is one JSON object with "v": {VERSION}')
    what = asked.get("ask")
    if not isinstance(what, str) or what not in _KEYS:
        raise UsageError(f'"ask" is one of {", ".join(_KEYS)}')
    keys = _KEYS[what]
    if not keys | {"v", "ask"} <= asked.keys() <= keys | {"v", "ask", "why"}:
        raise UsageError(f"the keys of {what} are {', '.join(('v', 'ask', *sorted(keys)))}, and perhaps why")
    return _request(what, asked, _text(asked.get("why", ""), "why", LONGEST_WHY_CHARS))


def _request(what: str, asked: dict[str, Any], why: str) -> Steering:
    if what == "reload":
        return Reload(why)
    rule = asked["rule"]
    if what == "pause":
        return PauseRule(_rule_or_all(rule), _seconds(asked["for_seconds"]), why)
    if what == "resume":
        return ResumeRule(_rule_or_all(rule), why)
    name = _text(rule, "rule", LONGEST_RULE_CHARS)
    return Rearm(name, why) if what == "rearm" else RunNow(name, why)


def _rule_or_all(rule: object) -> str | None:
    return None if rule is None else _text(rule, "rule", LONGEST_RULE_CHARS)


def _text(value: object, key: str, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise UsageError(f'"{key}" is a text of at most {longest} characters')
    return formatting.printable(value)


def _seconds(value: object) -> float:
    shortest, longest = SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
    if isinstance(value, bool) or not isinstance(value, int | float) or not shortest <= value <= longest:
        raise UsageError(f"a pause is between {formatting.duration(shortest)} and {formatting.duration(longest)} long")
    return float(value)
