"""Sentences of single incidents, and who was never touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.build import proc
from tests.report.conftest import BEGINS
from tests.report.journaled import done, incident, journaled, process
from watchdog_oom.core.model import Clock, Snapshot
from watchdog_oom.core.rules import emergency
from watchdog_oom.core.rules.recovery import transaction
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.journal.told import CLOSED
from watchdog_oom.report.model import Night

Told = list[tuple[float, Record]]


@pytest.mark.parametrize(("rule", "told", "sentence"), [
    ("limit.java", done(BEGINS + 60, "KILL java[9]", process(9, "java"), name="", rule="limit.java"),
     "At 20:01 limit.java acted; one java was ended."),
    ("emergency", [incident(BEGINS + 60, "opened: memory and swap are running out", rule="emergency", because=("x",)),
                   *done(BEGINS + 61, "KILL java[9]", process(9, "java"), rule="emergency"),
                   *done(BEGINS + 62, "KILL ruby[8]", process(8, "ruby"), rule="emergency"),
                   incident(BEGINS + 90, "closed: the emergency is over", rule="emergency")],
     "At 20:01 the memory ran out; one java and one ruby were ended."),
    ("recover.app", [incident(BEGINS + 60, "opened", because=("service app is failed (for 30s)",)),
                     *done(BEGINS + 61, "start app.service", {"unit": "app.service", "service": "app"}),
                     incident(BEGINS + 70, "closed: success", ok=True)],
     "At 20:01 service app is failed (for 30s); app was started again in 10s."),
    ("recover.app", [incident(BEGINS + 60, "opened", because=("x",)),
                     *done(BEGINS + 61, "contain app.service: MemoryHigh=1 GiB", {"unit": "app.service"}),
                     incident(BEGINS + 70, "closed: success", ok=True)],
     "At 20:01 x; app.service got less memory."),
    ("limit.x", [incident(BEGINS + 60, "observed only: would TERM php[3]", name="", rule="limit.x")],
     "At 20:01 limit.x observed only: would TERM php[3].")])
def test_an_incident_is_told_as_one_who_did_it_by_hand_would(
        night: Callable[..., Night], rule: str, told: Told, sentence: str) -> None:
    found = night(journaled(told))
    assert list(found.sentences.values()) == [sentence]
    assert found.incidents[0].rule == rule


def test_a_child_that_still_had_the_name_of_its_service_counts_as_what_it_became(night: Callable[..., Night]) -> None:
    found = night(journaled([
        *done(BEGINS + 1, "STOP /usr/sbin/amavi[7]", process(7, "/usr/sbin/amavi", unit="amavis.service"), name="",
              rule="limit.q"),
        *done(BEGINS + 90, "CONT clamscan[7]", process(7, "clamscan", unit="amavis.service"), name="",
              rule="limit.q")]))
    assert found.sentences["0"] == "At 20:00 one clamscan of amavis waited for its turn until 20:01."


def test_an_emergency_that_came_twice_is_told_once_with_whose_processes_it_ended(night: Callable[..., Night]) -> None:
    told: Told = [incident(BEGINS + 10, "opened", name="leftovers", rule="recover.leftovers"),
                  *done(BEGINS + 11, "purge vscan", {"spool": "vscan"}, name="leftovers", rule="recover.leftovers",
                        result="40 entries cleared, kept 1: 1 is in use"),
                  incident(BEGINS + 40, "closed: success", name="leftovers", rule="recover.leftovers", ok=True)]
    for number in (1, 2):
        at = BEGINS + 60 * number
        told += [incident(at, "opened: memory and swap are running out", name=f"e-{number}", rule="emergency"),
                 *done(at + 1, f"TERM clamscan[{number}]", process(number, "clamscan", unit="amavis.service"),
                       name=f"e-{number}", rule="emergency"),
                 incident(at + 9, "closed: the emergency is over", name=f"e-{number}", rule="emergency")]
    found = night(journaled(told))
    assert found.headline.startswith(
        "At 20:01 the memory ran out; two clamscans of amavis were ended; at 20:00 40 old entries of ")
    assert "more incident" not in found.headline


def test_two_incidents_that_go_together_are_one_sentence_and_others_are_counted(night: Callable[..., Night]) -> None:
    told: Told = []
    for number, at in enumerate((0, 300, 7200, 9000)):
        told += [incident(BEGINS + at, "opened", name=f"i-{number}", because=(f"reason {number}",)),
                 *done(BEGINS + at + 1, "stop app.service", {"unit": "app.service"}, name=f"i-{number}"),
                 incident(BEGINS + at + 9, "closed: success", name=f"i-{number}", ok=True)]
    headline = night(journaled(told)).headline
    assert headline == ("At 20:00 reason 0; app was stopped in 9s; at 20:05 reason 1; app was stopped in 9s; nothing "
                        "was lost; two more incidents.")


def protected(name: str, rss: int) -> Told:
    target = process(len(name), name, rss=rss)
    step = f"oom_score_adj {name} = -500"
    return [(BEGINS, Record(Kind.OUTCOME, rule="protect.x", step=step, target=target, ok=True))]


def test_a_database_is_the_one_that_was_never_touched_unless_it_was(night: Callable[..., Night]) -> None:
    base = [*protected("java", 9 << 30), *protected("mysqld", 1), incident(BEGINS + 1, "opened", because=("x",)),
            *done(BEGINS + 2, "KILL y[1]", process(1, "y")), incident(BEGINS + 9, "closed: success", ok=True)]
    assert "MySQL was never touched" in night(journaled(base)).headline
    killed = done(BEGINS + 3, "KILL mysqld[6]", process(6, "mysqld"))
    assert "java was never touched" in night(journaled([*base[:4], *killed, *base[4:]])).headline


def test_who_did_not_run_to_the_end_is_not_said_to_be_untouched(night: Callable[..., Night]) -> None:
    base = [*protected("mysqld", 1), incident(BEGINS + 1, "opened", because=("x",)),
            *done(BEGINS + 2, "KILL y[1]", process(1, "y")), incident(BEGINS + 9, "closed: success", ok=True)]
    def seen(second: int, start: int) -> Snapshot:
        return Snapshot(Clock(BEGINS + second, 1e6 + second), processes={6: proc(6, "mysqld", start=start)})
    assert "MySQL was never touched" in night(journaled(base), [seen(0, 1), seen(60, 1)]).headline
    assert "untouched" not in night(journaled(base), [seen(0, 1), seen(60, 2)]).headline.replace("touched", "untouched")


def test_the_words_that_the_report_goes_by_are_those_that_the_rules_write() -> None:
    for module, word in ((transaction, CLOSED), (emergency, CLOSED)):
        assert module.__file__ is not None
        with open(module.__file__) as file:
            assert f'"{word}: ' in file.read()


def test_two_incidents_of_one_minute_do_not_give_their_time_twice(night: Callable[..., Night]) -> None:
    told = [incident(BEGINS + 60, "opened", because=("x",)),
            *done(BEGINS + 61, "stop a.service", {"unit": "a.service"}),
            incident(BEGINS + 70, "closed: success", ok=True),
            *done(BEGINS + 75, "STOP y[1]", process(1, "y"), name="", rule="limit.y")]
    assert night(journaled(told)).headline.startswith(
        "At 20:01 x; a was stopped in 10s; meanwhile one y waited for its turn;")


def test_entries_are_as_many_as_were_cleared_where_the_recorder_saw_fewer(night: Callable[..., Night]) -> None:
    told = [incident(BEGINS + 60, "opened", because=("x",)),
            *done(BEGINS + 61, "purge vscan", {"spool": "vscan", "path": "/var/spool/vscan/tmp"},
                  result="400 entries cleared, kept 2: 2 are younger than 1h"),
            incident(BEGINS + 70, "closed: success", ok=True)]
    assert night(journaled(told)).headline.startswith(
        "At 20:01 400 old entries of /var/spool/vscan/tmp were in the way; they were cleared in 10s")


def test_who_still_has_the_name_of_what_started_it_is_told_by_its_program(night: Callable[..., Night]) -> None:
    young = process(9, "/usr/sbin/amavi", exe="/usr/bin/clamscan", unit="amavis.service")
    told = [*done(BEGINS + 60, "STOP /usr/sbin/amavi[9]", young, name="", rule="limit.waiting"),
            *done(BEGINS + 61, "STOP clamscan[8]", process(8, "clamscan", unit="amavis.service"), name="",
                  rule="limit.waiting")]
    assert night(journaled(told)).headline.startswith("At 20:01 two clamscans of amavis waited for their turn")
