"""Plain values to the typed policy: what every key becomes."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from watchdog_oom.core.conditions.kernel import KernelOomKill
from watchdog_oom.core.conditions.memory import MemoryAvailableBelow, SwapFreeBelow
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.conditions.service import ServiceIs
from watchdog_oom.core.conditions.spool import SpoolIs
from watchdog_oom.core.nouns import Busy, ProcessNoun, RunProbe, ServiceNoun, Size, SpoolNoun, TcpProbe
from watchdog_oom.core.policy import (
    Children,
    Clause,
    Exceeds,
    First,
    Hours,
    Limit,
    Mode,
    Policy,
    Protect,
    Recover,
    RecoveryStep,
    Then,
    Verb,
)
from watchdog_oom.lean_dataclasses import replace
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.files import Gathered
from watchdog_oom.policy.load import check_documents


def policy(text: str) -> Policy:
    gathered = Gathered()
    ir = check_documents([("x.toml", text.encode())], gathered)
    assert not gathered.faults, gathered.faults
    return build_policy(ir)


NOUNS = """
[process.p]
exe = "/usr/bin/*"
[spool.s]
path = "/var/spool/s/"
entries = ["a*", "b*"]
stale_after = "1h"
[service.v]
unit = "v.service"
"""


def test_paths_and_units_stop_at_a_slash_and_names_do_not() -> None:
    noun = policy("""
[process.p]
exe = "/usr/*/x"
name = ["a*", "b?"]
unit = "a*.service"
cmdline = "x$"
user = ["u", "7"]
""").processes["p"]
    assert not noun.exe[0].fullmatch("/usr/a/b/x")
    assert noun.exe[0].fullmatch("/usr/a/x")
    assert [bool(pattern.fullmatch("a/b")) for pattern in noun.comm] == [True, False]
    assert not noun.unit[0].fullmatch("a/b.service")
    assert noun.cmdline == (re.compile("x$"),)
    assert noun.user == ("u", "7")


def test_a_spool_and_its_defaults() -> None:
    assert policy(NOUNS).spools["s"] == SpoolNoun("s", "/var/spool/s", ("a*", "b*"), 3600.0)
    text = NOUNS.replace('stale_after = "1h"', 'stale_after = "0s"\nbusy = "ignore"\nlimit = 9')
    assert policy(text).spools["s"] == SpoolNoun("s", "/var/spool/s", ("a*", "b*"), 0.0, Busy.IGNORE, 9)


def test_a_service_and_its_probes() -> None:
    assert policy(NOUNS).services["v"] == ServiceNoun("v", "v.service")
    text = NOUNS + """
triggers = ["v.socket"]
stable_for = "5s"
probe = { tcp = "[::1]:25", expect = "220", within = "9s" }
"""
    probe = TcpProbe("::1", 25, "220", 9.0)
    assert policy(text).services["v"] == ServiceNoun("v", "v.service", ("v.socket",), 5.0, probe)
    text = NOUNS + 'probe.run = ["/bin/x", ""]\n'
    assert policy(text).services["v"].probe == RunProbe(("/bin/x", ""))


def test_protect_and_limit() -> None:
    text = NOUNS + """
[protect.a]
process = "p"
oom_score_adj = -1000
allow_unkillable = true
children = "inherit"
[limit.a]
process = "p"
rss = "1MiB"
swap = "5%"
runtime = "1min"
total_rss = "1GB"
count = 3
first = "newest"
for = "1s"
grace = "2s"
then = "freeze"
[limit.b]
process = "p"
count = 1
"""
    found = policy(text)
    assert found.protects["a"] == Protect("a", "p", -1000, True, Children.INHERIT)
    assert found.limits["a"] == Limit("a", "p", Size(1 << 20), Size(percent=5.0), 60.0, Size(10**9), 3,
                                      First.NEWEST, 1.0, 2.0, Then.FREEZE)
    assert found.limits["b"] == Limit("b", "p", count=1)


def test_clauses_become_conditions_with_everything_about_one_subject_together() -> None:
    when = policy(NOUNS + """
