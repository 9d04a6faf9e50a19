"""The night of 2007 made again: a recording and a journal of it, as a daemon with the mail server's policy leaves them.

A cron job fails every five minutes from 02:00 on and its mails fill the filter's spool; from 03:05 on scanners pile up
on it and take the swap; at 03:31:40 the recovery begins, and 19 s later all is well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.recorder.nights import record
from watchdog_oom.core.memory import Memory, Pressure
from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, Snapshot, SpoolState
from watchdog_oom.journal.record import Kind, Moment, Record
from watchdog_oom.journal.writer import Journal

MIB = 1 << 20
SPOOL = "/var/spool/vscan/tmp"
BOOT = "13d49289-68c7-4f23-a042-c962e88e9c82"
UP_BEFORE = 400_000.0  # seconds from the boot to the beginning of the night
RAM, SWAP = 256 * MIB, 192 * MIB


@dataclass
class MailNight:
    """``begins`` is eight in the evening, in seconds since the epoch. Names may be others, to see what becomes of
    them. ``relief``: whether the recovery comes."""

    begins: float
    hours: float = 10.5
    scanner: str = "clamscan"
    job: str = "mrtg"
    spool: str = "vscan"
    step_seconds: float = 10.0

    def at(self, clock: str) -> float:
        """A time of the night: ``03:31:40``."""
        hour, minute, second = (int(part) for part in f"{clock}:00".split(":")[:3])
        return self.begins + ((hour - 20) % 24) * 3600 + minute * 60 + second

    def snapshots(self) -> Iterator[Snapshot]:
        steps = int(self.hours * 3600 / self.step_seconds)
        for number in range(steps):
            yield self.snapshot(self.begins + number * self.step_seconds)

    def snapshot(self, wall: float) -> Snapshot:
        processes = list(self._processes(wall))
        held = sum(process.rss_bytes for process in processes)
        swapped = sum(process.swap_bytes or 0 for process in processes)
        available = max(4 * MIB, RAM - 40 * MIB - held)
        waits = self._waits(wall)
        memory = Memory(RAM, available, RAM - 40 * MIB - available, SWAP, max(6 * MIB, SWAP - swapped))
        entries = self._entries(wall)
        return Snapshot(
            clock=Clock(wall, wall - self.begins + UP_BEFORE), boot_id=BOOT, memory=memory,
            pressure=Pressure(waits, waits * 0.6), processes={process.pid: process for process in processes},
            spools={self.spool: SpoolState(wall - self.begins + UP_BEFORE, entries=entries,
                                           stale=max(0, entries - 12), size_bytes=entries * 9000)})

    def _waits(self, wall: float) -> float:
        if not self.at("03:05") <= wall <= self.at("03:32:10"):
            return 0.4 if int(wall) % 600 < 20 else 0.0
        return round(min(85.0, (wall - self.at("03:05")) / 20), 1)

    def _entries(self, wall: float) -> int:
        if wall < self.at("02:00"):
            return 12
        if wall < self.at("03:31:48"):
            return 12 + int((wall - self.at("02:00")) / 13.65)
        return 9

    def _processes(self, wall: float) -> Iterator[Process]:
        old = self.begins - 300_000
        yield self._process(wall, 1, "init", 0, old, 2)
        yield self._process(wall, 210, "cron", 1, old, 2, unit="cron.service")
        yield self._process(wall, 366, "mariadbd", 1, old, 52, user="mysql", unit="mariadb.service",
                            exe="/usr/sbin/mariadbd")
        yield self._process(wall, 573, "master", 1, old, 3, unit="postfix.service")
        for number in range(6):
            yield self._process(wall, 800 + number, "apache2", 799, old, 6, user="www-data", unit="apache2.service",
                                exe="/usr/sbin/apache2")
        stopped = self.at("03:31:41") <= wall < self.at("03:31:52")
        for number in range(0 if stopped else 3):
            yield self._process(wall, 640 + number, "amavisd", 1, old, 9, user="amavis", unit="amavis.service")
        yield from self._cron_job(wall)
        yield from self._mail(wall)
        yield from self._scanners(wall)

    def _cron_job(self, wall: float) -> Iterator[Process]:
        """Every five minutes; when it fails, its scheduler mails what it printed."""
        began = wall - wall % 300
        number = int(began // 300) % 10_000
        if wall - began < 20:
            yield self._process(wall, 20_000 + number, "cron", 210, began, 2)
            yield self._process(wall, 30_000 + number, "sh", 20_000 + number, began, 1)
            yield self._process(wall, 40_000 + number, self.job, 30_000 + number, began, 9)
        if wall >= self.at("02:00") and 20 <= wall - began < 35:
            yield self._process(wall, 20_000 + number, "cron", 210, began, 2)
            yield self._process(wall, 50_000 + number, "sendmail", 20_000 + number, began + 15, 2)

    def _mail(self, wall: float) -> Iterator[Process]:
        every = 900 if wall < self.at("02:00") else 60
        began = wall - wall % every
        number = int(began // 60) % 9_000
        if wall - began < 30:
            yield self._process(wall, 60_000 + number, "cleanup", 573, began, 3, user="postfix", unit="postfix.service")
            yield self._process(wall, 70_000 + number, "smtpd", 573, began, 4, user="postfix", unit="postfix.service")

    def _scanners(self, wall: float) -> Iterator[Process]:
        """Five, one after the other, each larger from minute to minute."""
        for number in range(5):
            began = self.at("03:05") + number * 240
            if began <= wall < self.at("03:31:46"):
                grown = min(58.0, (wall - began) / 20)
                yield self._process(wall, 4700 + number, self.scanner, 640, began, round(grown * 0.4), user="amavis",
                                    unit="amavis.service", exe="/usr/bin/clamscan", swap=round(grown * 0.64))

    def _process(self, wall: float, pid: int, comm: str, ppid: int, began: float, rss: int, *, user: str = "root",
                 unit: str = "", exe: str = "", swap: int = 0) -> Process:
        boottime = began - self.begins + UP_BEFORE
        return Process(ProcessId(pid, int(boottime * 100)), ppid, comm, rss_bytes=rss * MIB, started_boottime=boottime,
                       facts=Facts(exe=exe or None, user=user, unit=unit or None), swap_bytes=swap * MIB)

    def write_recording(self, log: Path) -> None:
        flight = log / "flight"
        flight.mkdir(mode=0o700, parents=True, exist_ok=True)
        record(flight, list(self.snapshots()))

    def write_journal(self, log: Path) -> None:
        """By the daemon's own writer, at the times of that night."""
        log.mkdir(mode=0o700, parents=True, exist_ok=True)
        now = [self.begins]
        journal = Journal(str(log), boot_id=BOOT, clocks=lambda: Moment(now[0], now[0] - self.begins + UP_BEFORE))
        journal.open()
        for moment, one in self.records():
            now[0] = moment
            journal.append(one)
        journal.close()

    def records(self) -> list[tuple[float, Record]]:
        rule, incident = "recover.amavis", "amavis-6b035481.7"
        spool = {"spool": self.spool, "path": SPOOL, "limit": 200_000}
        unit = {"service": "amavis", "unit": "amavis.service"}
        found: list[tuple[float, Record]] = [
            (self.at("20:00:01"), Record(Kind.OUTCOME, rule="protect.database",
                                         step="oom_score_adj mariadbd[366] = -900", ok=True,
                                         target={"pid": 366, "start": 1, "name": "mariadbd", "rss": 52 * MIB})),
            (self.at("03:29:12"), Record(Kind.LATE, result="a round of the loop took 2.2s longer than it should",
                                         took_seconds=2.2)),
            (self.at("03:31:40"), Record(Kind.INCIDENT, incident, rule, result="opened", because=(
                "swap free is 3% (6 MiB; threshold 15%) (for 15s)",
                "memory available is 4% (8 MiB; threshold 10%) (for 15s)")))]

        def act(begun: str, ended: str, step: str, target: dict[str, Any], result: str, number: int) -> None:
            began, over = self.at(begun), self.at(ended)
            name = f"i-6b035481.{number}"
            found.append((began, Record(Kind.INTENT, incident, rule, step, target, id=name)))
            found.append((over, Record(Kind.OUTCOME, incident, rule, step, target, ok=True, result=result,
                                       took_seconds=over - began, id=name)))
        act("03:31:40", "03:31:44", "stop amavis.service", unit, "stop done", 1)
        for number in range(5):
            act("03:31:45", "03:31:46", f"KILL {self.scanner}[{4700 + number}]",
                {"pid": 4700 + number, "start": 4000 + number, "name": self.scanner, "user": "amavis",
                 "exe": "/usr/bin/clamscan", "unit": "amavis.service", "rss": 23 * MIB, "swap": 37 * MIB}, "KILL sent",
                2 + number)
        act("03:31:47", "03:31:48", f"purge {self.spool}", spool,
            "400 entries cleared, kept 12: 12 are younger than 1h", 8)
        act("03:31:49", "03:31:52", "start amavis.service", unit, "start done", 9)
        found.append((self.at("03:31:58"), Record(
            Kind.INCIDENT, incident, rule, step="5. verify amavis", ok=True, took_seconds=6.0,
            result="verified: amavis.service is active for 6s and answers on 127.0.0.1:10024")))
        found.append((self.at("03:31:59"), Record(Kind.INCIDENT, incident, rule, ok=True, took_seconds=19.0,
                                                  result="closed: success")))
        return sorted(found, key=lambda pair: pair[0])

    def status(self) -> dict[str, Any]:
        """What the daemon says in the morning."""
        return {"v": 1, "pid": 1, "rules": {"protect": ["database"], "limit": ["clamscan"],
                                            "recover": ["amavis", "database"], "clean": [], "emergency": "act"},
                "recoveries": {"amavis": {"state": "armed", "owed": []}}, "pauses": [], "frozen": [], "contained": [],
                "trash": {}, "cleans": {}, "policy": {"stale": False}, "observe": False,
                "spools": {self.spool: {"path": SPOOL}}, "health": {"troubles": []},
                "protected": [{"name": "mariadbd", "pid": 366}]}

    def write_status(self, runtime: Path) -> None:
        runtime.mkdir(exist_ok=True)
        (runtime / "status.json").write_text(json.dumps(self.status()))
