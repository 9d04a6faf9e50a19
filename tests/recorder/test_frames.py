"""Whatever was sensed comes back from its lines as it was, and leads to the same decisions."""

from __future__ import annotations

import json
import re
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.build import NOW, proc, service_state, snapshot, spool_state
from tests.core.test_world import hosts
from tests.core.world import World
from tests.examples import at_most
from tests.recorder.snapshots import SNAPSHOTS, nights
from watchdog_oom.core.decide import decide
from watchdog_oom.core.model import KernelKill, Snapshot
from watchdog_oom.recorder.decode import DamagedError, Decoder, NewerError, decode
from watchdog_oom.recorder.frames import encode, extra, frame, line_of, with_events
from watchdog_oom.recorder.plain import SHAPES
from watchdog_oom.recorder.sample import SampleKind


def lines(night: list[Snapshot]) -> list[bytes]:
    return [encode(night[at - 1] if at else None, seen) for at, seen in enumerate(night)]


@settings(max_examples=at_most(20), deadline=None)
@given(nights())
def test_a_night_comes_back_as_it_was_with_every_field_and_in_its_order(night: list[Snapshot]) -> None:
    back = [sample.snapshot for sample in decode(lines(night))]
    assert back == night
    assert [list(seen.processes) for seen in back] == [list(seen.processes) for seen in night]
    assert [[list(seen.spools), list(seen.services)] for seen in back] == [
        [list(seen.spools), list(seen.services)] for seen in night]


@settings(max_examples=at_most(25), deadline=None)
@given(SNAPSHOTS)
def test_a_line_is_one_line_of_ascii_json_that_every_reader_of_json_takes(seen: Snapshot) -> None:
    line = encode(None, seen)
    assert line.count(b"\n") == 1 and line.isascii()
    json.loads(line, parse_constant=pytest.fail)


@settings(max_examples=at_most(20), deadline=None)
@given(world=hosts(), paces=st.lists(st.sampled_from([0.1, 1.0, 6.0]), min_size=2, max_size=6))
def test_what_was_recorded_leads_to_the_plan_that_the_daemon_made(world: World, paces: list[float]) -> None:
    decoder, previous = Decoder(), None
    for pace in paces:
        before = world.history
        plan = world.tick(pace)
        sample = decoder.sample(encode(previous, world.seen))
        assert (plan, world.history) == decide(sample.snapshot, world.policy, before, world.budget)
        previous = world.seen


def records_in(hint: Any) -> set[type]:
    """All records that a value of that type may hold."""
    found = {hint} if isinstance(hint, type) and is_dataclass(hint) else set()
    hints = get_type_hints(hint) if found else {}
    inside = get_args(hint) or [hints[field.name] for kind in found for field in fields(kind)]
    return found.union(*(records_in(part) for part in inside))


def test_the_shape_of_every_record_is_known_with_its_defaults() -> None:
    kinds = {kind for kind in records_in(Snapshot) if kind.__name__ not in ("Snapshot", "ProcessId")}
    assert set(SHAPES) == kinds
    for kind, shape in SHAPES.items():
        defaults = [field.default for field in fields(kind) if str(field.default) != str(fields(Snapshot)[0].default)]
        assert list(shape.names) == [field.name for field in fields(kind)]
        assert list(shape.defaults[shape.required:]) == defaults


def test_what_did_not_change_is_not_written_again() -> None:
    first = snapshot(proc(10, rss=5), proc(11), proc(12), spools={"s": spool_state()},
                     services={"x": service_state("x")})
    fatter = replace(first.processes[11], rss_bytes=99)
    later = replace(first, processes={10: first.processes[10], 11: fatter, 13: proc(13)},
                    clock=replace(first.clock, boottime=NOW + 10))
    assert frame(first, first) == {"kind": "calm", "clock": {}}
    form = frame(first, later, SampleKind.NEAR)
    assert form.pop("new").keys() == {"13"}
    assert form == {"kind": "near", "clock": {"boottime": NOW + 10}, "gone": [12], "changed": {"rss_bytes": {"11": 99}}}
    doubled = replace(fatter, rss_bytes=2048)
    assert frame(later, replace(later, processes={**later.processes, 11: doubled}))["changed"] == {
        "rss_kib": {"11": 2}}


def test_a_process_is_told_apart_from_one_that_has_its_pid_later() -> None:
    night = [snapshot(proc(10, "old", start=5)), snapshot(proc(10, "new", start=900))]
    assert [sample.snapshot for sample in decode(lines(night))] == night


