"""The policy in force: loaded as a whole, replaced only by a valid one, kept on disk for the next start (Law 9)."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from watchdog_oom import formatting
from watchdog_oom.core.observe import observing
from watchdog_oom.core.policy import Policy
from watchdog_oom.daemon.atomic_file import read_own, replace_file
from watchdog_oom.daemon.config import build_config
from watchdog_oom.daemon.link_watch import AGAIN_SECONDS, LinkWatch
from watchdog_oom.daemon.policy_loader import Answer, PolicyLoader
from watchdog_oom.errors import Fault, PolicyError
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.lean_typing import Any
from watchdog_oom.policy.build import build_policy

LAST_GOOD = "last-good-policy.json"
LOOK_SECONDS = 2.0
FIRST_READING_SECONDS = 60.0


class PolicyStore:
    """``policy`` is always valid. ``faults`` are those of the files on disk now."""

    def __init__(self, directories: tuple[str, ...], config_path: str, state: str, *, observe: bool = False,
                 link_seconds: float = AGAIN_SECONDS) -> None:
        self.faults: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self.loaded_wall = 0.0
        self.config: Mapping[str, Any] = {}
        self._directories = directories
        self._config_path = config_path
        self._last_good = f"{state}/{LAST_GOOD}"
        self._observe = observe
        self._loading: PolicyLoader | None = None
        self._asked = False
        self._waiting: Answer | None = None
        self._signature = self._seen = self._look()
        self._looked_at = time.monotonic()
        self._news: list[Record] = []
        self._links = LinkWatch(link_seconds)
        self.policy = self._first(self._load_now())

    @property
    def busy(self) -> bool:
        """Whether files are being read, or a new policy waits for a recovery to end."""
        return self._loading is not None

    def reload(self) -> None:
        """Read all files again, as they are now: what an earlier reading finds counts no more. Where no process can be
        created for that now, as soon as one can."""
        self._asked, self._waiting = True, None
        if self._loading is None:
            seen = self._look()
            with suppress(OSError):
                self._loading = PolicyLoader(self._directories, self._config_path)
                self._signature = self._seen = seen
                self._asked = False

    def poll(self, *, hold: bool) -> bool:
        """Continue a load in progress; returns whether there is something to ``tell``. While ``hold``, the policy in
        force stays, so that a running recovery ends with the rule it began with."""
        self._reload_if_changed()
        if not hold and self._links.changed():
            self.reload()
        if self._loading is not None:
            answer = self._loading.poll()
            if answer is not None:
                self._loading.close()
                self._loading = None
                self._waiting = answer
                if self._asked:
                    self.reload()
        if self._waiting is None or (hold and self._waiting.policy is not None):
            return False
        answer, self._waiting = self._waiting, None
        self._take(answer)
        return True

    def tell(self, write: Callable[[Record], None]) -> None:
        """Write records of what happened to the policy since the last call."""
        for record in self._news:
            write(record)
        self._news.clear()

    def _take(self, answer: Answer) -> None:
        if answer.faults or answer.policy is None or answer.config is None:
            self.faults = tuple(str(fault) for fault in answer.faults)
            told = f"rejected: {formatting.count(len(self.faults), 'fault')}; the last good policy stays in force"
            self._news.append(Record(Kind.POLICY, result=told, detail={"faults": self.faults}))
            return
        self._adopt(answer.policy, answer)
        if {**answer.config, "doubts": ()} != {**self.config, "doubts": ()}:
            self.notes += ("the configuration file changed: it takes effect at the next start",)

    def _adopt(self, ir: dict[str, Any], answer: Answer) -> None:
        policy = build_policy(ir)
        self._links.adopt(ir)
        self.policy = observing(policy) if self._observe else policy
        self.faults, self.notes, self.loaded_wall = (), answer.notes, time.time()
        self._news.append(Record(Kind.POLICY, result=f"loaded {formatting.count(len(answer.sources), 'file')}",
                                 detail={"sources": answer.sources, "notes": answer.notes}))
        self._save(ir)

    def _first(self, answer: Answer) -> Policy:
        """At the start: the files, else the last good policy of an earlier run. Raises PolicyError without either."""
        if not answer.faults and answer.policy is not None and answer.config is not None:
            self.config = answer.config
            self._adopt(answer.policy, answer)
            return self.policy
        last_good = self._saved()
        if last_good is None:
            raise PolicyError(answer.faults)
        self.config = last_good["config"] if answer.config is None else answer.config
        self._adopt(last_good["policy"], answer)
        self.notes += ("the policy files are broken: this is the last good policy",)
        self._news.clear()
        self._take(answer)
        return self.policy

    def _load_now(self) -> Answer:
        loading = PolicyLoader(self._directories, self._config_path)
        try:
            deadline = time.monotonic() + FIRST_READING_SECONDS
            while (answer := loading.poll()) is None:
                left = deadline - time.monotonic()
                if left <= 0:
                    late = Fault("", 0, "", f"the policy files could not be read within {FIRST_READING_SECONDS:g}s")
                    return Answer(None, None, faults=(late,))
                select.select([loading], [], [], min(left, 0.01) if loading.drained else left)
            return answer
        finally:
            loading.close()

    def _reload_if_changed(self) -> None:
        """Files are read again once they were unchanged between two checks, so that no half-copied file is read."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        now = self._look()
        if self._asked or (now == self._seen and now != self._signature):
            self.reload()
        self._seen = now

    def _look(self) -> tuple[tuple[str, int, int, int], ...]:
        """A signature of the directories: names, inodes, sizes and times of all files."""
        found: list[tuple[str, int, int, int]] = []
        for directory in self._directories:
            with suppress(OSError), os.scandir(directory) as entries:
                for entry in entries:
                    with suppress(OSError):
                        status = entry.stat()
                        found.append((entry.path, status.st_ino, status.st_size, status.st_mtime_ns))
        return tuple(sorted(found))

    def _save(self, ir: dict[str, Any]) -> None:
        replace_file(self._last_good, json.dumps({"policy": ir, "config": dict(self.config)}).encode())

    def _saved(self) -> dict[str, Any] | None:
        with suppress(OSError, ValueError, TypeError, KeyError):
            saved = json.loads(read_own(self._last_good))
            plain: dict[str, Any] = _tuples(saved)
            build_policy(plain["policy"])
            build_config(plain["config"])
            return plain
        return None


def _tuples(value: Any) -> Any:
    """JSON has no tuples; the plain values of a policy have no lists."""
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(_tuples(part) for part in value) if isinstance(value, list) else value
