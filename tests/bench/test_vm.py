"""What the benchmarks in a guest make of what they saw: the kernel's trace, a race, a row of each table."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from bench.vm import kernel_trace, race, starved
from bench.vm.__main__ import parse
from bench.vm.contestants import contestants, recipe
from bench.vm.referee import Race, Sample, Seen, Task, crossing, judge, parse_meminfo, rate, short
from bench.vm.thrash import Fared, Standing, fared

TRACE = """\
# tracer: nop
#
   watchdog-oomd-407     [000] d.h..    99.990000: sched_wakeup: comm=watchdog-oomd pid=407 prio=120 target_cpu=000
         python3-900   [001] d....   100.100000: signal_generate: sig=9 errno=0 code=0 comm=hog pid=420 grp=1 res=0
   a) R 1 (x-y-z-55 [001] d..2. 100.200000: signal_generate: sig=15 errno=0 code=0 comm=b pid=7 grp=1 pid=31 grp=1 res=0
   watchdog-oomd-407     [000] d....   100.300000: signal_generate: sig=15 errno=0 code=0 comm=hog pid=420 grp=1 res=0
             hog-420     [000] .....   100.400000: mark_victim: pid=77
"""
TASK = Task((0,), 1, 36, 10.0, 407)
RACE = Race(0, 10.0, 20.0, 20.03, 20.05, 15, "watchdog-oomd", 20.1, 20.2, 24.0, 400.0, 0, (), True)


def sleeps_and_wakings(*moments: tuple[float, str]) -> str:
    lines = {"woken": "idle-0 [000] d.h.. {at:.6f}: sched_wakeup: comm=us pid=5 prio=120 target_cpu=000",
             "asleep": "us-5 [000] d.... {at:.6f}: sched_switch: prev_comm=us prev_pid=5 prev_prio=120 "
                       "prev_state=S ==> next_comm=idle next_pid=0 next_prio=120",
             "disk": "us-5 [000] d.... {at:.6f}: sched_switch: prev_comm=us prev_pid=5 prev_prio=120 "
                     "prev_state=D ==> next_comm=idle next_pid=0 next_prio=120"}
    return "\n".join(lines[what].format(at=at) for at, what in moments)


def test_signals_are_told_with_sender_and_target_whatever_they_call_themselves() -> None:
    hostile = kernel_trace.signals(TRACE)[1]
    assert (hostile.sender, hostile.sender_pid, hostile.comm, hostile.pid) == ("a) R 1 (x-y-z", 55, "b pid=7 grp=1", 31)
    assert kernel_trace.oom_victims(TRACE) == [77]


def test_a_round_is_from_the_wake_up_to_the_next_sleep_and_waits_for_the_disk_are_part_of_it() -> None:
    trace = sleeps_and_wakings((1.0, "woken"), (1.5, "asleep"), (2.0, "woken"), (2.1, "disk"), (2.4, "woken"),
                               (2.5, "asleep"), (3.0, "woken"), (3.001, "asleep"), (4.0, "woken"))
    assert kernel_trace.rounds(trace, 5) == [pytest.approx(0.5), pytest.approx(0.001)]
    assert kernel_trace.rounds(trace, 6) == []


def test_a_race_counts_the_signals_of_the_daemon_alone_and_every_other_victim_of_it_is_a_wrong_one() -> None:
    samples = [Sample(100.0, 50.0, 0.0), Sample(100.2, 35.0, 5.0), Sample(100.5, 300.0, 90.0)]
    seen = Seen(420, 98.0, samples, [(100.0, 300.0), (100.25, 400.0)], 100.35, 100.5)
    trace = TRACE.replace("python3-900", f"python3-{os.getpid()}")
    told = judge(TASK, 0, seen, trace)
    assert (told.crossed_at, told.woken_at, told.signalled_at, told.signal) == (100.2, 99.99, 100.3, 15)
    assert (told.sender, told.kernel_kills, told.least_mib) == ("watchdog-oomd", 1, 35.0)
    assert told.wrong == ()
    assert judge(dataclasses.replace(TASK, daemon_pid=55), 0, seen, trace).wrong == (
        "b pid=7 grp=1[31] by a) R 1 (x-y-z",)
    assert told.rate_mib == pytest.approx(400.0)


def test_a_dip_that_went_away_again_is_not_the_shortage_that_was_answered() -> None:
    samples = [Sample(1.0, 30.0, 0.0), Sample(1.1, 50.0, 0.0), Sample(2.0, 35.0, 0.0), Sample(2.1, 20.0, 0.0),
               Sample(2.2, 300.0, 0.0), Sample(2.3, 30.0, 0.0)]
    assert crossing(samples, TASK, 2.15) == 2.0
    assert crossing(samples, TASK, 0.5) is None


def test_a_kill_of_the_kernel_is_no_reaction_of_the_daemon() -> None:
    seen = Seen(77, 98.0, [Sample(100.2, 10.0, 0.0)], [], 100.45, None)
    killed = TRACE.replace("pid=420", "pid=77")
    assert judge(TASK, 0, seen, killed).signalled_at is None


def test_both_must_be_below_the_thresholds_and_a_host_without_swap_has_none_free() -> None:
    with_swap = parse_meminfo(b"MemAvailable: 30720 kB\nSwapTotal: 1000 kB\nSwapFree: 500 kB\n", 1.0)
    without = parse_meminfo(b"MemAvailable: 30720 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", 1.0)
    assert (with_swap.available_mib, with_swap.swap_percent) == (30.0, 50.0)
    assert (short(with_swap, TASK), short(without, TASK)) == (False, True)


def test_a_rate_needs_two_looks_in_its_time() -> None:
    assert rate([(1.0, 10.0), (5.0, 20.0)], 5.0) == 0.0
    assert rate([], None) == 0.0


def test_a_row_of_races_tells_medians_the_difference_and_what_never_happened() -> None:
    slow = dataclasses.replace(RACE, signalled_at=20.15, woken_at=20.11)
    assert race.row(False, 0, "us", [RACE, slow, slow], [RACE]) == (
        "no", "full", "400", "us", "3", "150 (50–150)", "+100", "40 (20–40)", "200 (200–200)", "24", "0", "0")
    nobody = dataclasses.replace(RACE, signalled_at=None, woken_at=None, kernel_kills=1)
    assert race.row(True, 50, "none", [nobody], [])[5:8] == ("–", "–", "–")


def test_races_of_two_runs_are_counted_together() -> None:
    both = race.together({"a": [RACE], "b": [RACE]}, {"b": [RACE, RACE], "c": [RACE]})
    assert {key: len(races) for key, races in both.items()} == {"a": 1, "b": 3, "c": 1}


def test_the_long_rounds_are_counted_and_faults_are_those_of_the_time() -> None:
    rounds = [0.001] * 198 + [0.11, 0.3]
    told = fared(rounds, Standing(10.0, 3, 1.0, 2.0), Standing(12.0, 5, 1.5, 2.25))
    assert (told.rounds, told.long, told.longest_ms) == (200, 2, 300.0)
    assert (told.major_faults, told.cpu_ms_a_second, told.waited_ms_a_second) == (2, 250.0, 125.0)


def test_a_starved_daemon_is_compared_with_nohang_by_its_longest_round() -> None:
    one = starved.Starved("us", Fared(600, 2, 50.0, 1.0, 10.0, 0), 0, 1, 1500.0)
    assert starved.row(one, 100.0) == ("us", "600", "2", "50", "0.50", "1.0", "10.0", "0", "1", "1500")


def test_every_guard_is_told_the_same_thresholds() -> None:
    armed = {name: one.armed for name, one in contestants().items()}
    assert "-M 36864 -s 10" in armed["earlyoom"]
    assert "36 M" in armed["nohang"]
    assert "10 %" in armed["nohang"]
    assert 'memory_available_below = "36MiB"' in armed["watchdog-oom"]


def test_the_image_names_no_path_of_the_host_it_is_made_on() -> None:
    assert str(Path.cwd()) not in "".join((*recipe().files.values(), *recipe().hooks))


def test_a_benchmark_that_does_not_exist_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["reactoin"])
    assert "there are reaction, starved" in capsys.readouterr().err
