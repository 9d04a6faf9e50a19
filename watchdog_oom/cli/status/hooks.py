"""The section of the status about hooks: what each is, how it fared, why it failed last. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, Part, local_time
from watchdog_oom.cli.status.values import Plain, map_of, number_of, texts_of


def show_hooks(page: Page, hooks: Plain, now: float) -> None:
    if hooks:
        page.title("Hooks")
    for event in hooks:
        hook = map_of(hooks, event)
        page.line((event, "bold"), f"  {' '.join(texts_of(hook, 'argv'))}: {_fared(hook)}", indent=1)
        if hook.get("last_failure"):
            when = local_time(number_of(hook, "last_failed"), now)
            failed: Part = (f"failed {when}: {hook['last_failure']}", "bold red" if hook.get("ok") is False else "")
            page.line(failed, indent=2)


def hooks_that_fail(hooks: Plain) -> Iterable[str]:
    """Those whose last run failed, each in a line."""
    for event in hooks:
        hook = map_of(hooks, event)
        if hook.get("ok") is False:
            yield f"the hook {event} failed: {hook.get('last_failure')}"


def _fared(hook: Plain) -> str:
    since = formatting.duration(number_of(hook, "for_seconds"))
    now = f"has been running for {since}, " if hook.get("for_seconds") is not None else ""
    waiting = f", {hook['waiting']} waiting" if hook.get("waiting") else ""
    passed = f", {hook['passed_over']} passed over" if hook.get("passed_over") else ""
    runs = formatting.count(int(number_of(hook, "runs")), "run")
    return f"{now}{runs}, {hook.get('failed')} failed{waiting}{passed}"
