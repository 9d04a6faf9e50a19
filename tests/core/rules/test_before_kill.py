"""The hook before a kill: it is told in time, and no kill is lost or late by it, whatever it does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import NOW, mib, noun, percent, policy
from tests.core.world import World
from watchdog_oom.core.actions import Signal, SignalName
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent, HookSettings
from watchdog_oom.core.hook_state import HELD_SECONDS, HeldKill, Hooks
from watchdog_oom.core.policy import Emergency, Limit, Protect, Recover, Verb

TERM, KILL = SignalName.TERM, SignalName.KILL
LIMIT = Limit("hog", "hog", rss=mib(100), grace_seconds=5.0)
NEVER = float("inf")
STEP = 0.05


def world(history: History, *rules: Limit | Emergency | Protect | Recover, hook_takes: float = 0.08) -> World:
    made = World(policy(noun("hog"), noun("db"), *(rules or (LIMIT,))), history=history)
    made.hook_takes = hook_takes
    return made


def test_a_kill_waits_for_the_hook_and_goes_out_when_it_has_ended(hooked: History) -> None:
    host = world(hooked)
    hog = host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    (at, hook), = host.hooks_run
    assert (hook.event, host.sent) == (HookEvent.BEFORE_KILL, [])
    (victim,) = hook.victims
    assert (victim.target, victim.signal, victim.rule) == (hog.id, "TERM", "limit.hog")
    assert "limit 100 MiB" in victim.because[0]
    host.tick(STEP)
    assert host.sent == []
    host.tick(STEP)
    assert [(name, target) for _, name, target, _ in host.sent] == [(TERM, hog.id)]
    assert host.sent[0][0] - at < HELD_SECONDS
    host.ticks(3)
    assert host.said("ended after TERM")


def test_a_hook_that_hangs_delays_a_kill_by_200_ms_and_no_later_kill_while_it_hangs(hooked: History) -> None:
    host = world(hooked, hook_takes=NEVER)
    host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    decided = host.now
    host.until(lambda: bool(host.sent), most=10, seconds=STEP)
    assert HELD_SECONDS <= host.sent[0][0] - decided <= HELD_SECONDS + STEP + 1e-6
    second = host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    assert host.signals(second) == [TERM], "the hook that still runs is not waited for"
    assert len(host.hooks_run) == 1
    assert [note.result for note in host.notes if note.action == "hook before_kill"] == [
        "not run: the one before still runs"]


def test_without_a_hook_nothing_waits() -> None:
    host = world(History(run_id="1"))
    host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    assert host.signals() == [TERM]


def test_the_kills_of_one_look_share_one_hook(hooked: History) -> None:
    host = world(hooked, LIMIT, Limit("db", "db", rss=mib(50)))
    hogs = [host.spawn(comm, rss_mib=200) for comm in ("hog", "hog", "db")]
    host.tick(STEP)
    (_, hook), = host.hooks_run
    assert {victim.target for victim in hook.victims} == {hog.id for hog in hogs}
    assert {victim.rule for victim in hook.victims} == {"limit.hog", "limit.db"}
    host.ticks(5, STEP)
    assert host.signals() == [TERM, TERM, TERM]


def test_in_an_emergency_the_hook_is_begun_at_once_and_waited_for_no_longer(hooked: History) -> None:
    host = world(hooked, Emergency(percent(20.0), percent(20.0)), hook_takes=NEVER)
    host.swap_used_mib = 512
    host.spawn("hog", rss_mib=850, ignores_term=True)
    plan = host.tick(STEP)
    begun = [intent for intent in plan.intents if getattr(intent.action, "event", None) is HookEvent.BEFORE_KILL]
    assert [intent.urgent for intent in begun] == [True], "an urgent act waits for no disk"
    decided = host.now
    host.until(lambda: bool(host.sent), most=10, seconds=STEP)
    assert host.sent[0][0] - decided <= HELD_SECONDS + STEP + 1e-6


def test_a_kill_without_a_grace_is_a_kill_after_the_wait_too(hooked: History) -> None:
    host = world(hooked, replace(LIMIT, grace_seconds=0.0))
    host.spawn("hog", rss_mib=200)
    host.ticks(5, STEP)
    assert host.signals() == [KILL]


def test_term_comes_before_kill_however_short_the_grace_and_the_grace_is_whole(hooked: History) -> None:
    host = world(hooked, replace(LIMIT, grace_seconds=0.15), hook_takes=NEVER)
    host.spawn("hog", rss_mib=200, ignores_term=True)
    host.ticks(20, STEP)
    assert host.signals() == [TERM, KILL]
    term, kill = (at for at, *_ in host.sent)
    assert kill - term >= 0.15 - 1e-6


def test_the_kills_of_a_recovery_do_not_wait(hooked: History) -> None:
    from tests.core.build import step, when
    from watchdog_oom.core.conditions.process import ProcessesAre
    rule = Recover("x", (when(ProcessesAre("hog", count_above=0)),), (step(Verb.KILL, "hog"),))
    host = world(hooked, rule)
    host.spawn("hog", rss_mib=200)
    host.until(lambda: bool(host.sent), most=10)
    assert all(hook.event is not HookEvent.BEFORE_KILL for _, hook in host.hooks_run)


def test_who_is_gone_meanwhile_gets_no_signal_and_is_told_as_gone(hooked: History) -> None:
    host = world(hooked, hook_takes=NEVER)
    hog = host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    del host.procs[hog.pid]
    host.ticks(10, STEP)
    assert host.sent == []
    assert host.said("gone before TERM was sent")
    assert host.history.hooks.held == ()


def test_a_daemon_that_stops_holds_nothing_back(hooked: History) -> None:
    host = world(hooked, hook_takes=NEVER)
    host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    host.history = replace(host.history, stopping=True)
    host.tick(STEP)
    assert host.signals() == [TERM]


def test_the_loop_comes_back_when_the_first_kill_is_due(hooked: History) -> None:
    assert hooked.hooks.due_in(NOW) == NEVER
    host = world(hooked, hook_takes=NEVER)
    host.spawn("hog", rss_mib=200)
    host.tick(STEP)
    kill = host.history.hooks.held[0]
    assert isinstance(kill, HeldKill)
    assert abs(host.history.hooks.due_in(host.now) - HELD_SECONDS) < 1e-6
    assert host.history.hooks.due_in(host.now + 9) == 0.0


EVENTS = st.lists(st.tuples(st.sampled_from(("spawn", "nothing", "gone", "protect", "squeeze")),
                            st.sampled_from((0.02, 0.1, 0.25, 1.0))), min_size=1, max_size=20)


@given(EVENTS, st.sampled_from((0.0, 0.05, 0.15, 3.0, NEVER)), st.booleans())
def test_no_kill_is_ever_lost_or_later_than_its_bound(
        events: list[tuple[str, float]], takes: float, grace: bool) -> None:
    settings = HookSettings({HookEvent.BEFORE_KILL: ("/bin/hook",)}, 10.0)
    limit = replace(LIMIT, grace_seconds=5.0 if grace else 0.0)
    host = world(History(run_id="1", hooks=Hooks(settings)), limit, Emergency(percent(10.0), percent(90.0)),
                 hook_takes=takes)
    decided: dict[int, float] = {}
    for event, seconds in (*events, ("nothing", 0.25), ("nothing", 0.25)):
        if event == "spawn":
            host.spawn("hog", rss_mib=120, ignores_term=True)
        elif event == "gone" and host.procs:
            del host.procs[min(host.procs)]
        elif event == "squeeze":
            host.swap_used_mib = host.swap_mib - host.swap_used_mib
        plan = host.tick(seconds)
        sent = {target.pid for _, _, target, _ in host.sent}
        for identity in host.history.terminations:
            decided.setdefault(identity.pid, host.now)
        for intent in plan.intents:
            if isinstance(intent.action, Signal):
                decided.setdefault(intent.action.target.pid, host.now)
        for pid, at in decided.items():
            late = host.now - at >= HELD_SECONDS
            assert not (late and pid in host.procs and pid not in sent), f"{pid} was decided {host.now - at}s ago"
    for pid in {target.pid for _, _, target, _ in host.sent}:
        names = [name for _, name, target, _ in host.sent if target.pid == pid]
        assert names in ([TERM], [KILL], [TERM, KILL]), "each once, TERM first (Law 4)"
