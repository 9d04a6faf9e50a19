"""Names over files: the nearest right one, and circles of parents."""

from __future__ import annotations

import pytest

from watchdog_oom.errors import Fault
from watchdog_oom.policy.names import Reference, Table, circles, dangling, nearest


def process(name: str, *parents: str) -> Table:
    references = [Reference("process", parent, Fault("a.toml", line, f"[process.{name}] parent", ""))
                  for line, parent in enumerate(parents, 1)]
    return Table("process", name, {"parent": parents}, references)


@pytest.mark.parametrize(("written", "meant"), [("Memory_High", "memory_high"), ("proces", "process")])
def test_the_nearest_name_is_asked_for(written: str, meant: str) -> None:
    assert nearest(written, ("process", "memory_high", "spool")) == f' — did you mean "{meant}"?'


def test_nothing_near_is_nothing_said() -> None:
    assert nearest("zzz", ("process", "spool")) == ""


def test_a_name_of_another_kind_is_told_apart_from_one_that_is_nowhere() -> None:
    faults = dangling([process("a", "vscan", "amvis")], {"process": {"a", "amavis"}, "spool": {"vscan"}})
    assert [fault.what for fault in faults] == [
        '"vscan" is a spool, but a process is needed here',
        'there is no [process.amvis] — did you mean "amavis"?']


def test_a_circle_of_parents_is_told_once_whoever_hangs_on_it() -> None:
    (fault,) = circles([process("a", "b"), process("b", "c"), process("c", "a"), process("d", "a")])
    assert fault.what.endswith("a → b → c → a")
    assert circles([process("a", "a")]) == []  # a whole tree
    assert circles([process("a", "b"), process("b"), process("c", "a", "b")]) == []
