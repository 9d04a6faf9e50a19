"""A leaking service that is bound instead of ended, by a real systemd and a real kernel, and let go in every way."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

MIB = 1 << 20
HIGH_BYTES = 64 * MIB
POLICY = """
[process.leaker]
exe = "/usr/local/bin/leaker"

[limit.leaker]
process = "leaker"
rss     = "64MiB"
then    = "contain"
"""
UNIT = "[Service]\nExecStart=/usr/local/bin/leaker /usr/local/lib/leaker.py\nMemorySwapMax=0\n"
# It grows by 12 MiB a second until it is told to behave, and tells how far it is. In small bites: each may take 2 s
# when the kernel slows it down.
PROGRAM = """
import signal, time
held, good = [], []
signal.signal(signal.SIGUSR1, lambda *_: good.append(True))
while True:
    held = [] if good else held + [b"x" * (256 << 10)]
    with open("/run/leaked", "w") as file:
        file.write(str(len(held) // 4))
    time.sleep(0.02)
"""
CONTROL = "/run/systemd/system.control/leaker.service.d"


@pytest.fixture(scope="module", autouse=True)
def unit(guest: Guest) -> None:
    guest.check("cp /usr/bin/python3 /usr/local/bin/leaker")
    guest.write("/usr/local/lib/leaker.py", PROGRAM)
    guest.write("/etc/systemd/system/leaker.service", UNIT)
    guest.check("systemctl daemon-reload")


@pytest.fixture(autouse=True)
def in_force(product: Product, guest: Guest, unit: None) -> Iterator[None]:
    product.enforce(POLICY)
    yield
    guest.check("systemctl stop leaker; systemctl start watchdog-oomd")


def bound(guest: Guest) -> tuple[str, str]:
    """MemoryHigh as systemd tells it, and as the kernel has it."""
    return (guest.check("systemctl show -p MemoryHigh --value leaker"),
            guest.check("cat /sys/fs/cgroup/system.slice/leaker.service/memory.high"))


def start_contained(guest: Guest, product: Product) -> None:
    guest.check("systemctl start leaker")
    product.until(lambda: bound(guest) == (str(HIGH_BYTES), str(HIGH_BYTES)), "it is not bound", 30)


def contained(product: Product) -> list[str]:
    return [each["unit"] for each in product.status()["contained"]]


def test_a_leaker_is_slowed_down_over_a_crash_of_the_daemon_and_let_go_once_it_behaves(guest: Guest,
                                                                                     product: Product) -> None:
    seq, daemon = product.last_seq(), product.pid()
    start_contained(guest, product)
    leaker = product.pid("leaker")
    guest.check(f"kill -KILL {daemon}")
    guest.until("systemctl is-active watchdog-oomd && test -e /run/watchdog-oom/status.json", 60)
    assert product.pid() not in (0, daemon)
    product.until(lambda: contained(product) == ["leaker.service"], "the next life does not know of it")
    leaked_mib = int(guest.check("cat /run/leaked"))
    product.let_pass(3)
    assert bound(guest) == (str(HIGH_BYTES), str(HIGH_BYTES))
    assert int(guest.check("cat /run/leaked")) - leaked_mib < 10
    assert int(guest.check("awk '$1 == \"high\" {print $2}' "
                           "/sys/fs/cgroup/system.slice/leaker.service/memory.events")) > 0

    guest.check("systemctl kill --signal=USR1 leaker")
    product.until(lambda: bound(guest) == ("infinity", "max"), "it is not let go", 150)
    product.until(lambda: contained(product) == [], "it is not forgotten")
    assert product.pid("leaker") == leaker
    assert guest.run(f"test -e {CONTROL}").status == 1
    steps = [record["step"].split(":")[0] for record in product.records(seq)
             if record["kind"] == "intent" and record["rule"] == "limit.leaker"]
    assert steps == ["contain leaker.service", "release leaker.service"]
    assert "verified: its memory bounds are set" in json.dumps(product.records(seq))


def test_the_end_of_the_daemon_gives_everything_back_and_leaves_nothing(guest: Guest, product: Product) -> None:
    start_contained(guest, product)
    guest.check("systemctl stop watchdog-oomd", 150)
    assert bound(guest) == ("infinity", "max")
    assert guest.run(f"test -e {CONTROL}").status == 1
    guest.check("systemctl daemon-reload")
    assert bound(guest) == ("infinity", "max")


def test_what_the_operator_had_set_for_this_boot_is_there_again(guest: Guest, product: Product) -> None:
    his = 200 * MIB
    guest.check(f"systemctl set-property --runtime leaker.service MemoryHigh={his}")
    start_contained(guest, product)
    guest.check("systemctl stop watchdog-oomd", 150)
    assert bound(guest) == (str(his), str(his))
    guest.check("systemctl daemon-reload")
    assert bound(guest) == (str(his), str(his))
