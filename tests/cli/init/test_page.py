"""The text of a first policy: accepted by the real loader whatever a host is like, and what it proposes where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.init.hosts import BARE, HOSTS, MAIL, SYSV, WEB, process
from tests.examples import at_most
from watchdog_oom.cli.check.lint import lint
from watchdog_oom.cli.init.host_facts import Listening, SeenHost, SeenProcess
from watchdog_oom.cli.init.known import read_known
from watchdog_oom.cli.init.page import first_policy
from watchdog_oom.core.glob import glob_pattern
from watchdog_oom.core.model import SpoolState
from watchdog_oom.core.nouns import Namespaces, TcpProbe
from watchdog_oom.core.policy import Mode, Policy, Then
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import Loaded, load_policy

KNOWN = read_known()
SCHEMA = "file:///usr/share/policy.schema.json"
Load = Callable[[str], Loaded]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """The real loader's answer about a text."""
    path = tmp_path_factory.mktemp("policies") / "init.toml"

    def load(text: str) -> Loaded:
        path.write_text(text, encoding="utf-8")
        return load_policy(files=[str(path)], check_ownership=False)
    return load


def acting(policy: Policy) -> list[str]:
    """Everything in a policy that would change something on the host."""
    return [*(f"limit.{limit.name}" for limit in policy.limits.values() if limit.then is not Then.REPORT),
            *(f"protect.{one.name}" for one in policy.protects.values() if one.oom_score_adj is not None),
            *(f"recover.{one.name}" for one in policy.recovers.values() if one.mode is not Mode.OBSERVE),
            *(f"clean.{one.name}" for one in policy.cleans.values() if one.mode is not Mode.OBSERVE),
            *(["emergency"] if policy.emergency.mode is not Mode.OBSERVE else [])]


@pytest.mark.parametrize("name", HOSTS)
def test_a_first_policy_is_valid_without_a_warning_of_its_own_and_only_observes(name: str, loaded: Load) -> None:
    found = loaded(first_policy(HOSTS[name], KNOWN, SCHEMA))
    policy = build_policy(found.ir)
    assert found.warnings == ()
    assert list(lint(policy, found.ir)) == []
    assert acting(policy) == []


@pytest.mark.parametrize("name", HOSTS)
def test_its_first_line_names_the_schema_and_no_line_is_wider_than_a_page(name: str) -> None:
    lines = first_policy(HOSTS[name], KNOWN, SCHEMA).splitlines()
    assert lines[0] == f"#:schema {SCHEMA}"
    assert [line for line in lines if len(line) > 120 and not line.startswith(("exe", "description"))] == []


def test_the_mail_server_of_the_incident_gets_its_repair(loaded: Load) -> None:
    policy = build_policy(loaded(first_policy(MAIL, KNOWN, SCHEMA)).ir)
    assert {"postfix", "mariadb", "system"} <= policy.protects.keys()
    assert {"amavis", "clamscan", "apache_worker"} == policy.limits.keys()
    assert [str(step) for step in policy.recovers["amavis_hangs"].steps] == [
        "stop amavis", "kill clamscan", "purge amavis_tmp", "start what was stopped", "verify amavis"]
    assert policy.spools["amavis_tmp"].path == "/var/spool/vscan/tmp"
    assert policy.services["amavis"].unit == "amavis.service"
    assert policy.services["amavis"].probe == TcpProbe("127.0.0.1", 10024, "220", 120.0)
    assert policy.emergency.prefer == ("clamscan", "apache_worker")


def test_a_service_with_users_of_its_own_is_selected_by_its_unit_in_any_namespace(loaded: Load) -> None:
    policy = build_policy(loaded(first_policy(WEB, KNOWN, SCHEMA)).ir)
    redis = policy.processes["redis"]
    assert redis.namespaces is Namespaces.ANY
    assert [unit.pattern for unit in redis.unit] == [glob_pattern("redis-server.service").pattern]
    assert [name for name, noun in policy.processes.items() if noun.namespaces is Namespaces.ANY] == ["redis"]
    assert policy.services["redis"].unit == "redis-server.service"


