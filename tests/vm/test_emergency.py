"""A process that eats all memory and all swap, while a database runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

POLICY = """
[process.mysqld]
exe = "/usr/sbin/mariadbd"

[protect.database]
process = "mysqld"
oom_score_adj = -900
"""
HOG = "import time\nheld = []\nwhile True:\n    held.append(b'x' * (4 << 20))\n    time.sleep(0.05)\n"

pytestmark = pytest.mark.usefixtures("mariadb")


def let_a_hog_run(guest: Guest) -> None:
    """Start it, and wait until something has ended it."""
    guest.check("dmesg --clear; systemctl stop hog 2>/dev/null; systemctl reset-failed hog 2>/dev/null; true")
    guest.write("/usr/local/bin/hog.py", HOG)
    guest.check("systemd-run --quiet --unit=hog -p RemainAfterExit=yes python3 /usr/local/bin/hog.py")
    guest.until("test $(systemctl show -p MainPID --value hog) = 0", 240, 1.0)


def kernel_kills(guest: Guest) -> int:
    return int(guest.check("awk '$1 == \"oom_kill\" {print $2}' /proc/vmstat"))


def signals_of(product: Product, after: int) -> list[dict[str, Any]]:
    return [record for record in product.records(after)
            if record["kind"] == "intent" and record["rule"] == "emergency"]


def test_a_hog_that_exhausts_swap_is_ended_before_the_kernel_acts(guest: Guest, product: Product) -> None:
    product.enforce(POLICY)
    database, daemon, seq, before = product.pid("mariadb"), product.pid(), product.last_seq(), kernel_kills(guest)
    let_a_hog_run(guest)

    assert guest.check("systemctl show -p ExecMainCode --value hog") == "2"  # CLD_KILLED
    assert "Out of memory" not in guest.check("dmesg")
    assert kernel_kills(guest) == before
    assert product.pid("mariadb") == database
    assert product.pid() == daemon
    guest.check("mariadb-admin ping")
    # In an emergency nothing is written until it has been calm for two seconds.
    product.until(lambda: bool(signals_of(product, seq)), "the record of the signal")
    assert {record["target"]["name"] for record in signals_of(product, seq)} == {"python3"}


def test_without_the_daemon_the_same_hog_makes_the_kernel_kill(guest: Guest) -> None:
    before = kernel_kills(guest)
    guest.check("systemctl stop watchdog-oomd")
    try:
        let_a_hog_run(guest)
        assert kernel_kills(guest) > before
        assert "Out of memory" in guest.check("dmesg")
    finally:
        guest.check("systemctl start watchdog-oomd")
