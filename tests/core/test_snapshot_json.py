from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.core.snapshot_json import snapshot_of, to_plain
from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import (
    Clock,
    Facts,
    KernelKill,
    Process,
    ProcessId,
    ServiceState,
    ServiceStatus,
    Snapshot,
    SpoolState,
)

PROCESSES = st.builds(
    Process, id=st.builds(ProcessId, st.integers(1, 9999), st.integers(0, 10**9)), ppid=st.integers(0, 9999),
    comm=st.text(max_size=15), rss_bytes=st.integers(0, 1 << 40), swap_bytes=st.none() | st.integers(0, 1 << 40),
    facts=st.builds(Facts, exe=st.none() | st.text(max_size=9), uid=st.none() | st.integers(0, 99)),
    under=st.frozensets(st.sampled_from(["a", "b"])))
SNAPSHOTS = st.builds(
    Snapshot, clock=st.builds(Clock, st.floats(0, 1e10), st.floats(0, 1e8), st.integers(0, 1439),
                              st.tuples(st.floats(0, 1e10))),
    memory=st.none() | st.builds(Memory, *[st.integers(0, 1 << 40)] * 5),
    processes=st.lists(PROCESSES, max_size=5).map(lambda found: {process.pid: process for process in found}),
    spools=st.dictionaries(st.text(max_size=5), st.builds(SpoolState, st.floats(0, 1e8), entries=st.integers(0, 99))),
    services=st.dictionaries(st.text(max_size=5), st.builds(
        ServiceState, st.text(max_size=9), st.sampled_from(ServiceStatus), st.floats(0, 1e8))),
    kernel_kills=st.lists(st.builds(KernelKill, st.integers(1, 99), st.text(max_size=9), st.text(max_size=9),
                                    st.floats(0, 1e8), victim=st.none() | PROCESSES), max_size=2).map(tuple),
    lineage=st.frozensets(st.builds(ProcessId, st.integers(1, 99), st.integers(0, 9)), max_size=3))


@given(SNAPSHOTS)
def test_every_snapshot_comes_back_from_json_as_it_was(snapshot: Snapshot) -> None:
    assert snapshot_of(json.loads(json.dumps(to_plain(snapshot)))) == snapshot