def test_package_managers_are_protected_whether_they_run_or_not_and_in_any_language(loaded: Load) -> None:
    values = loaded(first_policy(WEB, KNOWN, SCHEMA)).ir
    assert "/usr/bin/dpkg" in values["process"]["system"]["exe"]
    assert values["process"]["packages"] == {"exe": ("/usr/bin/python3.11",), "unit": ("unattended-upgrades.service",)}
    assert {"system", "packages"} <= values["protect"].keys()


def test_a_master_is_told_by_its_unit_as_well(loaded: Load) -> None:
    values = loaded(first_policy(WEB, KNOWN, SCHEMA)).ir
    assert values["process"]["php_fpm_master"]["unit"] == ("php8.2-fpm.service",)


def test_the_watchdog_itself_is_nothing_unknown() -> None:
    assert "watchdog-oomd" not in first_policy(WEB, KNOWN, SCHEMA)


def test_mail_in_a_queue_is_told_and_never_cleared(loaded: Load) -> None:
    text = first_policy(MAIL, KNOWN, SCHEMA)
    assert "/var/spool/postfix/deferred: this is mail" in text
    assert "/var/spool/postfix/deferred" not in {spool.path for spool in build_policy(loaded(text).ir).spools.values()}


def test_limits_are_above_what_is_seen_now_and_the_numbers_stand_beside_them(loaded: Load) -> None:
    text = first_policy(WEB, KNOWN, SCHEMA)
    policy = build_policy(loaded(text).ir)
    worker = policy.limits["php_fpm_worker"].rss
    assert worker is not None
    assert worker.amount_bytes == 512 << 20
    assert "three times the largest now, php-fpm8.2[411] with 150 MiB" in text
    assert "90000, older than 24h: 70000" in " ".join(text.replace("\n# ", " ").split())


def test_each_service_of_a_kind_of_program_is_one_of_its_own(loaded: Load) -> None:
    policy = build_policy(loaded(first_policy(WEB, KNOWN, SCHEMA)).ir)
    assert {"java_shop", "java_search_1"} <= policy.limits.keys()
    assert policy.services["java_shop"].unit == "shop.service"
    assert "java_jenkins" not in policy.services


def test_of_jenkins_the_controller_is_protected_and_its_builds_are_limited(loaded: Load) -> None:
    values = loaded(first_policy(WEB, KNOWN, SCHEMA)).ir
    assert values["process"]["jenkins"]["cmdline"] == (r"jenkins\.war",)
    assert values["process"]["jenkins_worker"] == {"parent": ("jenkins",)}
    assert values["protect"]["jenkins"]["process"] == "jenkins"
    assert values["limit"]["jenkins_worker"]["total_rss"] == ("percent", 50.0)


def test_routine_cleaning_is_proposed_only_for_what_is_known_to_be_safe(loaded: Load) -> None:
    assert [clean.spool for clean in build_policy(loaded(first_policy(WEB, KNOWN, SCHEMA)).ir).cleans.values()] == [
        "php_sessions"]


def test_a_refused_directory_gets_no_rule(loaded: Load) -> None:
    refused = replace(WEB, spools={"/var/lib/php/sessions": SpoolState(1.0, problem="/var/lib/php is a link")})
    text = first_policy(refused, KNOWN, SCHEMA)
    assert "/var/lib/php is a link" in text
    assert build_policy(loaded(text).ir).cleans == {}


def test_without_systemd_processes_are_told_by_user_and_services_by_their_init_script(loaded: Load) -> None:
    values = loaded(first_policy(SYSV, KNOWN, SCHEMA)).ir
    assert values["process"]["mariadb"] == {"exe": ("/usr/libexec/mysqld",), "user": ("mysql",)}
    assert values["process"]["spamassassin"] == {"exe": ("/usr/bin/perl",), "name": ("spamd child",),
                                                 "user": ("debian-spamd",)}
    assert values["service"]["mariadb"]["unit"] == "mysqld"
    assert "spamassassin" not in values["service"]


def test_it_tells_the_largest_of_what_it_does_not_know() -> None:
    unknown = first_policy(WEB, KNOWN, SCHEMA).partition("What was not understood")[2]
    assert '400 MiB in 1 of server: exe = "/opt/app/bin/server", unit = "app.service"' in unknown


