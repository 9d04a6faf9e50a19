"""The installed product as the cases use it: policies put in force, the status, and the audit journal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.vm.guest import Guest, GuestError

POLICIES = "/etc/watchdog-oom/policies.d"
TRIGGER = "/usr/local/bin/trigger"


class Product:
    """The daemon inside one guest."""

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def enforce(self, text: str, name: str = "10-case.toml") -> None:
        """Make this the whole policy, and wait until the daemon has taken it."""
        before = self.status()["policy"]["loaded"]
        self.guest.check(f"rm -f {POLICIES}/*.toml")
        self.guest.write(f"{POLICIES}/{name}", text)
        self.guest.check("systemctl reload watchdog-oomd")
        self.until(lambda: self.status()["policy"]["loaded"] > before, "the policy is not loaded")
        assert self.status()["policy"]["faults"] == []

    def status(self) -> dict[str, Any]:
        """What the daemon last wrote; waits for a moment while it is just starting."""
        status: dict[str, Any] = json.loads(self.guest.until("cat /run/watchdog-oom/status.json", 60))
        return status

    def pid(self, unit: str = "watchdog-oomd") -> int:
        """The main process of a unit, 0 where there is none."""
        return int(self.guest.check(f"systemctl show -p MainPID --value {unit}"))

    def records(self, after: int = 0) -> list[dict[str, Any]]:
        """The journal's records with a number above ``after``."""
        lines = self.guest.get("/var/log/watchdog-oom/audit.jsonl").decode().splitlines()
        return [record for record in map(json.loads, lines) if record["seq"] > after]

    def last_seq(self) -> int:
        """The number of the newest record."""
        seq: int = self.records()[-1]["seq"]
        return seq

    def closed(self, rule: str, after: int, timeout: float = 180.0) -> dict[str, Any]:
        """The record that closes the rule's recovery, once it is there."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [record for record in self.records(after) if record.get("rule") == rule
                        and (record.get("result") or "").startswith("closed:")]
            return bool(found)

        self.until(look, f"{rule} is not closed", timeout)
        return found[0]

    def pull_trigger(self) -> None:
        """Start the process that the policies of the cases wait for."""
        self.guest.check(f"cp /bin/sleep {TRIGGER}; systemctl reset-failed trigger.service 2>/dev/null; "
                         f"systemd-run --quiet --unit=trigger --collect {TRIGGER} 3600")

    def release_trigger(self) -> None:
        """Take it back, where the case's recovery did not."""
        self.guest.run("systemctl stop trigger.service")

    def let_pass(self, ticks: int) -> None:
        """Wait until the daemon has looked at the host so many times more."""
        enough = self.status()["health"]["ticks"] + ticks
        self.until(lambda: self.status()["health"]["ticks"] >= enough, "the daemon does not go on")

    def until(self, met: Callable[[], bool], what: str, timeout: float = 60.0) -> None:
        """Ask again and again, and tell what is not so when the time is over."""
        deadline = time.monotonic() + timeout
        while not met():
            if time.monotonic() > deadline:
                raise GuestError(f"not within {timeout:g} s: {what}")
            time.sleep(0.5)
