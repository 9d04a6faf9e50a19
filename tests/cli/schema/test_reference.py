"""The words of the reference, key by key."""

from __future__ import annotations

from watchdog_oom.cli.schema.reference import meanings


def test_rows_of_keys_are_found_below_their_headings_and_links_keep_their_words() -> None:
    text = ("## `[limit.NAME]`\n| key | type | default | meaning |\n|---|---|---|---|\n"
            "| `rss` | size | | memory, see [shared](#shared) |\n### Steps\n| `stop` | names | | a \\| b |\n"
            "## Other\n| `x` | y | z | not a key |\n")
    assert meanings(text) == {("limit", "rss"): "memory, see shared", ("step", "stop"): "a | b",
                              ("", "x"): "not a key"}
