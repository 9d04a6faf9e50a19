"""A case survives its way to the disk, and its texts are safe."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.cli.notify.cases import CaseKind, NotifyCase, ToldStage, case_of, plain_of, words_of

WORDS = st.text(max_size=30)
TIMES = st.floats(0, 4e9)
CASES = st.builds(NotifyCase, WORDS, st.sampled_from(CaseKind), WORDS, TIMES, TIMES, st.tuples(WORDS), st.tuples(WORDS),
                  st.integers(0, 9), st.none() | TIMES, st.none() | st.booleans(), WORDS, st.booleans(), WORDS,
                  st.dictionaries(WORDS, st.sampled_from(ToldStage), max_size=3))


@given(CASES)
def test_a_case_comes_back_from_the_disk_as_it_was(case: NotifyCase) -> None:
    assert case_of(json.loads(json.dumps(plain_of(case)))) == case


@given(st.text(max_size=800))
def test_words_of_a_record_are_one_short_line_without_controls(text: str) -> None:
    shown = words_of(text)
    assert shown.isprintable()
    assert len(shown) <= 301
