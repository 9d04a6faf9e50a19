"""Units whose memory is bound for as long as a rule asks for it; then they get back what they had before.

A unit's bounds are first learned from the service manager, then set, and seen again in a later state (Law 6). What was
there before is remembered before anything is changed, so that a crash leaves no unit throttled.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import Contain, NoteKind, Release
from watchdog_oom.core.condition import threshold_bytes
from watchdog_oom.core.history import Contained
from watchdog_oom.core.model import UNLIMITED_BYTES, Process, ServiceState, ServiceStatus
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.tick import Turn, Wish
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass, replace

RETRY_SECONDS = 300.0
STATE_SECONDS = 30.0
PRESSED_SECONDS = 3.0
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Bounds:
    """The MemoryHigh and MemoryMax that a policy asks for; a percentage is of all RAM."""

    high: Size | None
    maximum: Size | None

    def in_bytes(self, turn: Turn) -> tuple[int, int | None] | None:
        """Whole pages; ``None`` as long as memory could not be read."""
        sizes = [None if size is None else threshold_bytes(turn.view, size) for size in (self.high, self.maximum)]
        if sizes[0] is None or (self.maximum is not None and sizes[1] is None):
            return None
        high, maximum = (None if size is None else max(PAGE_BYTES, int(size) // PAGE_BYTES * PAGE_BYTES)
                         for size in sizes)
        return (high, maximum) if high is not None else None


def ask(turn: Turn, process: Process, bounds: Bounds, rule: str, because: tuple[str, ...], *, noun: str,
        incident: str | None = None) -> None:
    """Contain the unit of a process in this tick. One that runs in no unit is reported, not ended: the policy asked
    for something milder."""
    unit = process.facts.unit
    if unit is None:
        _only_report(turn, rule, f"{printable(process.comm)}[{process.pid}]", "it runs in no unit of systemd", because)
        return
    amounts = bounds.in_bytes(turn)
    if amounts is not None:
        turn.contain(unit, Wish(rule, noun, because, *amounts, incident))
    else:
        _as_it_is(turn, unit)


def renew(turn: Turn, unit: str, bounds: Bounds, because: tuple[str, ...]) -> None:
    """Ask again for a unit that is contained already."""
    contained = turn.contained[unit]
    amounts = bounds.in_bytes(turn)
    if amounts is not None:
        turn.contain(unit, Wish(contained.rule, contained.noun or "", because, *amounts))
    else:
        _as_it_is(turn, unit)


def settle(turn: Turn) -> None:
    """Bound what was asked for in this turn and release the rest; to be called after all rules."""
    _absorb(turn)
    for unit, wish in turn.wanted_contained.items():
        _contain(turn, unit, wish)
    for unit, contained in list(turn.contained.items()):
        if unit not in turn.wanted_contained or contained.release_id or contained.released is not None:
            turn.watch(unit, soon=contained.failed is None)
            _release(turn, unit, contained)
        else:
            turn.watch(unit, soon=not contained.seen)
            _verify(turn, unit, contained)


def owing(turn: Turn) -> bool:
    """Whether any unit still waits for its release. One whose release failed is left to the next life of the daemon."""
    return any(contained.failed is None for contained in turn.contained.values())


def _as_it_is(turn: Turn, unit: str) -> None:
    """Without a reading of memory nothing changes (Law 10)."""
    contained = turn.contained.get(unit)
    if contained is not None:
        turn.contain(unit, Wish(contained.rule, contained.noun or "", (), contained.high_bytes, contained.max_bytes))


def _absorb(turn: Turn) -> None:
    """What the service manager said of the bounds it was asked to set."""
    reports = {report.intent_id: report for report in turn.view.snapshot.reports}
    for unit, contained in list(turn.contained.items()):
        told = reports.get(contained.release_id or contained.contain_id)
        if told is None or (contained.release_id == "" and contained.done is not None):
            continue
        if contained.release_id:
            turn.contained[unit] = (replace(contained, released=told.boottime, failed=None) if told.ok
                                    else replace(contained, release_id="", failed=told.boottime))
        else:
            turn.contained[unit] = replace(contained, done=told.boottime, refused="" if told.ok else told.words)


def _contain(turn: Turn, unit: str, wish: Wish) -> None:
    known = turn.contained.get(unit)
    if known is not None:
        _adjust(turn, unit, known, wish)
        return
    state = turn.view.snapshot.services.get(unit)
    if state is None or turn.now - state.sensed_boottime > STATE_SECONDS:
        turn.watch(unit, soon=True)
        return
    turn.watch(unit)
    obstacle = _obstacle(state, wish)
    if obstacle is not None:
        _only_report(turn, wish.rule, unit, obstacle, wish.because)
        return
    if _pressed(turn):
        return
    before_high = UNLIMITED_BYTES if state.memory_high_bytes is None else state.memory_high_bytes
    before_max = state.memory_max_bytes
    high = min(wish.high_bytes, before_high)
    maximum = None if wish.max_bytes is None or before_max is None else min(wish.max_bytes, before_max)
    if not turn.first_time(f"contain {unit}", RETRY_SECONDS):
        return
    intent = turn.plan(Contain(unit, high, maximum, wish.noun), wish.rule, wish.because, incident=wish.incident)
    if intent is not None:
        turn.contained[unit] = Contained(wish.rule, wish.noun, high, maximum, before_high, before_max, turn.now,
                                         state.bound_at_runtime, intent.id)


def _pressed(turn: Turn) -> bool:
    """In the middle of an emergency nothing is saved, since that could wait for a disk (Law 8): what a crash would
    leave behind is not begun then."""
    latest = max((ending.stage_since for ending in turn.endings.values() if ending.urgent), default=turn.ended_at)
    return turn.emergency is not None and turn.now - max(latest, turn.ended_at) < PRESSED_SECONDS


def _adjust(turn: Turn, unit: str, known: Contained, wish: Wish) -> None:
    """Other bounds than before: the policy was changed, or another rule asks for tighter ones."""
    high = min(wish.high_bytes, known.before_high_bytes)
    maximum = known.max_bytes if wish.max_bytes is None or known.before_max_bytes is None else \
        min(wish.max_bytes, known.before_max_bytes)
    settled = known.done is not None and not known.release_id and known.released is None
    if settled and known.rule != wish.rule:
        turn.contained[unit] = known = replace(known, rule=wish.rule, noun=wish.noun)
    if not settled or (high, maximum) == (known.high_bytes, known.max_bytes):
        return
    if turn.first_time(f"contain {unit} {high} {maximum}", RETRY_SECONDS):
        intent = turn.plan(Contain(unit, high, maximum, wish.noun), wish.rule, wish.because, incident=wish.incident)
        if intent is not None:
            turn.contained[unit] = replace(known, rule=wish.rule, high_bytes=high, max_bytes=maximum,
                                           contain_id=intent.id, done=None, seen=False)


def _obstacle(state: ServiceState, wish: Wish) -> str | None:
    """Why nothing is to be set, in words."""
    if state.memory_high_bytes is None:
        return f"the service manager tells no MemoryHigh of it ({state.words or state.status})"
    tighter_high = state.memory_high_bytes > wish.high_bytes
    tighter_max = wish.max_bytes is not None and (state.memory_max_bytes or 0) > wish.max_bytes
    if not tighter_high and not tighter_max:
        return f"its MemoryHigh is {formatting.size(state.memory_high_bytes)} already"
    return None


def _verify(turn: Turn, unit: str, contained: Contained) -> None:
    """What was refused is forgotten only when it is seen not to be there: a call that was not answered in time may have
    been heard all the same."""
    state = turn.view.snapshot.services.get(unit)
    if contained.seen or contained.done is None or state is None or state.sensed_boottime <= contained.done:
        return
    there = state.memory_high_bytes == contained.high_bytes
    if contained.refused and not there:
        if state.status is not ServiceStatus.UNKNOWN:
            del turn.contained[unit]
            _only_report(turn, contained.rule, unit, contained.refused, ())
        return
    turn.contained[unit] = replace(contained, seen=True)
    turn.note(contained.rule, "verified: its memory is bound" if there else "not verified: its MemoryHigh is another",
              kind=NoteKind.OUTCOME, step=f"contain {unit}", took_seconds=round(turn.now - contained.since, 3))


def _release(turn: Turn, unit: str, contained: Contained) -> None:
    """Give back what was there before, and forget it when a later state shows it."""
    state = turn.view.snapshot.services.get(unit)
    late = turn.held_long_enough(f"release {unit}", True, STATE_SECONDS)
    if contained.released is not None:
        if (state is not None and state.sensed_boottime > contained.released) or late:
            _forget(turn, unit, contained, "released: it has its former memory bounds again")
        return
    if contained.release_id or (contained.done is None and not late):
        return  # a release must not overtake what it undoes
    if contained.failed is not None and (turn.before.stopping or turn.now - contained.failed < RETRY_SECONDS):
        return
    if (state is None or state.sensed_boottime <= (contained.done or 0.0)) and not late:
        return
    if state is not None and state.status is ServiceStatus.MISSING:
        _forget(turn, unit, contained, "released: the unit is no longer there")
        return
    if state is not None and state.memory_high_bytes not in (None, contained.high_bytes):
        _forget(turn, unit, contained, "released: its MemoryHigh is not the one set here, so it is left as it is")
        return
    former_max = None if contained.max_bytes is None else contained.before_max_bytes
    step = Release(unit, contained.before_high_bytes, former_max, forget=not contained.at_runtime)
    intent = turn.plan(step, contained.rule,
                       ("the daemon stops" if turn.before.stopping else "the rule no longer holds",))
    if intent is not None:
        turn.contained[unit] = replace(contained, release_id=intent.id)


def _forget(turn: Turn, unit: str, contained: Contained, result: str) -> None:
    del turn.contained[unit]
    turn.note(contained.rule, result, kind=NoteKind.OUTCOME, step=f"release {unit}",
              took_seconds=round(turn.now - contained.since, 3))


def _only_report(turn: Turn, rule: str, who: str, why: str, because: tuple[str, ...]) -> None:
    if turn.first_time(f"{rule} cannot contain {who}"):
        turn.note(rule, f"reported: {who} cannot be contained: {why}", because=because)
