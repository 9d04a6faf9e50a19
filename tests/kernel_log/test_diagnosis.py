"""Events judged whole: the collected reports of real hosts, the incident of 2007, and logs damaged in every way."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import at_most
from tests.kernel_log import reports
from watchdog_oom.kernel_log.before import Past
from watchdog_oom.kernel_log.diagnosis import Diagnosis, diagnose
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.shortage import Short
from watchdog_oom.policy.build import build_policy
from watchdog_oom.policy.load import load_policy

SHARED = Path(__file__).resolve().parents[3] / "shared"
LOGS = {path.name.partition("-")[0]: path for path in sorted((SHARED / "oom-corpus").glob("*.log"))}
INCIDENT = SHARED / "incident-2007.log"
OF_033 = "cgroup_limit"
WAS_SHORT = {  # by the number of the report; of each of its events, the strongest first
    "001": "not_to_be_told", "002": "not_to_be_told",
    "004": "lowmem, kernel_memory / lowmem, kernel_memory / lowmem, kernel_memory",
    "005": "lowmem, kernel_memory", "006": "ram_no_swap", "008": "cgroup_limit / not_to_be_told", "010": "lowmem",
    "011": "not_to_be_told / cgroup_limit", "012": "cgroup_limit", "014": "ram_and_swap", "015": "cgroup_limit",
    "017": "ram_and_swap", "018": "cgroup_limit / not_to_be_told", "020": "cgroup_limit / cgroup_limit",
    "021": "kernel_memory, ram_no_swap", "023": "not_to_be_told", "024": "cgroup_limit",
    "025": "ram_no_swap / not_to_be_told", "027": "lowmem / not_to_be_told", "027w": "lowmem / not_to_be_told",
    "028": "ram_and_swap", "029": "node", "030": "cgroup_limit / not_to_be_told", "032": "ram_and_swap",
    "033": OF_033, "035": "nothing", "036": "not_to_be_told / not_to_be_told",
    "038": "not_to_be_told / unaccounted, cma", "039": "ram_no_swap", "039w": "ram_no_swap", "041": "ram_and_swap",
    "042": "cgroup_limit", "043": "lowmem, cma", "044": "cgroup_limit", "046": "node",
    "048": "pressure / ram_and_swap, pressure / ram_and_swap, pressure / pressure / pressure / ram_and_swap, pressure",
    "049": "nothing", "050": "not_to_be_told", "052": "not_to_be_told", "053": "not_to_be_told",
    "054": "not_to_be_told", "056": "cgroup_limit", "057": "ram_no_swap", "059": "ram_no_swap, not_to_be_told",
    "060": "not_to_be_told / kernel_memory", "061": "kernel_memory", "070": OF_033, "072": OF_033, "073": OF_033,
    "075": OF_033, "076": OF_033, "077": OF_033, "078": OF_033, "080": "not_to_be_told", "081": "ram_and_swap"}


def judged(log: bytes) -> list[Diagnosis]:
    past = Past()
    return [diagnose(event, past) for event in events_in([log])]


def kinds(one: Diagnosis) -> str:
    return ", ".join(str(shortage.kind) for shortage in one.short)


@pytest.mark.skipif(not LOGS, reason="the collection of reports is not here")
def test_each_collected_report_is_in_the_table() -> None:
    assert sorted(LOGS) == sorted(WAS_SHORT)


@pytest.mark.parametrize("number", WAS_SHORT)
def test_what_was_short_is_right_for_each_collected_report(number: str, tmp_path: Path) -> None:
    if number not in LOGS:
        pytest.skip("the collection of reports is not here")
    found = judged(LOGS[number].read_bytes())
    assert " / ".join(map(kinds, found)) == WAS_SHORT[number]
    for one in found:
        assert all(shortage.evidence for shortage in one.short)
        loaded(one.prevention.policy, tmp_path)


def loaded(text: str, folder: Path) -> None:
    """A policy of an advice, as ``watchdog-oom check`` loads it: a fault raises."""
    if text:
        (folder / "advice.toml").write_text(text)
        build_policy(load_policy((), [str(folder / "advice.toml")], check_ownership=False).ir)


@pytest.mark.skipif(not INCIDENT.exists(), reason="the log of the incident is not here")
def test_the_incident_is_told_as_far_as_its_lines_tell_it_and_no_further() -> None:
    found = judged(INCIDENT.read_bytes())
    first = found[0]
    event = first.event
    assert event.ram_bytes == 256 << 20
    assert (event.reserved_bytes or 0) // event.page_bytes == 1927
    assert event.swap_free_bytes == 0
    assert event.meminfo["free"] == 12_744 << 10
    assert {zone.name: (zone.free_bytes or 0) >> 10 for zone in event.zones if zone.present_bytes} \
        == {"DMA": 12_292, "Normal": 452}
    assert kinds(first) == "ram_and_swap"
    assert "Normal has 452 kB free, below its min of 460 kB" in first.short[0].evidence
    assert [kill.comm for one in found for kill in one.event.kills] == ["mysqld", "httpd", "httpd", "smtp"]
    assert "Who held the memory cannot be known: this kernel lists no processes" in first.words
    assert all("scan" not in one.words for one in found)


@pytest.mark.parametrize(("name", "found"), [
    ("GLOBAL_6_1", "ram_and_swap"), ("GROUP_V2_5_15", "cgroup_limit"), ("GROUP_V1_3_10", "cgroup_limit"),
    ("LOW_2_6_9", "lowmem, kernel_memory"), ("CHILD_2_6_32", "ram_and_swap"), ("OLD_2_4", "not_to_be_told"),
    ("MEMPOLICY_2_6_27", "node"), ("CPUSET_5_8", "node"), ("PANIC_4_19", "kernel_memory, ram_no_swap"),
    ("SYSRQ_5_13", "nothing"), ("LARGE_PAGES_4_18", "ram_no_swap")])
def test_what_was_short_is_right_for_reports_of_many_kernels(name: str, found: str, tmp_path: Path) -> None:
    for one in judged(reports.ALL[name].encode()):
        assert kinds(one) == found
        loaded(one.prevention.policy, tmp_path)


OOMD_PRESSURE = ("systemd-oomd[7]: Killed /user.slice/a.scope due to memory pressure for /user.slice being 75.42% > "
                 "50.00% for > 20s with reclaim activity")
OOMD_USED = ("systemd-oomd[7]: Killed /a.service due to memory used (15728640000) / total (16777216000) and swap used "
             "(7516192768) / total (8589934592) being more than 90.00%")
EARLYOOM = 'earlyoom[7]: sending SIGTERM to process 7378 uid 1000 "tail": oom_score 156, VmRSS 4962 MiB'
NO_SWAP = "earlyoom[7]: mem avail:   165 of 31880 MiB ( 0.52%), swap free:    0 of    0 MiB ( 0.00%)"


@pytest.mark.parametrize(("line", "found"), [(OOMD_PRESSURE, "pressure"), (OOMD_USED, "ram_and_swap, pressure"),
                                             (EARLYOOM, "pressure")])
def test_killers_in_user_space_are_judged_by_the_numbers_that_they_give(line: str, found: str) -> None:
    (one,) = judged(f"May 01 10:00:01 host {line}\n".encode())
    assert kinds(one) == found


def test_earlyoom_on_a_host_without_swap_is_not_said_to_have_used_it_up() -> None:
    (one,) = judged("".join(f"May 01 10:00:01 host {line}\n" for line in (NO_SWAP, EARLYOOM)).encode())
    assert kinds(one) == "ram_no_swap, pressure"


def test_a_whole_report_of_today_is_told_with_its_holders_and_its_prevention(tmp_path: Path) -> None:
    (one,) = judged(reports.GLOBAL_6_1.encode())
    assert kinds(one) == "ram_and_swap"
    assert one.held.groups[0].comm == "indexer"
    assert "indexer[4242] holds" in one.words
    assert one.prevention.policy
    loaded(one.prevention.policy, tmp_path)


@pytest.mark.parametrize("name", reports.ALL)
def test_a_report_that_is_cut_claims_nothing_that_the_whole_does_not(name: str) -> None:
    """After each line, and before each line."""
    lines = reports.ALL[name].splitlines(keepends=True)
    whole = {str(shortage.kind) for one in judged(reports.ALL[name].encode()) for shortage in one.short}
    for number in range(1, len(lines)):
        for part in (lines[:number], lines[number:]):
            first = {str(one.short[0].kind) for one in judged("".join(part).encode())}
            assert first <= whole | {"not_to_be_told"}, (number, part[0])


@settings(deadline=None, max_examples=at_most(60), suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 6000), st.integers(0, 6000), st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)),
                                                           max_size=8))
def test_a_report_cut_and_damaged_anywhere_is_judged_without_an_error(start: int, end: int,
                                                                     damage: list[tuple[int, int]]) -> None:
    log = bytearray(reports.GLOBAL_6_1.encode())
    for place, value in damage:
        if place < len(log):
            log[place] = value
    for one in judged(bytes(log[min(start, end):max(start, end)]).replace(b"\0", b"x") or b"x"):
        assert one.short
        assert one.words
        assert {shortage.kind for shortage in one.short} <= set(Short)
