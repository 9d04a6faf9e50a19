"""Names of users, asked of a child: a directory server may have to answer, and may not (nsswitch.conf(5)).

Names in nouns are turned into numbers from time to time, so that matching a process asks nobody, whatever its uid.
Users of this host alone (passwd(5)) are known without a child.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable

from watchdog_oom.host.children.asked_child import AskedChild
from watchdog_oom.host.processes.reader_child import Answers
from watchdog_oom.lean_dataclasses import dataclass

USERS_FILE = "/etc/passwd"
NAME_SECONDS = 5.0
LASTING_SECONDS = 600.0
AGAIN_SECONDS = 60.0
_MOST_SHOWN = 1024
_MOST_PASSWD_BYTES = 1 << 20


@dataclass(slots=True)
class _Number:
    """``due``: when to ask (again); ``answered``: whether ``uid`` means anything yet."""

    due: float = 0.0
    uid: int | None = None
    answered: bool = False


class UserNames:
    """``name`` of a number answers at once with what is known. There is a child only if a name is wanted."""

    def __init__(self, deadline_seconds: float = NAME_SECONDS, users_file: str = USERS_FILE) -> None:
        self._users_file = users_file
        self._child: AskedChild[str | int] = AskedChild(Answers("/proc").serve, deadline_seconds)
        self._numbers: dict[str, _Number] = {}
        self._names: dict[int, str] = {}  # of the wanted, by number
        self._shown: dict[int, tuple[str | None, float]] = {}  # of others, for records only: name and when to ask again

    def fileno(self) -> int:
        return self._child.fileno()

    @property
    def child_pid(self) -> int | None:
        return self._child.child_pid

    def start(self) -> None:
        """Have a child now."""
        self._child.start()

    @property
    def pending(self) -> bool:
        """Whether some wanted name was never answered."""
        return any(not number.answered for number in self._numbers.values())

    def want(self, names: Iterable[str]) -> None:
        """From now on these names decide, and no others; digits are a number that needs no name."""
        wanted = {name for name in names if not name.isdecimal()}
        local = local_users(self._users_file)
        self._numbers = {name: self._numbers.get(name) or _number(local.get(name)) for name in sorted(wanted)}
        self._shown = {uid: (name, float("inf")) for name, uid in reversed(local.items())}
        self._arrange()
        self.poll()

    def name(self, uid: int) -> str | None:
        """The name of that user, as far as it is known by now."""
        if uid in self._names:
            return self._names[uid]
        now = time.monotonic()
        name, due = self._shown.get(uid, (None, 0.0))
        if now >= due:
            if len(self._shown) >= _MOST_SHOWN:
                self._shown.clear()
            self._shown[uid] = (name, now + (LASTING_SECONDS if name else AGAIN_SECONDS))
            self._child.ask(uid, json.dumps({"ask": "name", "uid": uid}).encode(), doubtful=True)
        return name

    def poll(self) -> bool:
        """Take up answers and ask what is due; whether a wanted name came to mean something else."""
        answers = self._child.poll()
        changed = bool(answers) and self._take_up(answers)
        now = time.monotonic()
        for name, number in self._numbers.items():
            if now >= number.due:
                number.due = float("inf")
                self._child.ask(name, json.dumps({"ask": "uid", "name": name}).encode(), doubtful=number.answered)
        return changed

    def _take_up(self, answers: Iterable[tuple[str | int, bytes | None]]) -> bool:
        before = dict(self._names), self.pending
        for key, answer in answers:
            told = json.loads(answer) if answer is not None else {}
            if isinstance(key, int):
                name = told.get("name")
                self._shown[key] = (name, self._shown.get(key, (None, time.monotonic()))[1])
            elif key in self._numbers:
                self._learn(self._numbers[key], told)
        self._arrange()
        return before != (self._names, self.pending)

    def close(self) -> None:
        self._child.close()

    def _learn(self, number: _Number, told: dict[str, int | None]) -> None:
        """Without an answer, what was known stays true."""
        if "uid" in told:
            number.uid = told["uid"]
        number.answered = True
        number.due = time.monotonic() + (LASTING_SECONDS if number.uid is not None and told else AGAIN_SECONDS)

    def _arrange(self) -> None:
        self._names = {number.uid: name for name, number in self._numbers.items() if number.uid is not None}


def _number(uid: int | None) -> _Number:
    return _Number() if uid is None else _Number(time.monotonic() + LASTING_SECONDS, uid, True)


def local_users(users_file: str) -> dict[str, int]:
    """Numbers by name, as passwd(5) has them; nothing where it cannot be read."""
    try:
        fd = os.open(users_file, os.O_RDONLY | os.O_CLOEXEC)
        try:
            content = os.read(fd, _MOST_PASSWD_BYTES)
        finally:
            os.close(fd)
    except OSError:
        return {}
    rows = (line.split(":") for line in content.decode("utf-8", "surrogateescape").splitlines())
    return {row[0]: int(row[2]) for row in rows if len(row) > 3 and row[2].isdecimal()}
