"""A boot with a policy file that somebody broke in the meantime."""

from __future__ import annotations

from tests.vm.guest import Guest
from tests.vm.product import POLICIES, Product

GOOD = """
[process.mysqld]
exe = "/usr/sbin/mariadbd"

[protect.database]
process = "mysqld"
"""


def test_a_host_that_boots_with_a_broken_policy_is_watched_by_the_last_good_one(guest: Guest, product: Product) -> None:
    product.enforce(GOOD)
    guest.write(f"{POLICIES}/50-broken.toml", "[protect.database\n")
    guest.reboot()

    assert guest.check("systemctl is-active watchdog-oomd") == "active"
    status = product.status()
    assert status["rules"]["protect"] == ["database"]
    assert status["policy"]["stale"] is True
    assert "50-broken.toml" in str(status["policy"]["faults"])
    assert "50-broken.toml" in guest.run("watchdog-oom status").output
    assert "BROKEN" in guest.check("systemctl show -p StatusText --value watchdog-oomd")
    assert any((record.get("result") or "").startswith("rejected") for record in product.records()
               if record["kind"] == "policy")


def test_once_the_file_is_mended_the_files_are_in_force_again(guest: Guest, product: Product) -> None:
    product.enforce(GOOD.replace("protect.database", "protect.mended"))
    status = product.status()
    assert status["rules"]["protect"] == ["mended"]
    assert status["policy"]["stale"] is False
