"""A recorded night against a policy: the daemon's own decision at each sample. Pure.

Until the policy does something, every decision is the one that the daemon would have made. After that the recording
shows another world than this policy would have made, and what follows is only told: a rule that has acted observes from
then on, and the others act once, each as if nothing had been done before. So nothing waits for an effect that the
recording cannot show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from watchdog_oom.core.actions import Note, Plan
from watchdog_oom.core.decide import decide, remembered
from watchdog_oom.core.guard import Budget
from watchdog_oom.core.history import History
from watchdog_oom.core.model import Snapshot
from watchdog_oom.core.observe import observing
from watchdog_oom.core.policy import Policy, Then
from watchdog_oom.core.rules.emergency import RULE as EMERGENCY
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.recorder.act import ActKind, ReplayAct
from watchdog_oom.recorder.as_read import USUAL_SCORE_ADJ, AsRead, Search
from watchdog_oom.recorder.begun import Begun, begun_rules
from watchdog_oom.recorder.sample import Sample
from watchdog_oom.recorder.subjects import of_recover
from watchdog_oom.recorder.unrecorded import Unrecorded

BREAK_SECONDS = 60.0  # a longer time without a sample is none between two samples ...
BREAK_FACTOR = 3.0    # ... unless samples come so slowly anyway
SLOWEST_SECONDS = 600.0  # ``every`` in the configuration is no longer
LOOK_SECONDS = 60.0   # how often it is asked what the recording lacks
MOST_NAMED = 3
RUN = "replay"  # stands in the ids of intents
_OBSERVED = ("observed only: ", "reported: ")


class Replay:
    """One policy, sample after sample. ``apart``: something was done. ``snapshot`` is the last one as it was judged,
    ``history`` what is remembered after it. ``breaks`` are spans in which nothing was recorded, ``longest_gap_seconds``
    is the longest between two samples otherwise, ``lacks`` what the recording does not have for this policy."""

    def __init__(self, policy: Policy, budget: Budget, search: Search) -> None:
        self._policy = policy
        self._budget = budget
        self._read = AsRead(policy, search)
        self.lacks = Unrecorded(policy)
        self._acted: set[str] = set()
        self._in_force = self._observing()
        self.apart = False
        self.history = History(run_id=RUN)
        self.snapshot: Snapshot | None = None
        self.breaks: list[tuple[float, float]] = []
        self.longest_gap_seconds = 0.0
        self._gap_seconds = 0.0
        self._usual_seconds = SLOWEST_SECONDS
        self._looked_at = float("-inf")

    def step(self, sample: Sample) -> tuple[ReplayAct, ...]:
        """What the policy would do and say at this sample."""
        if sample.repeated:
            return ()
        snapshot = self._read.snapshot(sample.snapshot)
        self._go_on(snapshot)
        before = self.history
        plan, after = decide(snapshot, self._in_force, before, self._budget)
        told, acts = list(self._told(plan, snapshot, begun_rules(plan, before, after))), []
        while rules := [rule for rule in begun_rules(plan, before, after) if rule not in self._acted]:
            begun = Begun(self._policy, snapshot, plan, before, after, self._budget)
            acts += [self._act(rule, begun, snapshot) for rule in rules]
            self._acted.update(rules)
            self.apart = True
            self._in_force = self._observing()
            plan, after = decide(snapshot, self._in_force, before, self._budget)
        self.history, self.snapshot = after, snapshot
        self._look(snapshot, at_once=bool(acts))
        self.apart = self.apart or any(act.kind is ActKind.ACT for act in told)
        return (*(act for act in acts if not act.apart), *_together(told), *(act for act in acts if act.apart))

    def _go_on(self, snapshot: Snapshot) -> None:
        """Another boot is another life of the daemon; over a break nothing is known to have lasted."""
        was, now = self.snapshot, snapshot.clock.boottime
        if was is None:
            return
        self._gap_seconds = now - was.clock.boottime
        if was.boot_id != snapshot.boot_id:
            self.history = History(run_id=RUN)
            self._acted.clear()
            self._in_force = self._observing()
            self._looked_at = float("-inf")
            self._gap_seconds = 0.0
            return
        slow, self._usual_seconds = self._usual_seconds, min(self._gap_seconds, SLOWEST_SECONDS)
        if self._gap_seconds > max(BREAK_SECONDS, BREAK_FACTOR * slow):
            self.breaks.append((was.clock.wall, snapshot.clock.wall))
            self.history = replace(self.history, held_since={})
            self._gap_seconds = 0.0
        self.longest_gap_seconds = max(self.longest_gap_seconds, self._gap_seconds)

    def _observing(self) -> Policy:
        """Rules that have acted, and protections: they change nothing that a sample shows of anybody's memory."""
        return observing(self._policy, lambda rule: rule in self._acted or rule.startswith("protect.")
                         or self._contains(rule))

    def _contains(self, rule: str) -> bool:
        """Whether it bounds units, whose states the recording has only if a rule asked for them in that night."""
        kind, _, name = rule.partition(".")
        return kind == "limit" and name in self._policy.limits and self._policy.limits[name].then is Then.CONTAIN

    def _told(self, plan: Plan, snapshot: Snapshot, acting: Collection[str]) -> Iterator[ReplayAct]:
        """What the journal would say besides what is done; that an incident opens is in the act."""
        for note in plan.notes:
            if note.incident is None or note.rule not in acting:
                yield self._of_note(note, snapshot)
        for refusal in plan.refusals:
            words = f"would not {refusal.intent.action}: {refusal.reason}"
            yield self._plain(ActKind.NEWS, refusal.intent.rule, (words,), refusal.intent.because, snapshot)

    def _of_note(self, note: Note, snapshot: Snapshot) -> ReplayAct:
        rule, words = note.rule, note.result
        prefix = next((prefix for prefix in _OBSERVED if words.startswith(prefix)), None)
        if prefix is None or words.startswith(f"{prefix}would not "):
            return self._plain(ActKind.NEWS, rule, (words.removeprefix(prefix or ""),), note.because, snapshot)
        told = tuple(part.removeprefix("would ") for part in words.removeprefix(prefix).split("; would "))
        recover = self._policy.recovers.get(rule.removeprefix("recover."))
        subjects = of_recover(self._policy, recover) if recover is not None else (note.comm,) if note.comm else ()
        if rule.startswith("protect."):
            return self._plain(ActKind.SCORE, rule, told, note.because, snapshot, subjects)
        kind = ActKind.AGAIN if rule in self._acted else ActKind.OBSERVED
        if kind is ActKind.OBSERVED and self._contains(rule):
            kind = ActKind.ACT
            self._acted.add(rule)
        return self._plain(kind, rule, told, note.because, snapshot, subjects)

    def _act(self, rule: str, begun: Begun, snapshot: Snapshot) -> ReplayAct:
        act = self._plain(ActKind.ACT, rule, begun.words(rule), begun.because(rule), snapshot, begun.subjects(rule))
        return replace(act, assumed=tuple(self._assumed(rule, begun, snapshot)))

    def _assumed(self, rule: str, begun: Begun, snapshot: Snapshot) -> Iterator[str]:
        unknown = [process.label for process in begun.ended(rule) if self._read.assumed_score(process.id)]
        if unknown:
            named = f"{', '.join(unknown[:MOST_NAMED])}{_more(len(unknown) - MOST_NAMED)}"
            yield f"oom_score_adj of {named} was not recorded, and is taken as {USUAL_SCORE_ADJ}"
        everybody = [process for process in snapshot.processes.values() if not process.kernel_thread]
        unread = sum(process.swap_bytes is None for process in everybody)
        if rule == EMERGENCY and unread:
            yield f"what {unread} of {len(everybody)} processes had in swap was not recorded, and is taken as none"

    def _plain(self, kind: ActKind, rule: str, words: tuple[str, ...], because: tuple[str, ...], snapshot: Snapshot,
               subjects: tuple[str, ...] = ()) -> ReplayAct:
        clock = snapshot.clock
        return ReplayAct(kind, rule, words, because, clock.wall, clock.boottime, self._gap_seconds, self.apart,
                         subjects)

    def _look(self, snapshot: Snapshot, *, at_once: bool) -> None:
        now = snapshot.clock.boottime
        if at_once or now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self.lacks.look(View(remembered(snapshot, self.history), self._policy))


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _together(told: Iterable[ReplayAct]) -> Iterator[ReplayAct]:
    """What one rule says of one thing at one sample is told at once."""
    found: dict[tuple[ActKind, str, tuple[str, ...]], ReplayAct] = {}
    for act in told:
        key = (act.kind, act.rule, act.because)
        was = found.get(key)
        found[key] = act if was is None else replace(was, words=(*was.words, *act.words),
                                                     subjects=tuple(dict.fromkeys((*was.subjects, *act.subjects))))
    return iter(found.values())


def replay(samples: Iterable[Sample], policy: Policy, budget: Budget, search: Search) -> Iterator[ReplayAct]:
    """What the policy would have done and said in all of a recording, in order."""
    one = Replay(policy, budget, search)
    for sample in samples:
        yield from one.step(sample)