[recover.r]
when = [
  { memory_available_below = "10%", swap_free_below = "1GiB", process = "p", rss_above = "1MiB", for = "15s", \
runtime_above = "1min" },
  { spool = "s", entries_above = 5, inodes_free_below = 100 },
  { service = "v", failed = true },
  { kernel_oom_kill = "any" },
  { kernel_oom_kill = "p" },
]
steps = [{ wait = "1s" }]
""").recovers["r"].when
    assert when == (
        Clause((MemoryAvailableBelow(Size(percent=10.0)), SwapFreeBelow(Size(1 << 30)),
                ProcessesAre("p", rss_above=Size(1 << 20), runtime_above=60.0)), 15.0),
        Clause((SpoolIs("s", entries_above=5, inodes_free_below=Size(100)),)),
        Clause((ServiceIs("v", failed=True),)),
        Clause((KernelOomKill(None),)),
        Clause((KernelOomKill("p"),)),
    )


def test_steps_and_the_rest_of_a_recovery() -> None:
    text = NOUNS + """
[recover.r]
when = [{ kernel_oom_kill = "any" }]
steps = [
  { stop = ["v"], within = "9s" }, { kill = "p" }, { freeze = ["p"] }, { purge = "s" }, { run = ["/bin/x", "a b"] },
  { wait = "5s" }, { start = "stopped", within = "1min" }, { start = "v" }, { restart = ["v"] }, { verify = "v" },
]
cooldown = "1min"
attempts = 1
per = "1h"
hours = "22:00-06:00"
mode = "observe"
"""
    found = policy(text).recovers["r"]
    assert found.steps == (
        RecoveryStep(Verb.STOP, ("v",), within_seconds=9.0), RecoveryStep(Verb.KILL, ("p",)),
        RecoveryStep(Verb.FREEZE, ("p",)), RecoveryStep(Verb.PURGE, ("s",)),
        RecoveryStep(Verb.RUN, argv=("/bin/x", "a b")), RecoveryStep(Verb.WAIT, within_seconds=5.0),
        RecoveryStep(Verb.START, stopped=True, within_seconds=60.0), RecoveryStep(Verb.START, ("v",)),
        RecoveryStep(Verb.RESTART, ("v",)), RecoveryStep(Verb.VERIFY, ("v",)))
    assert found.fingerprint
    assert replace(found, fingerprint="") == Recover("r", found.when, found.steps, 60.0, 1, 3600.0, Hours(1320, 360),
                                                    Mode.OBSERVE)


def test_the_emergency() -> None:
    found = policy(NOUNS + '[emergency]\nmemory_available_below = "64MiB"\nprefer = "p"\nmode = "observe"\n').emergency
    assert found.memory_available_below == Size(64 << 20)
    assert found.swap_free_below == Size(percent=10.0)
    assert (found.prefer, found.mode) == (("p",), Mode.OBSERVE)


def test_building_imports_nothing_of_the_parser() -> None:
    code = ("import json, sys, watchdog_oom.policy.build, watchdog_oom.daemon.config; "
            "print(json.dumps(sorted(sys.modules)))")
    loaded = set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))
    assert "watchdog_oom.policy.build" in loaded
    assert not loaded & {"tomli", "difflib", "watchdog_oom.policy.schema", "watchdog_oom.policy.load", "logging"}


def test_how_a_process_fares_and_whom_a_noun_leaves_out() -> None:
    found = policy(NOUNS + """
[process.q]
parent = "q"
user = "u"
except = ["p", "r"]
age_above = "10min"
rss_above = "5%"
orphaned = false
[process.r]
name = "r"
rss_above = "1MiB"
[limit.q]
process = "q"
runtime = "1min"
count = 1
exceeds = "all"
first = "largest"
""")
    assert found.processes["q"] == ProcessNoun("q", user=("u",), parent=("q",), excepted=("p", "r"),
                                               age_above_seconds=600.0, rss_above=Size(percent=5.0), orphaned=False)
    assert found.processes["q"].whole_tree
    assert found.processes["r"].rss_above == Size(1 << 20)
    assert found.limits["q"] == Limit("q", "q", runtime_seconds=60.0, count=1, exceeds=Exceeds.ALL, first=First.LARGEST)
