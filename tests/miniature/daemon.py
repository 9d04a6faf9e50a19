"""A real watchdog-oomd of the tests' own: its directories, its process, its journal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

OFTEN = '[tick]\nslowest = "100ms"\n'
PATIENCE_SECONDS = 30.0  # on a busy host everything takes longer; how long it took, a test asks where it matters


class OwnDaemon:
    """One daemon on private directories below ``home``; it may be started, killed and started again. It looks at the
    host more often than one would have it in earnest, unless ``config`` says otherwise."""

    def __init__(self, home: Path, policy: str, *, config: str = "") -> None:
        self.home = home
        self.policies, self.state = home / "policies", home / "state"
        self.log, self.runtime = home / "log", home / "run"
        self.policies.mkdir(parents=True)
        for directory in (home, self.policies):
            directory.chmod(0o755)
        self.config = home / "watchdog-oom.toml"
        self.config.write_text(config if "[tick]" in config else config + OFTEN)
        self.write_policy(policy)
        self.process: subprocess.Popen[bytes] | None = None
        self.console = home / "console"

    def write_policy(self, text: str, name: str = "test.toml") -> None:
        (self.policies / f"{name}.part").write_text(text)
        (self.policies / f"{name}.part").rename(self.policies / name)

    def options(self, *names: str) -> list[str]:
        known = {"policies": self.policies, "state": self.state, "log": self.log, "runtime": self.runtime}
        return [word for name in names for word in (f"--{name}", str(known[name]))]

    def start(self, *more: str, ready_seconds: float = 10.0) -> None:
        arguments = [*self.options("policies", "state", "log", "runtime"), "--config", str(self.config), *more]
        starts = len(self.records("start"))
        with self.console.open("ab") as console:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from watchdog_oom.daemon import main; main()", *arguments],
                stdout=console, stderr=console, cwd="/")
        status = self.runtime / "status.json"
        self.wait_for(lambda: len(self.records("start")) > starts and status.exists(), ready_seconds, "READY")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30.0) -> int:
        """Send the signal and wait for the end; the exit status."""
        assert self.process is not None
        os.kill(self.process.pid, number)
        status = self.process.wait(seconds)
        self.process = None
        return status

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def records(self, kind: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """The journal's records, oldest first, that have these values."""
        found = []
        for path in [*sorted(self.log.glob("audit-*.jsonl")), self.log / "audit.jsonl"]:
            if path.exists():
                complete = path.read_bytes().rpartition(b"\n")[0]
                found += [json.loads(line) for line in complete.splitlines()]
        return [record for record in found if (kind is None or record["kind"] == kind)
                and all(record[key] == value for key, value in fields.items())]

    def status(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.runtime / "status.json").read_text())
        return loaded

    def look(self, times: int) -> None:
        """Wait until it has looked at the host so many times more."""
        before = self.status()["health"]["ticks"]
        self.wait_for(lambda: self.status()["health"]["ticks"] >= before + times, 20, f"{times} more looks")

    def wait_for(self, condition: Callable[[], object], seconds: float, what: str) -> float:
        """Poll until the condition holds; how long that took. Fails with the daemon's own words."""
        began, seconds = time.monotonic(), max(seconds, PATIENCE_SECONDS)
        while time.monotonic() - began < seconds:
            if condition():
                return time.monotonic() - began
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.01)
        told = self.console.read_text(errors="replace")[-4000:] if self.console.exists() else ""
        raise AssertionError(f"{what} did not come within {seconds} s; the daemon said:\n{told}")


MakeDaemon: TypeAlias = Callable[..., OwnDaemon]
Spawn: TypeAlias = Callable[..., "subprocess.Popen[bytes]"]
