"""The incident in miniature, recovered live: `make demo`. Two minutes, harmless to the rest of the host.

A mail filter starts scanners; the scanners wedge on a spool full of leftovers, grow, and ignore SIGTERM; the filter no
longer answers. A database stands beside them. A real daemon with a policy of forty lines sees it and recovers it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.syntax import Syntax

from tests.miniature.daemon import OwnDaemon
from tests.miniature.mailserver import MailServer

STALE_SECONDS = 12
DATABASE_BEFORE = 300
console = Console(highlight=False)

POLICY = """\
description = "The miniature mail server"

[process.scanner]                     # who may be ended
exe = "{scanner}"

[process.database]                    # who may not
exe = "{database}"

[spool.vscan]                         # what may be cleared away
path        = "{spool}"
entries     = "amavis-*"
stale_after = "{stale}s"

[service.amavis]                      # what is stopped, started and asked whether it works
unit       = "amavis.service"
stable_for = "1s"
probe      = {{ tcp = "127.0.0.1:{port}", expect = "220", within = "30s" }}

[protect.database]
process       = "database"
oom_score_adj = {adj}

[limit.scanner]                       # holds at any time
process = "scanner"
runtime = "60s"
grace   = "3s"

[recover.amavis]
when  = [{{ process = "scanner", count_above = 3, runtime_above = "3s", for = "2s" }}]
steps = [
  {{ stop   = "amavis" }},
  {{ kill   = "scanner", within = "10s" }},
  {{ purge  = "vscan" }},
  {{ start  = "stopped" }},
  {{ verify = "amavis" }},
]
"""


def main() -> int:
    if sys.version_info < (3, 11) or not Path("/proc/self/stat").exists():
        console.print("the demo needs Linux and Python 3.11")
        return 2
    with tempfile.TemporaryDirectory(prefix="watchdog-oom-demo-") as scratch:
        home = Path(scratch)
        home.chmod(0o755)
        with contextlib.closing(MailServer(home / "mail")) as mail:
            return Demo(home, mail).run()


class Demo:
    """Sets up the incident, lets it happen, watches, and checks the result."""

    def __init__(self, home: Path, mail: MailServer) -> None:
        self.mail = mail
        self.adj = _lowest_permitted()
        policy = POLICY.format(scanner=mail.program("clamscan"), database=mail.program("mysqld"), spool=mail.spool,
                               stale=STALE_SECONDS, port=mail.port, adj=self.adj)
        config = f'[services]\nmanager = "service"\ninit_dir = "{mail.init_dir}"\n'
        self.watch = OwnDaemon(home / "watchdog", policy, config=config)
        self.policy = policy
        self.failures = 0

    def run(self) -> int:
        try:
            self._set_the_stage()
            self._let_it_wedge()
            self._wait_for_the_recovery()
            self._check()
            self._tell_the_story()
        finally:
            self.watch.close()
        console.print("[bold red]The demo failed.[/]" if self.failures else "[bold green]Recovered, and verified.[/]")
        return 1 if self.failures else 0

    def _set_the_stage(self) -> None:
        console.print(Panel("A mail filter, its scanners, a database, and a spool full of leftovers", style="bold"))
        console.print(Syntax(self.policy, "toml", theme="ansi_dark", background_color="default", word_wrap=True))
        self.database = self.mail.start_database(oom_score_adj=DATABASE_BEFORE)
        self.mail.fill_spool()
        say(f"the database runs with pid {self.database}, oom_score_adj {DATABASE_BEFORE}")
        say(f"40 leftovers lie in {self.mail.spool}; in {STALE_SECONDS} s they are stale")
        self.watch.start()
        say(f"watchdog-oomd is ready with pid {self.watch.pid}")
        time.sleep(STALE_SECONDS)

    def _let_it_wedge(self) -> None:
        self.mail.service("start")
        self._until(lambda: len(self.mail.processes("clamscan")) > 3, 30, "four scanners are wedged")
        self.fresh = self.mail.spool / "amavis-fresh"
        self.fresh.mkdir()
        (self.fresh / "mail").write_text("somebody's mail of just now")

    def _wait_for_the_recovery(self) -> None:
        seen = 0
        began = time.monotonic()
        while time.monotonic() - began < 60:
            records = self.watch.records()
            for record in records[seen:]:
                say_record(record)
            seen = len(records)
            if any((record["result"] or "").startswith("closed") for record in records):
                return
            time.sleep(0.2)
        self._judge(False, "the recovery ends within 60 s")

    def _check(self) -> None:
        adj = int(Path(f"/proc/{self.database}/oom_score_adj").read_text())
        leftovers = [entry.name for entry in self.mail.spool.iterdir() if entry.name.startswith("amavis-old")]
        self._judge(self.mail.greeting().startswith(b"220"), "the mail filter answers its probe")
        self._judge(not leftovers, "the stale entries are gone")
        self._judge((self.fresh / "mail").exists(), "the fresh entry is there")
        self._judge(self.mail.processes("mysqld") == [self.database], "the database has kept its pid")
        self._judge(adj == self.adj, f"the database's oom_score_adj was set ({DATABASE_BEFORE} to {adj})")
        self._judge(not self.mail.processes("clamscan"), "no wedged scanner lives")
        self._judge(self._command("status", "--runtime", str(self.watch.runtime)) == 0, "watchdog-oom status answers")
        self._judge(self.watch.stop() == 0, "the daemon stops cleanly")
        restored = int(Path(f"/proc/{self.database}/oom_score_adj").read_text())
        self._judge(restored == DATABASE_BEFORE, "and gives the database back its own oom_score_adj")

    def _tell_the_story(self) -> None:
        console.rule("watchdog-oom audit")
        self._command("audit", "--log", str(self.watch.log))
        self._judge(self._command("audit", "verify", "--log", str(self.watch.log)) == 0, "the journal is intact")

    def _until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        self.watch.wait_for(condition, seconds, what)
        say(what)

    def _judge(self, holds: bool, sentence: str) -> None:
        self.failures += not holds
        console.print(f"  [green]✓[/] {sentence}" if holds else f"  [bold red]✗ not true:[/] {sentence}")

    def _command(self, *words: str) -> int:
        command = [sys.executable, "-c", "from watchdog_oom.cli import main; main()", *words]
        return subprocess.run(command, check=False).returncode


def _lowest_permitted() -> int:
    """−900, or 0 where CAP_SYS_RESOURCE is missing: then a value may be taken back, but not lowered below 0."""
    effective = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    if os.geteuid() == 0 and int(effective.split()[1], 16) >> 24 & 1:
        return -900
    say("without CAP_SYS_RESOURCE the database gets oom_score_adj 0 here; as full root it would be -900")
    return 0


def say(text: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {text}")


def say_record(record: dict[str, object]) -> None:
    from rich.markup import escape
    subject = escape(" ".join(str(record[key]) for key in ("step", "result") if record[key]))
    colours = {"intent": "yellow", "outcome": "green", "incident": "cyan", "refused": "red"}
    colour = colours.get(str(record["kind"]), "dim")
    say(f"[{colour}]{record['kind']:9}[/] {subject}")


if __name__ == "__main__":
    sys.exit(main())
