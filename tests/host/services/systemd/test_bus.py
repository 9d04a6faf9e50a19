"""States, stops and starts over D-Bus, against a systemd that is late, early, talkative, restarted or frozen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.services.fake_systemd import FakeSystemd, together, unit
from watchdog_oom.core.model import ServiceState, ServiceStatus
from watchdog_oom.core.outcome import Outcome
from watchdog_oom.host.services.manager import JobEnd
from watchdog_oom.host.services.systemd.bus import SystemdBus
from watchdog_oom.host.services.systemd.calls import places
from watchdog_oom.host.services.systemd.jobs import ANSWER_SECONDS, CHECK_SECONDS

FAILED = {"ActiveState": "failed", "SubState": "failed", "Result": "exit-code", "MainPID": 0}
DOWN = {"ActiveState": "inactive", "SubState": "dead", "MainPID": 0}


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeSystemd]:
    fake = FakeSystemd(tmp_path / "run/systemd/private")
    fake.units["a.service"] = unit("a.service")
    yield fake
    fake.close()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SystemdBus]:
    bus = SystemdBus(places(str(tmp_path)), cgroups=str(tmp_path / "cgroup"), root=str(tmp_path))
    yield bus
    bus.close()


def states(bus: SystemdBus, *fakes: FakeSystemd, units: tuple[str, ...] = ("a",),
           now: float = 100.0) -> dict[str, ServiceState | None]:
    found: dict[str, ServiceState | None] = {}
    bus.ask(units, now)

    def step() -> bool:
        found.update(bus.answers(now))
        return len(found) == len(units)

    together(step, *fakes)
    return found


def end(bus: SystemdBus, *fakes: FakeSystemd, now: float = 100.0) -> JobEnd:
    found: list[JobEnd] = []

    def step() -> bool:
        found.extend(bus.ended(now))
        return bool(found)

    together(step, *fakes)
    assert len(found) == 1
    return found[0]


def begin(bus: SystemdBus, verb: str = "stop", name: str = "a", key: str = "i", *, incident: str = "") -> None:
    bus.begin(key, verb, name, 100.0, seconds=120.0, incident=incident)


def served(bus: SystemdBus, fake: FakeSystemd, *members: str) -> None:
    """Wait until systemd was queried for all of these and its answers were received."""
    def step() -> bool:
        assert bus.ended(100.0) == ()
        return {member for member, _ in fake.calls} >= set(members)
    together(step, fake)
    for _ in range(3):
        fake.serve()
        assert bus.ended(100.0) == ()


def test_all_units_are_asked_for_at_once_and_told_each(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.units["mysqld.service"] = unit("mariadb.service")
    fake.units["off.service"] = unit("off.service", LoadState="masked", **DOWN)
    found = states(bus, fake, units=("a", "mysqld", "off", "gone"))
    assert {name: state and state.status for name, state in found.items()} == {
        "a": ServiceStatus.ACTIVE, "mysqld": ServiceStatus.ACTIVE, "off": ServiceStatus.MISSING,
        "gone": ServiceStatus.MISSING}
    assert len(fake.asked("GetAll")) == 4
    assert fake.accepted == 1


def test_a_state_is_as_old_as_its_question(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.frozen = True
    bus.ask(["a"], 100.0)
    fake.frozen = False
    found: list[tuple[str, ServiceState | None]] = []

    def step() -> bool:
        found.extend(bus.answers(104.0))
        return bool(found)

    together(step, fake)
    assert found[0][1] is not None
    assert found[0][1].sensed_boottime == 100.0


def test_silence_makes_a_state_unknown_and_absence_hands_it_back(bus: SystemdBus, tmp_path: Path) -> None:
    assert states(bus) == {"a": None}
    fake = FakeSystemd(tmp_path / "run/systemd/private")
    fake.frozen = True
    bus.ask(["a"], 200.0)
    assert bus.answers(207.0) == ()
    told = [answer for moment in (208.0, 209.0, 210.0) for answer in bus.answers(moment)]
    fake.close()
    assert told == [("a", ServiceState("a", ServiceStatus.UNKNOWN, 200.0, words="systemd does not answer"))]


def test_a_refusal_to_tell_a_state_is_told_as_such(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.errors["GetAll"] = ("org.x.No", "not\nnow")
    state = states(bus, fake)["a"]
    assert state is not None
    assert (state.status, state.words) == (ServiceStatus.UNKNOWN, "not; now")


def test_who_outlives_a_unit_is_found_where_it_lived_before(bus: SystemdBus, fake: FakeSystemd, tmp_path: Path) -> None:
    group = tmp_path / "cgroup/odd.slice/a.service"
    group.mkdir(parents=True)
    (group / "cgroup.procs").write_text("41\n42\n")
    fake.units["a.service"] = unit("a.service", ControlGroup="/odd.slice/a.service")
    running = states(bus, fake)["a"]
    fake.units["a.service"] = unit("a.service", ControlGroup="", **DOWN)
    stopped = states(bus, fake)["a"]
    assert running is not None
    assert stopped is not None
    assert (running.survivors, stopped.survivors) == ((), (41, 42))


@pytest.mark.parametrize("removed_first", [True, False])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_a_stop_is_followed_to_its_end_whichever_news_comes_first(bus: SystemdBus, fake: FakeSystemd, chunk: int,
                                                                removed_first: bool) -> None:
    fake.removed_first, fake.chunk, fake.noise = removed_first, chunk, 3
    fake.on_job = lambda verb, name: fake.units.update({name: unit(name, **DOWN)})
    begin(bus)
    assert end(bus, fake) == JobEnd("i", Outcome(True, "stop done"))
    assert fake.asked("StopUnit") == [("StopUnit", ("a.service", "fail"))]


@pytest.mark.parametrize("result", ["canceled", "timeout", "failed", "dependency", "skipped"])
def test_every_other_end_of_a_job_is_a_failure_with_words(bus: SystemdBus, fake: FakeSystemd, result: str) -> None:
    fake.results["a.service"] = [result]
    begin(bus)
    told = end(bus, fake)
    assert told.outcome.ok is False
    assert told.outcome.words.startswith("stop failed")


def test_the_end_of_another_job_is_not_taken_for_ours(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit")
    fake.tell("JobRemoved", "uoss", (9, "/org/freedesktop/systemd1/job/9", "a.service", "done"))
    for _ in range(5):
        fake.serve()
        assert bus.ended(100.0) == ()
    fake.end_job("/org/freedesktop/systemd1/job/1", "a.service", "failed")
    assert end(bus, fake).outcome.ok is False


def test_a_refused_job_is_told_at_once(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.errors["StartUnit"] = ("org.freedesktop.systemd1.UnitMasked", "Unit a.service is masked.")
    begin(bus, "start")
    told = "start refused: the unit is masked; only the operator can unmask it"
    assert end(bus, fake) == JobEnd("i", Outcome(False, told))


def test_the_deadline_is_the_units_own(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit", "GetAll")
    for moment in (180.0, 250.0, 314.9):
        for _ in range(4):
            fake.serve()
            assert bus.ended(moment) == ()
    assert end(bus, fake, now=315.0) == JobEnd(
        "i", Outcome(False, "stop did not end within 3min35s; systemd continues it"))


def test_a_start_limit_is_reset_once_an_incident(bus: SystemdBus, fake: FakeSystemd) -> None:
    def started(verb: str, name: str) -> None:
        if verb == "StartUnit" and fake.asked("ResetFailedUnit"):
            fake.units[name] = unit(name, InvocationID=b"\x07")
    fake.units["a.service"] = unit("a.service", **FAILED)
    fake.on_job = started
    fake.results["a.service"] = ["failed", "done"]
    begin(bus, "start", incident="inc-1")
    assert end(bus, fake) == JobEnd("i", Outcome(True, "start done; its start limit had been reset"))
    assert [member for member, _ in fake.asked("StartUnit", "ResetFailedUnit")] == [
        "StartUnit", "ResetFailedUnit", "StartUnit"]
    fake.units["a.service"] = unit("a.service", **FAILED | {"Result": "start-limit-hit"})
    fake.on_job, fake.results["a.service"] = lambda verb, name: None, ["failed"]
    begin(bus, "start", incident="inc-1")
    assert end(bus, fake) == JobEnd("i", Outcome(False, "start failed; it is failed, start-limit-hit"))
    assert len(fake.asked("ResetFailedUnit")) == 1
    fake.results["a.service"] = ["failed", "failed"]
    begin(bus, "start", incident="inc-2")
    assert end(bus, fake).outcome.ok is False
    assert len(fake.asked("ResetFailedUnit")) == 2


def test_a_start_that_failed_by_itself_is_not_tried_again(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.units["a.service"] = unit("a.service", **FAILED)
    fake.on_job = lambda verb, name: fake.units.update({name: unit(name, InvocationID=b"\x07", **FAILED)})
    fake.results["a.service"] = ["failed"]
    begin(bus, "start")
    assert end(bus, fake) == JobEnd("i", Outcome(False, "start failed; it is failed, exit-code"))
    assert fake.asked("ResetFailedUnit") == []


def test_a_job_outlives_a_restart_of_systemd_and_is_heard_of_on_the_next_connection(bus: SystemdBus,
                                                                                 fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit", "GetAll")
    fake.hang_up()
    served(bus, fake, "Get")
    fake.end_job("/org/freedesktop/systemd1/job/1", "a.service", "done")
    assert end(bus, fake).outcome.ok is True
    assert len(fake.asked("StopUnit")) == 1
    assert fake.accepted == 2


def test_a_job_that_ended_unseen_is_judged_by_what_it_left(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit", "GetAll")
    fake.hang_up()
    fake.jobs.clear()
    fake.units["a.service"] = unit("a.service", **DOWN)
    assert end(bus, fake) == JobEnd("i", Outcome(True, "the end of the stop was not seen; it is inactive (dead)"))


def test_a_job_of_which_nothing_is_heard_is_asked_for_now_and_then(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit", "GetAll")
    fake.jobs.clear()
    assert end(bus, fake, now=100.0 + CHECK_SECONDS).outcome.words.startswith("the end of the stop was not seen")


def test_a_connection_that_closes_in_the_middle_of_the_call_leads_to_a_second_one(bus: SystemdBus,
                                                                                fake: FakeSystemd) -> None:
    fake.hangs_up_at = "StopUnit"
    begin(bus)
    served(bus, fake, "StopUnit")
    fake.hangs_up_at = None
    assert end(bus, fake, now=102.0).outcome.ok is True
    assert len(fake.asked("StopUnit")) == 2


def test_where_nobody_listens_the_job_is_handed_back_undone(bus: SystemdBus) -> None:
    begin(bus)
    assert end(bus) == JobEnd("i", Outcome(None, "no connection: ENOENT"))


def test_a_job_waits_for_a_systemd_that_is_silent_and_then_is_done(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.frozen = True
    begin(bus)
    now = 100.0
    while now < 130.0:
        assert bus.ended(now) == ()
        now += 0.25
    fake.frozen = False
    assert end(bus, fake, now=145.0).outcome.ok is True
    assert len(fake.asked("StopUnit")) == 1


def test_a_frozen_systemd_never_holds_up_a_tick_and_the_job_fails_in_words(bus: SystemdBus, fake: FakeSystemd) -> None:
    """Ten seconds and more without an answer from PID 1: each call of ours returns at once."""
    assert states(bus, fake)["a"] is not None
    fake.frozen = True
    begin(bus)
    ended: list[JobEnd] = []
    unknown: list[str] = []
    now, slowest = 100.0, 0.0
    while now < 100.0 + ANSWER_SECONDS + 1:
        began = time.monotonic()
        bus.ask(["a"], now)
        unknown += [state.words for _, state in bus.answers(now) if state is not None]
        ended += bus.ended(now)
        slowest = max(slowest, time.monotonic() - began)
        now += 0.5
    assert slowest < 0.1
    assert set(unknown) == {"systemd does not answer"}
    assert ended == [JobEnd("i", Outcome(False, "stop failed: systemd does not answer within 1min"))]


def test_a_refusal_without_words_is_told_by_its_name(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.errors["StopUnit"] = ("org.x.No", "")
    begin(bus)
    assert end(bus, fake) == JobEnd("i", Outcome(False, "stop refused: org.x.No"))


def test_jobs_side_by_side_each_have_their_own_end(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.units["b.service"] = unit("b.service", **DOWN)
    fake.results = {"a.service": ["failed"], "b.service": ["done"]}
    begin(bus, key="one")
    begin(bus, name="b", key="two")
    found: dict[str, bool | None] = {}

    def step() -> bool:
        found.update({ended.key: ended.outcome.ok for ended in bus.ended(100.0)})
        return len(found) == 2

    together(step, fake)
    assert found == {"one": False, "two": True}


def test_what_an_answer_makes_us_ask_next_is_sent_before_we_sleep_again(bus: SystemdBus, fake: FakeSystemd) -> None:
    fake.results["a.service"] = [None]
    begin(bus)
    served(bus, fake, "StopUnit", "GetAll")
    fake.end_job("/org/freedesktop/systemd1/job/1", "a.service", "done")
    fake.serve()
    assert bus.ended(100.0) == ()  # the end is heard, and what became of the unit is asked at once
    fake.serve()
    assert bus.ended(100.0) == (JobEnd("i", Outcome(True, "stop done")),)
