"""Who is on guard: nobody, the peers as their packages configure them, and this program with its shipped policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.incident.mailserver import SPOOL
from bench.incident.night import Contestant
from tests.vm.guest import Guest
from tests.vm.host import TOP, install_deb
from tests.vm.product import Product

POLICY = TOP / "policies" / "mail-server.toml"
OURS = "watchdog-oom"
KEPT = ("/var/log/watchdog-oom", "/run/watchdog-oom", "/etc/watchdog-oom")
REPORT = (("report.txt", "watchdog-oom report --since 1h --text"),
          ("report.html", "watchdog-oom report --since 1h -o /root/report.html > /dev/null; cat /root/report.html"))


def contestants(deb: Path) -> dict[str, Contestant]:
    """All of them by name, in the order of the table."""

    def install(guest: Guest) -> None:
        install_deb(guest, deb)
        Product(guest).enforce(POLICY.read_text(), POLICY.name)

    everybody = (
        Contestant("control", _empty, memory_mib=2048),
        Contestant("none", lambda guest: None),
        *(Contestant(name, _start(unit)) for name, unit in (
            ("earlyoom", "earlyoom"), ("nohang", "nohang"), ("systemd-oomd", "systemd-oomd"), ("monit", "monit"))),
        Contestant(OURS, install, KEPT, REPORT),
    )
    return {contestant.name: contestant for contestant in everybody}


def _empty(guest: Guest) -> None:
    """Nothing to guard against: memory for all, and no leftovers in the spool."""
    guest.check(f"rm -rf {SPOOL}/tmp/amavis-2007*", 300)


def _start(unit: str) -> Callable[[Guest], None]:
    def start(guest: Guest) -> None:
        guest.check(f"systemctl start {unit}")
        guest.check(f"sleep 2; systemctl is-active {unit}")

    return start
