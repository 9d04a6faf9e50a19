"""The page of ``watchdog-oom status``, from the daemon's status file. Pure.

Any value may be missing or unknown: the daemon may be of another release.
"""

from __future__ import annotations

from collections.abc import Sequence

from watchdog_oom import formatting
from watchdog_oom.cli.daemon_status import unwritten_words
from watchdog_oom.cli.output import Page, Part, local_time
from watchdog_oom.cli.status.attention import show_attention
from watchdog_oom.cli.status.cleans import show_cleans
from watchdog_oom.cli.status.gauges import show_host
from watchdog_oom.cli.status.hooks import show_hooks
from watchdog_oom.cli.status.notifier import show_notify
from watchdog_oom.cli.status.recorder import show_recorder
from watchdog_oom.cli.status.recoveries import show_recoveries, show_running
from watchdog_oom.cli.status.rules import show_actions, show_largest, show_nearest
from watchdog_oom.cli.status.seen import Seen
from watchdog_oom.cli.status.values import Plain
from watchdog_oom.cli.status.values import map_of as _map
from watchdog_oom.cli.status.values import maps_of as _maps
from watchdog_oom.cli.status.values import number_of as _number
from watchdog_oom.cli.status.values import texts_of as _texts
from watchdog_oom.core.rules.lost_senses import BLIND

STALE_SECONDS = 30.0
LATE_SECONDS = 1.0
MOST_ROWS = 20
NOTHING_SEEN = Seen()


def page_of(status: Plain, now: float, seen: Seen = NOTHING_SEEN) -> Page:
    """The whole page: what is wrong and under way first, then what is near, then the rest. ``now`` is the time of the
    reader, in seconds since the epoch, and ``seen`` what the reader sees itself."""
    page = Page()
    recoveries = _map(status, "recoveries")
    _daemon(page, status, now)
    _faults(page, _map(status, "policy"))
    show_attention(page, status, now)
    show_running(page, recoveries, seen)
    show_host(page, status, seen)
    show_nearest(page, status, seen)
    show_actions(page, seen, now)
    show_largest(page, seen)
    show_recoveries(page, recoveries, now)
    show_cleans(page, _map(status, "cleans"), now)
    _spools_and_services(page, status)
    _processes(page, status)
    _rules(page, _map(status, "rules"), status.get("emergency"))
    show_hooks(page, _map(status, "hooks"), now)
    show_notify(page, _map(status, "notify"), now)
    _policy(page, _map(status, "policy"), now)
    _health(page, _map(status, "health"), _map(status, "budget"))
    show_recorder(page, status, now)
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


def _rules(page: Page, rules: Plain, emergency: object) -> None:
    page.title("Rules")
    for kind in ("protect", "limit", "recover", "clean"):
        names = _texts(rules, kind)
        if names:
            page.line(f"{kind}: {', '.join(names)}", indent=1)
    mode = str(rules.get("emergency"))
    page.line("emergency: ", (f"under way ({emergency})", "bold red") if emergency else
              "armed" if mode == "act" else "only observes", indent=1)


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
