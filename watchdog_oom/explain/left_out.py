"""Processes that only ``namespaces`` keeps from matching a noun: shown, so that nobody wonders where they are.

Pure, like all that explains.
"""

from __future__ import annotations

from collections.abc import Iterator

from watchdog_oom.core.matching import ALL_FACTS, Fact, hosts_own, keys_match
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Namespaces
from watchdog_oom.core.view import View
from watchdog_oom.lean_dataclasses import replace

MOST_NAMED = 3
_READ = ALL_FACTS - {Fact.CMDLINE}  # the command line of a process that is left out is not read


def left_out(view: View, noun_name: str) -> tuple[Process, ...]:
    """The processes that all keys of the noun match except ``namespaces``; ``cmdline`` is not read for them."""
    noun = view.policy.processes[noun_name]
    anywhere = replace(noun, namespaces=Namespaces.ANY)
    return tuple(process for process in view.snapshot.processes.values()
                 if not process.kernel_thread and not process.dead and not hosts_own(process, exe=bool(noun.exe))
                 and noun.namespaces is Namespaces.HOST and keys_match(anywhere, process, _READ))


def left_out_words(view: View) -> Iterator[str]:
    """One line for each noun that leaves processes out."""
    for name in view.policy.processes:
        found = left_out(view, name)
        if found:
            named = ", ".join(process.label for process in found[:MOST_NAMED])
            more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
            processes = "1 process" if len(found) == 1 else f"{len(found)} processes"
            yield (f'{name} leaves out {processes} of containers or of users\' own namespaces: '
                   f'{named}{more}; namespaces = "any" would let them match')
