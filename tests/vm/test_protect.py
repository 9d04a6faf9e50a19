"""Protection that only a real host can prove: lowering oom_score_adj of others needs CAP_SYS_RESOURCE."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

POLICY = """
[process.mysqld]
exe = "/usr/sbin/mariadbd"

[protect.database]
process = "mysqld"
oom_score_adj = -900

[process.parent]
exe = "/usr/local/bin/parent"

[protect.parent]
process = "parent"
oom_score_adj = -800
children = "reset"
"""
OF_ITS_UNIT = "-300"

pytestmark = pytest.mark.usefixtures("mariadb")


@pytest.fixture(autouse=True, scope="module")
def set_by_its_unit(guest: Guest, mariadb: None) -> None:
    """The service manager gives the database a value of its own at each start."""
    guest.write("/etc/systemd/system/mariadb.service.d/oom.conf", f"[Service]\nOOMScoreAdjust={OF_ITS_UNIT}\n")
    guest.check("systemctl daemon-reload; systemctl restart mariadb")
    pid = guest.check("systemctl show -p MainPID --value mariadb")
    assert guest.check(f"cat /proc/{pid}/oom_score_adj") == OF_ITS_UNIT


@pytest.fixture(autouse=True)
def in_force(set_by_its_unit: None, product: Product) -> None:
    product.enforce(POLICY)


@pytest.fixture
def parent(guest: Guest) -> Iterator[int]:
    """A protected daemon that forks a child every other second."""
    guest.check("cp /bin/bash /usr/local/bin/parent; systemd-run --quiet --unit=parent --collect "
                "/usr/local/bin/parent -c 'while :; do sleep 300 & sleep 2; done'")
    yield int(guest.check("systemctl show -p MainPID --value parent"))
    guest.run("systemctl stop parent")


def until_adjusted(guest: Guest, pid: int, value: str) -> None:
    guest.until(f"grep -qx -- {value} /proc/{pid}/oom_score_adj", 20)


def test_the_database_is_lowered_below_what_its_unit_says(guest: Guest, product: Product) -> None:
    until_adjusted(guest, product.pid("mariadb"), "-900")


def test_a_restarted_database_is_protected_again(guest: Guest, product: Product) -> None:
    before = product.pid("mariadb")
    guest.check("systemctl restart mariadb")
    after = product.pid("mariadb")
    assert after != before
    until_adjusted(guest, after, "-900")


def test_the_value_comes_back_when_the_daemon_stops(guest: Guest, product: Product) -> None:
    pid = product.pid("mariadb")
    until_adjusted(guest, pid, "-900")
    guest.check("systemctl stop watchdog-oomd")
    try:
        assert guest.check(f"cat /proc/{pid}/oom_score_adj") == OF_ITS_UNIT
    finally:
        guest.check("systemctl start watchdog-oomd")
    until_adjusted(guest, pid, "-900")


def test_children_that_a_protected_daemon_forks_later_are_not_immune(guest: Guest, parent: int) -> None:
    until_adjusted(guest, parent, "-800")
    guest.until(f"test $(pgrep -c -P {parent}) -ge 4", 30)
    # All but the newest, whom the next look will find.
    guest.until(f"for pid in $(pgrep -P {parent} | head -n -2); do "
                "grep -qx 0 /proc/$pid/oom_score_adj || exit 1; done", 30)
    assert guest.check(f"cat /proc/{parent}/oom_score_adj") == "-800"
