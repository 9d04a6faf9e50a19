"""The host that a case describes: its processes as they are, and what does not fit the policy."""

from __future__ import annotations

import pytest

from tests.cli.policy_test.conftest import SceneOf
from watchdog_oom.cli.policy_test.scene import truth

POLICY = """
[process.old]
exe = "/usr/bin/old"
age_above = "1h"
[process.child]
name = "child"
parent = "old"
[spool.s]
path = "/var/s"
entries = "*"
stale_after = "1h"
[protect.old]
process = "old"
"""


def test_a_process_of_a_noun_is_one_and_carries_what_is_said_of_it(scene: SceneOf) -> None:
    made = scene(POLICY, 'processes = [{ noun = "old", count = 2, rss = "50MiB", user = "7", unit = "a.service" }, '
                         '{ noun = "child", container = true, terminal = true, oom_score_adj = 5 }]')
    assert [mistake[1] for mistake in made.mistakes] == [
        ('child[1002] as given here is not of child: it runs in namespaces of its own (namespaces = "any" would let it '
         "match)")]
    first, second, child = (made.processes[pid] for pid in (1000, 1001, 1002))
    assert [process.pid for process in truth(made).matching("old")] == [1000, 1001]
    assert (first.comm, first.facts.uid, first.facts.unit, first.rss_bytes >> 20) == ("old", 7, "a.service", 50)
    assert first.id != second.id
    assert (child.ppid, child.tty > 0, child.session, child.oom_score_adj) == (1001, True, 1002, 5)


def test_memory_that_is_not_available_is_what_processes_hold(scene: SceneOf) -> None:
    memory = scene(POLICY, 'memory = "1GiB"\nmemory_available = "5%"\nswap = "100MiB"\nswap_free = "40MiB"').memory
    assert (round(memory.available_percent, 3), memory.swap_free_percent) == (5.0, 40.0)


def test_what_the_kernel_killed_is_no_more_there_but_known_as_it_was(scene: SceneOf) -> None:
    made = scene(POLICY, 'kernel_kills = [{ noun = "old" }]\nclock = "03:12"')
    (kill,) = made.kills
    assert 1000 not in made.processes
    assert kill.victim is not None and kill.victim.facts.exe == "/usr/bin/old"
    assert made.minute == 192


@pytest.mark.parametrize(("host", "told"), [
    ('processes = [{ noun = "odl" }]', 'the policy has no process "odl"'),
    ('processes = [{ user = "me" }]', 'give its "name" or its "exe"'),
    ('processes = [{ noun = "child" }]', 'its parent "old" does not stand above it in the list'),
    ('processes = [{ noun = "old", age = "5min" }]',
     "old[1000] as given here is not of old: it has run for 5min, no longer than 1h"),
    ('processes = [{ noun = "old", exe = "/bin/x" }]', "x[1000] as given here is not of old: its exe is /bin/x"),
    ("spools = { t = {} }", 'the policy has no spool "t"'),
    ('services = { t = "active" }', 'the policy has no service "t"'),
])
def test_what_does_not_fit_the_policy_is_told(scene: SceneOf, host: str, told: str) -> None:
    assert [what for _, what in scene(POLICY, host).mistakes] == [told]
