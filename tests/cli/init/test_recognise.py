"""Which process is what: by its program, of an interpreter by its unit, its name or its command line."""

from __future__ import annotations

import pytest

from tests.cli.init.hosts import BARE, process
from watchdog_oom.cli.init.host_facts import SeenHost, SeenProcess
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.recognise import recognise
from watchdog_oom.lean_dataclasses import replace

KNOWN = read_known()


def names(*processes: SeenProcess, installed: frozenset[str] = frozenset()) -> list[str]:
    host: SeenHost = replace(BARE, processes=processes, installed=installed)
    return [each.name for each in recognise(host, KNOWN)[0]]


@pytest.mark.parametrize(("one", "name"), [
    (process(5, "mysqld", "/usr/libexec/mysqld"), "mariadb"),
    (process(5, "anything", "/usr/sbin/nginx"), "nginx"),
    (process(5, "/usr/sbin/amavi", "/usr/bin/perl"), "amavis"),
    (process(5, "x", "/usr/bin/perl", "amavisd.service"), "amavis"),
    (process(5, "java", "/usr/bin/java", cmdline="java -jar /usr/share/jenkins/jenkins.war"), "jenkins"),
    (process(5, "java", "/usr/lib/jvm/a/b/bin/java", cmdline="x org.apache.catalina.startup.Bootstrap"), "tomcat"),
    (process(5, "java", "/usr/lib/jvm/a/b/bin/java"), "java"),
    (process(5, "clamscan", "/usr/bin/clamscan", user="amavis"), "clamscan"),
    (replace(process(5, "redis-server", "/usr/bin/redis-check-rdb", "redis-server.service"), own_users=True), "redis"),
    (process(5, "borg", "/usr/bin/python3.11"), "backup")])
def test_a_process_is_recognised(one: SeenProcess, name: str) -> None:
    assert names(one) == [name]


@pytest.mark.parametrize("one", [
    process(5, "mysqld", "/home/mallory/mysqld"),  # a name is no program
    process(5, "x", "/usr/bin/perl"),
    process(5, "clamscan", "/usr/bin/clamscan", user="root"),  # by hand
    replace(process(5, "mysqld", "/usr/sbin/mysqld", "shop.service"), own_users=True),  # another file by that path
    process(1, "nginx", "/usr/sbin/nginx")])  # a container's first process is not to be ended
def test_what_only_looks_so_is_not(one: SeenProcess) -> None:
    assert names(one) == []


def test_a_job_that_is_installed_is_named_while_it_does_not_run() -> None:
    assert names(installed=frozenset({"/usr/bin/clamscan"})) == ["clamscan"]


def test_units_that_differ_in_a_sign_only_get_names_that_differ() -> None:
    many = [process(number, "java", "/usr/bin/java", unit) for number, unit in
            enumerate(("a.b.service", "a:b.service", "a_b.service", "a_b_2.service"), 10)]
    assert len(set(names(*many))) == 4