def test_a_host_with_nothing_gets_a_policy_that_says_so(loaded: Load) -> None:
    text = first_policy(BARE, KNOWN, SCHEMA)
    assert "memory that could not be judged" in text
    assert "No process of 16 MiB or more is unknown." in text
    assert build_policy(loaded(text).ir).processes == {}


def test_what_the_built_in_policy_would_have_done_is_said_where_the_emergency_only_observes() -> None:
    assert "left to the kernel's OOM killer, which the built-in policy" in " ".join(
        first_policy(MAIL, KNOWN, SCHEMA).replace("\n# ", " ").split())


NASTY = st.text(st.one_of(st.sampled_from('"\\\'#[]{}=*?\n\r\t\0\x7f\x85\u2028\ud800\u202e $(){}`,'), st.characters()),
                max_size=15)
KNOWN_EXE = st.sampled_from(sorted({exe.replace("**", "x").replace("*", "x") for known in KNOWN for exe in known.exe}
                                   | {"/usr/bin/perl", "/usr/bin/python3.11", "/usr/bin/java"}))
UNITS = st.one_of(st.none(), NASTY, st.builds("{}.service".format, NASTY),
                  st.sampled_from(sorted({unit.replace("*", "x") for known in KNOWN for unit in known.units})))
PROCESSES = st.builds(
    SeenProcess, st.integers(1, 50), st.integers(0, 50), NASTY, st.integers(0, 1 << 34),
    exe=st.one_of(st.none(), NASTY, NASTY.map("/".__add__), KNOWN_EXE), user=st.one_of(st.none(), NASTY),
    cmdline=st.one_of(st.none(), NASTY, st.just("java -jar jenkins.war")), own_unit=UNITS,
    listens=st.lists(st.builds(Listening, st.integers(1, 65535), st.sampled_from(["", "127.0.0.1", "fe80::1"])),
                     max_size=3).map(tuple))
SPOOLS = st.dictionaries(
    st.sampled_from(sorted({path for known in KNOWN for spool in known.spools for path in spool.paths})),
    st.builds(SpoolState, st.just(1.0), problem=st.one_of(st.none(), NASTY), entries=st.integers(0, 10**9),
              stale=st.integers(0, 10**9), complete=st.booleans()))
FACTS = st.builds(
    SeenHost, NASTY, NASTY, st.booleans(), st.sampled_from([None, MAIL.memory, WEB.memory]),
    st.lists(PROCESSES, max_size=8, unique_by=lambda one: one.pid).map(tuple),
    installed=st.sampled_from([frozenset(), MAIL.installed]), spools=SPOOLS,
    init_scripts=st.frozensets(st.one_of(NASTY, st.sampled_from(["mysql", "apache2", "amavis", "postfix"])),
                               max_size=4),
    unread=st.lists(NASTY, max_size=2).map(tuple))


@settings(max_examples=at_most(120), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(facts=FACTS)
def test_no_host_and_no_name_of_a_process_makes_a_policy_that_is_not_valid_or_that_acts(
        facts: SeenHost, loaded: Load) -> None:
    policy = build_policy(loaded(first_policy(facts, KNOWN, SCHEMA)).ir)
    assert acting(policy) == []


@settings(max_examples=at_most(40), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=NASTY, count=st.integers(1, 3))
def test_a_name_never_leaves_its_string_or_its_comment(name: str, count: int, loaded: Load) -> None:
    """The same host with plain and with hostile names has the same tables."""
    def host(comm: str) -> SeenHost:
        many = [process(900 + number, comm, f"/{comm}", f"{comm}.service", user=comm, rss_mib=500)
                for number in range(count)]
        return replace(MAIL, processes=(*MAIL.processes, *many))
    plain, hostile = (loaded(first_policy(host(comm), KNOWN, SCHEMA)).ir for comm in ("plain", name))
    tables = ("process", "spool", "service", "protect", "limit", "recover", "clean")
    assert {kind: plain[kind].keys() for kind in tables} == {kind: hostile[kind].keys() for kind in tables}


def test_the_shipped_texts_of_the_tests_are_the_ones_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "known.toml").write_text('[x]\ntitle = "X"\nrole = "work"\nexe = ["/x"]\n')
    (only,) = read_known(str(tmp_path / "known.toml"))
    assert only.title == "X"
