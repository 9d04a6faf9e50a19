"""Who would match but for the namespaces is counted and named."""

from __future__ import annotations

import re
from dataclasses import replace

from watchdog_oom.core.model import Clock, Facts, Process, ProcessId, Snapshot
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.core.policy import Policy
from watchdog_oom.core.view import View
from watchdog_oom.explain.left_out import left_out, left_out_words

NODE = ProcessNoun("node", exe=(re.compile("/usr/bin/node"),), cmdline=(re.compile("serve"),))


def process(pid: int, *, hosts: bool | None = True, mounted: bool | None = True, cmdline: str | None = None,
            exe: str = "/usr/bin/node") -> Process:
    found = frozenset(NODE.cmdline) if cmdline is not None else frozenset[re.Pattern[str]]()
    facts = Facts(exe=exe, cmdline=cmdline, cmdline_has=found, host_namespaces=hosts, exe_mounted=mounted)
    return Process(ProcessId(pid, 1), 1, "node", facts=facts)


def view(*processes: Process, noun: ProcessNoun = NODE) -> View:
    seen = Snapshot(Clock(0.0, 0.0), processes={one.pid: one for one in processes})
    return View(seen, Policy(processes={noun.name: noun}))


def test_a_process_of_another_namespace_is_left_out_and_named_though_its_command_line_is_not_read() -> None:
    seen = view(process(1, cmdline="serve"), process(2, hosts=False), process(3, mounted=False),
                process(4, hosts=False, exe="/bin/cat"), process(5, hosts=None, cmdline="serve"))
    assert [one.pid for one in seen.matching("node")] == [1, 5]
    assert [one.pid for one in left_out(seen, "node")] == [2, 3]
    assert list(left_out_words(seen)) == [
        ("node leaves out 2 processes of containers or of users' own namespaces: node[2], node[3]; "
         'namespaces = "any" would let them match')]


def test_a_noun_that_asks_for_any_namespace_leaves_nobody_out() -> None:
    anywhere = view(process(2, hosts=False, cmdline="serve"), noun=replace(NODE, namespaces=Namespaces.ANY))
    assert [one.pid for one in anywhere.matching("node")] == [2]
    assert list(left_out_words(anywhere)) == []


def test_of_many_only_the_first_are_named() -> None:
    [words] = left_out_words(view(*(process(pid, hosts=False) for pid in range(2, 9))))
    assert "7 processes" in words and "node[4] and 4 more" in words
