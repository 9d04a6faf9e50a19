"""When a moment is worth recording in detail."""

from __future__ import annotations

from dataclasses import replace

from tests.core.build import memory, percent, proc
from watchdog_oom.core.actions import Intent, Plan, Signal, SignalName
from watchdog_oom.core.history import History, Phase, Recovery, RecoveryRun, Stage, Termination
from watchdog_oom.core.model import Clock, KernelKill, Process, Snapshot
from watchdog_oom.core.opening import HOLDS_SECONDS, hurried, pressing, what_opens, worth_a_look
from watchdog_oom.core.policy import Emergency

CALM = Snapshot(Clock(1.0, 1.0), memory=memory())
EMERGENCY = Emergency(memory_available_below=percent(8), swap_free_below=percent(10))
RUN = RecoveryRun("inc-1", ("spool full",), 1.0, Phase.STEPS)


def ending(process: Process, signal: SignalName = SignalName.TERM, *, urgent: bool = False) -> Intent:
    return Intent("i-1", Signal(process.id, process.comm, signal), "limit.x", ("too large",), urgent=urgent)


def test_nothing_opens_at_a_calm_tick() -> None:
    assert what_opens(Plan(), History(), History(), CALM) == ""


def test_an_emergency_a_recovery_and_a_kill_open_once_when_they_begin() -> None:
    before = History(recoveries={"x": Recovery()})
    after = History(emergency="e-1", recoveries={"x": Recovery(run=RUN)})
    assert what_opens(Plan((ending(proc(7, "scan")),)), before, after, CALM) == (
        "an emergency; recover.x; TERM scan[7] by limit.x")
    assert what_opens(Plan(), after, after, CALM) == ""


def test_a_freeze_is_no_end() -> None:
    frozen = Plan((ending(proc(7), SignalName.STOP), ending(proc(8), SignalName.CONT)))
    assert what_opens(frozen, History(), History(), CALM) == ""
    assert hurried(frozen) == frozenset()


def test_a_kill_by_the_kernel_opens() -> None:
    killed = replace(CALM, kernel_kills=(KernelKill(9, "mysqld", "Killed process 9", 1.0),))
    assert what_opens(Plan(), History(), History(), killed) == "the kernel killed mysqld[9]"


def test_looked_at_are_those_who_are_ended_and_then_the_ten_that_hold_most() -> None:
    crowd = {pid: proc(pid, rss=pid, swap_bytes=None) for pid in range(100, 130)}
    crowd[5] = proc(5, rss=1, swap_bytes=1 << 40)
    snapshot = replace(CALM, processes=crowd)
    assert worth_a_look(Plan((ending(crowd[100]),)), snapshot) == (100, 5, *range(129, 121, -1))
    assert worth_a_look(Plan(tuple(ending(crowd[pid]) for pid in range(100, 130))), snapshot) == tuple(range(100, 110))


def test_in_a_hurry_end_those_who_are_killed_and_those_of_an_emergency() -> None:
    plan = Plan((ending(proc(1)), ending(proc(2), SignalName.KILL), ending(proc(3), urgent=True)))
    assert hurried(plan) == {2, 3}


def test_it_presses_when_memory_is_short_or_something_is_under_way_or_begins_to_hold() -> None:
    short = replace(CALM, memory=memory(available=10, swap_free=10))
    ended = Termination("limit.x", "x", Stage.TERM, 1.0, 1.0, 10.0, ())
    assert not pressing(CALM, EMERGENCY, History())
    assert not pressing(replace(CALM, memory=None), EMERGENCY, History())
    assert pressing(short, EMERGENCY, History())
    holding = History(decided_at=50.0, held_since={"clause": 40.0})
    for history in (History(emergency="e-1"), History(terminations={proc(7).id: ended}),
                    History(recoveries={"x": Recovery(run=RUN)}), holding):
        assert pressing(CALM, EMERGENCY, history)


def test_a_clause_that_has_held_for_long_is_a_state_and_presses_no_more() -> None:
    assert not pressing(CALM, EMERGENCY, History(decided_at=HOLDS_SECONDS + 1, held_since={"clause": 0.0}))
