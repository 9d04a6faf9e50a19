"""What ``check`` says of the policy that was made, as comments in it, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchdog_oom.cli.init.toml_text import comment
from watchdog_oom.errors import Fault

_REASONS = (
    ("matches nothing now", "it does not run at the moment; if it never runs here, take its tables out"),
    ("out of its reach", "no rule may touch these, whatever the policy says"),
    ("there is no unit", "take out what names it, or write the unit's name of this host"),
    ("there is no init script", "take out what names it, or write the name of this host"),
    ("there is no user", "another distribution's name; write the one of this host"),
    ("does not exist or cannot be reached", "take out what names it, or write the path of this host"),
    ("memory cannot be judged", "what is above about memory never holds on such a host"),
)
_ANY_REASON = "true of this host today; it keeps nothing else from working"


def with_explanations(text: str, warnings: Iterable[Fault]) -> str:
    """The policy with each warning and its reason at its end, where they move no line; unchanged without any."""
    found = list(dict.fromkeys((warning.where, warning.what) for warning in warnings))
    return text + "\n" + "\n".join(_section(found)) + "\n" if found else text


def _section(found: Iterable[tuple[str, str]]) -> Iterator[str]:
    yield "# --- What `watchdog-oom check` warns of today, and why that is no mistake ".ljust(117, "-")
    yield "#"
    for where, what in found:
        yield from comment(f"{where}: {what}" if where else what, indent="  ")
        yield from comment(f"→ {_reason(what)}", indent="    ")


def _reason(what: str) -> str:
    return next((reason for part, reason in _REASONS if part in what), _ANY_REASON)
