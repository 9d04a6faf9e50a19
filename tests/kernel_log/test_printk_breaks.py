"""The kernel's own broken lines, 4.9 to 4.20: a zone and its list of blocks in pieces, each with a prefix."""

from __future__ import annotations

import re

import pytest

from tests.kernel_log import reports
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.printk_breaks import broken


def test_a_report_in_the_kernel_s_own_pieces_says_the_same() -> None:
    plain = "".join(f"[  100.000000] {line}\n" for line in reports.GLOBAL_6_1.splitlines())
    pieces = re.sub(r"Node 0 (DMA32|DMA|Normal)(:? )", r"Node 0 \n[  100.000000] \1\2", plain)
    pieces = re.sub(r"(\d+\*\d+kB|\([A-Z]+\)) ", r"\1 \n[  100.000000] ", pieces)
    pieces = re.sub(r"(lowmem_reserve\[\]:)((?: \d+)+)", lambda found: found[1] + "".join(
        f"\n[  100.000000]  {number}" for number in found[2].split()), pieces)
    assert pieces.count("\n") > plain.count("\n") + 40
    assert [facts(event) for event in events_in([pieces.encode()])] == [
        facts(event) for event in events_in([plain.encode()])]


@pytest.mark.parametrize(("before", "piece"), [
    ("Node 0", "active_anon:4kB"), ("Node 0", "DMA free:4kB"), ("lowmem_reserve[]: 0 471", "471"),
    ("Node 0 DMA:", "33*4kB"), ("Node 0 DMA: 33*4kB", "(UME)"), ("DMA: 33*4kB (E)", "= 132kB")])
def test_pieces_of_one_line_are_known(before: str, piece: str) -> None:
    assert broken(before, piece)


@pytest.mark.parametrize(("before", "piece"), [
    ("Node 0 DMA: 33*4kB = 132kB", "5*8kB"), ("Mem-Info:", "5"), ("lowmem_reserve[]: 0 471", "471 pages RAM"),
    ("Node 0 hugepages_total=0", "DMA free:4kB"), ("Node 0", "4242 total pagecache pages")])
def test_two_lines_stay_two(before: str, piece: str) -> None:
    assert not broken(before, piece)
