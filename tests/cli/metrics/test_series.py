"""Whatever a rule is called, Prometheus reads back what was meant; and no other label than the five."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import CollectorRegistry

from tests.cli.metrics.told import samples_of
from watchdog_oom.cli.metrics.series import counter, gauge


class One:
    def __init__(self, family: object) -> None:
        self.collect = lambda: [family]


def text_of(family: object) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(One(family))  # type: ignore[arg-type]
    return generate_latest(registry).decode()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 1 << 40), max_size=5))
def test_any_label_comes_back_as_it_was(values: dict[str, int]) -> None:
    text = text_of(counter("acts", "Acts.", {(rule, "ok"): value for rule, value in values.items()},
                           ("rule", "result")))
    assert samples_of(text) == {("watchdog_oom_acts_total", frozenset({("rule", rule), ("result", "ok")})): value
                                for rule, value in values.items()}


def test_a_byte_that_was_no_utf_8_is_written_in_words() -> None:
    text = text_of(gauge("spool_entries", "Entries.", {("a\udcff",): 1}, ("spool",)))
    assert samples_of(text) == {("watchdog_oom_spool_entries", frozenset({("spool", "a\\udcff")})): 1.0}


def test_without_the_library_the_command_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "prometheus_client.py").write_text("raise ImportError('not here')\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from watchdog_oom.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "metrics"], capture_output=True, text=True, timeout=30,
                          check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "prometheus_client, which is not installed" in done.stderr
    assert "python3-prometheus-client" in done.stderr and "Traceback" not in done.stderr
