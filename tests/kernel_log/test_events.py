"""The same report in every kind of log says the same; cut, mixed and hostile ones do no harm."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import at_most, every, pairs
from tests.kernel_log import reports
from tests.kernel_log.containers import CONTAINERS, messages
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.json_form import event_json
from watchdog_oom.kernel_log.model import Event
from watchdog_oom.kernel_log.source import NotALogError
from watchdog_oom.lean_dataclasses import replace

INCIDENT = Path(__file__).resolve().parents[3] / "shared" / "incident-2007.log"


def read(log: bytes, size: int = 4096) -> list[Event]:
    return list(events_in(log[start:start + size] for start in range(0, len(log), size)))


@pytest.mark.parametrize(("report", "container"), pairs(reports.ALL, CONTAINERS))
def test_a_report_says_the_same_in_every_log(report: str, container: str) -> None:
    text = reports.ALL[report]
    bare = [facts(event) for event in read(text.encode())]
    assert len(bare) == 1
    assert [facts(event) for event in read(CONTAINERS[container](messages(text)))] == bare


def mixed(first: bytes, second: bytes) -> bytes:
    """Line by line from both in turn."""
    one, two = first.splitlines(True), second.splitlines(True)
    turns = max(len(one), len(two))
    return b"".join(line for turn in range(turns) for line in one[turn:turn + 1] + two[turn:turn + 1])


def dmesg(report: str, start: float, caller: str = "") -> bytes:
    return "".join(f"[{seconds:12.6f}]{caller} {text}\n" for seconds, text in messages(report, start)).encode()


def of_host(report: str, host: str) -> bytes:
    return "".join(f"Jun 29 09:17:43 {host} kernel: {text}\n" for text in report.splitlines()).encode()


@pytest.mark.parametrize("log", [
    mixed(of_host(reports.GLOBAL_6_1, "a"), of_host(reports.GROUP_V2_5_15, "b")),
    mixed(dmesg(reports.GLOBAL_6_1, 100.0, "[ T42]"), dmesg(reports.GROUP_V2_5_15, 100.0, "[ T43]")),
    mixed(dmesg(reports.GLOBAL_6_1, 100.0), dmesg(reports.GROUP_V2_5_15, 700.0)),
    dmesg(reports.GLOBAL_6_1, 100.0) + dmesg(reports.GROUP_V2_5_15, 100.5),
    reports.GLOBAL_6_1.encode() + reports.GROUP_V2_5_15.encode(),
], ids=["two hosts", "two callers", "two times", "one after the other", "bare, one after the other"])
def test_two_reports_are_two_events(log: bytes) -> None:
    alone = [facts(read(text.encode())[0]) for text in (reports.GLOBAL_6_1, reports.GROUP_V2_5_15)]
    assert [facts(event) for event in read(log)] == alone


@pytest.mark.parametrize("ahead", every(range(len(reports.ALL)), 4))
def test_every_pair_of_reports_one_after_the_other_is_two_events(ahead: range) -> None:
    texts = list(reports.ALL.values())
    for number, first in enumerate(texts):
        for second in (texts[(number + steps) % len(texts)] for steps in ahead):
            alone = [facts(read(text.encode())[0]) for text in (first, second)]
            log = dmesg(first, 100.0) + b"[  200.000000] eth0: link up\n" + dmesg(second, 300.0)
            found = [facts(event) for event in read(log)]
            if alone[1].kernel is None and alone[0].kernel:  # the host has told its kernel before
                alone[1] = replace(alone[1], kernel=alone[0].kernel,
                                   page_bytes=(alone[1] if alone[1].page_bytes_proven else alone[0]).page_bytes)
            assert found == alone


def test_what_a_cut_report_still_says_is_right_and_what_it_lacks_is_named() -> None:
    lines = reports.GLOBAL_6_1.splitlines(True)
    whole = read(reports.GLOBAL_6_1.encode())[0]
    for cut in range(len(lines)):
        head, tail = read("".join(lines[:cut]).encode()), read("".join(lines[cut:]).encode())
        assert len(head) <= 1
        assert len(tail) <= 1
        for event in head + tail:
            assert event.ram_bytes in (None, whole.ram_bytes)
            assert event.swap_free_bytes in (None, whole.swap_free_bytes)
            assert set(event.tasks) <= set(whole.tasks)
            if event.invoker and whole.invoker and "invoker" in event.parts:
                assert event.invoker in (whole.invoker, replace(whole.invoker, pid=None))
            assert event.complete == (event.missing == frozenset())
    no_kill = read(reports.GLOBAL_6_1.partition("oom-kill:")[0].encode())[0]
    assert no_kill.missing == {"kill"}
    rows_alone = read(reports.GLOBAL_6_1.partition("swapents oom_score_adj name\n")[2].encode())[0]
    assert rows_alone.missing == {"invoker", "meminfo", "zones", "free_lists", "ram"}
    assert rows_alone.tasks == whole.tasks


@pytest.mark.parametrize("cuts", every(range(0, len(reports.GLOBAL_6_1.encode()), 7), 5))
def test_a_line_cut_in_the_middle_gives_no_wrong_number(cuts: range) -> None:
    whole = read(reports.GLOBAL_6_1.encode())[0]
    log = reports.GLOBAL_6_1.encode()
    for cut in cuts:
        for event in read(log[:cut]):
            assert [kill.pid for kill in event.kills] in ([], [4242], [kill.pid for kill in event.kills
                                                                     if str(4242).startswith(str(kill.pid))])
            assert {task.comm for task in event.tasks[:-1]} <= {task.comm for task in whole.tasks}


def test_names_that_are_no_utf_8_stay_visible() -> None:
    log = reports.GLOBAL_6_1.encode().replace(b"indexer", b"caf\xe9")
    event = read(log)[0]
    assert [kill.comm for kill in event.kills] == ["caf\\xe9"]
    assert event.invoker is not None
    assert event.invoker.comm == "caf\\xe9"


@pytest.mark.parametrize("comm", ["a) total-vm:1kB", "x, y", "(sd-pam)", "tmux: server", "runc:[2:INIT]", "a b  c",
                                  "[1]", "kernel: x", "nice,pid=1,uid=0", "é", "{", "Node 0"])
def test_a_name_is_a_name_whatever_it_holds(comm: str) -> None:
    log = reports.GLOBAL_6_1.replace("indexer", comm)
    for container in ("dmesg", "syslog", "journal json", "/dev/kmsg", "rfc5424"):
        event = read(CONTAINERS[container](messages(log)))[0]
        assert [(kill.pid, kill.comm) for kill in event.kills] == [(4242, comm)]
        assert event.summary is not None
        assert (event.summary.pid, event.summary.task) == (4242, comm)
        assert event.invoker is not None
        assert event.invoker.comm == comm


def test_programs_that_repeat_the_kernel_s_words_kill_nobody() -> None:
    assert read(b"Jun 29 09:17:43 h app[12]: Out of memory: Killed process 99 (x) total-vm:1kB, anon-rss:1kB\n") == []
    assert read(b'{"MESSAGE": "Out of memory: Killed process 99 (x)", "SYSLOG_IDENTIFIER": "app"}\n') == []


def test_memory_that_was_shown_by_hand_is_no_event() -> None:
    shown = reports.LOW_2_6_9.partition("Mem-info:")[2].rpartition("Out of Memory")[0]
    assert read(f"SysRq : Show Memory\nMem-info:{shown}".encode()) == []
    failed = "cat: page allocation failure: order:4, mode:0x40dc0(GFP_KERNEL), nodemask=(null)\n"
    assert read(f"{failed}Mem-Info:{shown}".encode()) == []


def test_kills_hours_apart_are_events_of_their_own() -> None:
    lines = [f"Nov  2 {time} mail kernel: Out of Memory: Killed process {pid} ({name}).\n" for time, pid, name in (
        ("14:11:02", 22073, "mysqld"), ("14:55:51", 23485, "httpd"), ("14:55:52", 23471, "httpd"),
        ("17:06:25", 23726, "smtp"))]
    events = read("".join(lines).encode())
    assert [[kill.pid for kill in event.kills] for event in events] == [[22073], [23485, 23471], [23726]]


def test_kills_without_reports_are_one_event_only_within_seconds() -> None:
    line = "Nov  2 14:{} mail kernel: Out of Memory: Killed process {} (httpd).\n"
    near, far = line.format("55:51", 1) + line.format("55:59", 2), line.format("55:51", 1) + line.format("56:51", 2)
    assert [[kill.pid for kill in event.kills] for event in read(near.encode())] == [[1, 2]]
    assert [[kill.pid for kill in event.kills] for event in read(far.encode())] == [[1], [2]]


def test_who_is_killed_twice_with_the_group_is_told_so() -> None:
    event = read(reports.GROUP_V2_5_15.encode())[0]
    assert [(kill.pid, kill.again, kill.group) for kill in event.kills] == [
        (9001, False, False), (9001, True, True), (9002, False, True)]


def test_a_silent_host_does_not_hold_back_the_events_of_others() -> None:
    def chunks() -> Iterator[bytes]:
        yield of_host(reports.GLOBAL_6_1, "silent")
        for _ in range(40):
            yield of_host(reports.GLOBAL_6_1, "loud")
            given_out.append(1)

    given_out: list[int] = []
    next(events_in(chunks()))
    assert len(given_out) < 30


@pytest.mark.parametrize("proof", ["the victim's row", "a node's counters"])
def test_the_size_of_a_page_follows_from_the_numbers(proof: str) -> None:
    lines = reports.LARGE_PAGES_4_18.replace(".ppc64le", "").splitlines(True)
    text = "".join(line for line in lines if not line.startswith("Node"))
    if proof == "the victim's row":
        row = "[  881]     0   881   100000    95313   802816        0             0 python\n"
        head = "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
        text = text.replace("Out of", f"{head}{row}Out of")
    else:
        text = text.replace("131072 pages", "Node 0 active_anon:6001216kB inactive_anon:866560kB\n131072 pages")
    event = read(text.encode())[0]
    assert (event.page_bytes, event.page_bytes_proven) == (65536, True)
    assert event.ram_bytes == 131072 * 65536


def test_a_name_like_a_prefix_behind_the_kernel_s_time_is_a_name() -> None:
    event = read(dmesg("<4> invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n", 100.0))[0]
    assert event.invoker is not None
    assert event.invoker.comm == "<4>"


def test_the_version_told_at_boot_is_that_of_the_reports_that_follow() -> None:
    log = b"[    0.000000] Linux version 2.6.9-89.ELsmp (root@x) (gcc) #1\n" + dmesg(reports.LOW_2_6_9, 500.0)
    assert [event.kernel for event in read(log)] == ["2.6.9-89.ELsmp"]


@pytest.mark.slow
def test_a_table_of_tasks_without_end_is_counted_but_not_kept() -> None:
    row = "[   4300]  1000  4300     1820       90    49152       12             0 tmux: server\n"
    rows = "".join(row.replace("4300", str(number)) for number in range(10000, 50000))
    log = reports.GLOBAL_6_1.replace(row, rows)
    event = read(log.encode(), 1 << 20)[0]
    assert len(event.tasks) == 32768
    assert event.tasks_omitted == 40003 - 32768


_BITS = [line.encode() for text in reports.ALL.values() for line in text.splitlines()] + [
    container(messages(reports.PANIC_4_19)) for container in CONTAINERS.values()]


@settings(max_examples=at_most(150), deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=80), st.sampled_from(_BITS)), max_size=30), st.binary(max_size=3))
def test_nothing_that_a_log_can_hold_is_an_error(parts: list[bytes], between: bytes) -> None:
    _without_error(between.join(parts))
    _without_error(b"\n".join(parts))


@settings(max_examples=at_most(150), deadline=None)
@given(st.sampled_from(list(CONTAINERS)), st.sampled_from(list(reports.ALL)), st.data())
def test_no_cut_and_no_flipped_byte_is_an_error(container: str, report: str, data: st.DataObject) -> None:
    log = bytearray(CONTAINERS[container](messages(reports.ALL[report])))
    start, end = sorted(data.draw(st.lists(st.integers(0, len(log)), min_size=2, max_size=2)))
    for position in data.draw(st.lists(st.integers(0, len(log) - 1), max_size=20)):
        log[position] = data.draw(st.integers(0, 255))
    _without_error(bytes(log))
    _without_error(bytes(log[start:end]))
    _without_error(bytes(log[:start] + log[end:]))


def _without_error(log: bytes) -> None:
    try:
        events = read(log, 777)
    except NotALogError:
        return
    json.dumps([event_json(event, ["nothing"], "words") for event in events])
    assert [event.first_line for event in events if event.constraint != "userspace"] == sorted(
        event.first_line for event in events if event.constraint != "userspace")


@settings(max_examples=at_most(30), deadline=None)
@given(st.sampled_from(list(CONTAINERS)), st.integers(1, 500))
def test_it_does_not_matter_how_the_bytes_come(container: str, size: int) -> None:
    log = CONTAINERS[container](messages(reports.GROUP_V2_5_15))
    assert read(log, size) == read(log, len(log))


@pytest.mark.skipif(not INCIDENT.is_file(), reason="the log of that night is not here")
def test_the_night_of_2007() -> None:
    events = read(INCIDENT.read_bytes())
    first = events[0]
    normal = next(zone for zone in first.zones if zone.name == "Normal")
    dma = next(zone for zone in first.zones if zone.name == "DMA")
    assert (first.ram_bytes, first.swap_free_bytes) == (256 << 20, 0)
    assert first.reserved_bytes == 1927 * 4096
    assert first.meminfo["free"] == 12744 * 1024
    assert dma.free_bytes == 12292 * 1024
    assert (normal.free_bytes, normal.min_bytes) == (452 * 1024, 460 * 1024)
    assert [kill.comm for event in events for kill in event.kills] == ["mysqld", "httpd", "httpd", "smtp"]
    assert not any(event.tasks for event in events)
