"""The date jumps by a day, forth and back, as on a host whose clock was wrong at boot."""

from __future__ import annotations

import pytest

from tests.vm.guest import Guest
from tests.vm.product import Product

POLICY = """
[process.sleeper]
exe = "/usr/local/bin/sleeper"

[process.trigger]
exe = "/usr/local/bin/trigger"

[limit.sleeper]
process = "sleeper"
runtime = "2h"

[spool.jumpy]
path        = "/var/spool/jumpy"
entries     = "*"
stale_after = "1h"

[recover.old_process]
when  = [{ process = "sleeper", runtime_above = "2h" }]
steps = [{ kill = "sleeper" }]

[recover.old_entry]
when  = [{ spool = "jumpy", oldest_above = "12h" }]
steps = [{ purge = "jumpy" }]

[recover.patient]
when  = [{ process = "trigger", count_above = 0, for = "40s" }]
steps = [{ kill = "trigger" }]
"""
HOUR_SECONDS = 3600
DAY_SECONDS = 24 * HOUR_SECONDS


def jump(guest: Guest, seconds: int) -> None:
    guest.check(f"date -s @$(( $(date +%s) + {seconds} ))")


@pytest.fixture(autouse=True)
def scene(guest: Guest, product: Product) -> None:
    """One entry is two hours old and one is new; a process has just begun to sleep."""
    # Its inode change time tells an entry's age too, and only the date can set that.
    guest.check("systemctl stop watchdog-oomd")
    jump(guest, -2 * HOUR_SECONDS)
    guest.check("mkdir -p /var/spool/jumpy/old")
    jump(guest, 2 * HOUR_SECONDS)
    guest.check("mkdir /var/spool/jumpy/new; systemctl start watchdog-oomd; cp /bin/sleep /usr/local/bin/sleeper; "
                "systemd-run --quiet --unit=sleeper /usr/local/bin/sleeper 3600")
    product.enforce(POLICY)
    product.until(lambda: product.status()["spools"].get("jumpy", {}).get("stale") == 1, "the spool is not scanned")


def test_a_jump_of_a_day_forth_and_back_neither_fires_nor_unfires_a_rule(guest: Guest, product: Product) -> None:
    sleeper, seq = product.pid("sleeper"), product.last_seq()
    began = float(guest.check("cut -d' ' -f1 /proc/uptime"))
    product.pull_trigger()
    stale = []
    for seconds in (DAY_SECONDS, -2 * DAY_SECONDS, DAY_SECONDS):
        stale.append(product.status()["spools"]["jumpy"]["stale"])
        jump(guest, seconds)
        product.let_pass(4)
    closed = product.closed("recover.patient", seq, 120)
    stale.append(product.status()["spools"]["jumpy"]["stale"])

    # Neither entry of the spool became stale, nor did one become fresh.
    assert stale == [1, 1, 1, 1]
    assert product.pid("sleeper") == sleeper
    assert guest.check("ls /var/spool/jumpy") == "new\nold"
    fired = {record["rule"] for record in product.records(seq) if record["kind"] in ("incident", "intent")}
    assert fired == {"recover.patient"}
    # And what had to hold for 40 s did so by a clock that did not jump.
    opened = next(record for record in product.records(seq) if record["kind"] == "incident")
    assert 40 <= opened["mono"] - began <= 60
    assert closed["result"].startswith("closed: success")
