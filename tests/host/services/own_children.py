"""The children that one test started, told apart from those that earlier tests left to the same process."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import ClassVar

import psutil


class OwnChildren:
    """Made before the test starts any; ``latest`` is the one of the test that runs."""

    latest: ClassVar[OwnChildren]

    def __init__(self) -> None:
        self._of_others = _children()
        OwnChildren.latest = self

    def there(self) -> set[int]:
        """The pids of those that were not reaped yet, ended ones included."""
        return _children() - self._of_others

    def all_reaped(self) -> bool:
        """Reap those that have ended; whether none is left."""
        for pid in self.there():
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return not self.there()


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}
