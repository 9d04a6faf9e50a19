"""The package on a Debian host with systemd as PID 1."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.vm.guest import Guest

MEMORY_BUDGET_KIB = 16 << 10
SHIPPED = "/usr/share/watchdog-oom/watchdog_oom/shipped"
STUB = "[Service]\nExecStart=/bin/sleep 7200\n"


def test_apt_installs_the_package_and_the_daemon_runs_at_once(installed: dict[str, Any]) -> None:
    assert installed["apt"].status == 0, installed["apt"].output
    assert installed["state"].output.startswith("active\n"), installed["state"].output


def test_after_a_boot_the_daemon_is_active_and_said_that_it_is_ready(guest: Guest) -> None:
    assert guest.check("systemctl show -p ActiveState,SubState,Type,NRestarts watchdog-oomd | sort") == (
        "ActiveState=active\nNRestarts=0\nSubState=running\nType=notify")
    # It also writes its state for people into STATUS=, which the service manager shows.
    assert "memory" in guest.check("systemctl show -p StatusText --value watchdog-oomd")


def test_status_finds_the_daemon_running_and_lacking_nothing(guest: Guest) -> None:
    guest.check("watchdog-oom status")
    status = json.loads(guest.check("cat /run/watchdog-oom/status.json"))
    assert status["health"]["troubles"] == []
    assert status["policy"]["faults"] == []


def test_the_exposure_of_the_installed_unit_is_below_4(guest: Guest) -> None:
    told = guest.check("systemd-analyze security --no-pager watchdog-oomd | tail -n 1")
    found = re.search(r"Overall exposure level for watchdog-oomd.service: ([0-9.]+)", told)
    assert found is not None, told
    assert float(found[1]) < 4.0


def test_the_kernel_never_chooses_the_daemon_and_its_memory_is_locked(guest: Guest) -> None:
    pid = guest.check("systemctl show -p MainPID --value watchdog-oomd")
    assert guest.check(f"cat /proc/{pid}/oom_score_adj") == "-1000"
    status = dict(line.split(":", 1) for line in guest.check(f"cat /proc/{pid}/status").splitlines())
    locked_kib, resident_kib = int(status["VmLck"].split()[0]), int(status["VmRSS"].split()[0])
    assert locked_kib >= resident_kib
    assert int(status["VmSwap"].split()[0]) == 0
    assert resident_kib < 2 * MEMORY_BUDGET_KIB


def test_the_sandbox_leaves_it_the_kernel_log_and_pressure_triggers(guest: Guest) -> None:
    pid = guest.check("systemctl show -p MainPID --value watchdog-oomd")
    files = guest.check(f"readlink /proc/{pid}/fd/*")
    assert "/dev/kmsg" in files
    assert "/proc/pressure/memory" in files
    assert "Seccomp:\t2" in guest.check(f"cat /proc/{pid}/status")


def test_man_pages_and_completions_are_there(guest: Guest) -> None:
    guest.check("test -s /usr/share/man/man8/watchdog-oomd.8.gz -a -s /usr/share/man/man1/watchdog-oom.1.gz")
    guest.check("test -s /usr/share/man/man5/watchdog-oom-policy.5.gz -a -s /usr/share/man/man5/watchdog-oom.toml.5.gz")
    guest.check("cd /usr/share/bash-completion/completions && bash -n watchdog-oom && bash -n watchdog-oomd")
    told = guest.check("COMP_WORDS='watchdog-oom sta' COMP_CWORD=1 _WATCHDOG_OOM_COMPLETE=bash_complete watchdog-oom")
    assert told == "plain,status"


@pytest.mark.usefixtures("mariadb")
@pytest.mark.parametrize(("policy", "unit", "adj"), [
    ("mail-server", "mariadb.service", "-900"), ("database", "mariadb.service", "-900"),
    ("web-server", "nginx.service", "-500")])
def test_exported_drop_ins_are_understood_by_systemd_and_hold_from_the_next_start(guest: Guest, policy: str, unit: str,
                                                                               adj: str) -> None:
    made = guest.check(f"watchdog-oom export systemd --policies {SHIPPED}/{policy}.toml -o /etc/systemd/system "
                       "2> /dev/null").splitlines()
    units = [path.split("/")[-2].removesuffix(".d") for path in made]
    assert unit in units
    stubs = [name for name in units if guest.run(f"systemctl cat {name} | grep -q '^Exec'").status != 0]
    for name in stubs:
        guest.write(f"/etc/systemd/system/{name}", STUB)
    try:
        told = guest.check(f"systemctl daemon-reload; systemd-analyze verify --man=no {' '.join(units)}")
        assert "watchdog-oom" not in told
        guest.check(f"systemctl restart {unit}")
        assert guest.check(f"systemctl show -p OOMScoreAdjust,OOMPolicy {unit} | sort") == (
            f"OOMPolicy=continue\nOOMScoreAdjust={adj}")
        pid = guest.check(f"systemctl show -p MainPID --value {unit}")
        assert guest.check(f"cat /proc/{pid}/oom_score_adj") == adj
    finally:
        guest.run(f"rm {' '.join(made)}; systemctl stop {' '.join(stubs)}; "
                  f"cd /etc/systemd/system && rm -f {' '.join(stubs)}; systemctl daemon-reload")
