"""The table of known software: well formed, each thing known once, and all of what people ask for."""

from __future__ import annotations

import re
from collections import Counter

from tests.cli.init.hosts import HOSTS
from watchdog_oom.cli.init.known import Role, matches, read_known
from watchdog_oom.cli.init.recognise import recognise
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.unit_name import is_unit_name
from watchdog_oom.policy.units import parse_duration, parse_size

KNOWN = read_known()
ASKED_FOR = {"amavis", "clamav", "clamscan", "postfix", "exim", "dovecot", "spamassassin", "mariadb", "postgresql",
             "redis", "apache", "nginx", "php_fpm", "tomcat", "java", "jenkins", "docker", "cups", "cron", "mrtg",
             "backup"}
BACKUP_TOOLS = ("restic", "borg", "rsnapshot", "bacula-fd", "rsync", "duplicity")


def test_no_program_no_unit_and_no_spool_is_known_twice() -> None:
    for things in ([exe for known in KNOWN for exe in known.exe], [unit for known in KNOWN for unit in known.units],
                   [path for known in KNOWN for spool in known.spools for path in spool.paths],
                   [spool.name for known in KNOWN for spool in known.spools], [known.title for known in KNOWN]):
        assert [thing for thing, count in Counter(things).items() if count > 1] == []


def test_every_value_is_one_that_a_policy_takes() -> None:
    for known in KNOWN:
        assert re.fullmatch(r"[a-z_]+", known.name)
        assert known.exe or known.cmdline or known.scripts, known.name
        assert all(exe.startswith("/") and glob_pattern(exe, path=True) for exe in known.exe)
        assert all(is_unit_name(unit.replace("*", "x")) for unit in known.units)
        assert re.compile(known.cmdline) and re.compile(known.master)
        assert known.role is not Role.JOB or known.rss, known.name
        for text in filter(None, (known.runtime, known.start_within)):
            assert parse_duration(text) > 0
        assert not known.rss or parse_size(known.rss)
        assert known.score is None or -1000 < known.score < 0
        assert not known.master or known.workers
        assert not known.repair or known.repair in {other.name for other in KNOWN}
        for spool in known.spools:
            assert spool.why
            assert parse_duration(spool.stale_after) >= 3600, "young files are in use"


def test_all_that_a_server_usually_runs_is_known() -> None:
    assert ASKED_FOR - {known.name for known in KNOWN} == set()
    backup = next(known for known in KNOWN if known.name == "backup")
    assert [tool for tool in BACKUP_TOOLS if not any(tool in name for name in (*backup.exe, *backup.scripts))] == []


def test_the_names_of_each_family_of_distributions_are_known() -> None:
    for unit, name in (("apache2.service", "apache"), ("httpd.service", "apache"), ("amavis.service", "amavis"),
                       ("amavisd.service", "amavis"), ("clamd@scan.service", "clamav"), ("crond.service", "cron"),
                       ("clamav-daemon.service", "clamav"), ("exim4.service", "exim"), ("mysqld.service", "mariadb"),
                       ("postgresql@15-main.service", "postgresql"), ("postgresql-16.service", "postgresql"),
                       ("php8.2-fpm.service", "php_fpm"), ("php-fpm.service", "php_fpm"), ("redis.service", "redis")):
        assert [known.name for known in KNOWN if matches(known.units, unit)] == [name], unit


def test_each_process_of_the_hosts_is_recognised_as_what_it_is() -> None:
    found = {each.name for host in HOSTS.values() for each in recognise(host, KNOWN)[0]}
    assert {"postfix", "amavis", "clamscan", "mariadb", "apache", "nginx", "php_fpm", "postgresql", "redis", "jenkins",
            "java_shop", "java_search_1", "docker", "spamassassin", "cron"} <= found
