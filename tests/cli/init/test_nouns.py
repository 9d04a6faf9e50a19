"""By what a process is selected, and how a service is probed."""

from __future__ import annotations

from tests.cli.init.hosts import BARE, MAIL, WEB, process
from watchdog_oom.cli.init.host_facts import Listening, SeenHost, SeenProcess
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.nouns import selectors, services, workers
from watchdog_oom.cli.init.recognise import Recognised, recognise
from watchdog_oom.lean_dataclasses import replace

KNOWN = read_known()


def recognised(host: SeenHost, name: str) -> Recognised:
    return next(each for each in recognise(host, KNOWN)[0] if each.name == name)


def only(*processes: SeenProcess, systemd: bool = True) -> tuple[SeenHost, Recognised]:
    host = replace(BARE, processes=processes, has_systemd=systemd)
    return host, recognise(host, KNOWN)[0][0]


def test_a_protected_service_is_told_by_program_and_unit() -> None:
    assert selectors(recognised(MAIL, "mariadb"), MAIL) == [("exe", '"/usr/sbin/mariadbd"'),
                                                            ("unit", '"mariadb.service"')]


def test_what_runs_in_a_session_too_is_told_by_its_user() -> None:
    host, found = only(process(5, "nginx", "/usr/sbin/nginx", "nginx.service"),
                       process(6, "nginx", "/usr/sbin/nginx", "session-3.scope", user="www-data"))
    assert selectors(found, host) == [("exe", '"/usr/sbin/nginx"'), ("user", '["root", "www-data"]')]


def test_an_interpreter_alone_selects_nobody() -> None:
    host, found = only(process(5, "java", "/usr/bin/java", user=""))
    assert selectors(found, host) == []


def test_a_hostile_unit_or_user_selects_nobody() -> None:
    host, found = only(process(5, "java", "/usr/bin/java", '-"\n].service', user="\udcff"))
    assert selectors(found, host) == []


def test_workers_are_those_of_its_program_below_it() -> None:
    assert [one.pid for one in workers(recognised(WEB, "php_fpm"), WEB)] == [411]
    assert [one.pid for one in workers(recognised(WEB, "jenkins"), WEB)] == [441]


def test_a_greeting_is_expected_where_it_is_known_and_the_nearest_address_is_asked() -> None:
    one = process(5, "master", "/usr/lib/postfix/sbin/master", "postfix.service")
    host, found = only(replace(one, listens=(Listening(25, "192.0.2.1"), Listening(25, "::1"))))
    assert services(found, host)[0].probe == '{ tcp = "[::1]:25", expect = "220", within = "90s" }'


def test_a_port_that_is_not_known_is_asked_whether_it_answers() -> None:
    host, found = only(process(5, "mariadbd", "/usr/sbin/mariadbd", "mariadb.service", ports=(3307,)))
    assert services(found, host)[0].probe == '{ tcp = "127.0.0.1:3307", within = "10min" }'


def test_a_program_in_somebody_elses_unit_is_no_service_to_start() -> None:
    host, found = only(process(5, "mariadbd", "/usr/sbin/mariadbd", "app.service"))
    assert services(found, host) == ()


def test_two_instances_are_two_services() -> None:
    host, found = only(process(5, "postgres", "/usr/lib/postgresql/15/bin/postgres", "postgresql@15-main.service"),
                       process(6, "postgres", "/usr/lib/postgresql/16/bin/postgres", "postgresql@16-main.service"))
    assert [(one.name, one.unit) for one in services(found, host)] == [
        ("postgresql", "postgresql@15-main.service"), ("postgresql_2", "postgresql@16-main.service")]
