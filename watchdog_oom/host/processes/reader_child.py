"""Runs in a child: reads what can hang, and answers.

Command lines and PSS wait for the memory lock of the process that is read, which its user can hold for as long as he
likes; names of users may come from a directory server.

Questions and answers are JSON, one packet each: ``{"ask": "cmdline", "pid", "start", "patterns"}`` → ``{"has", "slow",
"rests", "text"}`` (numbers of patterns); ``{"ask": "pss", "pid", "start"}`` → ``{"pss", "took"}`` (bytes, seconds);
``{"ask": "uid", "name"}`` → ``{"uid"}``; ``{"ask": "name", "uid"}`` → ``{"name"}``. An empty object says that it could
not be read.
"""

from __future__ import annotations

import json
import pwd
import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

from watchdog_oom.host.children.asked_child import MOST_PACKET_BYTES
from watchdog_oom.host.processes.may_hang import read_cmdline, read_pss_bytes
from watchdog_oom.host.processes.pattern_search import PatternSearch
from watchdog_oom.host.processes.procfs import read_stat, read_uid
from watchdog_oom.lean_typing import Any

MOST_TEXT = 512


class Answers:
    """What is known of the processes below ``root``, and of users."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._slow: list[re.Pattern[str]] = []
        self._search = PatternSearch(self._slow.append)

    def serve(self, questions: socket.socket) -> None:
        """Answer until the other end is closed."""
        while packet := questions.recv(MOST_PACKET_BYTES):
            questions.send(json.dumps(self.answer(json.loads(packet))).encode())

    def answer(self, question: Mapping[str, Any]) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            match question["ask"]:
                case "cmdline":
                    return self._cmdline(question["pid"], question["start"], question["patterns"])
                case "pss":
                    return self._pss(question["pid"], question["start"])
                case "uid":
                    return {"uid": uid_of(question["name"])}
                case "name":
                    return {"name": name_of(question["uid"])}
        return {}

    def _cmdline(self, pid: int, start: int, texts: list[str]) -> dict[str, Any]:
        cmdline = read_cmdline(self._root, pid)
        if cmdline is None or not self._is_still(pid, start):
            return {}
        patterns = [re.compile(text) for text in texts]
        self._slow.clear()
        found = self._search.found(patterns, cmdline, lambda: read_uid(self._root, pid))
        return {"has": [at for at, pattern in enumerate(patterns) if found.get(pattern)],
                "slow": [at for at, pattern in enumerate(patterns) if pattern in self._slow],
                "rests": [at for at, pattern in enumerate(patterns) if pattern not in found],
                "text": shortened(cmdline)}

    def _pss(self, pid: int, start: int) -> dict[str, Any]:
        began = time.monotonic()
        pss = read_pss_bytes(self._root, pid)
        took = time.monotonic() - began
        return {"pss": pss, "took": took} if pss is not None and self._is_still(pid, start) else {}

    def _is_still(self, pid: int, start: int) -> bool:
        process = read_stat(self._root, pid)
        return process is not None and process.id.start_ticks == start


def shortened(text: str) -> str:
    """Beginning and end of a text that is too long for a record."""
    return text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT * 3 // 4 - 2]} … {text[-MOST_TEXT // 4 + 1:]}"


def uid_of(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except (KeyError, ValueError):
        return None


def name_of(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return None
