"""Recoveries of Debian's own cron and mariadb through ``service``: real init scripts, real daemons, a real probe.

They restart services of the host, so they run only when asked for (``make test-services``), as root, where systemd is
not in charge. What they started they stop again.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.miniature.daemon import OwnDaemon

pytestmark = [pytest.mark.services, pytest.mark.timeout(240),
              pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="systemd is in charge here")]


def service(name: str, verb: str) -> int:
    return subprocess.run(["service", name, verb], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False, timeout=120).returncode


def pid_of(pidfile: str) -> int:
    path = Path(pidfile)
    return int(path.read_text()) if path.exists() and path.read_text().strip() else 0


@pytest.fixture
def running(request: pytest.FixtureRequest) -> Iterator[str]:
    """The named service, running; stopped afterwards if it did not run before."""
    name = str(request.param)
    if not Path(f"/etc/init.d/{name}").exists():
        pytest.skip(f"{name} is not installed")
    was_running = service(name, "status") == 0
    if not was_running:
        assert service(name, "start") == 0
    yield name
    if not was_running:
        service(name, "stop")


def restarted(tmp_path: Path, name: str, extra: str, steps: str) -> OwnDaemon:
    """A daemon whose recovery of the service fires at once, watched until it is over."""
    tmp_path.chmod(0o755)
    watch = OwnDaemon(tmp_path / "daemon", f'''
[process.canary]
exe = "/usr/bin/sleep"
cmdline = "4242.{os.getpid()}"
[service.it]
unit = "{name}.service"
stable_for = "1s"
{extra}
[recover.it]
when = [ {{ process = "canary", count_above = 0 }} ]
steps = [ {steps} ]
''')
    canary = subprocess.Popen(["/usr/bin/sleep", f"4242.{os.getpid()}"])
    try:
        watch.start()
        watch.wait_for(lambda: [r for r in watch.records("incident") if (r["result"] or "").startswith("closed")], 180,
                       "the end of the recovery")
    finally:
        canary.kill()
        canary.wait()
        watch.stop()
    closed = [record for record in watch.records("incident") if (record["result"] or "").startswith("closed")]
    assert closed[0]["result"] == "closed: success"
    return watch


@pytest.mark.parametrize("running", ["cron"], indirect=True)
def test_cron_is_restarted_by_a_recovery_and_has_another_pid(running: str, tmp_path: Path) -> None:
    before = pid_of("/var/run/crond.pid")
    assert before
    restarted(tmp_path, running, "", '{ restart = "it" }, { verify = "it" }')
    after = pid_of("/var/run/crond.pid")
    assert after not in (0, before)
    assert Path(f"/proc/{after}/comm").read_text().strip() == "cron"
    assert Path(f"/proc/{after}/oom_score_adj").read_text().strip() == "0", "the daemon's own protection must not leak"


@pytest.mark.parametrize("running", ["mariadb"], indirect=True)
def test_mariadb_is_restarted_by_a_recovery_and_its_probe_greets(running: str, tmp_path: Path) -> None:
    before = pid_of("/run/mysqld/mysqld.pid")
    assert before
    watch = restarted(tmp_path, running, 'probe = { tcp = "127.0.0.1:3306", expect = "MariaDB", within = "60s" }',
                      '{ restart = "it" }, { verify = "it" }')
    after = pid_of("/run/mysqld/mysqld.pid")
    assert after not in (0, before)
    probes = [r for r in watch.records("outcome") if r["step"] == "probe it"]
    assert "MariaDB" in probes[-1]["result"]
