"""Who was chosen, who was killed, and what ended it otherwise: no one to kill, a panic."""

from __future__ import annotations

import re

from watchdog_oom.kernel_log.draft import Draft
from watchdog_oom.kernel_log.line import Line
from watchdog_oom.kernel_log.model import Chosen, Kill, Reaped, Summary

_WORDS = r"(?:(?P<words>[Oo]ut of [Mm]emory|Memory cgroup out of memory)[^:]{0,40}: )?"
# A name has 15 bytes and may hold brackets: it ends where the rest looks as the kernel's.
_KILLED = re.compile(_WORDS + r"Killed process (?P<pid>\d{1,10})(?:, UID (?P<uid>\d+),)? "
                     r"\((?P<comm>.{0,60})\)(?=\.?$|\. |,? ?(?:total-vm|vsz|UID|now)\b)")
_DAMAGED = re.compile(_WORDS + r"Killed process (?P<pid>\d{1,10})(?:,? ?UID:? ?(?P<uid>\d+))?,? ?"
                      r"\(?(?P<comm>[^)]{0,60}?)(?:\)|\.?$)")
# OpenVZ's kernels (Virtuozzo), a container's limit: ``Out of memory in UB 1234: OOM killed process 9 (php-cgi) score 0
# vm:281988kB, rss:17004kB, swap:0kB``; UB 0 is the host.
_OPENVZ = re.compile(r"(?P<words>Out of memory in UB (?P<container>\d+)): OOM killed process (?P<pid>\d{1,10}) "
                     r"\((?P<comm>.{0,60})\)(?= score| vm:|$)")
_OPENVZ_SIZE = re.compile(r"\b(vm|rss):(\d+)kB")
_SAME_MEMORY = re.compile(r"(?:Kill process|Task) (\d+) \((.{0,60}?)\) sharing same memory")
_OLD = re.compile(r"VM: killing process (.{1,60})")
_SIZE = re.compile(r"\b(total-vm|vsz|anon-rss|file-rss|shmem-rss): ?(\d+) ?k")  # without its unit it was cut
_TABLES = re.compile(r"\bpgtables:(\d+)")
_UID = re.compile(r"\bUID[: ](\d+(?=[ ,])|0)")
_ADJ = re.compile(r"\boom_score_adj:(-?\d+)")
_CHOSEN = re.compile(r"(?P<words>.*?)(?: \(oom_kill_allocating_task\))?: [Kk]ill process (?P<pid>\d{1,10}) "
                     r"\((?P<comm>.{0,60})\)(?: score (?P<score>\d+))?(?= (?:or|and) |$| score)")
_REAPED = re.compile(r"oom_reaper: (?P<unable>unable to reap pid:)?(?:reaped process )?(?P<pid>\d+) "
                     r"\((?P<comm>.{0,60}?)\)(?:$|,? now (?P<rest>.*)|\.)")
_GROUP = re.compile(r"Tasks in (.*?)(?: are going .*)?$")
_SUMMARY = re.compile(
    r"oom-kill:constraint=(?P<constraint>\w+)(?:,nodemask=(?P<nodemask>\(null\)|[\d,-]*\d)?)?"
    r"(?:,cpuset=(?P<cpuset>.*?),mems_allowed=(?P<mems>[\d,-]*\d|))?(?P<global>,global_oom)?"
    r"(?:,oom_memcg=(?P<oom_memcg>.*?))?(?:,task_memcg=(?P<task_memcg>.*))?"
    r",task=(?P<task>.{0,60}),pid=(?P<pid>\d+)(?:,uid=?(?P<uid>\d+)\s*)?$")
_BLANKS = re.compile(r", +(?=(?:nodemask|cpuset|mems_allowed|oom_memcg|task_memcg|task|pid|uid)=|global_oom)")
_CUT_SUMMARY = re.compile(r",(nodemask|cpuset|mems_allowed|oom_memcg|task_memcg|task|pid|uid)=")
_COUNT = re.compile(r"(\d{1,12}) (?:printk messages|messages|callbacks)")
_PANIC = re.compile(r"[Oo]ut of memory|System is deadlocked on memory")
_CGROUP = "Memory cgroup out of memory"
_KEPT = 1024


def take_killed(draft: Draft, line: Line) -> None:
    """A kill line of any kernel; those before 4.19 leave the words to the line of the choice."""
    words = line.text.partition(":")[0]
    if words in (_CGROUP, "Out of memory"):
        draft.words.add(words)
    kill = _kill(draft, line)
    if kill is not None and len(draft.kills) < _KEPT:
        draft.kills.append(kill)


