"""Why a process noun matches nothing: the first of its keys that no process of this host has."""

from __future__ import annotations

import glob
import os
import pwd
import re
from collections.abc import Mapping
from typing import Any

from watchdog_oom.cli.check.near import near
from watchdog_oom.cli.check.warned import Warned
from watchdog_oom.cli.host_view import ANSWERS_SECONDS, HostView
from watchdog_oom.core.matching import own_keys_match
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.core.view import View
from watchdog_oom.explain.not_yet import why_not_yet

_ANYTHING = (re.compile("", re.DOTALL),)
_READS: Mapping[str, ProcessNoun] = {  # nouns whose matching reads exactly one fact
    "exe": ProcessNoun("exe", exe=_ANYTHING, namespaces=Namespaces.ANY),
    "user": ProcessNoun("user", user=("",), namespaces=Namespaces.ANY),
    "unit": ProcessNoun("unit", unit=_ANYTHING, namespaces=Namespaces.ANY)}


class Missing:
    """Reads the facts of all processes that were not read, each fact once, and only if a noun matches nothing."""

    def __init__(self, host: HostView, values: Mapping[str, Any]) -> None:
        self._host = host
        self._values = values.get("process", {})
        self._read: dict[str, list[Process]] = {}

    def users(self, noun: ProcessNoun) -> list[Warned]:
        """A warning if none of the users exists; one of several may be that of another distribution."""
        if not noun.user or any(_user_exists(user) for user in noun.user):
            return []
        return [(("process", noun.name, "user"), f"there is no user {_quoted(noun.user)} here")]

    def why(self, view: View, noun: ProcessNoun) -> Warned:
        """The place and the message for a noun that matches nothing now."""
        parts = {"exe": ProcessNoun("", exe=noun.exe), "name": ProcessNoun("", comm=noun.comm),
                 "user": ProcessNoun("", user=noun.user), "unit": ProcessNoun("", unit=noun.unit),
                 "cmdline": ProcessNoun("", cmdline=noun.cmdline)}
        for key, part in parts.items():
            given = self._values.get(noun.name, {}).get(key, ())
            if given and not any(self._matches(key, part, process) for process in self._with(key, part)):
                return ("process", noun.name, key), f"matches nothing now: {self._words(key, given)}"
        held_back = next(why_not_yet(view, noun), None)
        if held_back is not None:
            return ("process", noun.name), f"matches nothing now: {held_back}"
        several = "no process has all of its keys together"
        if noun.parent or noun.under:
            several = "no process has all of its keys together, parent and under included"
        return ("process", noun.name), f"matches nothing now: {several}"

    def _matches(self, key: str, part: ProcessNoun, process: Process) -> bool:
        """Whose namespaces it is in is read of those who match otherwise."""
        if not own_keys_match(part, process):
            return False
        return key not in _READS or own_keys_match(part, self._host.table.facts.complete(process, [part])[0])

    def _words(self, key: str, given: tuple[str, ...]) -> str:
        match key:
            case "exe":
                running = {os.path.basename(process.facts.exe or "") for process in self._with("exe")}
                hint = _first_hint([os.path.basename(path) for path in given], running)
                there = tuple(path for path in given if _file_exists(path))
                return f"{_quoted(there)} is not running{hint}" if there else f"{_quoted(given)} is not here{hint}"
            case "name":
                hint = _first_hint(given, {process.comm for process in self._host.snapshot.processes.values()})
                return f"no process is called {_quoted(given)}{hint}"
            case "unit":
                hint = self._users_own(given) or _first_hint(
                    given, {process.facts.unit or "" for process in self._with("unit")})
                return f"no process runs in {_quoted(given)}{hint}"
            case "user":
                return f"no process runs as {_quoted(given)}"
            case _:
                return "no process has such a command line"

    def _users_own(self, given: tuple[str, ...]) -> str:
        """What a user's own manager runs is never meant by the bare name of a unit."""
        there = sorted({process.facts.user_unit or "" for process in self._with("unit")})
        found = next((unit for unit in there if unit.partition("/")[2] in given), "")
        return f' — a user\'s own manager runs it: "{found}"' if found else ""

    def _with(self, key: str, part: ProcessNoun | None = None) -> list[Process]:
        """All processes with the fact that the key tests; of command lines, what they have of the noun's patterns."""
        if key == "cmdline" and part is not None:
            return self._host.table.facts.completed(self._everybody(), part, ANSWERS_SECONDS)
        if key not in self._read:
            processes = self._everybody()
            if key in _READS:
                processes = [process if getattr(process.facts, key) is not None
                             else self._host.table.facts.complete(process, [_READS[key]])[0] for process in processes]
            self._read[key] = processes
        return self._read[key]

    def _everybody(self) -> list[Process]:
        return [process for process in self._host.snapshot.processes.values() if not process.kernel_thread]


def _first_hint(given: tuple[str, ...] | list[str], there: set[str]) -> str:
    return next((hint for name in given if (hint := near(name, there))), "")


def _file_exists(path_glob: str) -> bool:
    """Whether a path or glob matches a file; assumed for ``**``, which would search whole trees."""
    return "**" in path_glob or next(glob.iglob(path_glob), None) is not None


def _user_exists(user: str) -> bool:
    try:
        pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except (KeyError, OverflowError):
        return user.isdecimal()
    return True


def _quoted(texts: tuple[str, ...]) -> str:
    return " or ".join(f'"{text}"' for text in texts)
