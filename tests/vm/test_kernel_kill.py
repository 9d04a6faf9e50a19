"""Services that the kernel shot inside their own memory bounds, and how they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

SHIPPED = Path(__file__).parents[2] / "policies" / "database.toml"
# As many units have it; it does not cover what the kernel kills.
ON_ABORT = "[Service]\nRestart=on-abort\n"
SLEEPER = "[Service]\nExecStart=/bin/sleep {seconds}\nOOMPolicy={policy}\n"
REVIVE = """
[service.halted]
unit = "halted.service"

[service.continued]
unit = "continued.service"

[recover.halted]
when  = [{ service = "halted", failed = true, for = "3s" }]
steps = [{ start = ["halted"] }, { verify = "halted" }]

[recover.continued]
when  = [{ service = "continued", failed = true, for = "3s" }]
steps = [{ start = ["continued"] }, { verify = "continued" }]
"""


def shoot(guest: Guest, unit: str) -> None:
    """Have the kernel kill the unit's main process for want of memory in its control group; then give room again."""
    before = int(guest.check("awk '$1 == \"oom_kill\" {print $2}' /proc/vmstat"))
    guest.check(f"systemctl set-property --runtime {unit} MemoryMax=4096 MemorySwapMax=0")
    guest.until(f"! systemctl is-active --quiet {unit}", 20, 0.1)
    assert int(guest.check("awk '$1 == \"oom_kill\" {print $2}' /proc/vmstat")) > before
    guest.check(f"systemctl set-property --runtime {unit} MemoryMax=infinity MemorySwapMax=infinity")


@pytest.mark.usefixtures("mariadb")
def test_a_protected_database_that_the_kernel_kills_is_started_again_and_verified(guest: Guest,
                                                                               product: Product) -> None:
    guest.write("/etc/systemd/system/mariadb.service.d/restart.conf", ON_ABORT)
    guest.check("systemctl daemon-reload")
    product.enforce(SHIPPED.read_text())
    before, seq = product.pid("mariadb"), product.last_seq()
    guest.until(f"grep -qx -- -900 /proc/{before}/oom_score_adj", 20)
    shoot(guest, "mariadb")
    closed = product.closed("recover.database", seq, 120)

    assert closed["result"].startswith("closed: success")
    (opened,) = [record for record in product.records(seq) if record.get("incident") == closed["incident"]
                 and record["result"] == "opened"]
    assert any(f"the kernel killed mariadbd[{before}]" in reason for reason in opened["because"])
    story = [(record["kind"], record["step"]) for record in product.records(seq)
             if record.get("incident") == closed["incident"] and (record["step"] or "").partition(" ")[0] != "probe"]
    assert [kind for kind, _ in story] == ["incident", "intent", "outcome", "incident", "incident", "incident"]
    assert [step for _, step in story][1:3] == ["start mariadb.service"] * 2
    assert [(step or "").partition(" ")[0] for _, step in story][3:5] == ["1.", "2."]
    after = product.pid("mariadb")
    assert after not in (0, before)
    guest.until(f"grep -qx -- -900 /proc/{after}/oom_score_adj", 20)
    guest.check("mariadb-admin ping; watchdog-oom audit verify")


def test_whatever_systemd_makes_of_the_kill_a_failed_unit_alone_is_reason_enough(guest: Guest,
                                                                              product: Product) -> None:
    for name, policy, seconds in (("halted", "stop", 7101), ("continued", "continue", 7102)):
        guest.write(f"/etc/systemd/system/{name}.service", SLEEPER.format(seconds=seconds, policy=policy))
    guest.check("systemctl daemon-reload; systemctl start halted continued")
    product.enforce(REVIVE)
    seq = product.last_seq()
    before = {unit: product.pid(unit) for unit in ("halted", "continued")}
    for unit in before:
        shoot(guest, unit)
    closed = {unit: product.closed(f"recover.{unit}", seq, 60) for unit in before}

    assert all(record["result"].startswith("closed: success") for record in closed.values())
    opened = {record["rule"]: str(record["because"]) for record in product.records(seq) if record["result"] == "opened"}
    assert "oom-kill" in opened["recover.halted"]
    assert "signal" in opened["recover.continued"]
    assert all(product.pid(unit) not in (0, pid) for unit, pid in before.items())
