"""What systemd and its units can do to a recovery: outlive it, refuse it, outlast it, come back, or fall silent."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.vm.guest import Guest
from tests.vm.product import TRIGGER, Product

UNITS = {
    "leaver.service": "[Service]\nKillMode=process\nExecStart=/bin/sh -c 'sleep 7001 & exec sleep 7000'\n",
    "limited.service": "[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h\n"
                       "[Service]\nExecStartPre=/usr/bin/test -e /run/cured\nExecStart=/bin/sleep 7002\n",
    "picky.service": "[Unit]\nConditionPathExists=!/run/unwanted\n[Service]\nExecStart=/bin/sleep 7003\n",
    "slow.service": "[Service]\nExecStart=/bin/sleep 7004\nExecStop=/bin/sleep 40\n",
    "woken.socket": "[Socket]\nListenStream=127.0.0.1:7070\n",
    "woken.service": "[Service]\nExecStart=/bin/sleep 7005\n",
}
# PID 1 waits for its generators: as long as this one sleeps, it answers nobody.
GENERATOR = "/etc/systemd/system-generators/freezer"
SLEEPING = """\
#!/bin/sh
for _ in $(seq 300); do
    test -e /run/frozen || exit 0
    sleep 0.2
done
"""
FROZEN_SECONDS = 10.0
NOUNS = """
[process.trigger]
exe = "/usr/local/bin/trigger"

[process.hog]
cmdline = "^tail /dev/zero"

[service.leaver]
unit = "leaver.service"

[service.limited]
unit = "limited.service"

[service.picky]
unit = "picky.service"

[service.slow]
unit = "slow.service"

