"""Recipes against programs that behave as clamd and mysqld do, and against the real apt-get and dpkg."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cookbook.conftest import Recipe, Scripts
from tests.cookbook.test_real import closed, holding, resident_mib, signalled
from tests.miniature.daemon import MakeDaemon, Spawn
from tests.miniature.groups import RealGroup
from tests.miniature.proc_tree import Proc

MINIATURE = Path(__file__).parents[1] / "miniature"
CLAMD = "watchdog-oom-test-clamd"
REPORT = "report@watchdog-oom-test.service"
IN_THE_MIDDLE = {"low": 'memory_available_below = "10%", for = "10s" => memory_available_below = "100%", for = "200ms"'}
LONG_AFTER = {"long": 'for = "30min" => for = "1500ms"'}


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize(("when", "fits"), [(IN_THE_MIDDLE, ""), (LONG_AFTER, ".")],
                         ids=["memory runs out", "never given back"])
def test_clamd_that_holds_two_copies_is_restarted_and_a_reload_that_fits_is_left_alone(
        daemon: MakeDaemon, recipe: Recipe, scripts: Scripts, real_group: Callable[[str], RealGroup],
        when: dict[str, str], fits: str) -> None:
    clamd = scripts.home / CLAMD
    scripts.add_program(CLAMD, "clamd", str(MINIATURE / "clamd.py"), str(clamd), "30",
                        group=real_group(f"system.slice/{CLAMD}.service"))
    watch = daemon(recipe("clamd-reload", {"/usr/sbin/clamd": "clamd"}, **when, score="-300 => 100",
                          unit=f'"clamav-daemon.service" => "{CLAMD}.service"', copies='"2GiB" => "50MiB"',
                          socket='triggers   = ["clamav-daemon.socket"] => ', stable='"5s" => "100ms"',
                          probe='["/usr/bin/clamdscan", "--ping", "1"] => '
                                f'["/usr/bin/test", "-e", "{clamd}/up"]'),
                   config=scripts.config)
    assert subprocess.run([scripts.directory / CLAMD, "start"], check=False, timeout=10).returncode == 0
    watch.start()
    if fits:
        reload_of(clamd, watch.wait_for, fits)
    (clamd / "keeps").touch()
    reload_of(clamd, watch.wait_for, fits + ".")
    watch.wait_for(lambda: closed(watch, "recover.clamd"), 15, "the restart")
    assert scripts.asked() == [f"start {CLAMD}", f"stop {CLAMD}", f"start {CLAMD}"]
    assert 30 <= resident_mib(int((clamd / "pid").read_text())) < 50
    assert signalled(watch) == set()


def reload_of(clamd: Path, wait_for: Callable[..., float], dots: str) -> None:
    """freshclam tells it of new signatures."""
    os.kill(int((clamd / "pid").read_text()), signal.SIGUSR2)
    wait_for(lambda: (clamd / "reloads").exists() and (clamd / "reloads").read_text() == dots, 10, "the reload")


@pytest.fixture
def proc(home: Path) -> Proc:
    return Proc(home / "proc")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.parametrize("room", [True, False])
def test_mysqld_is_started_again_when_there_is_room_and_else_the_report_gives_way_first(
        daemon: MakeDaemon, spawn: Spawn, recipe: Recipe, scripts: Scripts, proc: Proc, port: int,
        real_group: Callable[[str], RealGroup], room: bool) -> None:
    unit = real_group(f"system.slice/{REPORT}").unit
    report = spawn(f"open('{unit}/cgroup.procs', 'w').write('0')\n{holding(40)}", "report")
    backup = spawn(holding(40), "backup")
    for child in (report, backup):
        proc.show(child.pid)
    mysql = scripts.home / "mysql"
    scripts.add_program("mysql", "mysqld", str(MINIATURE / "innodb.py"), str(mysql), str(port),
                        str(scripts.home / "bin" / "report"))
    watch = daemon(recipe("mysql-buffer-pool", {"/usr/sbin/mysqld": "mysqld"}, rss='"100MiB" => "30MiB"',
                          user='user = "mysql" => ', held='for = "10s" => for = "200ms"',
                          probe=f"127.0.0.1:3306 => 127.0.0.1:{port}"), config=scripts.config)
    watch.wait_for(lambda: min(resident_mib(child.pid) for child in (report, backup)) >= 40, 5, "both jobs")
    assert subprocess.run([scripts.directory / "mysql", "start"], check=False, timeout=10).returncode == 1
    assert "Cannot allocate memory" in (mysql / "error.log").read_text()
    if room:
        report.kill()  # it has ended by itself
        report.wait()
    proc.memory(available=600000 if room else 200000, swap_free=500000)
    watch.start("--proc", str(proc.root))
    if not room:
        assert report.wait(10) == -signal.SIGTERM
        proc.memory(available=600000, swap_free=500000)
    watch.wait_for(lambda: closed(watch, "recover.mysql" if room else "recover.make_room"), 15, "the recovery")
    assert scripts.asked() == ["start mysql", "start mysql"]
    assert signalled(watch) == (set() if room else {report.pid})
    assert backup.poll() is None
    probes = [record["ok"] for record in watch.records("outcome") if record["step"].startswith("probe")]
    assert probes[-1:] == [True]


@pytest.fixture
def apt(home: Path) -> Iterator[Path]:
    """A root of its own for apt-get and dpkg, with a package whose script makes an initramfs, so to speak."""
    if not all(map(shutil.which, ("apt-get", "dpkg", "dpkg-deb"))):
        pytest.skip("needs apt-get and dpkg")
    root, package = home / "root", home / "package" / "DEBIAN"
    for name in ("dpkg/info", "dpkg/updates", "dpkg/triggers", "apt/lists/partial"):
        (root / "var/lib" / name).mkdir(parents=True)
    for name in ("var/cache/apt/archives/partial", "var/log/apt", "etc/apt"):
        (root / name).mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    (home / "apt.conf").write_text(
        f'Dir "{root}/"; Dir::State::status "{root}/var/lib/dpkg/status"; Dir::Bin::dpkg "/usr/bin/dpkg";\n'
        f'Dir::Bin::Methods "/usr/lib/apt/methods"; APT::Sandbox::User "root";\n'
        f'DPkg::Options {{ "--root={root}"; "--force-script-chrootless"; "--log={home}/dpkg.log"; }};\n')
    package.mkdir(parents=True)
    (package / "control").write_text("Package: watchdog-oom-test\nVersion: 1\nArchitecture: all\n"
                                     "Maintainer: nobody <nobody@example.org>\nDescription: a test\n")
    code = (f"import os, time; held = bytearray(60 << 20); open('{home}/began', 'w').close()\n"
            f"while not os.path.exists('{home}/go'): time.sleep(0.05)\n")
    (home / "mkinitramfs.py").write_text(code)
    script = package / "postinst"
    script.write_text(f"#!/bin/sh\nset -e\necho begins\n{sys.executable} -S {home}/mkinitramfs.py\necho ends\n")
    script.chmod(0o755)
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(package.parent), str(home / "test.deb")],
                   check=True, stdout=subprocess.DEVNULL, timeout=20)
    yield root
    (home / "go").touch()


def below(pid: int) -> list[int]:
    """Everybody who descends from it."""
    children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for child in children for each in (child, *below(child))]


@pytest.mark.root
def test_apt_get_dpkg_and_the_script_of_a_package_live_through_an_emergency_and_the_package_is_installed(
        daemon: MakeDaemon, spawn: Spawn, recipe: Recipe, proc: Proc, home: Path, apt: Path) -> None:
    watch = daemon(recipe("package-manager", {}, score="-900 => 100", log=f'"/var/log/apt" => "{apt}/var/log/apt"'))
    watch.start("--proc", str(proc.root))
    indexer = spawn(holding(40), "indexer")
    with (home / "apt.out").open("wb") as out:
        installing = subprocess.Popen(["apt-get", "-y", "install", str(home / "test.deb")], stdin=subprocess.DEVNULL,
                                      stdout=out, stderr=out, env={**os.environ, "APT_CONFIG": str(home / "apt.conf")})
    watch.wait_for((home / "began").exists, 15, "the script of the package")
    everybody = [installing.pid, *below(installing.pid)]
    assert len(everybody) == 4, "apt-get, dpkg, the script, and what it calls, which is larger than the indexer"
    for pid in (*everybody, indexer.pid):
        proc.show(pid)
    proc.memory(available=60000, swap_free=10000)
    assert indexer.wait(10) in (-signal.SIGTERM, -signal.SIGKILL)
    watch.wait_for(lambda: [record for record in watch.records("incident", rule="emergency")
                            if "nobody is left who may be ended" in record["result"]], 10, "that all are passed over")
    assert signalled(watch) == {indexer.pid}
    proc.memory(available=900000, swap_free=500000)
    (home / "go").touch()
    assert installing.wait(20) == 0, (home / "apt.out").read_text()
    assert "Status: install ok installed" in (apt / "var/lib/dpkg/status").read_text()
