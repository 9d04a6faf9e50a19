"""Lines of a policy for the page's advice: TOML that ``watchdog-oom check`` accepts whatever the names of processes."""

from __future__ import annotations

import json
import re

from watchdog_oom.report.model import NameFacts

_UNFIT = frozenset("\\…")
_WILD = re.compile(r"[*?\[\]]")


def noun_name(name: str) -> str:
    """A name for a table out of a process's name: letters, digits, underscores and hyphens."""
    kept = re.sub(r"[^a-z0-9_-]+", "_", name.rpartition("/")[2].lower()).strip("_-")
    return kept[:32] if kept[:1].isalpha() else f"p_{kept[:30]}".rstrip("_-")


def writable(path: str) -> bool:
    """Whether a path can stand in a policy as it is: one that was cut, or has signs that had to be escaped, cannot."""
    return path.startswith("/") and path.isprintable() and not _UNFIT.intersection(path)


def process_noun(noun: str, facts: NameFacts) -> str:
    """The table that selects a program, by what nobody can choose for himself: its executable, and its user."""
    lines = [f"[process.{noun}]", f"exe  = {quoted(facts.exe)}"]
    if facts.user:
        lines.append(f"user = {quoted(facts.user)}")
    return "\n".join(lines) + "\n"


def protection(noun: str) -> str:
    return f"[protect.{noun}]\nprocess       = \"{noun}\"\noom_score_adj = -500\n"


def bound_of_each(noun: str, rss: str) -> str:
    return f"[limit.{noun}]\nprocess = \"{noun}\"\nrss     = \"{rss}\"\nfor     = \"30s\"\n"


def queue(noun: str, total_rss: str) -> str:
    """Those that have no room wait."""
    return (f"[limit.{noun}]\nprocess   = \"{noun}\"\ntotal_rss = \"{total_rss}\"\nfor       = \"10s\"\n"
            "then      = \"freeze\"\n")


def spool_clean(spool: str) -> str:
    return f"[clean.{spool}]\nspool = \"{spool}\"\nevery = \"1h\"\n"


def quoted(text: str) -> str:
    """A basic string of TOML; wildcards of a path are what they are."""
    return json.dumps(_WILD.sub("?", text), ensure_ascii=False)