[service.woken]
unit     = "woken.service"
triggers = ["woken.socket"]
"""
RULE = """
[recover.{name}]
when     = [{{ process = "trigger", count_above = 0 }}]
steps    = [{steps}]
cooldown = "1h"
"""
EMERGENCY = """
[emergency]
memory_available_below = "15%"
swap_free_below        = "90%"
prefer                 = ["hog"]
"""


@pytest.fixture(scope="module", autouse=True)
def units(guest: Guest) -> None:
    for name, text in UNITS.items():
        guest.write(f"/etc/systemd/system/{name}", text)
    guest.check("systemctl daemon-reload")


@pytest.fixture(autouse=True)
def no_trigger_left(product: Product, guest: Guest) -> Iterator[None]:
    yield
    product.release_trigger()
    guest.run("systemctl start dbus.socket dbus.service")


BACK = '{ kill = "trigger" }, { start = "stopped" }'


def recovered(product: Product, name: str, steps: str, timeout: float = 180.0) -> str:
    """Run a recovery of that name, and tell how it closed."""
    product.enforce(NOUNS + RULE.format(name=name, steps=steps))
    seq = product.last_seq()
    product.pull_trigger()
    result: str = product.closed(f"recover.{name}", seq, timeout)["result"]
    return result


def outcomes(product: Product) -> str:
    return "\n".join(record.get("result") or "" for record in product.records() if record["kind"] == "outcome")


def test_what_outlives_its_unit_is_ended_before_the_stop_counts_as_done(guest: Guest, product: Product) -> None:
    guest.check("systemctl start leaver")
    old = guest.check("pgrep -f '^sleep 7001'")
    assert recovered(product, "leaver", f'{{ stop = ["leaver"] }}, {BACK}').startswith("closed: success")
    assert guest.run(f"kill -0 {old}").status != 0
    assert guest.check("pgrep -f '^sleep 7001'") != old


def test_a_start_limit_that_the_trouble_itself_has_hit_is_reset(guest: Guest, product: Product) -> None:
    guest.check("for i in 1 2 3; do systemctl start limited; done; touch /run/cured; ! systemctl start limited")
    assert recovered(product, "limited", '{ kill = "trigger" }, { start = ["limited"] }').startswith("closed: success")
    assert guest.check("systemctl is-active limited") == "active"
    assert "its start limit had been reset" in outcomes(product)


def test_a_condition_that_is_not_met_is_told_and_not_waited_for(guest: Guest, product: Product) -> None:
    guest.check("systemctl start picky; touch /run/unwanted")
    assert "failed" in recovered(product, "picky", '{ kill = "trigger" }, { restart = ["picky"] }', 60)
    assert "ConditionPathExists=!/run/unwanted" in outcomes(product)
    guest.check("rm /run/unwanted; systemctl start picky")


def test_a_socket_does_not_wake_its_service_while_that_is_to_stay_down(guest: Guest, product: Product) -> None:
    guest.check("systemctl start woken.socket woken.service")
    down = '{ run = ["/bin/bash", "-c", "! echo > /dev/tcp/127.0.0.1/7070"] }'
    assert recovered(product, "woken", f'{{ stop = ["woken"] }}, {down}, {BACK}').startswith("closed: success")
    assert guest.check("systemctl is-active woken.socket woken.service") == "active\nactive"


def test_without_dbus_daemon_everything_goes_on(guest: Guest, product: Product) -> None:
    guest.check("systemctl stop dbus.socket dbus.service; systemctl start leaver; ! systemctl is-active dbus.service")
    seq = product.last_seq()
    assert recovered(product, "nodbus", '{ kill = "trigger" }, { restart = ["leaver"] }').startswith("closed: success")
    assert not [record for record in product.records(seq) if record["kind"] == "late"]


def test_a_stop_of_40_seconds_does_not_keep_the_emergency_waiting(guest: Guest, product: Product) -> None:
    guest.check("systemctl start slow")
    product.enforce(NOUNS + RULE.format(name="slow", steps=f'{{ stop = ["slow"] }}, {BACK}')
                    + EMERGENCY)
    seq = product.last_seq()
    product.pull_trigger()
    guest.until("systemctl is-active slow.service | grep -q deactivating", 30)
    guest.run("systemd-run --quiet --unit=hog --collect /usr/bin/tail /dev/zero")
    guest.until("! systemctl is-active --quiet hog.service", 60)
    assert guest.check("systemctl is-active slow.service || true") == "deactivating"
    assert product.closed("recover.slow", seq, 120)["result"].startswith("closed: success")


def test_a_pid_1_that_starts_itself_anew_loses_no_job(guest: Guest, product: Product) -> None:
    guest.check("systemctl start slow")
    product.enforce(NOUNS + RULE.format(name="reexec", steps=f'{{ stop = ["slow"] }}, {BACK}'))
    seq = product.last_seq()
    product.pull_trigger()
    guest.until("systemctl is-active slow.service | grep -q deactivating", 30)
    guest.run("systemctl daemon-reexec")
    assert product.closed("recover.reexec", seq, 120)["result"].startswith("closed: success")


@pytest.fixture
def frozen(guest: Guest) -> Iterator[float]:
    """PID 1 stands still; when it began to."""
    guest.write(GENERATOR, SLEEPING)
    guest.check(f"chmod 755 {GENERATOR}; touch /run/frozen; setsid -f systemctl daemon-reload > /dev/null 2>&1")
    try:
        guest.until("! timeout 1 systemctl show --property=Version", 20)
        yield time.monotonic()
    finally:
        guest.check(f"rm -f /run/frozen {GENERATOR}")
        guest.until("timeout 1 systemctl show --property=Version", 60)


@pytest.fixture
def armed(guest: Guest, product: Product) -> None:
    guest.check("systemctl start leaver")
    product.enforce(NOUNS + RULE.format(name="frozen", steps=f'{{ stop = ["leaver"] }}, {BACK}') + EMERGENCY)


def test_a_silent_pid_1_keeps_neither_the_ticks_nor_the_emergency_and_gets_its_orders_later(
        guest: Guest, product: Product, armed: None, frozen: float) -> None:
    seq, before = product.last_seq(), product.status()["health"]["ticks"]
    old = guest.check("pgrep -f '^sleep 7001'")
    guest.check(f"cp /bin/sleep {TRIGGER}; setsid -f {TRIGGER} 3600 > /dev/null 2>&1")
    product.until(lambda: any(record["kind"] == "intent" for record in product.records(seq)), "no recovery is begun")
    product.until(lambda: time.monotonic() - frozen >= FROZEN_SECONDS, "the time goes on")
    assert product.status()["health"]["ticks"] - before >= FROZEN_SECONDS
    assert max((record["took_s"] for record in product.records(seq) if record["kind"] == "late"), default=0.0) < 3.0

    guest.check("setsid -f tail /dev/zero > /dev/null 2>&1")
    guest.until("! pgrep -f '^tail /dev/zero'", 60)
    assert guest.run("timeout 1 systemctl show --property=Version").status == 124
    assert guest.run(f"kill -0 {old}").status == 0

    guest.check("rm /run/frozen")
    assert product.closed("recover.frozen", seq, 120)["result"].startswith("closed: success")
    assert "emergency" in {record["rule"] for record in product.records(seq) if record["kind"] == "intent"}
    assert guest.check("pgrep -f '^sleep 7001'") != old
