"""The shortlist leaves out nobody who matches, whatever names and executables there are."""

from __future__ import annotations

import os
import re

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.core.matching import ALL_FACTS, Fact, own_keys_match
from watchdog_oom.core.model import Facts, Process, ProcessId
from watchdog_oom.core.nouns import ProcessNoun
from watchdog_oom.host.processes import shortlist
from watchdog_oom.host.processes.facts import NOTHING_KNOWN, FactReader
from watchdog_oom.host.processes.shortlist import Shortlist

_TEXTS = st.sampled_from(["a", "b", "/x/a", "/x/b"])
_PATTERNS = st.lists(_TEXTS.map(re.compile), max_size=2).map(tuple)
_NOUNS = st.lists(st.builds(ProcessNoun, _TEXTS, exe=_PATTERNS, comm=_PATTERNS, user=st.sampled_from([(), ("0",)])),
                  max_size=5).map(tuple)


def _process(comm: str, exe: str | None, uid: int | None = None) -> Process:
    return Process(ProcessId(7, 7), 1, comm, image=1, facts=Facts(exe=exe, uid=uid))


@given(_NOUNS, st.lists(st.tuples(_TEXTS, st.none() | _TEXTS, st.booleans()), max_size=6))
def test_who_matches_is_on_the_list_and_who_cannot_match_is_not(
        nouns: tuple[ProcessNoun, ...], programs: list[tuple[str, str | None, bool]]) -> None:
    ours = Shortlist(nouns)
    for comm, exe, exe_known in programs:
        known = frozenset({Fact.EXE}) if exe_known else NOTHING_KNOWN
        process = _process(comm, exe)
        assert ours.of(process, known) == tuple(noun for noun in nouns if own_keys_match(noun, process, known))
        assert {noun for noun in nouns if own_keys_match(noun, process, ALL_FACTS)} <= set(ours.of(process, known))


def test_a_user_with_a_thousand_names_takes_no_memory() -> None:
    ours = Shortlist((ProcessNoun("x", comm=(re.compile("x"),)),))
    for number in range(1000):
        assert ours.of(_process(f"p{number}", None), NOTHING_KNOWN) == ()
    assert len(ours._kept) <= shortlist._MOST_KEPT
    assert len(ours.of(_process("x", None), NOTHING_KNOWN)) == 1


@given(_NOUNS.map(lambda nouns: (*nouns, ProcessNoun("me", exe=(re.compile(re.escape(os.readlink("/proc/self/exe"))),)),
                                 ProcessNoun("mine", user=(str(os.geteuid()),)))))
def test_a_real_process_is_recognised_as_if_each_noun_had_been_asked(nouns: tuple[ProcessNoun, ...]) -> None:
    reader = FactReader("/proc")
    reader.want(nouns)
    try:
        process = Process(ProcessId(os.getpid(), 1), 1, "a", image=1)
        found, known, matching = reader.recognise(process, NOTHING_KNOWN, young=False)
        plainly, known_plainly = reader.complete(process, nouns)
        assert (found, known) == (plainly, known_plainly)
        assert matching == tuple(noun for noun in nouns if own_keys_match(noun, plainly))
        assert {"me", "mine"} <= {noun.name for noun in matching}
    finally:
        reader.close()
