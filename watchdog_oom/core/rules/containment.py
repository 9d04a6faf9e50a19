"""Memory bounds on units, set for as long as a rule asks for them; then the former bounds are restored.

A unit's bounds are first read from the service manager, then set, then verified in a later state (Law 6). The former
bounds are stored before anything is changed, so that a crash leaves no unit throttled.
"""

from __future__ import annotations

from watchdog_oom import formatting
from watchdog_oom.core.actions import Contain, ContainRequest, NoteKind, Release
from watchdog_oom.core.condition import threshold_bytes
from watchdog_oom.core.guard import protected_in
from watchdog_oom.core.history import Contained
from watchdog_oom.core.model import UNLIMITED_BYTES, Process, ServiceState, ServiceStatus
from watchdog_oom.core.nouns import Size
from watchdog_oom.core.tick import Tick
from watchdog_oom.lean_dataclasses import dataclass, replace

RETRY_SECONDS = 300.0
STATE_SECONDS = 30.0
PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Bounds:
    """The MemoryHigh and MemoryMax that a policy asks for; a percentage is of all RAM."""

    high: Size | None
    maximum: Size | None

    def in_bytes(self, tick: Tick) -> tuple[int, int | None] | None:
        """Whole pages; ``None`` if memory could not be read."""
        sizes = [None if size is None else threshold_bytes(tick.view, size) for size in (self.high, self.maximum)]
        if sizes[0] is None or (self.maximum is not None and sizes[1] is None):
            return None
        high, maximum = (None if size is None else max(PAGE_BYTES, int(size) // PAGE_BYTES * PAGE_BYTES)
                         for size in sizes)
        return (high, maximum) if high is not None else None


def ask(tick: Tick, process: Process, bounds: Bounds, rule: str, because: tuple[str, ...], *, noun: str,
        incident: str | None = None) -> None:
    """Contain the unit of a process in this tick. A process outside all units is reported, not killed: the policy
    asked for less than a kill."""
    unit = process.facts.unit
    if unit is None:
        _only_report(tick, rule, process.label, "it is not in a systemd unit", because)
        return
    amounts = bounds.in_bytes(tick)
    if amounts is not None:
        tick.contain(unit, ContainRequest(rule, noun, because, *amounts, incident))
    else:
        _as_it_is(tick, unit)


def renew(tick: Tick, unit: str, bounds: Bounds, because: tuple[str, ...]) -> None:
    """Ask again for a unit that is already contained."""
    contained = tick.contained[unit]
    amounts = bounds.in_bytes(tick)
    if amounts is not None:
        tick.contain(unit, ContainRequest(contained.rule, contained.noun or "", because, *amounts))
    else:
        _as_it_is(tick, unit)


def settle(tick: Tick) -> None:
    """Contain what was asked for in this tick and release the rest; call after all rules."""
    _absorb(tick)
    for unit in [unit for unit in tick.wanted_contained if unit in tick.contained and protected_in(unit, tick.view)]:
        del tick.wanted_contained[unit]  # it began after the bounds were set
    for unit, request in tick.wanted_contained.items():
        _contain(tick, unit, request)
    for unit, contained in list(tick.contained.items()):
        if unit not in tick.wanted_contained or contained.release_id or contained.released is not None:
            tick.watch(unit, often=contained.failed is None)
            _release(tick, unit, contained)
        else:
            tick.watch(unit, often=not contained.seen)
            _verify(tick, unit, contained)


def owing(tick: Tick) -> bool:
    """Whether any unit still waits for its release. A failed release is left to the daemon's next start."""
    return any(contained.failed is None for contained in tick.contained.values())


def _as_it_is(tick: Tick, unit: str) -> None:
    """Without a reading of memory nothing changes (Law 10)."""
    contained = tick.contained.get(unit)
    if contained is not None:
        tick.contain(
            unit, ContainRequest(contained.rule, contained.noun or "", (), contained.high_bytes, contained.max_bytes)
        )


def _absorb(tick: Tick) -> None:
    """Record how the service manager answered requests to set bounds."""
    reports = {report.intent_id: report for report in tick.view.snapshot.reports}
    for unit, contained in list(tick.contained.items()):
        told = reports.get(contained.release_id or contained.contain_id)
        if told is None or (contained.release_id == "" and contained.done is not None):
            continue
        if contained.release_id:
            tick.contained[unit] = (replace(contained, released=told.boottime, failed=None) if told.outcome.ok
                                    else replace(contained, release_id="", failed=told.boottime))
        else:
            tick.contained[unit] = replace(contained, done=told.boottime,
                                           refused="" if told.outcome.ok else told.outcome.words)


def _contain(tick: Tick, unit: str, request: ContainRequest) -> None:
    known = tick.contained.get(unit)
    if known is not None:
        _adjust(tick, unit, known, request)
        return
    state = tick.view.snapshot.services.get(unit)
    if state is None or tick.now - state.sensed_boottime > STATE_SECONDS:
        tick.watch(unit, often=True)
        return
    tick.watch(unit)
    obstacle = _obstacle(state, request)
    if obstacle is not None:
        _only_report(tick, request.rule, unit, obstacle, request.because)
        return
    if tick.pressed:
        return
    before_high = UNLIMITED_BYTES if state.memory_high_bytes is None else state.memory_high_bytes
    before_max = state.memory_max_bytes
    high = min(request.high_bytes, before_high)
    maximum = None if request.max_bytes is None or before_max is None else min(request.max_bytes, before_max)
    if not tick.rate_limit(f"contain {unit}", RETRY_SECONDS):
        return
    intent = tick.plan(
        Contain(unit, high, maximum, request.noun), request.rule, request.because, incident=request.incident
    )
    if intent is not None:
        tick.contained[unit] = Contained(request.rule, request.noun, high, maximum, before_high, before_max, tick.now,
                                         state.bound_at_runtime, intent.id)


def _adjust(tick: Tick, unit: str, known: Contained, request: ContainRequest) -> None:
    """Other bounds than before: the policy was changed, or another rule asks for tighter ones."""
    high = min(request.high_bytes, known.before_high_bytes)
    maximum = known.max_bytes if request.max_bytes is None or known.before_max_bytes is None else \
        min(request.max_bytes, known.before_max_bytes)
    settled = known.done is not None and not known.release_id and known.released is None
    if settled and known.rule != request.rule:
        tick.contained[unit] = known = replace(known, rule=request.rule, noun=request.noun)
    if not settled or (high, maximum) == (known.high_bytes, known.max_bytes):
        return
    if tick.rate_limit(f"contain {unit} {high} {maximum}", RETRY_SECONDS):
        intent = tick.plan(
            Contain(unit, high, maximum, request.noun), request.rule, request.because, incident=request.incident
        )
        if intent is not None:
            tick.contained[unit] = replace(known, rule=request.rule, high_bytes=high, max_bytes=maximum,
                                           contain_id=intent.id, done=None, seen=False)


def _obstacle(state: ServiceState, request: ContainRequest) -> str | None:
    """Why no bounds are set, in words."""
    if state.memory_high_bytes is None:
        return f"the service manager reports no MemoryHigh for it ({state.words or state.status})"
    tighter_high = state.memory_high_bytes > request.high_bytes
    tighter_max = request.max_bytes is not None and (state.memory_max_bytes or 0) > request.max_bytes
    if not tighter_high and not tighter_max:
        return f"its MemoryHigh is already {formatting.size(state.memory_high_bytes)}"
    return None


def _verify(tick: Tick, unit: str, contained: Contained) -> None:
    """A refused request is forgotten only when a state shows that the bounds are not set: a call that was not answered
    in time may still have been carried out."""
    state = tick.view.snapshot.services.get(unit)
    if contained.seen or contained.done is None or state is None or state.sensed_boottime <= contained.done:
        return
    there = state.memory_high_bytes == contained.high_bytes
    if contained.refused and not there:
        if state.status is not ServiceStatus.UNKNOWN:
            del tick.contained[unit]
            _only_report(tick, contained.rule, unit, contained.refused, ())
        return
    tick.contained[unit] = replace(contained, seen=True)
    result = "verified: its memory bounds are set" if there else "not verified: its MemoryHigh has another value"
    tick.note(contained.rule, result, kind=NoteKind.OUTCOME, action=f"contain {unit}", ok=there,
              took_seconds=round(tick.now - contained.since, 3))


def _release(tick: Tick, unit: str, contained: Contained) -> None:
    """Restore the former bounds, and forget the unit when a later state shows them."""
    state = tick.view.snapshot.services.get(unit)
    late = tick.sustained(f"release {unit}", True, STATE_SECONDS)
    if contained.released is not None:
        if (state is not None and state.sensed_boottime > contained.released) or late:
            _forget(tick, unit, contained, "released: its former memory bounds are restored")
        return
    if contained.release_id or (contained.done is None and not late):
        return  # a release must not overtake the request it undoes
    if contained.failed is not None and (tick.before.stopping or tick.now - contained.failed < RETRY_SECONDS):
        return
    if (state is None or state.sensed_boottime <= (contained.done or 0.0)) and not late:
        return
    if state is not None and state.status is ServiceStatus.MISSING:
        _forget(tick, unit, contained, "released: the unit no longer exists")
        return
    if state is not None and state.memory_high_bytes not in (None, contained.high_bytes):
        _forget(tick, unit, contained, "released: its MemoryHigh is not the value set here and is left unchanged")
        return
    former_max = None if contained.max_bytes is None else contained.before_max_bytes
    step = Release(unit, contained.before_high_bytes, former_max, forget=not contained.at_runtime)
    intent = tick.plan(step, contained.rule, (_why_released(tick, unit),))
    if intent is not None:
        tick.contained[unit] = replace(contained, release_id=intent.id)


def _why_released(tick: Tick, unit: str) -> str:
    if tick.before.stopping:
        return "the daemon stops"
    return protected_in(unit, tick.view) or "the rule no longer holds"


def _forget(tick: Tick, unit: str, contained: Contained, result: str) -> None:
    del tick.contained[unit]
    tick.note(contained.rule, result, kind=NoteKind.OUTCOME, action=f"release {unit}",
              took_seconds=round(tick.now - contained.since, 3), ok=True)


def _only_report(tick: Tick, rule: str, who: str, why: str, because: tuple[str, ...]) -> None:
    if tick.rate_limit(f"{rule} cannot contain {who}"):
        tick.note(rule, f"reported: {who} cannot be contained: {why}", because=because)
