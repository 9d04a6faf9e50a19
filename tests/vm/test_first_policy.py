"""From a fresh machine to a policy that the daemon has taken, by `init`, on services as Debian's systemd runs them."""

from __future__ import annotations

import re

import pytest

from tests.vm.guest import Guest
from tests.vm.product import POLICIES, Product

FIRST = f"{POLICIES}/50-first.toml"
# As Debian's unit of that name has it: the service's processes are in a user namespace of their own.
REDIS = "[Service]\nExecStart=/usr/bin/redis-server 7000\nUser=nobody\nPrivateUsers=yes\nPrivateTmp=yes\n"

pytestmark = pytest.mark.usefixtures("mariadb")


@pytest.fixture(scope="module")
def first(guest: Guest) -> str:
    """The policy, in force; its text without the marks of its comments, in one line."""
    guest.write("/etc/systemd/system/redis-server.service", REDIS)
    guest.check("cp /bin/sleep /usr/bin/redis-server; systemctl daemon-reload; systemctl start apache2 redis-server")
    guest.check(f"rm -f {POLICIES}/*.toml; watchdog-oom init -o {FIRST}", 240)
    return guest.check(f"cat {FIRST}")


def test_check_accepts_it_and_every_warning_is_explained_in_it(guest: Guest, first: str) -> None:
    checked = guest.run("watchdog-oom check", 240)
    assert checked.status in (0, 1), checked.output
    words = " ".join(re.sub(r"^# *", "", first, flags=re.MULTILINE).split())
    warned = re.findall(r"50-first\.toml:\d+: (.*)$", checked.output, re.MULTILINE)
    assert [warning for warning in warned if warning not in words] == []
    assert (checked.status == 1) == bool(warned)


def test_the_daemon_takes_it_at_a_reload_and_only_observes(guest: Guest, product: Product, first: str) -> None:
    told = guest.check("watchdog-oom reload", 240)
    assert "the policy files are in force" in told
    assert product.status()["policy"]["faults"] == []
    assert {"mariadb", "apache", "redis"} <= set(product.status()["rules"]["recover"])
    assert set(re.findall(r'^(?:mode|then) += "(\w+)"', first, re.MULTILINE)) == {"observe", "report"}
    assert re.findall(r"^oom_score_adj", first, re.MULTILINE) == []


def test_each_service_that_runs_is_recognised_also_with_users_of_its_own(guest: Guest, first: str) -> None:
    for table in ("process.mariadb", "process.apache_worker", "process.redis", "service.redis", "protect.redis"):
        assert f"[{table}]" in first
    checked = guest.run("watchdog-oom check", 240).output
    assert "redis matches 1 process\n" in checked
    assert "mariadb matches 1 process\n" in checked
    assert "watchdog-" not in first.partition("What was not understood")[2]
