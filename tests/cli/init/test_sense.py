"""What is read of a host: its own processes with their facts, and those of no container."""

from __future__ import annotations

from tests.cli.conftest import Host
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.sense import _distribution, read_facts
from watchdog_oom.daemon.config import Config

KNOWN = read_known()


def test_the_facts_of_each_process_and_the_command_line_of_interpreters_alone(host: Host) -> None:
    host.put(50, "java", exe="/usr/bin/java", cmdline="java -jar jenkins.war", unit="jenkins.service", rss_mib=64)
    host.put(51, "nginx", exe="/usr/sbin/nginx (deleted)", cmdline="nginx: master", ppid=50)
    facts = read_facts(KNOWN, Config(), str(host.root))
    java, nginx = (next(one for one in facts.processes if one.pid == pid) for pid in (50, 51))
    assert (java.exe, java.cmdline, java.unit, java.user) == (
        "/usr/bin/java", "java -jar jenkins.war", "jenkins.service", "root")
    assert java.rss_bytes == 64 << 20
    assert (nginx.exe, nginx.cmdline, nginx.unit, nginx.ppid) == ("/usr/sbin/nginx", None, None, 50)
    assert facts.memory is not None


def test_a_session_and_a_users_own_manager_are_no_service(host: Host) -> None:
    host.put(60, "a", exe="/usr/bin/a", unit="session-3.scope")
    host.put(61, "b", exe="/usr/bin/b", unit="user@1000.service")
    assert [one.unit for one in read_facts(KNOWN, Config(), str(host.root)).processes if one.pid > 1] == [None, None]


def test_a_service_with_users_of_its_own_is_seen_and_a_container_is_not(host: Host) -> None:
    for pid, exe, unit in ((70, "/usr/bin/redis-check-rdb", "redis-server.service"),
                           (71, "/usr/sbin/mysqld", "docker-1234.scope"), (72, "/usr/sbin/mysqld", "shop.service")):
        host.put(pid, "x", exe=exe, unit=unit)
    for name, user in (("self", 1), ("70", 2), ("71", 3), ("72", 4)):
        (host.root / name / "ns").mkdir(parents=True)
        (host.root / name / "ns/user").symlink_to(f"user:[{user}]")
        (host.root / name / "ns/pid").symlink_to("pid:[1]")
    seen = {one.pid: one for one in read_facts(KNOWN, Config(), str(host.root)).processes}
    assert seen.keys() == {1, 70}
    assert seen[70].own_users is True
    assert seen[1].own_users is False


def test_a_distribution_is_told_by_its_name_for_people(host: Host) -> None:
    path = host.root / "os-release"
    path.write_text('NAME="x"\nPRETTY_NAME="openSUSE Leap 15.6"\n')
    assert _distribution(str(path)) == "openSUSE Leap 15.6"
    assert _distribution(str(host.root / "none")) == ""
