"""How the cases came out: a line each, and of a failure the plan and why not; the same for a build server (JUnit)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from watchdog_oom import formatting
from watchdog_oom.cli.output import Page, safe
from watchdog_oom.cli.plan.page import page_of
from watchdog_oom.cli.policy_test.play import Played
from watchdog_oom.cli.policy_test.scene import BEGAN
from watchdog_oom.cli.process_details import DetailReader
from watchdog_oom.core.guard import Budget
from watchdog_oom.explain.left_out import left_out_words
from watchdog_oom.explain.not_yet import not_yet_words
from watchdog_oom.explain.rehearsal import rehearse
from watchdog_oom.lean_dataclasses import dataclass

_NO_HOST = "/nonexistent"  # the processes of a case have no details to be read anywhere


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A case that was played, why it failed if it did, and how long it took to play."""

    played: Played
    failures: tuple[str, ...]
    took_seconds: float

    @property
    def where(self) -> str:
        case = self.played.scene.case
        return f"{case.file}:{case.line}"


def page(results: Sequence[CaseResult], *, with_plans: bool) -> Page:
    shown = Page()
    for result in results:
        mark = ("FAIL", "bold red") if result.failures else ("ok  ", "green")
        shown.line(mark, f" {result.played.scene.case.name}", (f"  {result.where}", "dim"))
        for failure in result.failures:
            shown.line((failure, "red"), indent=2)
        if result.failures or with_plans:
            _done(shown, result.played)
        if result.failures:
            _why(shown, result.played)
    failed = sum(bool(result.failures) for result in results)
    shown.title(f"{formatting.count(len(results), 'case')}, " + (f"{failed} failed" if failed else "all as expected"))
    return shown


def _done(shown: Page, played: Played) -> None:
    shown.line("What was done:" if played.done else "Nothing was done.", indent=2)
    for done in played.done:
        shown.line(str(done), indent=2)
        if done.because:
            shown.line(("because ", "dim"), "; ".join(done.because), indent=7)


def _why(shown: Page, played: Played) -> None:
    """Everything that ``plan`` would say of the host as it was left."""
    at = formatting.duration(played.snapshot.clock.boottime - BEGAN)
    shown.line(f"The host after {at}, and why or why not:", indent=2)
    rehearsal = rehearse(played.snapshot, played.scene.policy, played.history, Budget())
    notes = (*left_out_words(rehearsal.view), *not_yet_words(rehearsal.view))
    for line in page_of(rehearsal, notes, DetailReader(_NO_HOST)).lines():
        shown.line(*line, indent=2)


def junit(results: Sequence[CaseResult]) -> str:
    """One suite a file, in the form that build servers read."""
    top = ElementTree.Element("testsuites")
    for file in dict.fromkeys(result.played.scene.case.file for result in results):
        own = [result for result in results if result.played.scene.case.file == file]
        suite = ElementTree.SubElement(top, "testsuite", name=safe(file), tests=str(len(own)), errors="0", skipped="0",
                                       failures=str(sum(bool(result.failures) for result in own)),
                                       time=f"{sum(result.took_seconds for result in own):.3f}")
        for result in own:
            _testcase(suite, file, result)
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="unicode", xml_declaration=True) + "\n"


def _testcase(suite: ElementTree.Element, file: str, result: CaseResult) -> None:
    case = result.played.scene.case
    element = ElementTree.SubElement(suite, "testcase", name=safe(case.name), classname=safe(file),
                                     time=f"{result.took_seconds:.3f}", file=safe(file), line=str(case.line))
    if result.failures:
        failure = ElementTree.SubElement(element, "failure", message=safe(result.failures[0]))
        failure.text = _plain((*result.failures, *(str(done) for done in result.played.done)))


def _plain(lines: Iterable[str]) -> str:
    return "\n".join(safe(line) for line in lines)
