"""Upgrade, removal and purge of the package; in this order, on one host."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm.guest import Guest
from tests.vm.product import POLICIES, Product

POLICY = """
[process.trigger]
exe = "/usr/local/bin/trigger"

[service.database]
unit = "mariadb.service"

[recover.upgraded]
when  = [{ process = "trigger", count_above = 0 }]
steps = [{ stop = ["database"] }, { wait = "10min" }, { start = "stopped" }, { kill = "trigger" }]
"""
APT = "DEBIAN_FRONTEND=noninteractive apt-get -y"

pytestmark = pytest.mark.usefixtures("mariadb")


def test_an_upgrade_during_a_recovery_leaves_policy_and_journal_and_starts_what_was_stopped(
        guest: Guest, product: Product, newer_deb: Path) -> None:
    product.enforce(POLICY)
    guest.put(newer_deb, f"/root/{newer_deb.name}")
    daemon, seq = product.pid(), product.last_seq()
    product.pull_trigger()
    guest.until("test $(systemctl is-active mariadb) = inactive", 60)
    guest.check(f"{APT} install /root/{newer_deb.name}; systemctl stop trigger", 300)

    assert guest.check("dpkg-query -W -f '${Version}' watchdog-oom") == "99.0"
    guest.until("systemctl is-active mariadb", 90)
    assert guest.check("systemctl is-active watchdog-oomd") == "active"
    assert product.pid() not in (0, daemon)
    assert product.status()["rules"]["recover"] == ["upgraded"]
    assert product.closed("recover.upgraded", seq)
    kinds = [record["kind"] for record in product.records(seq)]
    assert kinds.index("stop") < kinds.index("start")
    guest.check("watchdog-oom audit verify")


def test_removal_stops_the_daemon_and_keeps_policy_state_and_journal(guest: Guest) -> None:
    guest.check(f"{APT} remove watchdog-oom", 300)
    assert guest.run("systemctl is-active watchdog-oomd").output.strip() == "inactive"
    assert guest.run("test -e /usr/share/watchdog-oom -o -e /usr/sbin/watchdog-oomd").status == 1
    guest.check(f"test -s /var/log/watchdog-oom/audit.jsonl -a -d /var/lib/watchdog-oom -a -s {POLICIES}/10-case.toml")
    assert guest.check("systemctl is-active mariadb") == "active"


def test_a_purge_removes_state_and_journal_and_leaves_the_administrators_policies(guest: Guest) -> None:
    guest.check(f"{APT} purge watchdog-oom", 300)
    assert guest.run("test -e /var/log/watchdog-oom -o -e /var/lib/watchdog-oom").status == 1
    guest.check(f"test -s {POLICIES}/10-case.toml")
