"""The page of ``watchdog-oom status``, from the daemon's status file. Pure.

Any value may be missing or unknown: the daemon may be of another release.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part, local_time
from watchdog_oom.cli.status_attention import rest_of, show_attention
from watchdog_oom.cli.status_cleans import show_cleans
from watchdog_oom.cli.status_values import Plain
from watchdog_oom.cli.status_values import map_of as _map
from watchdog_oom.cli.status_values import maps_of as _maps
from watchdog_oom.cli.status_values import number_of as _number
from watchdog_oom.cli.status_values import texts_of as _texts
from watchdog_oom.core.rules.lost_senses import BLIND

STALE_SECONDS = 30.0
LATE_SECONDS = 1.0
MOST_ROWS = 20
LARGEST = ("PID", "USER", "TTY", "MEMORY", "CHANGE", "SWAP", "CPU", "AGE", "LISTENS", "NAME")
_LARGEST_ON_THE_RIGHT = (0, 3, 4, 5, 6, 7)
_STATE_STYLES = {"armed": "green", "running": "bold yellow", "held": "bold red", "cooling down": "yellow"}


def page_of(status: Plain, now: float, largest: Iterable[Sequence[str]] = ()) -> Page:
    """The whole page; ``now`` is the time of the reader, in seconds since the epoch, and ``largest`` are rows of
    processes that the reader sees itself, in the columns of LARGEST."""
    page = Page()
    _daemon(page, status, now)
    _faults(page, _map(status, "policy"))
    show_attention(page, status, now)
    _policy(page, _map(status, "policy"), now)
    _host(page, status)
    _largest(page, largest)
    _rules(page, _map(status, "rules"), status.get("emergency"))
    _recoveries(page, _map(status, "recoveries"), now)
    show_cleans(page, _map(status, "cleans"), now)
    _spools_and_services(page, status)
    _processes(page, status)
    _health(page, _map(status, "health"), _map(status, "budget"))
    return page


def _daemon(page: Page, status: Plain, now: float) -> None:
    age = now - _number(status, "written")
    observing: Part = ("  OBSERVES ONLY: it does nothing", "bold yellow") if status.get("observe") else ""
    running = formatting.duration(max(0.0, now - _number(status, "started")))
    page.line(("watchdog-oomd", "bold"), f" has run for {running}, pid {status.get('pid')}", observing)
    if age > STALE_SECONDS:
        page.line((f"THIS IS OLD: the daemon has written nothing for {formatting.duration(age)}; it hangs or starves",
                   "bold red"))
    elif age < -STALE_SECONDS:
        page.line(("this was written in the future: the date was set back meanwhile", "yellow"))
    if "memory" in status and not _map(status, "memory"):
        why = f" ({status['memory_problem']})" if status.get("memory_problem") else ""
        page.line((f"{BLIND[0].upper()}{BLIND[1:]}{why}", "bold red"))


def _faults(page: Page, policy: Plain) -> None:
    faults = _texts(policy, "faults")
    if faults:
        page.line(("THE POLICY FILES ARE BROKEN: the last good policy stays in force until they are right again",
                   "bold red"))
    for fault in faults:
        page.line((fault, "red"), indent=1)


def _policy(page: Page, policy: Plain, now: float) -> None:
    page.title("Policy")
    loaded = _number(policy, "loaded")
    page.line(str(policy.get("description") or "without a description"),
              f", loaded {local_time(loaded, now)}" if loaded else "", indent=1)
    for source in _texts(policy, "sources"):
        page.line(source, indent=1)
    for note in _texts(policy, "notes"):
        page.line((note, "dim"), indent=1)


def _host(page: Page, status: Plain) -> None:
    page.title("Host")
    memory, pressure = _map(status, "memory"), _map(status, "pressure")
    if not memory:
        page.line(("memory could not be read", "yellow"), indent=1)
    else:
        page.line(f"memory available {formatting.percent(_number(memory, 'available_percent'))} "
                  f"({formatting.size(_number(memory, 'available_bytes'))} of "
                  f"{formatting.size(_number(memory, 'total_bytes'))})", _kind_of(memory), indent=1)
        for doubt in _texts(memory, "doubts"):
            page.line((doubt, "yellow"), indent=1)
        swap = (f"swap free {formatting.percent(_number(memory, 'swap_free_percent'))} "
                f"({formatting.size(_number(memory, 'swap_free_bytes'))})")
        page.line(swap if _number(memory, "swap_total_bytes") else "no swap", indent=1)
    if pressure:
        page.line(f"pressure over 10 s: some {formatting.percent(_number(pressure, 'some_avg10'))}, "
                  f"full {formatting.percent(_number(pressure, 'full_avg10'))}", indent=1)
    page.line(f"{status.get('processes')} processes", indent=1)


def _kind_of(memory: Plain) -> str:
    zfs = _number(memory, "zfs_bytes")
    group = f", bound by the control group {memory['group']}" if memory.get("group") else ""
    return (f", {formatting.size(zfs)} of it ZFS cache" if zfs else "") + group


def _largest(page: Page, largest: Iterable[Sequence[str]]) -> None:
    rows = tuple(largest)
    if rows:
        page.title("Largest processes")
        page.table(LARGEST, rows, right=_LARGEST_ON_THE_RIGHT, indent=1)


def _rules(page: Page, rules: Plain, emergency: object) -> None:
    page.title("Rules")
    for kind in ("protect", "limit", "recover", "clean"):
        names = _texts(rules, kind)
        if names:
            page.line(f"{kind}: {', '.join(names)}", indent=1)
    mode = str(rules.get("emergency"))
    page.line("emergency: ", (f"under way ({emergency})", "bold red") if emergency else
              "armed" if mode == "act" else "only observes", indent=1)


def _recoveries(page: Page, recoveries: Plain, now: float) -> None:
    if recoveries:
        page.title("Recoveries")
    for name, recovery in recoveries.items():
        state = str(recovery.get("state"))
        mode = "" if recovery.get("mode") == "act" else "  only observes"
        page.line((name, "bold"), "  ", (state, _STATE_STYLES.get(state, "")), rest_of(recovery, now),
                  f"  {recovery.get('attempts')}/{recovery.get('attempts_allowed')} attempts in "
                  f"{formatting.duration(_number(recovery, 'per_seconds'))}{mode}", indent=1)
        if recovery.get("last_result"):
            page.line(f"last: {recovery['last_result']}, {local_time(_number(recovery, 'last_ended'), now)}", indent=2)
        if _texts(recovery, "owed"):
            page.line((f"still down, to be started: {', '.join(_texts(recovery, 'owed'))}", "bold red"), indent=2)
        if _map(recovery, "run"):
            _run(page, _map(recovery, "run"))


def _run(page: Page, run: Plain) -> None:
    step = f"step {run.get('step_number')} of {run.get('steps')}: {run['step']}" if run.get("step") else ""
    page.line((f"{run.get('phase')} for {formatting.duration(_number(run, 'for_seconds'))}", "yellow"), "  ", step,
              (f"  [{run.get('incident')}]", "dim"), indent=2)
    for reason in _texts(run, "because"):
        page.line(("because ", "dim"), reason, indent=3)
    probing = _map(run, "probing")
    if probing:
        last = f", the last answer: {probing['last']}" if probing.get("last") else ""
        page.line(f"probing {probing.get('service')} for {formatting.duration(_number(probing, 'for_seconds'))}, "
                  f"asked {formatting.count(int(_number(probing, 'tries')), 'time')}{last}", indent=3)
    if _texts(run, "stopped"):
        page.line(f"stopped, to be started again: {', '.join(_texts(run, 'stopped'))}", indent=3)
    if run.get("failure"):
        page.line((f"failed: {run['failure']}", "red"), indent=3)


def _spools_and_services(page: Page, status: Plain) -> None:
    spools, services = _map(status, "spools"), _map(status, "services")
    if spools or _map(status, "trash"):
        page.title("Spools")
    for name, spool in spools.items():
        bound, gaps = "at least " if spool.get("gaps") else "", f" ({spool['gaps']})" if spool.get("gaps") else ""
        told = (f"{bound}{spool.get('entries')} entries, {spool.get('stale')} stale, "
                f"{formatting.size(_number(spool, 'size_bytes'))}, the oldest "
                f"{formatting.duration(_number(spool, 'oldest_seconds'))}{gaps}")
        page.line((name, "bold"), f"  {spool.get('path')}: ",
                  (str(spool["problem"]), "yellow") if spool.get("problem") else told, indent=1)
    for name, trash in _map(status, "trash").items():
        told = f"{trash.get('entries')} cleared entries in {trash.get('directories')} trash directories, to be deleted"
        page.line((name, "bold"), "  ", (told, "yellow"), indent=1)
    if services:
        page.title("Services")
    for name, service in services.items():
        told = f" ({service['words']})" if service.get("words") not in (None, "", service.get("status")) else ""
        held = _map(service, "memory").get("held_bytes")
        holds = f", holds {formatting.size(held)}" if isinstance(held, int) else ""
        page.line((name, "bold"), f"  {service.get('unit')} is {service.get('status')}{told}{holds}", indent=1)


def _processes(page: Page, status: Plain) -> None:
    """Processes with a changed oom_score_adj, and those being ended, frozen or contained."""
    protected, ending, frozen, contained = (
        _maps(status, key) for key in ("protected", "ending", "frozen", "contained"))
    if protected:
        _protected(page, protected)
    if ending or frozen or contained:
        page.title("Being ended, frozen or contained")
    for one in ending:
        page.line(f"{one.get('name')}[{one.get('pid')}]: ", (str(one.get("stage")), "yellow"),
                  f" for {formatting.duration(_number(one, 'for_seconds'))}  [{one.get('rule')}]", indent=1)
    for one in frozen:
        page.line(f"pid {one.get('pid')}: frozen  [{one.get('rule')}]", indent=1)
    for one in contained:
        page.line(f"{one.get('unit')}: throttled above {formatting.size(_number(one, 'memory_high_bytes'))} for "
                  f"{formatting.duration(_number(one, 'for_seconds'))}  [{one.get('rule')}]", indent=1)


def _protected(page: Page, protected: Sequence[Plain]) -> None:
    page.title("Protected")
    rows = [{**one, "oom_score_adj": "not written"} if one.get("not_written") else one for one in protected[:MOST_ROWS]]
    page.table(("PID", "OOM_SCORE_ADJ", "WAS", "NAME"),
               [[str(row.get(key)) for key in ("pid", "oom_score_adj", "was", "name")] for row in rows],
               right=(0, 1, 2), indent=1)
    if len(protected) > MOST_ROWS:
        page.line(f"and {len(protected) - MOST_ROWS} more", indent=1)
    for line in unwritten_words(protected):
        page.line((line, "yellow"), indent=1)


def unwritten_words(protected: Iterable[Mapping[str, object]]) -> list[str]:
    """What could not be written, once for each reason."""
    reasons: dict[str, list[str]] = {}
    for one in protected:
        if one.get("not_written"):
            reasons.setdefault(str(one["not_written"]), []).append(f"{one.get('name')}[{one.get('pid')}]")
    return [f"oom_score_adj of {', '.join(names[:MOST_ROWS])}{' and others' if len(names) > MOST_ROWS else ''} is not "
            f"written: {words}" for words, names in reasons.items()]


def _health(page: Page, health: Plain, budget: Plain) -> None:
    page.title("Health")
    late, worst = _number(health, "late_ticks"), _number(health, "worst_late_seconds")
    page.line(f"{health.get('ticks')} ticks, ", _count(late, "late"), ", ", _count(_number(health, "failed_ticks"),
              "failed"), f"; at worst {formatting.duration(worst)} late", indent=1)
    page.line(f"journal: record {health.get('journal_seq')}, ",
              _count(_number(health, "journal_dropped"), "lost"), indent=1)
    page.line(f"budget: {budget.get('kills_last_minute')} of {budget.get('kills_per_minute')} kills in the last "
              f"minute, {budget.get('purge_entries')} entries a purge", indent=1)
    for kind, count in _map(health, "skipped").items():
        page.line(f"{count} readings failed: {kind}", indent=1)
    for trouble in _texts(health, "troubles"):
        page.line((trouble, "yellow"), indent=1)


def _count(number: float, what: str) -> Part:
    return (f"{number:.0f} {what}", "bold red" if number else "")
