"""Recoveries of real units by systemd, and what becomes of them when the daemon itself dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

NOUNS = """
[process.trigger]
exe = "/usr/local/bin/trigger"

[service.database]
unit       = "mysqld.service"
stable_for = "2s"
probe      = { run = ["/usr/bin/mariadb-admin", "ping"], expect = "alive", within = "60s" }

[service.cron]
unit = "cron.service"

[service.web]
unit = "apache2.service"
"""
RULE = """
[recover.{name}]
when     = [{{ process = "trigger", count_above = 0 }}]
steps    = [{steps}]
cooldown = "1s"
attempts = 100
"""

pytestmark = pytest.mark.usefixtures("mariadb")


@pytest.fixture(autouse=True)
def no_trigger_left(product: Product) -> Iterator[None]:
    yield
    product.release_trigger()


def arm(product: Product, name: str, steps: str) -> None:
    product.enforce(NOUNS + RULE.format(name=name, steps=steps))


def test_units_are_stopped_started_and_restarted_and_have_new_main_processes(guest: Guest, product: Product) -> None:
    before = {unit: product.pid(unit) for unit in ("mariadb", "cron", "watchdog-oomd")}
    arm(product, "around", '{ stop = ["database"] }, { kill = "trigger" }, { start = "stopped" }, '
                           '{ restart = ["cron"] }, { verify = ["database", "cron"] }')
    seq = product.last_seq()
    product.pull_trigger()
    assert product.closed("recover.around", seq)["result"].startswith("closed: success")
    after = {unit: product.pid(unit) for unit in before}
    assert after["mariadb"] not in (0, before["mariadb"])
    assert after["cron"] not in (0, before["cron"])
    assert after["watchdog-oomd"] == before["watchdog-oomd"]
    guest.check("mariadb-admin ping")
    assert guest.run("pgrep -x trigger").status == 1


def test_an_alias_is_resolved_to_the_unit_that_runs(guest: Guest, product: Product) -> None:
    assert guest.check("systemctl show -p Id --value mysqld.service") == "mariadb.service"
    before = product.pid("mariadb")
    arm(product, "alias", '{ restart = ["database"] }, { kill = "trigger" }, { verify = "database" }')
    seq = product.last_seq()
    product.pull_trigger()
    assert product.closed("recover.alias", seq)["result"].startswith("closed: success")
    assert product.pid("mariadb") not in (0, before)


def test_a_unit_that_the_operator_had_stopped_stays_stopped(guest: Guest, product: Product) -> None:
    guest.check("systemctl stop cron")
    try:
        arm(product, "respect", '{ stop = ["cron"] }, { kill = "trigger" }, { start = "stopped" }')
        seq = product.last_seq()
        product.pull_trigger()
        product.closed("recover.respect", seq)
        assert guest.run("systemctl is-active cron").output.strip() == "inactive"
    finally:
        guest.check("systemctl start cron")


def test_a_masked_unit_is_told_and_neither_unmasked_nor_stopped(guest: Guest, product: Product) -> None:
    guest.check("systemctl start apache2; ln -s /dev/null /etc/systemd/system/apache2.service; systemctl daemon-reload")
    try:
        before = product.pid("apache2")
        arm(product, "masked", '{ restart = ["web"] }, { kill = "trigger" }')
        seq = product.last_seq()
        product.pull_trigger()
        product.closed("recover.masked", seq)
        told = str(product.records(seq)) + str(product.status()["services"])
        assert "masked" in told.replace("recover.masked", "")
        assert guest.run("systemctl is-enabled apache2").output.strip() == "masked"
        assert product.pid("apache2") == before
    finally:
        guest.check("rm -f /etc/systemd/system/apache2.service; systemctl daemon-reload; systemctl stop apache2")


def test_what_a_killed_daemon_had_stopped_is_started_by_its_next_life(guest: Guest, product: Product) -> None:
    arm(product, "killed", '{ stop = ["database"] }, { wait = "10min" }, { start = "stopped" }, { kill = "trigger" }')
    seq, daemon = product.last_seq(), product.pid()
    product.pull_trigger()
    guest.until("test $(systemctl is-active mariadb) = inactive", 60)
    guest.check(f"kill -KILL {daemon}; systemctl stop trigger")
    guest.until("systemctl is-active mariadb", 90)
    assert product.pid() not in (0, daemon)
    assert [record["kind"] for record in product.records(seq)].count("recovered") >= 1
    product.closed("recover.killed", seq)
    guest.check("watchdog-oom audit verify")


def test_a_stopped_daemon_first_starts_what_it_had_stopped(guest: Guest, product: Product) -> None:
    arm(product, "stopping", '{ stop = ["database"] }, { wait = "10min" }, { start = "stopped" }, { kill = "trigger" }')
    product.pull_trigger()
    guest.until("test $(systemctl is-active mariadb) = inactive", 60)
    guest.check("systemctl stop watchdog-oomd", 150)
    try:
        assert guest.check("systemctl is-active mariadb") == "active"
        assert guest.check("systemctl show -p Result --value watchdog-oomd") == "success"
    finally:
        product.release_trigger()
        guest.check("systemctl start watchdog-oomd")