def test_the_image_is_kept_short_but_a_change_of_it_is_seen() -> None:
    night = [snapshot(proc(10, image=image)) for image in (1 << 16, -(1 << 40) - 7, 0)]
    images = [sample.snapshot.processes[10].image for sample in decode(lines(night))]
    assert len(set(images)) == 3 and images[2] == 0 and images[0] != 0


def test_a_sample_says_why_it_was_taken_what_was_lost_and_what_the_recording_is() -> None:
    first = snapshot()
    found = list(decode([encode(None, first, SampleKind.RING, about={"host": "mail"}), encode(first, first, dropped=3),
                         line_of(extra({"meminfo": "MemTotal: 1 kB"}, 5.5))]))
    assert [(sample.kind, sample.keyframe, sample.dropped, sample.repeated) for sample in found] == [
        ("ring", True, 0, False), ("calm", False, 3, False), ("before", False, 0, True)]
    assert {sample.about["host"] for sample in found} == {"mail"}
    assert found[2].extra == {"meminfo": "MemTotal: 1 kB"} and found[2].snapshot == first


def test_kills_of_ticks_between_two_samples_are_not_lost() -> None:
    kills = [KernelKill(pid, "x", f"Killed process {pid}", NOW) for pid in (1, 2, 3)]
    passed = [snapshot(kernel_kills=(kills[0],), kernel_log_gaps=2), snapshot(), snapshot(kernel_kills=(kills[1],))]
    merged = with_events(snapshot(kernel_kills=(kills[2],), kernel_log_gaps=1), passed)
    assert merged.kernel_kills == tuple(kills) and merged.kernel_log_gaps == 3
    assert list(decode(lines([merged, snapshot()])))[1].snapshot.kernel_kills == ()


def test_a_line_of_a_newer_release_is_not_guessed_at() -> None:
    newer = encode(None, snapshot()).replace(b'"v":1', b'"v":2')
    with pytest.raises(NewerError, match="version 2"):
        list(decode([newer]))


@pytest.mark.parametrize("line", [
    b"", b"no json", b"[]", b"1", b"null", b"{}", b'{"v":1}', b'{"v":0,"kind":"calm","clock":{}}',
    b'{"v":"1","kind":"calm","clock":{}}', b'{"kind":"calm","clock":{}}', b'{"v":1,"kind":"odd","clock":{}}',
    b'{"v":1,"kind":"calm","clock":{"wall":"x"}}', b'{"v":1,"kind":"calm","clock":{"walls":1}}',
    b'{"v":1,"kind":"calm","clock":{},"gone":[7]}', b'{"v":1,"kind":"calm","clock":{},"order":[7]}',
    b'{"v":1,"kind":"calm","clock":{},"new":{"7":{"id":"7@1","ppid":"1","comm":"x"}}}',
    b'{"v":1,"kind":"calm","clock":{},"new":{"7":{"id":"7","ppid":1,"comm":"x"}}}',
    b'{"v":1,"kind":"calm","clock":{},"changed":{"rss_bytes":{"7":1}}}',
    b'{"v":1,"kind":"calm","clock":{},"memory":{"total_bytes":1}}', b'{"v":1,"kind":"calm","clock":{},"memory":7}',
    b'{"v":1,"kind":"calm","clock":{},"spools":{"s":{}}}',
    b'{"v":1,"kind":"calm","clock":{},"spools_changed":{"s":{}}}',
    b'{"v":1,"kind":"calm","clock":{},"kernel_kills":7}', b'{"v":1,"kind":"calm","clock":{},"dropped":"many"}',
    b'{"v":1,"kind":"calm","clock":{},"about":{"host":7}}', b"[" * 100_000, b"\xff\xfe"])
def test_what_no_recorder_wrote_is_refused_in_words(line: bytes) -> None:
    with pytest.raises(DamagedError, match="cannot be read"):
        list(decode([line]))


def test_after_a_damaged_line_changes_are_not_applied_to_the_wrong_snapshot() -> None:
    first = snapshot(proc(10))
    decoder = Decoder()
    decoder.sample(encode(None, first))
    with pytest.raises(DamagedError):
        decoder.sample(b"{")
    with pytest.raises(DamagedError, match="without a keyframe"):
        decoder.sample(encode(first, first))
    assert decoder.sample(encode(None, first)).snapshot == first


def test_patterns_that_were_searched_come_back_as_those_of_the_policy() -> None:
    searched = re.compile("mrtg.*cfg")
    night = [snapshot(proc(10, cmdline_has=frozenset([searched])))]
    back = next(decode(lines(night))).snapshot.processes[10].facts
    assert not back.cmdline_has.isdisjoint((searched,))