def _kill(draft: Draft, line: Line) -> Kill | None:
    if found := _OLD.match(line.text):
        return Kill(None, found[1].strip(), time=line.stamp, words="VM: killing process")
    if found := _SAME_MEMORY.match(line.text):
        return Kill(int(found[1]), found[2], time=line.stamp, words="sharing same memory", in_same_mm=True)
    if found := _OPENVZ.match(line.text):
        return _of_container(line, found)
    found = _KILLED.match(line.text) or _DAMAGED.match(line.text)
    if not found:
        return None
    rest = line.text[found.end():]
    sizes = {name: int(number) * 1024 for name, number in _SIZE.findall(rest)}
    uid, adj, tables = _UID.search(rest), _ADJ.search(rest), _TABLES.search(rest)
    pid = int(found["pid"])
    words = found["words"] or ""
    return Kill(
        pid, found["comm"].strip(), int(found["uid"]) if found["uid"] else int(uid[1]) if uid else None,
        sizes.get("total-vm", sizes.get("vsz")), sizes.get("anon-rss"), sizes.get("file-rss"), sizes.get("shmem-rss"),
        None, int(tables[1]) * 1024 if tables else None, int(adj[1]) if adj else None, None, line.stamp, words,
        words == _CGROUP or (not words and bool(draft.chosen) and draft.chosen[-1].cgroup),
        again=any(kill.pid == pid for kill in draft.kills), group=draft.group_kill is not None)


def _of_container(line: Line, found: re.Match[str]) -> Kill:
    sizes = {name: int(number) * 1024 for name, number in _OPENVZ_SIZE.findall(line.text)}
    own = found["container"] != "0"
    return Kill(int(found["pid"]), found["comm"], None, sizes.get("vm"), rss_bytes=sizes.get("rss"), time=line.stamp,
                words=found["words"], cgroup=own, control_group=f"UB {found['container']}" if own else None)


def take_chosen(draft: Draft, line: Line) -> None:
    """``Out of memory: Kill process 2188 (mysqld) score 60 or sacrifice child``, until 4.19."""
    draft.words.add(line.text.partition(":")[0])
    found = _CHOSEN.match(line.text)
    if found and len(draft.chosen) < _KEPT:
        draft.chosen.append(Chosen(int(found["pid"]), found["comm"], int(found["score"]) if found["score"] else None,
                                   found["words"] == _CGROUP, line.stamp))


def take_summary(draft: Draft, line: Line) -> None:
    """``oom-kill:constraint=…``, since 5.0. Control groups and tasks are named by users: the pid stands at the end."""
    text = _BLANKS.sub(",", line.text)
    if found := _SUMMARY.match(text):
        draft.summary = Summary(
            found["constraint"], found["nodemask"], found["cpuset"], found["mems"], bool(found["global"]),
            found["oom_memcg"], found["task_memcg"], found["task"], int(found["pid"]),
            int(found["uid"]) if found["uid"] else None, line.stamp)
        return
    head, *parts = _CUT_SUMMARY.split(text.removeprefix("oom-kill:constraint="))  # the line was cut
    values = dict(zip(parts[::2], parts[1::2], strict=False))
    if parts[-2:-1] in (["cpuset"], ["oom_memcg"], ["task_memcg"]):
        del values[parts[-2]]  # the cut is in it
    global_oom = any(value.endswith(",global_oom") for value in values.values())
    draft.summary = Summary(
        head.partition(",")[0], values.get("nodemask"), values.get("cpuset"),
        (values.get("mems_allowed") or "").removesuffix(",global_oom") or None, global_oom, values.get("oom_memcg"),
        values.get("task_memcg"), values.get("task") if "pid" in values else None, None, None, line.stamp)


def take_reaped(draft: Draft, line: Line) -> None:
    """``oom_reaper: reaped process 211 (stress-ng), now anon-rss:0kB, file-rss:0kB, shmem-rss:4kB``, since 4.6."""
    found = _REAPED.match(line.text)
    if found and len(draft.reaped) < _KEPT:
        sizes = {name: int(number) * 1024 for name, number in _SIZE.findall(found["rest"] or "")}
        draft.reaped.append(Reaped(int(found["pid"]), found["comm"], sizes.get("anon-rss"), sizes.get("file-rss"),
                                   sizes.get("shmem-rss"), bool(found["unable"]), line.stamp))


def take_group_kill(draft: Draft, line: Line) -> None:
    """``Tasks in /a are going to be killed due to memory.oom.group set``."""
    if found := _GROUP.match(line.text):
        draft.group_kill = found[1]


def take_no_killable(draft: Draft, line: Line) -> None:
    """``Out of memory and no killable processes...``"""
    draft.no_killable = True


def take_panic(draft: Draft, line: Line) -> None:
    """``Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled``."""
    words = line.text.partition("not syncing: ")[2].strip()
    if _PANIC.match(words):
        draft.panic = words
        draft.no_killable = draft.no_killable or "no killable" in words


def take_sysrq(draft: Draft, line: Line) -> None:
    """By hand: SysRq f."""
    draft.sysrq = True


def take_suppressed(draft: Draft, line: Line) -> None:
    """``** 12 printk messages dropped **``, ``oom_kill_process: 5 callbacks suppressed``: lines that are missing."""
    if found := _COUNT.search(line.text):
        draft.suppressed += int(found[1])
