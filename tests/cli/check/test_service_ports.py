"""On which ports a service listens: a real socket of a child, told by the page and by both JSON documents."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from watchdog_oom.cli.check.service_ports import probe_hints, service_ports
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.model import ServiceState, ServiceStatus, Snapshot
from watchdog_oom.core.nouns import ProcessNoun, ServiceNoun, TcpProbe
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.host.clock import read_clock
from watchdog_oom.host.processes.procfs import read_stat

Write = Callable[..., Path]
COMMAND = [sys.executable, "-c", "from watchdog_oom.cli import main; main()"]
LISTEN = ("import socket, sys\none = socket.create_server(('127.0.0.1', 0))\nprint(one.getsockname()[1], flush=True)\n"
          "sys.stdin.read()")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """The pid and port of a process called ``mailer``."""
    program = tmp_path / "mailer"
    program.write_bytes(Path(sys.executable).resolve().read_bytes())
    program.chmod(0o755)
    child = subprocess.Popen([program, "-S", "-c", LISTEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             env={"PYTHONHOME": sys.base_prefix})
    assert child.stdout is not None
    yield child.pid, int(child.stdout.readline())
    child.kill()
    child.communicate()


def _view(pid: int, state: ServiceState, service: ServiceNoun, *nouns: ProcessNoun) -> View:
    process = read_stat("/proc", pid)
    assert process is not None
    snapshot = Snapshot(clock=read_clock(), processes={pid: process}, services={service.name: state})
    return View(snapshot, Policy(services={service.name: service}, processes={noun.name: noun for noun in nouns}))


def _active(main_pid: int = 0) -> ServiceState:
    return ServiceState("mail.service", ServiceStatus.ACTIVE, 0.0, main_pid=main_pid)


MAIL = ServiceNoun("mail", "mail.service")
MAILER = ProcessNoun("mail", comm=(re.compile("mailer"),))


def test_the_main_process_of_a_service_tells_its_ports_and_a_probe_for_them_is_proposed(
        server: tuple[int, int]) -> None:
    pid, port = server
    view = _view(pid, _active(main_pid=pid), MAIL)
    ports = service_ports(view, DetailReader())
    assert [str(one) for one in ports["mail"]] == [f"127.0.0.1:{port}/tcp"]
    hint, = probe_hints(view, ports)
    assert hint == (f"service mail: has no probe; it listens on 127.0.0.1:{port}/tcp, so "
                    f'probe = {{ tcp = "127.0.0.1:{port}" }} would check whether it answers')


def test_where_no_manager_tells_its_processes_those_of_the_noun_of_that_name_do(server: tuple[int, int]) -> None:
    pid, port = server
    ports = service_ports(_view(pid, _active(), MAIL, MAILER), DetailReader())
    assert [one.port for one in ports["mail"]] == [port]
    assert service_ports(_view(pid, _active(), MAIL), DetailReader()) == {}


def test_a_service_with_a_probe_needs_no_hint_and_one_that_is_down_listens_on_nothing(
        server: tuple[int, int]) -> None:
    pid, port = server
    probed = ServiceNoun("mail", "mail.service", probe=TcpProbe("127.0.0.1", port))
    view = _view(pid, _active(main_pid=pid), probed)
    assert list(probe_hints(view, service_ports(view, DetailReader()))) == []
    down = ServiceState("mail.service", ServiceStatus.INACTIVE, 0.0, main_pid=pid)
    assert service_ports(_view(pid, down, MAIL), DetailReader()) == {}


def _asked(command: str, policy: Path, tmp_path: Path, *more: str) -> str:
    asked = subprocess.run([*COMMAND, command, str(policy), *more], capture_output=True, text=True, check=False,
                           timeout=20)
    assert asked.returncode in (0, 1), asked.stderr
    return asked.stdout


def test_check_tells_ports_users_and_boot_of_this_host(server: tuple[int, int], policy: Write, tmp_path: Path) -> None:
    pid, port = server
    path = policy('[process.p]\nname = "mailer"\n[limit.l]\nprocess = "p"\nruntime = "9d"\n')
    page = _asked("check", path, tmp_path)
    assert "\n  booted " in page
    row = next(line.split() for line in page.splitlines() if line.split()[:1] == [str(pid)])
    assert (row[-2], row[-1]) == (f"127.0.0.1:{port}/tcp", "mailer")
    host: dict[str, Any] = json.loads(_asked("check", path, tmp_path, "--json"))["host"]
    assert list(host) == ["processes", "spools", "services", "booted", "logins"]
    process = host["processes"]["p"][0]
    assert process["listens"] == [f"127.0.0.1:{port}/tcp"]
    assert {"terminal", "listens", "cpu_seconds", "threads"} <= process.keys()


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="init scripts do not count where systemd runs")
def test_check_tells_on_which_ports_a_running_service_listens(
        server: tuple[int, int], policy: Write, tmp_path: Path) -> None:
    scripts = tmp_path / "init.d"
    scripts.mkdir()
    (scripts / "mailer").write_text("#!/bin/sh\nexit 0\n")
    (scripts / "mailer").chmod(0o755)
    config = tmp_path / "config.toml"
    config.write_text(f'[services]\ninit_dir = "{scripts}"\n')
    config.chmod(0o644)
    path = policy('[process.mail]\nname = "mailer"\n[limit.mail]\nprocess = "mail"\nruntime = "9d"\n'
                  '[service.mail]\nunit = "mailer.service"\n'
                  '[recover.mail]\nwhen = [{ process = "mail", count_above = 9, for = "15s" }]\n'
                  'steps = [{ restart = ["mail"] }, { verify = ["mail"] }]\n')
    page = _asked("check", path, tmp_path, "--config", str(config))
    told = f"listens on 127.0.0.1:{server[1]}/tcp"
    line = next(line for line in page.splitlines() if "mailer.service is active" in line)
    assert line.endswith(f", {told}")
    assert f"service mail: has no probe; it {told}, so probe = " in page
    plain = json.loads(_asked("check", path, tmp_path, "--config", str(config), "--json"))
    assert plain["host"]["services"]["mail"]["listens"] == [f"127.0.0.1:{server[1]}/tcp"]


def test_plan_tells_what_would_be_missed_without_a_candidate(
        server: tuple[int, int], policy: Write, tmp_path: Path) -> None:
    pid, port = server
    path = policy('[process.p]\nname = "mailer"\n[emergency]\nprefer = ["p"]\n')
    where = ("--state", str(tmp_path / "state"), "--runtime", str(tmp_path / "runtime"))
    plain = json.loads(_asked("plan", path, tmp_path, *where, "--json"))
    candidates = plain["emergency"]["candidates"]
    assert all({"terminal", "listens", "cpu_seconds", "threads"} <= one.keys() for one in candidates)
    page = _asked("plan", path, tmp_path, *where)
    assert any(f"{one['name']}[{one['pid']}], " in page for one in candidates)  # others may have ended meanwhile
    mine = [one for one in candidates if one["pid"] == pid]
    if mine:  # its memory may be too little to be among the first
        assert mine[0]["listens"] == [f"127.0.0.1:{port}/tcp"]
        assert f"listens on 127.0.0.1:{port}/tcp)" in page
