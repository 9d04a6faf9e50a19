"""Words replaced by chance, each always by the same: separators, lengths and capitals stay, so paths stay paths."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Mapping

# What the rules themselves know by name: without them a replay would decide otherwise. None of them tells whose host
# it is.
KEPT = frozenset((
    "sshd", "ssh", "login", "logind", "systemd", "init", "user", "session", "runtime", "dir", "dbus", "broker", "root",
    "usr", "bin", "sbin", "lib", "tmp", "service", "socket", "timer", "path", "target", "mount", "automount", "swap",
    "slice", "scope", "watchdog", "oomd", "kworker"))
_WORD = re.compile(r"[^\W_]+")
_TRIES = 50


class Words:
    """One run's replacements. Two words never become the same one."""

    def __init__(self) -> None:
        self._chance = random.SystemRandom()
        self._new: dict[str, str] = {}
        self._taken: set[str] = set(KEPT)
        self._texts: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The text with every word replaced; what is no letter, digit or sign of ASCII becomes ``_``."""
        found = self._texts.get(text)
        if found is None:
            found = _WORD.sub(lambda word: self.word(word[0]), text)
            found = "".join(char if " " <= char <= "~" else "_" for char in found)
            self._texts[text] = found
        return found

    def word(self, word: str) -> str:
        if word in KEPT:
            return word
        new = self._new.get(word)
        if new is None:
            new = self._new[word] = self._unused(word)
        return new

    def number(self, number: int) -> int:
        """A user's number, as it is replaced in texts as well; those of the system are the same everywhere."""
        return number if number < 1000 else int(self.word(str(number)))

    def map(self) -> Mapping[str, str]:
        """What became of each word."""
        return dict(self._new)

    def _unused(self, word: str) -> str:
        """As long as the word, unless all of that length are taken."""
        for longer in range(len(word) + 2):
            for _ in range(_TRIES):
                new = "".join(self._like(char) for char in word.ljust(len(word) + longer, word[-1]))
                if new[0] == "0":
                    continue  # a number stays as long as it was
                if new not in self._taken and new != word:
                    self._taken.add(new)
                    return new
        raise AssertionError("words of any length are never all taken")

    def _like(self, char: str) -> str:
        if char.isdigit():
            return self._chance.choice(string.digits)
        return self._chance.choice(string.ascii_uppercase if char.isupper() else string.ascii_lowercase)
