"""Who asked for memory: the first lines of a report, and the trace below them."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import FailedAllocation, Invoker
from watchdog_oom.lean_dataclasses import replace

_TRACE_KEPT = 64
_COMM = re.compile(r"(?:(?:(.*?) )?invoked )?oom-killer|(.*?) invoked(?: o[-omkiler]*)?$")
_MASK = re.compile(r"gfp_mask=(?:0x)?([0-9a-fA-F]+)(?:\(([^)]*)\))?")  # without the bracket the names are cut
_NODEMASK = re.compile(r"nodemask=(\(null\)|[\d,-]*\d)")
_ORDER = re.compile(r"(?<![a-z_])order=(-?\d+)")
_SCORE_ADJ = re.compile(r"(?<![a-z_])oom_score_adj=(-?\d+)")
_ADJ = re.compile(r"(?<![a-z_])(?:oom_adj|oomkilladj)=(-?\d+)")
_CPUSET = re.compile(r".{1,64}? cpuset=(.*) mems_allowed=(\S+)")
_PROCESS = re.compile(r"(?:CPU: ?\d+ (?:UID: ?\d+ )?PID: ?(\d+) Comm: |Pid: ?(\d+), comm: )(.{0,64}?) "
                      r"(?:Kdump: loaded )?(?:Not tainted|Tainted:)")
_VERSION = re.compile(r"[ (](\d\.\d{1,3}[.\w+~-]*)(?: \(.{1,200}\)| #| |\)|$)")
_FUNCTION = re.compile(r"(?:\[<?[0-9a-f]{4,16}>?\] )*(?:\? )?\(?([A-Za-z_][\w.]*)")
_OLD_FAILED = re.compile(r"__alloc_pages: (\d+)-order allocation failed *\(gfp=0x([0-9a-f]+)")
_FAILED = re.compile(r"(.{1,64}?): page allocation failure[.:] ?order: ?(\d+), ?mode:0x([0-9a-f]+)")


def take_invoker(draft: Draft, line: Line) -> None:
    """``COMM invoked oom-killer: gfp_mask=0x201da, order=0, oom_score_adj=0``; before 2.6.13 without a name."""
    found = _COMM.match(line.text)
    rest = line.text[found.end():] if found else line.text
    mask, order = _MASK.search(rest), _ORDER.search(rest)
    score_adj, adj = _SCORE_ADJ.search(rest), _ADJ.search(rest)
    comm = (found[1] or found[2]) if found else None
    if (nodemask := _NODEMASK.search(rest)) is not None:
        draft.nodemask = nodemask[1]
    draft.invoker = Invoker(
        comm or None, None, int(order[1]) if order else None, int(mask[1], 16) if mask else None,
        (mask[2] or None) if mask else None, int(score_adj[1]) if score_adj else None, int(adj[1]) if adj else None)
    draft.caller = line.caller
    if order and int(order[1]) == -1:
        draft.sysrq = True


def take_cpuset(draft: Draft, line: Line) -> None:
    """``COMM cpuset=/ mems_allowed=0-1``, until 4.20."""
    if found := _CPUSET.match(line.text):
        draft.cpuset, draft.mems_allowed = found[1], found[2]


def take_process(draft: Draft, line: Line) -> None:
    """``CPU: 1 PID: 977 Comm: xfs_db Not tainted 4.18.0-139.el8.ppc64le #1``: the kernel's version, and a pid."""
    found = _PROCESS.match(line.text)
    if found:
        pid, comm = int(found[1] or found[2]), found[3]
        draft.process = draft.process or Invoker(comm, pid)
        invoker = draft.invoker
        if invoker is not None and invoker.pid is None and (invoker.comm or comm).endswith(comm):
            draft.invoker = replace(invoker, pid=pid, comm=comm)
    if (version := _VERSION.search(line.text, found.end() if found else 0)) and not draft.kernel_told:
        draft.kernel, draft.kernel_told = version[1], True


def take_trace(draft: Draft, line: Line) -> None:
    """One function of the trace."""
    found = _FUNCTION.match(line.text)
    if found and len(draft.trace) < _TRACE_KEPT:
        draft.trace.append(found[1])


def take_failed(draft: Draft, line: Line) -> None:
    """An allocation that failed without a kill; before 2.4's kills it is all there is."""
    if found := _OLD_FAILED.match(line.text):
        draft.failed.append(FailedAllocation(None, int(found[1]), int(found[2], 16), line.stamp))
    elif found := _FAILED.match(line.text):
        draft.failed.append(FailedAllocation(found[1], int(found[2]), int(found[3], 16), line.stamp))
    del draft.failed[:-_TRACE_KEPT]
