"""Two kills by a real kernel, one within a control group and one of the whole host, read back in every form that the
journal and dmesg have."""

from __future__ import annotations

import json
from typing import Any

from tests.vm.guest import Guest

LIMIT_MIB = 40
EATER = "import itertools; kept = [bytearray(b'a' * (4 << 20)) for _ in itertools.count()]"
JOURNAL_FORMS = ("short", "short-precise", "short-iso", "short-monotonic", "short-unix", "json", "verbose", "export")
DMESG_OPTIONS = ("", "-T", "-x", "--json", "--raw", "--time-format iso")
OF_THE_LOG = ("time", "log", "lines", "before")  # what another form of the same log may say otherwise


def eat(guest: Guest, unit: str, *properties: str) -> int:
    """Have a unit take memory until the kernel kills it; which process that was."""
    given = " ".join(f"-p {one}" for one in properties)
    guest.run(f'systemd-run --unit={unit} {given} -p Restart=no /usr/bin/python3 -c "{EATER}"')
    guest.until(f"systemctl show -p Result --value {unit} | grep -q oom-kill", 120)
    return int(guest.check("journalctl -q -k -o cat | sed -n 's/.*Killed process \\([0-9]*\\) .*/\\1/p' | tail -n 1"))


def events(guest: Guest, command: str) -> list[dict[str, Any]]:
    """What is said of the kernel's kills, without their places and times."""
    found: list[dict[str, Any]] = json.loads(guest.check(f"{command} --json"))["events"]
    return [bare(event) for event in found if event["constraint"] != "userspace"]


def bare(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key not in OF_THE_LOG}
    return {**kept, "kills": [{key: value for key, value in kill.items() if key != "time"} for kill in event["kills"]]}


def test_every_form_of_a_real_log_tells_the_same_of_a_kill_in_a_group_and_of_one_of_the_host(guest: Guest) -> None:
    guest.check("systemctl stop watchdog-oomd; swapoff -a")  # it would end whoever eats before the kernel does
    try:
        victims = [eat(guest, "bounded", f"MemoryMax={LIMIT_MIB}M", "MemorySwapMax=0"), eat(guest, "glutton")]
    finally:
        guest.check("swapon -a; systemctl start watchdog-oomd")
    guest.check("journalctl --sync")
    told = events(guest, "watchdog-oom diagnose --journal")

    assert [event["constraint"] for event in told] == ["memcg", "none"]
    assert [event["short"][0] for event in told] == ["cgroup_limit", "ram_no_swap"]
    assert [[kill["pid"] for kill in event["kills"]] for event in told] == [[victim] for victim in victims]
    assert {kill["comm"] for event in told for kill in event["kills"]} == {"python3"}
    assert told[0]["cgroup"] == {"path": "/system.slice/bounded.service", "limit_bytes": LIMIT_MIB << 20}
    assert all(event["complete"] for event in told)
    assert events(guest, "watchdog-oom diagnose --boot") == told
    for command in (*(f"journalctl -k -q --no-pager -o {form}" for form in JOURNAL_FORMS),
                    *(f"dmesg {options}" for options in DMESG_OPTIONS)):
        assert events(guest, f"{command} | watchdog-oom diagnose -") == told, command
