"""Keys and tables in the wrong place."""

from __future__ import annotations

import pytest

from watchdog_oom.policy.belonging import where_key_belongs, where_table_belongs
from watchdog_oom.policy.schema import CONFIG, PROCESS, TABLES


@pytest.mark.parametrize(("name", "words"), [
    ("rss", "in [limit.NAME]"), ("mode", "in [recover.NAME] or [clean.NAME] or [emergency]"), ("purge", "a step of a"),
    ("tcp", "the probe of a [service.NAME]"), ("segment_size", "[journal] of the configuration file"),
    ("pressure_some_above", "a clause of when"), ("exee", 'did you mean "exe"'), ("zzz", "")])
def test_a_key_is_sent_to_where_it_belongs_or_to_its_nearest_name(name: str, words: str) -> None:
    assert words in where_key_belongs(name, PROCESS)
    assert bool(where_key_belongs(name, PROCESS)) is bool(words)


def test_a_table_is_sent_to_the_file_it_belongs_in() -> None:
    assert "the configuration file" in where_table_belongs("budget", TABLES)
    assert "a policy file" in where_table_belongs("limit", CONFIG)
    assert where_table_belongs("limt", TABLES) == ' — did you mean "limit"?'
