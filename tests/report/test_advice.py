"""What to do now: its lines of a policy are accepted by check, whatever the names are."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from tests.report.conftest import BEGINS, night_from
from tests.report.journaled import done, incident, journaled, process
from watchdog_oom.core.model import Snapshot
from watchdog_oom.policy.load import load_policy
from watchdog_oom.report.model import NameFacts, Night
from watchdog_oom.report.policy_lines import noun_name, process_noun, writable


def accepted(directory: Path, text: str) -> None:
    file = directory / "p.toml"
    file.write_text(text)
    file.chmod(0o644)
    load_policy((), [str(file)])


def emergency(name: str, exe: str, user: str = "app") -> Night:
    return night_from(journaled([
        incident(BEGINS + 60, "opened: memory and swap are running out", rule="emergency"),
        *done(BEGINS + 61, f"KILL {name}[9]", process(9, name, exe=exe, user=user, rss=700 << 20), rule="emergency"),
        incident(BEGINS + 90, "closed: the emergency is over", rule="emergency")]))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)
    return tmp_path


def test_a_program_that_the_emergency_ended_twice_gets_one_limit_by_the_larger() -> None:
    acts = [done(BEGINS + 61 + size, f"KILL app[{size}]", process(size, "app", exe="/usr/bin/app", rss=size << 20),
                 rule="emergency") for size in (100, 700, 300)]
    night = night_from(journaled([incident(BEGINS + 60, "opened", rule="emergency"),
                                  *(record for act in acts for record in act)]))
    (bound,) = [advice for advice in night.advice if advice.words.startswith("Bound app")]
    assert "with 700 MiB" in bound.words


def test_whom_the_emergency_ended_gets_a_limit_of_its_own(directory: Path) -> None:
    (advice,) = [advice for advice in emergency("java", "/usr/bin/java").advice if advice.policy]
    assert "[limit.java]" in advice.policy
    assert 'rss     = "560MiB"' in advice.policy
    accepted(directory, advice.policy)


def scanners_of(snapshot: Snapshot) -> list[int]:
    return [one.rss_bytes for one in snapshot.processes.values() if one.comm == "clamscan"]


def test_one_of_many_is_not_bound_below_what_each_needs_but_they_wait_for_their_turn(
        directory: Path, snapshots: list[Snapshot]) -> None:
    worst = max(snapshots, key=lambda each: sum(scanners_of(each)))
    at, held = worst.clock.wall, max(scanners_of(worst))
    night = night_from(journaled([
        incident(at, "opened: memory and swap are running out", rule="emergency"),
        *done(at + 1, "KILL clamscan[9]", process(9, "clamscan", exe="/usr/bin/clamscan", user="amavis", rss=held),
              rule="emergency"),
        incident(at + 30, "closed: the emergency is over", rule="emergency")]), snapshots)
    (advice,) = [advice for advice in night.advice if "limit.clamscan" in advice.policy]
    assert advice.words.startswith("Let clamscan wait for its turn: ")
    total = re.search(r'total_rss = "(\d+)MiB"', advice.policy)
    assert total is not None and int(total[1]) << 20 > held and "\nrss " not in advice.policy
    accepted(directory, advice.policy)


@settings(max_examples=at_most(60), deadline=None)
@given(name=st.text(min_size=1, max_size=15), exe=st.text(min_size=1, max_size=30), user=st.text(max_size=10))
def test_its_lines_are_a_valid_policy_whatever_the_names_are(
        tmp_path_factory: pytest.TempPathFactory, name: str, exe: str, user: str) -> None:
    directory = tmp_path_factory.mktemp("policy")
    directory.chmod(0o755)
    for advice in emergency(name, f"/{exe}", user).advice:
        if advice.policy:
            accepted(directory, advice.policy)


@pytest.mark.parametrize(("name", "noun"), [
    ("php-fpm8.2", "php-fpm8_2"), ("/usr/sbin/amavi", "amavi"), ("7z", "p_7z"), ("(sd-pam)", "sd-pam"), ("é", "p")])
def test_a_name_of_a_process_becomes_one_of_a_table(name: str, noun: str) -> None:
    assert noun_name(name) == noun


def test_a_path_that_was_cut_or_escaped_is_not_written_into_a_policy() -> None:
    assert writable("/usr/bin/java")
    assert not any(map(writable, ("java", "/a\\x1b", "/a…", "/a\n", "/\u202e")))
    assert '"/opt/?x?/y"' in process_noun("y", NameFacts(exe="/opt/[x]/y"))


def test_a_spool_that_had_to_be_cleared_gets_a_routine_unless_it_has_one(
        directory: Path, night: Callable[..., Night]) -> None:
    records = journaled([incident(BEGINS + 1, "opened"), *done(BEGINS + 2, "purge vscan", {"spool": "vscan"}),
                         incident(BEGINS + 9, "closed: success", ok=True)])
    (advice,) = night(records).advice
    spool = '[spool.vscan]\npath = "/var/spool/vscan/tmp"\nentries = "*"\nstale_after = "1h"\n'
    accepted(directory, spool + advice.policy)
    assert night(records, status={"v": 1, "cleans": {"c": {"spool": "vscan"}}}).advice == ()


def test_a_held_recovery_and_what_is_down_come_first(night: Callable[..., Night]) -> None:
    records = journaled([incident(BEGINS + 1, "held: 3 attempts in 6h did not help", ok=None, name="")])
    status = {"v": 1, "recoveries": {"app": {"state": "held", "owed": ["app"]}}}
    found = night(records, status=status)
    assert found.advice[0].words == "Start app by hand: recover.app stopped it and could not start it again."
    assert found.advice[1].command.endswith("watchdog-oom rearm app")
    assert found.standing[0] == "still down, to be started: app (stopped by recover.app)"


def test_whom_the_kernel_killed_is_to_be_protected(directory: Path, night: Callable[..., Night]) -> None:
    from tests.core.build import proc
    from watchdog_oom.core.model import Clock, KernelKill, Snapshot
    victim = proc(7, "mysqld", rss=300, exe="/usr/sbin/mysqld", user="mysql")
    before = Snapshot(Clock(BEGINS + 10, 1e6), processes={7: victim})
    after = Snapshot(Clock(BEGINS + 20, 1e6 + 10), kernel_kills=(KernelKill(7, "mysqld", "x", 1e6 + 9, victim=victim),))
    (advice,) = night((), [before, after]).advice
    assert "[protect.mysqld]" in advice.policy
    accepted(directory, advice.policy)
