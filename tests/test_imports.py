"""What the daemon imports until READY stays in locked memory for as long as it runs (Law 11), so it is written here."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

READY_SECONDS = 30.0

# Every module below watchdog_oom, without that prefix. Conditions are imported as policies use them.
OURS = """
core core.actions core.bounded core.circumstances core.cleaning core.condition core.conditions core.conditions.kernel
core.conditions.memory core.conditions.pressure core.conditions.process core.conditions.registry
core.conditions.service core.decide core.descent core.family core.form core.glob core.guard core.held_memory
core.history core.hook_action core.hook_state core.matching core.memory core.model core.nouns core.observe
core.opening core.outcome core.pause core.policy core.poll_interval core.requests core.rules core.rules.clean
core.rules.containment core.rules.emergency core.rules.exceeding core.rules.freeze core.rules.inherited_score
core.rules.kill_escalation core.rules.limit core.rules.lost_senses core.rules.maintenance core.rules.protect
core.rules.recovery core.rules.recovery.contain_step core.rules.recovery.progress core.rules.recovery.service_steps
core.rules.recovery.steps core.rules.recovery.survivors core.rules.recovery.transaction core.rules.recovery.trigger
core.rules.recovery.unknowable core.rules.recovery.verify_step core.rules.score_origin core.rules.short_lived
core.rules.surplus core.rules.victims core.rules.waiting_queue core.rules.would core.scores core.shortage
core.steering core.tick core.unit_name core.view daemon daemon.atomic_file daemon.audit daemon.config daemon.console
daemon.control daemon.control.asker daemon.control.caller daemon.control.desk daemon.control.listener
daemon.control.parse daemon.crash_recovery daemon.flight daemon.flight.losses daemon.flight.packing
daemon.flight.recorder daemon.flight.writer_child daemon.kernel_kill_news daemon.link_watch daemon.loop
daemon.options daemon.own_directories daemon.own_lock daemon.performer daemon.policy_loader daemon.policy_store
daemon.reporter daemon.sd_notify daemon.self_protection daemon.signals daemon.state_file daemon.status_file
daemon.wait errors formatting host host.actuators host.children host.children.asked_child host.children.descriptors
host.children.drain host.children.own_code host.children.spawn host.children.supervisor host.clock host.kept_file
host.memory
host.memory.group_files host.memory.group_limit host.memory.kernel_kills host.memory.kmsg host.memory.meminfo
host.memory.psi host.memory.service_memory host.memory.zfs_cache host.processes host.processes.control_group
host.processes.demand host.processes.details host.processes.facts host.processes.lasting host.processes.may_hang
host.processes.namespaces host.processes.oom_score_adj host.processes.pattern_search host.processes.pid_list
host.processes.procfs host.processes.reader host.processes.reader_child host.processes.release host.processes.sharing
host.processes.shortlist host.processes.signals host.processes.slow_patterns host.processes.table
host.processes.user_names host.purge host.purge.job host.purge.jobs host.purge.messages host.purge.request
host.purge.search host.sensors host.services host.services.choose host.services.jobs host.services.lsb
host.services.manager host.services.poller host.services.program_words host.services.tcp_probe host.spools
host.spools.scan_child host.spools.scan_messages host.spools.scanners host.spools.signs_of_life host.syscalls journal
journal.chain journal.evidence journal.files journal.head journal.head_mark journal.inspect journal.reader
journal.record journal.reserve journal.store journal.system_log journal.targets journal.unfinished journal.writer
lean_dataclasses lean_typing paths policy policy.build policy.ownership sha256
"""

# Of whoever has hooks, and of nobody else.
HOOKS = """
core.rules.before_kill core.rules.hook_queue core.rules.hooks
host.hooks host.hooks.runner host.hooks.story policy.programs
"""

# Of whoever has systemd as its service manager.
SYSTEMD = """
host.services.dbus host.services.dbus.connection host.services.dbus.events host.services.dbus.marshal
host.services.dbus.message host.services.dbus.signature host.services.dbus.unmarshal host.services.dbus.wire
host.services.systemd host.services.systemd.bus host.services.systemd.calls host.services.systemd.cgroup
host.services.systemd.dropins host.services.systemd.jobs host.services.systemd.manager
host.services.systemd.memory_bounds host.services.systemd.systemctl host.services.systemd.unit_properties
"""

# Of the standard library, beyond what python -I -S has anyway; their own parts are not listed.
STANDARD = """
bisect collections contextlib copyreg ctypes enum errno fcntl functools gc itertools json keyword math mmap
operator pwd re reprlib select selectors signal socket struct types array warnings
"""

# What belongs to the command, to children, or to a leaner way of doing the same.
NEVER = """
argparse ast asyncio click concurrent copy dataclasses datetime difflib dis email hashlib http importlib.metadata
inspect jeepney logging pathlib pickle platform psutil pygments pyinotify random rich shutil ssl subprocess tempfile
threading tomli tomllib traceback typing unittest urllib urllib.request uuid weakref
"""

LIMIT = '[process.x]\nname = "nobody-is-called-so"\n[limit.x]\nprocess = "x"\nrss = "1GiB"\n'
SPOOL = '[spool.s]\npath = "/var/spool/no-such-spool/tmp"\nentries = "x-*"\nstale_after = "1h"\n'

_PROGRAM = """
import sys
sys.path[:0] = {path!r}
before = set(sys.modules)
try:
    from watchdog_oom.daemon import main
    main()
