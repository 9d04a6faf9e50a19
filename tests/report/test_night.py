"""The night as a whole: the sentence, the trigger, what a quiet one comes to, and what cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.report.conftest import BEGINS
from tests.report.journaled import done, incident, journaled, process
from tests.report.mail_night import MailNight
from watchdog_oom.core.model import Snapshot
from watchdog_oom.journal.record import Kind, Record
from watchdog_oom.report.model import Night
from watchdog_oom.report.night import NO_JOURNAL, NO_RECORD, NO_RECORDING


def test_the_night_of_2007_is_told_in_one_sentence(whole_night: Night) -> None:
    assert whole_night.headline == (
        "At 03:31 five clamscans, wedged on 402 old entries of /var/spool/vscan/tmp, took memory and swap; amavis was "
        "stopped, cleared and started in 19s; nothing was lost; MariaDB was never touched.")
    assert not whole_night.quiet


def test_its_trigger_is_the_flood_of_mail_of_a_cron_job(whole_night: Night) -> None:
    trigger = whole_night.trigger
    assert trigger is not None
    assert trigger.words == ("a flood of mail from a cron job: mrtg, which the scheduler ran every 5min, sent mail "
                             "from 02:00 on")
    assert trigger.sure == "likely"
    assert trigger.why[0] == "seen to send: cron → cron → sendmail, 19 times"
    assert trigger.why[1] == "from 02:00 on 208 processes that handle mail began, 18 times as often as before"
    assert trigger.why[2].startswith("between 03:11 and 03:31 219 MiB of memory and swap went; clamscan grew by 227")
    assert trigger.why[-1] == "/var/spool/vscan/tmp filled from 12 to 414 entries from 02:04 on"


def test_who_held_the_memory_at_the_worst_moment_and_how_it_grew(whole_night: Night) -> None:
    first = whole_night.holders[0]
    assert (first.name, first.count, first.before_count, first.facts.unit) == ("clamscan", 5, 2, "amavis.service")
    assert first.grown_bytes > 200 << 20


def test_rules_that_did_nothing_are_named_and_those_that_protect_are_not_asked(whole_night: Night) -> None:
    assert whole_night.idle_rules == ("limit.clamscan", "recover.database", "emergency")


def test_without_a_recording_the_page_is_whole_and_says_so(night: Callable[..., Night],
                                                          plain_records: list[dict[str, Any]]) -> None:
    found = night(plain_records)
    assert NO_RECORDING in found.troubles
    assert found.trigger is None
    assert found.headline.startswith("At 03:31 five clamscans were wedged on 400 old entries of /var/spool/vscan/tmp; "
                                     "amavis was stopped, cleared and started in 19s")


def test_a_quiet_night_is_one_line_with_how_near_it_came(night: Callable[..., Night], mail_night: MailNight) -> None:
    calm = [mail_night.snapshot(BEGINS + second) for second in range(0, 3600, 60)]
    found = night((), calm, mail_night.status(), hours=1)
    assert found.quiet
    assert found.headline.startswith("A quiet night: nothing had to be done from Sat 2026-02-28 20:00 to Sat "
                                     "2026-02-28 21:00; memory was shortest at 20:")


def test_what_nobody_knows_is_not_called_quiet(night: Callable[..., Night]) -> None:
    found = night((), journal=False)
    assert found.headline.startswith("Without incidents: nothing is known from")
    assert found.troubles == (NO_JOURNAL, NO_RECORDING)
    assert night(()).troubles == (NO_RECORD, NO_RECORDING)


@pytest.mark.parametrize("record", [
    Record(Kind.REFUSED, rule="limit.x", step="KILL sshd[1]", result="refused: it is sshd"),
    Record(Kind.RECOVERED, rule="recover.x", step="start x", result="a daemon that ended left x stopped"),
    Record(Kind.POLICY, result="rejected: 2 faults"),
    Record(Kind.INCIDENT, rule="daemon", result="state.json cannot be written")])
def test_a_night_in_which_no_rule_acted_is_not_quiet_if_somebody_has_to_know(
        night: Callable[..., Night], record: Record) -> None:
    assert not night(journaled([(BEGINS + 60, record)])).quiet
    assert night(journaled([(BEGINS + 60, Record(Kind.POLICY, result="loaded 1 file"))])).quiet


def test_a_start_without_a_stop_before_it_is_told(night: Callable[..., Night]) -> None:
    start, stop = Record(Kind.START, result="ready"), Record(Kind.STOP, result="asked to")
    told = night(journaled([(BEGINS + 10, start), (BEGINS + 20, start)]))
    assert not told.quiet
    assert any("without a stop before it" in line for line in told.health)
    assert night(journaled([(BEGINS + 10, start), (BEGINS + 20, stop), (BEGINS + 30, start)])).quiet


def test_a_clock_that_was_set_in_the_night_is_told(night: Callable[..., Night]) -> None:
    records = journaled([(BEGINS + 60, Record(Kind.POLICY, result="loaded 1 file")),
                         (BEGINS + 7260, Record(Kind.POLICY, result="loaded 1 file"))], set_by=7200)
    assert any(line.startswith("the clock was set forward by 2h before 22:01") for line in night(records).health)


def test_records_of_a_newer_version_are_shown_as_far_as_they_are_understood(night: Callable[..., Night]) -> None:
    records = journaled([incident(BEGINS + 60, "opened"), incident(BEGINS + 90, "closed: success", ok=True)])
    found = night([{**record, "v": 2, "more": {}} for record in records])
    assert len(found.incidents) == 1
    assert any("version 2" in trouble for trouble in found.troubles)


def test_what_failed_is_told_first_and_nothing_is_said_not_to_be_lost(night: Callable[..., Night]) -> None:
    records = [incident(BEGINS + 60, "opened", because=("swap free is 3%",)),
               *done(BEGINS + 61, "stop app.service", {"service": "app", "unit": "app.service"}),
               incident(BEGINS + 99, "closed: failed: start: it does not start; still down: app", ok=False)]
    found = night(journaled(records))
    assert "this FAILED: failed: start: it does not start; still down: app" in found.headline
    assert "nothing was lost" not in found.headline


def test_an_incident_that_is_not_closed_is_told_as_not_over(night: Callable[..., Night]) -> None:
    found = night(journaled([incident(BEGINS + 60, "opened", because=("swap free is 3%",))]))
    assert "it is not over" in night(journaled([
        incident(BEGINS + 60, "opened"), *done(BEGINS + 61, "stop a.service", {"unit": "a.service"})])).headline
    assert len(found.incidents) == 1


def test_what_the_kernel_killed_is_in_the_sentence_and_makes_the_night_a_bad_one(
        night: Callable[..., Night], mail_night: MailNight, snapshots: list[Snapshot]) -> None:
    from watchdog_oom.core.model import KernelKill
    from watchdog_oom.lean_dataclasses import replace
    at = snapshots[100]
    kill = KernelKill(366, "mariadbd", "Killed process 366", at.clock.boottime)
    found = night((), [*snapshots[:100], replace(at, kernel_kills=(kill,)), replace(at, kernel_kills=(kill,))],
                  mail_night.status())
    assert found.headline == "The kernel killed mariadbd; the daemon had nothing to do with it."
    assert not found.quiet
    assert len(found.history.kernel_kills) == 1


def test_a_record_without_a_time_or_of_no_known_kind_harms_nothing(night: Callable[..., Night]) -> None:
    records = [{"kind": "incident", "time": "yesterday"}, {"kind": "intent", "time": "2026-02-28T21:00:00.000Z"},
               {"kind": "song", "time": "2026-02-28T21:00:00.000Z"}, {"time": 5, "kind": 5},
               {"kind": "outcome", "time": "2026-02-28T21:00:00Z", "target": [], "because": "x", "took_s": "long",
                "ok": "yes", "incident": 7, "rule": {}, "step": ["x"], "id": {}}]
    night(records)


def test_acts_of_one_rule_outside_of_incidents_are_one_story_until_it_rests(night: Callable[..., Night]) -> None:
    def story(at: float) -> list[tuple[float, Record]]:
        return [record for number in range(4) for record in done(
            at + number * 60, f"STOP x[{number}]", process(number, "x"), name="", rule="limit.x")]
    found = night(journaled([*story(BEGINS + 60), *story(BEGINS + 3600)]))
    assert [len(one.acts) for one in found.incidents] == [4, 4]
    assert found.sentences["0"] == ("At 20:01 four xs waited for their turn until 20:04, stopped four times.")


def test_what_the_daemon_says_of_its_own_parts_is_no_incident_and_is_told_once(night: Callable[..., Night]) -> None:
    gaps = [incident(BEGINS + 60 * minute, "the flight recorder has gaps", name="", rule="recorder", ok=False)
            for minute in (1, 2)]
    found = night(journaled([*gaps, incident(BEGINS + 240, "memory cannot be read", name="", rule="memory")]))
    assert found.incidents == ()
    assert found.health == ("20:01: the flight recorder has gaps (2 times until 20:02)", "20:04: memory cannot be read")
    assert not found.quiet
