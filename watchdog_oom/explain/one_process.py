"""One process before a policy: which nouns are about it and why the others are not, which rules follow. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from watchdog_oom import formatting
from watchdog_oom.core import circumstances
from watchdog_oom.core.conditions.kernel import KernelOomKill
from watchdog_oom.core.conditions.process import ProcessesAre
from watchdog_oom.core.guard import untouchable
from watchdog_oom.core.matching import Fact, alive, hosts_own, keys_match, may_match, names_target
from watchdog_oom.core.model import Process
from watchdog_oom.core.nouns import Namespaces, ProcessNoun
from watchdog_oom.core.policy import Policy, Recover, Verb
from watchdog_oom.core.view import View
from watchdog_oom.formatting import printable
from watchdog_oom.lean_dataclasses import dataclass, replace

_CHOOSING = (Verb.KILL, Verb.FREEZE, Verb.CONTAIN)


@dataclass(frozen=True, slots=True)
class NounAnswer:
    """Whether a noun is about the process: ``why_not`` is ``None`` if it is."""

    noun: str
    why_not: str | None


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """A rule, the noun by which it is about the process (``None``: it is not), and what it is about in words."""

    rule: str
    noun: str | None
    words: str


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """``untouchable`` says why no rule may end or freeze it, whatever the policy says."""

    process: Process
    nouns: tuple[NounAnswer, ...]
    rules: tuple[RuleAnswer, ...]
    untouchable: str | None


def report_on(view: View, process: Process) -> ProcessReport:
    """All nouns and all rules, in the policy's order."""
    nouns = tuple(NounAnswer(noun.name, why_not(view, noun, process)) for noun in view.policy.processes.values())
    matching = {answer.noun for answer in nouns if answer.why_not is None}
    rules = tuple(_about(rule, does, names, matching) for rule, does, names in _rules(view.policy))
    explicit = any(names_target(view.policy.processes[name], process) for name in matching)
    return ProcessReport(process, nouns, rules, untouchable(process, view, explicit=explicit))


def why_not(view: View, noun: ProcessNoun, process: Process) -> str | None:
    """Why the noun does not match the process: the first key that does not, in the order in which facts are read;
    ``None`` if it does."""
    if view.matches(noun, process):
        return None
    if not alive(process):
        return "it is a kernel thread" if process.kernel_thread else "it has ended"
    reason = next(_own_keys(noun, process), None)
    if noun.whole_tree and reason is not None:
        return f"it is not below one of them, and it is none itself: {reason}"
    reasons = (*(() if reason is None else (reason,)), *_others(view, noun, process))
    return next(iter(reasons), "it is not known yet")


def _own_keys(noun: ProcessNoun, process: Process) -> Iterator[str]:
    """The keys that a process answers by itself, one after the other."""
    facts = process.facts
    alone = ProcessNoun(noun.name, namespaces=Namespaces.ANY)
    told = (("name", process.comm, replace(alone, comm=noun.comm)),
            ("exe", facts.exe, replace(alone, exe=noun.exe)),
            ("user", facts.user or facts.uid, replace(alone, user=noun.user)),
            ("unit", facts.user_unit or facts.unit, replace(alone, unit=noun.unit)))
    for key, value, only in told:
        if not keys_match(only, process):
            known = "not known yet" if may_match(only, process) else "none" if value is None else printable(str(value))
            yield f"its {key} is {known}"
    if noun.namespaces is Namespaces.HOST and not hosts_own(process, exe=bool(noun.exe)):
        yield 'it runs in namespaces of its own (namespaces = "any" would let it match)'
    if noun.cmdline and not keys_match(replace(alone, cmdline=noun.cmdline), process):
        unknown = Fact.CMDLINE in facts.asked
        yield "its cmdline is not known yet" if unknown else "its cmdline has none of the patterns"


def _others(view: View, noun: ProcessNoun, process: Process) -> Iterator[str]:
    """The keys that other processes, spools, time or memory answer."""
    yield from _circumstances(view, noun, process)
    if noun.under and (process.under is None or process.under.isdisjoint(noun.under)):
        known = "it is not known yet whether" if process.under is None else "as far as is known"
        yield f"{known} it {'works' if process.under is None else 'does not work'} in {_any(noun.under)}"
    if noun.parent and not noun.whole_tree:
        above = {one.id for one in view.ancestors(process)}
        if not any(one.id in above for name in noun.parent for one in view.matching(name)):
            yield f"none of its ancestors is of {_any(noun.parent)}"
    for name in noun.excepted:
        answer = view.judge(view.policy.processes[name], process)
        if answer is not False:
            yield f"it is {'' if answer else 'perhaps '}of {name}, which is excepted"


def _circumstances(view: View, noun: ProcessNoun, process: Process) -> Iterator[str]:
    alone = replace(noun, age_above_seconds=None, rss_above=None, orphaned=None)
    age, snapshot = noun.age_above_seconds, view.snapshot
    if age is not None and circumstances.match(replace(alone, age_above_seconds=age), process, snapshot) is not True:
        yield (f"it has run for {formatting.duration(process.age_seconds(snapshot.clock))}, "
               f"no longer than {formatting.duration(age)}")
    if (noun.rss_above is not None
            and circumstances.match(replace(alone, rss_above=noun.rss_above), process, snapshot) is not True):
        total = snapshot.memory.total_bytes if snapshot.memory is not None else 0
        yield (f"it holds {formatting.size(process.rss_bytes)}, "
               f"no more than {formatting.size(noun.rss_above.of(total))}")
    if (noun.orphaned is not None
            and circumstances.match(replace(alone, orphaned=noun.orphaned), process, snapshot) is not True):
        yield "its parent has not ended, as far as can be told" if noun.orphaned else "its parent has ended"


def _any(names: Iterable[str]) -> str:
    return " or ".join(names)


def _rules(policy: Policy) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every rule that is about processes: its name, what it would do or ask, and its nouns."""
    for protect in policy.protects.values():
        yield f"protect.{protect.name}", "is never chosen", (protect.process,)
    for limit in policy.limits.values():
        yield f"limit.{limit.name}", f"beyond the limit: {limit.would or limit.then}", (limit.process,)
    for recover in policy.recovers.values():
        chosen = [step for step in recover.steps if step.verb in _CHOOSING]
        for step in chosen:
            yield f"recover.{recover.name}", f"step {step}", step.names
        asked = tuple(dict.fromkeys(_asked(recover)))
        if asked:
            yield f"recover.{recover.name}", "asked about in when", asked
    if policy.emergency.prefer:
        yield "emergency", "chosen before all others", policy.emergency.prefer


def _asked(recover: Recover) -> Iterator[str]:
    for clause in recover.when:
        for condition in clause.conditions:
            if isinstance(condition, ProcessesAre) or (isinstance(condition, KernelOomKill) and condition.noun):
                yield str(condition.noun)


def _about(rule: str, does: str, names: tuple[str, ...], matching: set[str]) -> RuleAnswer:
    noun = next((name for name in names if name in matching), None)
    return RuleAnswer(rule, noun, does if noun is not None else f"about {_any(names)}")