finally:
    print("\\n".join(set(sys.modules) - before))
"""


def imported(home: Path, policy: str, meanwhile: Callable[[Path], object] = lambda home: None,
             config: str = "", services: str = "service") -> set[str]:
    """The modules of a real daemon that got READY and was then stopped."""
    home.chmod(0o755)
    policies = home / "policies"
    policies.mkdir(mode=0o755)
    (policies / "test.toml").write_text(policy)
    (home / "watchdog-oom.toml").write_text(f'[services]\nmanager = "{services}"\n' + config)
    options = [word for name in ("policies", "state", "log", "runtime") for word in (f"--{name}", str(home / name))]
    options += ["--config", str(home / "watchdog-oom.toml"), "--observe"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(home / "notify"))
        daemon = subprocess.Popen([sys.executable, "-I", "-S", "-c", _PROGRAM.format(path=sys.path), *options],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  env={**os.environ, "NOTIFY_SOCKET": str(home / "notify")})
        try:
            ready, _, _ = select.select([manager], [], [], READY_SECONDS)
            meanwhile(home)
            daemon.terminate()
            told, errors = daemon.communicate(timeout=READY_SECONDS)
        finally:
            daemon.kill()
    assert ready, errors
    return set(told.split())


@pytest.fixture(scope="module")
def with_a_spool(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return imported(tmp_path_factory.mktemp("spool"), LIMIT + SPOOL)


@pytest.fixture(scope="module")
def without_a_spool(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    return imported(tmp_path_factory.mktemp("limit"), LIMIT)


def ask(home: Path) -> None:
    """Requests over the control socket, good and bad, each to its answer."""
    for line in (b'{"v": 1, "ask": "pause", "rule": "x", "for_seconds": 60}', b'{"v": 1, "ask": "resume", "rule": "x"}',
                 b'{"v": 1, "ask": "reload"}', b'{"v": 1, "ask": "run", "rule": "y"}', b"garbage", b"\xff" * 5000):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(READY_SECONDS)
            client.connect(str(home / "runtime" / "control"))
            client.sendall(line + b"\n")
            with suppress(ConnectionResetError):  # of one that was too long not all is read
                while client.recv(4096):
                    pass


def ours(modules: set[str]) -> set[str]:
    return {name.removeprefix("watchdog_oom.") for name in modules if name.startswith("watchdog_oom.")}


def tops(modules: set[str]) -> set[str]:
    """The other packages, without the interpreter's own parts that begin with an underscore."""
    return {name.partition(".")[0] for name in modules if not name.startswith(("watchdog_oom", "_"))}


def test_the_daemon_imports_just_the_modules_of_its_own_that_are_listed(without_a_spool: set[str]) -> None:
    found, listed = ours(without_a_spool), set(OURS.split())
    assert found == listed, (
        f"new: {sorted(found - listed)}; no longer imported: {sorted(listed - found)}. What the daemon imports it "
        "keeps in locked memory: move a new module into a child or behind the feature that needs it, or, if it is "
        "worth its memory (python -m bench footprint), list it in this test.")


def test_a_spool_costs_no_further_module(with_a_spool: set[str], without_a_spool: set[str]) -> None:
    assert with_a_spool == without_a_spool


def test_hooks_cost_their_own_modules_and_only_those_who_have_some(without_a_spool: set[str], tmp_path: Path) -> None:
    with_hooks = imported(tmp_path, LIMIT, config='[hooks]\nbefore_kill = ["/bin/true"]\n')
    assert ours(with_hooks - without_a_spool) == set(HOOKS.split())
    assert tops(with_hooks) == tops(without_a_spool)


def test_systemd_costs_its_own_modules_and_nothing_else(without_a_spool: set[str], tmp_path: Path) -> None:
    """The daemon imports them whether systemd answers or not."""
    with_systemd = imported(tmp_path, LIMIT, services="systemd")
    assert ours(with_systemd - without_a_spool) == set(SYSTEMD.split())
    assert tops(with_systemd) == tops(without_a_spool)
    assert not with_systemd & set(NEVER.split())


def test_a_request_over_the_control_socket_costs_no_further_module(
        without_a_spool: set[str], tmp_path: Path) -> None:
    assert imported(tmp_path, LIMIT, ask) == without_a_spool


def test_the_daemon_imports_nothing_else_of_the_standard_library(with_a_spool: set[str]) -> None:
    new = tops(with_a_spool) - {"sdnotify"} - set(STANDARD.split()) - _started_with()
    assert not new, f"{sorted(new)}: find out who imports it (python -X importtime), do without, or list it here"


def test_nothing_of_the_command_and_nothing_heavy_is_ever_imported(with_a_spool: set[str]) -> None:
    assert not with_a_spool & set(NEVER.split())


def _started_with() -> set[str]:
    """What the interpreter has loaded before anything is imported, and the standard names of those."""
    asked = subprocess.run([sys.executable, "-I", "-S", "-c", "import sys, os, warnings; print(*sys.modules)"],
                           check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in asked.stdout.split()}
