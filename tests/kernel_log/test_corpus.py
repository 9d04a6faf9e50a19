"""Reports of real hosts, with facts that were checked by hand, where the collection lies beside the checkout."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples import every
from tests.kernel_log.containers import CONTAINERS, Messages
from tests.kernel_log.same import facts
from watchdog_oom.kernel_log.events import events_in
from watchdog_oom.kernel_log.json_form import event_json
from watchdog_oom.kernel_log.model import Event, Kill, Zone

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "oom-corpus"
LOGS = sorted(CORPUS.glob("*.log"))
CONSTRAINTS = {"none": {"none"}, "memcg": {"memcg"}, "cpuset": {"cpuset"}, "mempolicy": {"mempolicy"},
               "panic": {"panic"}, "memcg by the trace": {"memcg"}, "global and memcg mixed": {"none", "memcg"},
               "earlyoom / nohang": {"userspace"}}

pytestmark = pytest.mark.skipif(not LOGS, reason="the collection of reports is not here")


def events_of(path: Path) -> list[Event]:
    with path.open("rb") as log:
        return list(events_in(iter(lambda: log.read(1000), b"")))


def kb(size: int | None) -> int | None:
    return None if size is None else size // 1024


def kill_facts(kill: Kill, asked: dict[str, Any]) -> dict[str, Any]:
    found = {"pid": kill.pid, "comm": kill.comm, "uid": kill.uid, "total_vm_kb": kb(kill.total_vm_bytes),
             "anon_rss_kb": kb(kill.anon_rss_bytes), "file_rss_kb": kb(kill.file_rss_bytes),
             "shmem_rss_kb": kb(kill.shmem_rss_bytes), "pgtables_kb": kb(kill.pgtables_bytes),
             "oom_score_adj": kill.oom_score_adj, "time": kill.time.text if kill.time else "",
             "prefix": kill.words, "from": "summary line" if kill.from_summary else None}
    return {name: found[name] for name in asked}


def zone_facts(zone: Zone) -> dict[str, Any]:
    told = {True: "yes", False: "no", None: None}[zone.all_unreclaimable]
    return {"node": None if zone.node is None else str(zone.node), "zone": zone.name, "free": kb(zone.free_bytes),
            "min": kb(zone.min_bytes), "low": kb(zone.low_bytes), "present": kb(zone.present_bytes),
            "managed": kb(zone.managed_bytes), "free_cma": kb(zone.free_cma_bytes), "all_unrec": told}


def invokers(events: list[Event], facts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    told = [event for event in events if "invoker" in event.parts]
    for event, fact in zip(told, facts, strict=True):
        invoker = event.invoker
        assert invoker is not None
        found = {"comm": invoker.comm, "gfp_mask": None if invoker.gfp_mask is None else hex(invoker.gfp_mask),
                 "gfp_flags": invoker.gfp_names, "order": invoker.order, "oom_score_adj": invoker.oom_score_adj,
                 "time": event.time.text if event.time else "", "pid": invoker.pid}
        yield {name: found[name] for name in fact}


def summaries(events: list[Event]) -> list[dict[str, Any]]:
    return [{"constraint": line.constraint, "nodemask": line.nodemask, "oom_memcg": line.oom_memcg,
             "global_oom": line.global_oom, "task_memcg": line.task_memcg, "task": line.task, "pid": line.pid,
             "uid": line.uid} for event in events if (line := event.summary) is not None]


def facts_of(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return facts


def same(found: list[Any], expected: list[Any]) -> None:
    assert found == expected


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_who_was_killed_who_was_chosen_and_who_asked(path: Path) -> None:
    facts, events = facts_of(path), events_of(path)
    killed = [kill for event in events for kill in event.kills]
    if "kills" in facts:
        expected = [{**fact, "time": fact["time"].strip("[]")} for fact in facts["kills"]]
        assert [kill_facts(kill, fact) for kill, fact in zip(killed, expected, strict=True)] == expected
    chosen = [{"pid": one.pid, "comm": one.comm, "score": one.score, "memcg": one.cgroup,
               "time": one.time.text if one.time else ""} for event in events for one in event.chosen]
    assert chosen == facts.get("chosen_not_necessarily_killed", [])
    assert list(invokers(events, facts.get("invokers", []))) == facts.get("invokers", [])
    if "summary_lines" in facts:
        assert summaries(events) == facts["summary_lines"]


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_what_bounded_it_the_constraint_the_control_group_and_the_page(path: Path) -> None:
    facts, events = facts_of(path), events_of(path)
    if facts["constraint"] in CONSTRAINTS:
        assert {event.constraint for event in events} - {None} == CONSTRAINTS[facts["constraint"]]
    limits = [[limit.name, kb(limit.usage_bytes), kb(limit.limit_bytes), limit.failcnt] for event in events
              if event.cgroup for limit in event.cgroup.limits]
    assert limits == facts.get("limits_kb(name,usage,limit,failcnt)", [])
    if facts.get("memcg", "").startswith("/"):
        expected = facts["memcg"].partition(" ")[0].partition("...")[0]
        paths = [event.cgroup.path for event in events if event.cgroup and event.cgroup.path]
        assert paths
        assert all(path.startswith(expected[:8]) for path in paths)
        assert paths[0].startswith(expected)
    assert {event.page_bytes for event in events} <= {facts["page_kb"] * 1024, 4096}
    assert max(event.page_bytes for event in events) == facts["page_kb"] * 1024
    known = [event.kernel for event in events if event.kernel]
    version = facts["kernel"].split(" ")[0].partition("-rc")[0]
    assert all(kernel.startswith(version[:3]) for kernel in known)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_numbers_of_the_memory(path: Path) -> None:
    facts, events = facts_of(path), events_of(path)
    same([kb(event.ram_bytes) for event in events if event.ram_bytes], _of_events(facts, "ram_kb", path))
    same([event.reserved_bytes // event.page_bytes for event in events if event.reserved_bytes is not None],
         _of_events(facts, "reserved_pages", path))
    for name in ("swap_free", "swap_total"):
        found = [kb(getattr(event, f"{name}_bytes")) for event in events
                 if getattr(event, f"{name}_bytes") is not None]
        same(found, _of_events(facts, f"{name}_kb", path))
    zones = [zone_facts(zone) for event in events for zone in event.zones if zone.counters]
    wrapped = path.name.startswith("032")  # the facts have only what stands before the place where a line was broken
    assert [{**zone, **{name: None for name in fact if wrapped and fact[name] is None}}
            for zone, fact in zip(zones, facts.get("zones_kb", []), strict=True)] == facts.get("zones_kb", [])
    for name, expected in facts.get("mem_pages", {}).items():
        found = [event.meminfo[name] // event.page_bytes for event in events if name in event.meminfo]
        same(found, expected[:len(found)])
        assert found
    huge = [[page.total, page.free, kb(page.page_bytes)] for event in events for page in event.hugepages]
    if any(total for total, _, _ in huge):
        assert huge == facts["hugepages(total,free,kb)"]


def _of_events(facts: dict[str, Any], name: str, path: Path) -> list[Any]:
    """The last memory report of 004 was asked for by hand, and is no event."""
    values: list[Any] = facts.get(name, [])
    if path.name.startswith("004"):
        return values[:-1]
    return values


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_tasks_and_the_largest_of_them(path: Path) -> None:
    facts, events = facts_of(path), events_of(path)
    found = []
    for event in events:
        largest = sorted(event.tasks, key=lambda task: -(task.rss_bytes or 0))[:3]
        if event.tasks:
            found.append({"tasks": len(event.tasks), "top": [
                [task.comm, task.pid, (task.rss_bytes or 0) // event.page_bytes] for task in largest]})
    expected = [dump for dump in facts.get("task_dumps(tasks,top3 by rss pages: comm,pid,rss)", []) if dump["tasks"]]
    assert found == expected


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_special_lines_are_seen_and_everything_is_json(path: Path) -> None:
    facts, events = facts_of(path), events_of(path)
    for line in facts.get("special_lines", []):
        if line.startswith("Kernel panic"):
            assert any(event.panic_words and event.panic_words in line for event in events)
        elif line.startswith("Tasks in"):
            assert any(event.oom_group and line.startswith(f"Tasks in {event.oom_group}"[:len(line)])
                       for event in events)
        else:
            assert any(event.no_killable for event in events)
    told = json.loads(json.dumps([event_json(event, [], "") for event in events]))
    assert [event["complete"] for event in told] == [event.complete for event in events]


BARE = [path for path in LOGS if path.name[:4] in (
    "010-", "012-", "015-", "017-", "020-", "021-", "024-", "025-", "028-", "035-", "038-", "039-", "041-", "043-",
    "044-", "056-")]
_TIME = re.compile(r"(?:<\d>)?\[ *(\d+\.\d{6})\](?:\[ *T\d+\])? ")


def messages_of(path: Path) -> Messages:
    """The messages of a log with no other prefix than dmesg's, each with the time that it has, or one made up."""
    found: Messages = []
    for text in path.read_text().split("\n")[:-1]:
        time = _TIME.match(text)
        before = found[-1][0] if found else 100.0
        found.append((float(time[1]) if time else before, text[time.end():] if time else text))
    return found


@pytest.mark.parametrize("path", BARE, ids=lambda path: path.stem)
@pytest.mark.parametrize("logs", every(range(len(CONTAINERS)), 9))
def test_a_real_report_says_the_same_in_every_log(path: Path, logs: range) -> None:
    messages = [(seconds, text.replace("#012", " ")) for seconds, text in messages_of(path)]
    bare = [facts(event) for event in events_in([CONTAINERS["dmesg"](messages)])]
    for name, container in (list(CONTAINERS.items())[number] for number in logs):
        assert [facts(event) for event in events_in([container(messages)])] == bare, name
