"""Lines broken at a column: in the middle of a name or a number they are one word again, at a blank they are two."""

from __future__ import annotations

import quopri

import pytest

from tests.kernel_log import reports
from tests.kernel_log.containers import CONTAINERS, messages, wrapped
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.joints import joined


@pytest.mark.parametrize(("kind", "before", "piece", "whole"), [
    ("zone", "Node 0 DMA free:4036kB inactive_a", "non:256kB present:5kB", "inactive_anon:256kB present:5kB"),
    ("zone", "Node 0 DMA free:4036kB present:101", "8080kB", "present:1018080kB"),
    ("zone", "Node 0 DMA free:4036kB present:1018080kB", "pages_scanned:0", "present:1018080kB pages_scanned:0"),
    ("zone", "DMA free:4kB all_unreclaimable?", "yes", "all_unreclaimable? yes"),
    ("free_list", "DMA: 1*4kB 1*", "2048kB 0*4096kB = 3940kB", "1*2048kB 0*4096kB"),
    ("free_list", "DMA: 1*4kB (U", "ME) 2*8kB", "1*4kB (UME) 2*8kB"),
    ("free_list", "DMA: 1*4kB", "2*8kB = 20kB", "1*4kB 2*8kB = 20kB"),
    ("killed", "Killed process 16 (a) total-", "vm:105kB, anon-rss:9kB", "total-vm:105kB"),
    ("killed", "Killed process 16 (a) total-vm:105kB, anon-rss:9", "792kB", "anon-rss:9792kB"),
    ("killed", "Killed process 16 (a) total-vm:1kB, UID:10", "00 pgtables:5kB", "UID:1000 pgtables"),
    ("killed", "Killed process 16 (a) total-vm:105kB,", "anon-rss:9792kB", "total-vm:105kB, anon-rss:9792kB"),
    ("killed", "Killed process", "16 (a)", "Killed process 16 (a)"),
    ("invoker", "a invoked oom-killer: gfp_mask=0xcc0(GFP_KE", "RNEL), order=0,", "(GFP_KERNEL), order=0,"),
    ("invoker", "a invoked oom-killer: gfp_mask=0xcc0, order=1, oom_score_", "adj=0", "oom_score_adj=0"),
    ("invoker", "a invoked oom-killer: gfp_mask=0xcc0,", "order=0", "0xcc0, order=0"),
    ("task", "[   12]     0    12     1820       9", "0    49152       12             0 sh", " 90 "),
    ("summary", "oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/kube", "pods,task=a", "oom_memcg=/kubepods,task=a"),
    ("counters", "active_anon:46557 inactive_anon:466", "39 isolated_anon:0", "inactive_anon:46639 isolated_anon:0"),
    ("zone", "DMA free:4kB active_anon:0kB =", "inactive_anon:0kB", "active_anon:0kB inactive_anon:0kB"),
    ("free_list", "DMA: 1*4kB =", "4kB", "1*4kB = 4kB"),
    ("free_list", "DMA: 1*4kB =", "78B", "1*4kB = 78B"),
    ("zone", "DMA free:4kB pages_scanned:0", "all_unreclaimable? no", "pages_scanned:0 all_unreclaimable? no"),
    ("group_stats", "Memory cgroup stats for", "/docker/2e08: cache:0KB", "stats for /docker/2e08: cache:0KB"),
    ("reaped", "oom_reaper: reaped process 16 (a), now", "anon-rss:0kB", "now anon-rss:0kB"),
    ("reaped", "oom_reaper:", "reaped process 16 (a)", "oom_reaper: reaped"),
    ("killed", "Memory cgroup out of memory: Killed proc", "ess 16 (a)", "Killed process 16 (a)"),
    ("task", "[   12]     0    12     1820       90    49152       12", "0 tmux: server", " 12 0 tmux: server"),
    ("task", "[   12]     0    12     1820       90    49152       1", "2 0 tmux: server", " 12 0 tmux: server"),
])
def test_two_pieces_are_joined_as_they_were(kind: str, before: str, piece: str, whole: str) -> None:
    assert whole in joined(kind, before, piece, 8)


@pytest.mark.parametrize("width", range(70, 92))
def test_a_report_that_a_mail_broke_at_blanks_says_the_same(width: int) -> None:
    for report in (reports.GLOBAL_6_1, reports.LOW_2_6_9):
        plain, mail = ([facts(event) for event in events_in([form(messages(report))])]
                       for form in (CONTAINERS["dmesg"], wrapped(width)))
        assert mail == plain


@pytest.mark.parametrize("other", ["{", "a line of somebody else", "eth0: link up, 1000 Mbps"])
def test_counters_end_before_the_line_of_somebody_else(other: str) -> None:
    report = reports.LOW_2_6_9.splitlines()
    counters = next(number for number, line in enumerate(report) if line.startswith("Active:"))
    mixed = [*report[:counters + 1], other, *report[counters + 1:]]
    plain, among = (next(events_in(["\n".join(lines).encode()])) for lines in (report, mixed))
    assert among.meminfo == plain.meminfo


def _broken(text: str, width: int) -> bytes:
    return "".join(f"{line[start:start + width]}\n" for line in text.splitlines()
                   for start in range(0, max(len(line), 1), width)).encode()


@pytest.mark.parametrize("width", [80, 100, 132])
def test_a_report_that_a_terminal_broke_has_its_numbers(width: int) -> None:
    report = "".join(f"[  100.000000] {line}\n" for line in reports.GLOBAL_6_1.splitlines())
    whole, broken = (next(events_in([log])) for log in (report.encode(), _broken(report, width)))
    assert broken.zones == whole.zones
    assert broken.ram_bytes == whole.ram_bytes
    assert broken.invoker == whole.invoker
    assert [kill.anon_rss_bytes for kill in broken.kills] == [kill.anon_rss_bytes for kill in whole.kills]


def test_a_mail_as_it_was_sent_says_the_same() -> None:
    report = "".join(f"[  100.000000] {line}\n" for line in reports.LOW_2_6_9.splitlines()).encode()
    plain, quoted = (next(events_in([log])) for log in (report, quopri.encodestring(report)))
    assert facts(quoted) == facts(plain)


@pytest.mark.parametrize("width", range(72, 140))
def test_half_of_a_broken_size_is_no_counter(width: int) -> None:
    report = "".join(f"[  100.000000] {line}\n" for line in reports.GLOBAL_6_1.splitlines())
    whole, broken = (next(events_in([log])) for log in (report.encode(), _broken(report, width)))
    assert broken.meminfo.items() <= whole.meminfo.items()
