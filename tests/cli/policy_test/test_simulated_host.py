"""The simulated host: it shows what the sensors would be asked for, and does what is planned."""

from __future__ import annotations

from tests.cli.policy_test.conftest import PlayOf, SceneOf
from watchdog_oom.cli.policy_test.simulated_host import SimulatedHost
from watchdog_oom.core.actions import Intent, Plan, Signal, SignalName, StopUnit, Watch
from watchdog_oom.core.model import ServiceStatus

LIMIT = '[process.big]\nname = "big"\n[limit.big]\nprocess = "big"\nrss = "100MiB"\n'


def did(host: SimulatedHost, *actions: object) -> None:
    host.perform(Plan(tuple(Intent(f"i-{number}", action, "r", ()) for number, action in enumerate(actions))))  # type: ignore[arg-type]


def test_it_shows_no_more_than_the_policy_has_the_sensors_read(scene: SceneOf) -> None:
    host = 'processes = [{ noun = "big", swap = "5MiB", user = "me", exe = "/bin/big" }, { name = "idle" }]'
    seen = SimulatedHost(scene(LIMIT, host)).look(Watch())
    assert seen.processes[1000].facts.exe is None and seen.processes[1000].facts.user is None
    assert seen.processes[1000].swap_bytes is None
    assert seen.processes[1000].oom_score_adj == 0  # guard asks
    assert seen.processes[1001].oom_score_adj is None
    near = SimulatedHost(scene(LIMIT, 'memory_available = "9%"\n' + host)).look(Watch())
    assert near.processes[1000].swap_bytes == 5 << 20  # an emergency is near


def test_who_gets_a_signal_ends_unless_he_ignores_it_and_his_memory_comes_back(scene: SceneOf) -> None:
    host = SimulatedHost(scene(LIMIT, 'memory_available = "100MiB"\nprocesses = [{ noun = "big", rss = "200MiB" }, '
                                      '{ noun = "big", ignores_term = true }, { name = "child", parent = "big" }]'))
    first, second = (host.look(Watch()).processes[pid] for pid in (1000, 1001))
    did(host, *(Signal(process.id, "big", SignalName.TERM) for process in (first, second)))
    seen = host.look(Watch())
    assert (1000 in seen.processes, 1001 in seen.processes) == (False, True)
    assert seen.memory is not None and seen.memory.available_bytes >> 20 == 300
    assert [report.outcome.ok for report in seen.reports] == [True, True]
    did(host, Signal(second.id, "big", SignalName.STOP))
    assert host.look(Watch()).processes[1001].state == "T"
    did(host, Signal(second.id, "big", SignalName.KILL), Signal(first.id, "big", SignalName.KILL))
    seen = host.look(Watch())
    assert [report.outcome.ok for report in seen.reports] == [True, False]
    assert seen.processes[1002].ppid == 1


def test_a_stop_takes_the_processes_of_the_unit_along_but_those_that_outlive_it(scene: SceneOf) -> None:
    host = SimulatedHost(scene('[service.a]\nunit = "a.service"\n' + LIMIT,
                               'processes = [{ name = "a", unit = "a.service" }, { name = "b", unit = "b.service" }, '
                               '{ name = "c", unit = "a.service", survives_stop = true }]'))
    did(host, StopUnit("a.service", "a"))
    assert host.look(Watch(frozenset({"a"}))).services["a"].status is ServiceStatus.ACTIVE  # it takes its time
    host.pass_time(1.0)
    seen = host.look(Watch(frozenset({"a"})))
    assert seen.services["a"].status is ServiceStatus.INACTIVE
    assert sorted(seen.processes) == [1, 1001, 1002]


def test_a_purge_takes_what_is_stale_and_gives_space_and_inodes_back(played: PlayOf) -> None:
    policy = ('[spool.s]\npath = "/var/s"\nentries = "*"\nstale_after = "1h"\n'
              '[recover.s]\nwhen = [{ spool = "s", stale_above = 1 }]\nsteps = [{ purge = "s" }]\nverify = false\n')
    host = 'spools = { s = { entries = 10, stale = 4, size = "1000B", inodes_free = 5, space_free = "1MiB" } }'
    done = played(policy, host)
    state = done.snapshot.spools["s"]
    assert (state.entries, state.stale, state.size_bytes, state.inodes_free) == (6, 0, 600, 9)
    assert state.space_free_bytes == (1 << 20) + 400
    assert any(line.what == "purge s" for line in done.done)
    used = played(policy, host.replace("stale = 4", "stale = 4, in_use = true"))
    assert used.snapshot.spools["s"].entries == 10


def test_services_fail_as_the_case_says(played: PlayOf) -> None:
    policy = ('[service.a]\nunit = "a.service"\nprobe = { tcp = "127.0.0.1:1", within = "5s" }\n[recover.a]\n'
              'when = [{ service = "a", failed = true }]\nsteps = [{ start = ["a"] }, { verify = "a" }]\n')

    def closed(state: str) -> str:
        found = [line.what for line in played(policy, f"services = {{ a = {state} }}").done if "closed" in line.what]
        return found[0]
    assert closed('"failed"') == "closed: success"
    assert "a is failed after its start" in closed('{ state = "failed", starts = false }')
    assert "does not answer" in closed('{ state = "failed", answers = false }')


def test_a_containment_is_kept_by_the_manager(played: PlayOf) -> None:
    done = played('[process.big]\nname = "big"\n[limit.big]\nprocess = "big"\nrss = "10MiB"\nthen = "contain"\n',
                  'processes = [{ noun = "big", rss = "50MiB", unit = "big.service" }]', after="5s")
    assert [line.what for line in done.done if not line.harmless] == ["contain big.service: MemoryHigh=10 MiB"]
    assert done.history.contained["big.service"].seen


def test_time_of_day_goes_on(played: PlayOf) -> None:
    policy = ('[spool.s]\npath = "/var/s"\nentries = "*"\nstale_after = "1h"\n'
              '[clean.s]\nspool = "s"\nevery = "1min"\nhours = "04:00-05:00"\n')
    spools = 'spools = { s = { entries = 10, stale = 4 } }'
    assert not [line for line in played(policy, f'clock = "02:00"\n{spools}', "1h").done if line.what == "purge s"]
    assert [line for line in played(policy, f'clock = "03:30"\n{spools}', "1h").done if line.what == "purge s"]
