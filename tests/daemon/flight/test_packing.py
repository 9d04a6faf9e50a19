"""Snapshots as packets and back: the child sees what the daemon saw, whatever packets were refused on the way."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.core.build import proc
from tests.examples import at_most
from tests.recorder.snapshots import nights
from watchdog_oom.core.matching import Fact
from watchdog_oom.core.model import Clock, Snapshot
from watchdog_oom.daemon.flight.mirror import Mirror, read_tick
from watchdog_oom.daemon.flight.packing import PART_PROCESSES, PROCESSES, Packer


class Wire:
    """Takes packets as long as there is room, and lets the other side take them."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.refusing: list[bool] = []
        self.mirror = Mirror()

    def send(self, packet: bytes) -> bool:
        if self.refusing and self.refusing.pop(0):
            return False
        self.packets.append(packet)
        return True

    def arrived(self) -> Snapshot:
        found = None
        for packet in self.packets:
            if packet[:1] == PROCESSES:
                self.mirror.take_processes(packet[1:])
            else:
                found = self.mirror.take_tick(read_tick(packet[1:]))
        self.packets.clear()
        assert found is not None
        return found


def bare(snapshot: Snapshot) -> Snapshot:
    """Without what is remembered rather than sensed, which is not handed over."""
    return replace(snapshot, below={}, reparented=frozenset())


@given(nights())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=at_most(30))
def test_every_snapshot_arrives_as_it_was(night: list[Snapshot]) -> None:
    wire = Wire()
    packer = Packer(wire.send)
    for snapshot in night:
        assert packer.hand_over(snapshot, pressing=False, opening=False, dropped=0)
        assert wire.arrived() == bare(snapshot)


@given(nights(), st.lists(st.booleans(), max_size=6))
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=at_most(30))
def test_after_refusals_the_next_snapshot_is_whole_and_nothing_that_happened_is_lost(
        night: list[Snapshot], refusing: list[bool]) -> None:
    wire = Wire()
    packer = Packer(wire.send)
    wire.refusing = refusing
    for snapshot in night:
        packer.hand_over(snapshot, pressing=False, opening=False, dropped=0)
    wire.refusing = []
    last = replace(night[-1], kernel_kills=(), kernel_log_gaps=0, reports=())
    heard = [read_tick(packet[1:]).events for packet in wire.packets if packet[:1] != PROCESSES]
    assert packer.hand_over(last, pressing=False, opening=False, dropped=0)
    found = wire.arrived()
    assert replace(found, kernel_kills=(), kernel_log_gaps=0, reports=()) == bare(last)
    kills = [kill for events in heard for kill in events["kernel_kills"]] + list(found.kernel_kills)
    assert kills == [kill for snapshot in night for kill in snapshot.kernel_kills]


def test_of_many_processes_those_that_were_taken_are_not_sent_again() -> None:
    wire = Wire()
    packer = Packer(wire.send)
    crowd = Snapshot(Clock(1.0, 1.0), processes={pid: proc(pid) for pid in range(1, 3 * PART_PROCESSES)})
    wire.refusing = [False, False, True]
    assert not packer.hand_over(crowd, pressing=False, opening=False, dropped=0)
    assert packer.hand_over(crowd, pressing=False, opening=False, dropped=1)
    assert [packet[:1] for packet in wire.packets] == [b"p", b"p", b"p", b"t"]
    assert wire.arrived() == crowd


def test_a_tick_at_which_nothing_changed_is_small() -> None:
    wire = Wire()
    packer = Packer(wire.send)
    crowd = Snapshot(Clock(1.0, 1.0), processes={pid: proc(pid) for pid in range(1, 1000)})
    packer.hand_over(crowd, pressing=False, opening=False, dropped=0)
    wire.packets.clear()
    packer.hand_over(replace(crowd, clock=Clock(2.0, 2.0), processes=dict(crowd.processes)), pressing=False,
                     opening=False, dropped=0)
    assert len(wire.packets) == 1 and len(wire.packets[0]) < 300


def test_a_fact_that_a_child_is_still_asked_for_arrives_as_well() -> None:
    wire = Wire()
    process = proc(1)
    waiting = replace(process, facts=replace(process.facts, asked=frozenset({Fact.CMDLINE, Fact.USER})))
    told = Snapshot(Clock(1.0, 1.0), processes={1: waiting})
    assert Packer(wire.send).hand_over(told, pressing=False, opening=False, dropped=0)
    assert wire.arrived() == told


def test_a_reused_pid_is_another_process_and_comes_last() -> None:
    wire = Wire()
    packer = Packer(wire.send)
    first = Snapshot(Clock(1.0, 1.0), processes={1: proc(1, start=1, exe="/a"), 2: proc(2, start=2)})
    second = replace(first, processes={2: first.processes[2], 1: proc(1, start=9)})
    for snapshot in (first, second):
        packer.hand_over(snapshot, pressing=False, opening=False, dropped=0)
    found = wire.arrived()
    assert found == second and list(found.processes) == [2, 1]
    assert found.processes[1].facts.exe is None
