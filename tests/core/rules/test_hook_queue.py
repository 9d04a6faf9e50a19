"""At most one hook of a kind runs; a few wait in order; what is beyond that is counted and told."""

from __future__ import annotations

from tests.core.build import NOW, snapshot, tick
from watchdog_oom.core.history import History
from watchdog_oom.core.hook_action import HookEvent
from watchdog_oom.core.hook_state import Hooks
from watchdog_oom.core.outcome import EffectReport, Outcome
from watchdog_oom.core.rules.hook_queue import MOST_WAITING, UNHEARD_SECONDS, HookQueue
from watchdog_oom.lean_dataclasses import replace

OPENS, KILL = HookEvent.INCIDENT_OPENS, HookEvent.BEFORE_KILL


def queue(history: History, *reports: EffectReport, at: float = NOW) -> HookQueue:
    return HookQueue(tick(snapshot(at=at, reports=reports), history=history), history)


def remembered(history: History, hooks: Hooks) -> History:
    return replace(history, hooks=hooks)


def ended(intent_id: str, *, ok: bool = True, words: str = "done") -> EffectReport:
    return EffectReport(intent_id, Outcome(ok, words), 1.0, NOW)


def test_the_second_of_a_kind_waits_for_the_first_and_another_kind_does_not(hooked: History) -> None:
    first = queue(hooked)
    asked = [first.ask(OPENS, "recover.a", ()), first.ask(OPENS, "recover.b", ()), first.ask(KILL, "limit.c", ())]
    assert asked == [True, False, True]
    assert [intent.rule for intent in first.intents] == ["recover.a", "limit.c"]
    later = queue(remembered(hooked, first.hooks), ended(first.intents[0].id))
    later.hear()
    later.begin_waiting()
    assert [intent.rule for intent in later.intents] == ["recover.b"]


def test_ids_are_never_used_twice(hooked: History) -> None:
    asked = queue(hooked)
    assert all(asked.ask(event, "rule", ()) for event in HookEvent)
    ids = {intent.id for intent in asked.intents}
    assert len(ids) == len(HookEvent)
    assert asked.counter == hooked.counter + len(HookEvent)


def test_what_finds_the_queue_full_is_told_once_and_counted(hooked: History) -> None:
    asked = queue(hooked)
    for _ in range(1 + MOST_WAITING + 5):
        asked.ask(OPENS, "recover.a", ())
    assert len(asked.hooks.waiting) == MOST_WAITING
    assert [note.result for note in asked.notes] == ["not run: the one before still runs"]
    assert asked.hooks.counts[OPENS].passed_over == 5
    later = queue(remembered(hooked, asked.hooks), ended(asked.intents[0].id))
    later.hear()
    assert [note.result for note in later.notes] == ["4 more events passed without it while it ran"]


def test_a_failure_is_remembered_in_few_words_until_it_works_again(hooked: History) -> None:
    first = queue(hooked)
    first.ask(OPENS, "recover.a", ())
    heard = queue(remembered(hooked, first.hooks), ended(first.intents[0].id, ok=False, words="x" * 9000))
    heard.hear()
    count = heard.hooks.counts[OPENS]
    assert (count.runs, count.failed, count.last_ok, len(count.last_failure)) == (1, 1, False, 200)
    heard.ask(OPENS, "recover.b", ())
    good = queue(remembered(hooked, heard.hooks), ended(heard.intents[0].id))
    good.hear()
    assert (good.hooks.counts[OPENS].last_ok, good.hooks.counts[OPENS].failed) == (True, 1)


def test_one_of_which_nothing_is_ever_heard_does_not_bar_the_next(hooked: History) -> None:
    first = queue(hooked)
    first.ask(OPENS, "recover.a", ())
    for seconds, bars in ((9.0, True), (10.0 + UNHEARD_SECONDS, False)):
        later = queue(remembered(hooked, first.hooks), at=NOW + seconds)
        later.hear()
        assert (OPENS in later.hooks.running) is bars
