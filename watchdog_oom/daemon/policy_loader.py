"""Policies are read in a forked child, so that the parser and its imports do not stay in the daemon's memory.

The child sends plain values through a pipe; the daemon builds its policy from them, completely or not at all (Law 9).
"""

from __future__ import annotations

import marshal
import os
from collections.abc import Callable

from watchdog_oom.errors import Fault
from watchdog_oom.host.children import own_code
from watchdog_oom.host.children.spawn import Child, spawn_work
from watchdog_oom.lean_dataclasses import dataclass
from watchdog_oom.lean_typing import Any

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Answer:
    """The child's result: the policy and the configuration as plain values, or their faults."""

    policy: dict[str, Any] | None
    config: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class PolicyLoader:
    """One load of all policy files in progress. ``fileno()`` becomes readable as the answer arrives; once it is
    ``drained``, only the child's exit is awaited."""

    def __init__(self, directories: tuple[str, ...], config_path: str) -> None:
        self._child: Child = spawn_work(_reader(directories, config_path))
        self._received = bytearray()
        self.drained = False
        self._ended = False

    def fileno(self) -> int:
        return self._child.output_fd

    def poll(self) -> Answer | None:
        """The answer once it is complete; ``None`` before."""
        while True:
            try:
                part = os.read(self._child.output_fd, _CHUNK_BYTES)
            except BlockingIOError:
                return None
            if not part:
                self.drained = True
                break
            self._received += part
        self._ended = self._child.poll() is not None
        return self._answer() if self._ended else None

    def close(self) -> None:
        if not self._ended:
            self._child.kill()
            os.waitid(os.P_PIDFD, self._child.pidfd, os.WEXITED)
        self._child.close()

    def _answer(self) -> Answer:
        try:
            policy, config, notes, sources, faults = marshal.loads(bytes(self._received))  # noqa: S302 (our own child)
        except (EOFError, ValueError, TypeError):
            fault = Fault("", 0, "", "the policy reader ended without an answer; the policy in force stays")
            return Answer(None, None, faults=(fault,))
        return Answer(policy, config, tuple(notes), tuple(sources), tuple(Fault(*fault) for fault in faults))


def _reader(directories: tuple[str, ...], config_path: str) -> Callable[[int], None]:
    def read(output_fd: int) -> None:
        try:
            from watchdog_oom.errors import PolicyError
            from watchdog_oom.policy.load import load_config, load_policy
            own_code.refuse_another_version()
        except Exception as error:  # noqa: BLE001 - code that is missing, damaged or half written fails in many ways
            what = f"the policies cannot be read, and those in force stay: {error or type(error).__name__}"
            _write_all(output_fd, marshal.dumps((None, None, [], [], [("", 0, "", what)])))
            return
        faults: list[tuple[str, int, str, str]] = []
        policy = config = None
        notes: list[str] = []
        sources: list[str] = []
        for name in ("policy", "config"):
            try:
                loaded = load_policy(directories) if name == "policy" else load_config(config_path)
            except PolicyError as error:
                faults += [(fault.file, fault.line, fault.where, fault.what) for fault in error.faults]
                continue
            notes += (*loaded.notes, *map(str, loaded.warnings))
            if name == "policy":
                policy = loaded.ir
                sources += loaded.sources
            else:
                config = loaded.ir
        answer: bytes = marshal.dumps((policy, config, notes, sources, faults))
        _write_all(output_fd, answer)
    return read


def _write_all(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data):]
