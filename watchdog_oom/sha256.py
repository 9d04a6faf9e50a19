"""SHA-256 without hashlib, which brings OpenSSL: 4 ms of every command, and memory that the daemon would lock."""

from __future__ import annotations

from collections.abc import Callable

from watchdog_oom.lean_typing import Protocol


class _Hash(Protocol):
    def hexdigest(self) -> str: ...


def _load_sha256() -> Callable[[bytes], _Hash]:
    # It is _sha256 up to Python 3.11 and _sha2 from 3.12 on; an interpreter built without it has hashlib.
    for module in ("_sha2", "_sha256", "hashlib"):
        try:
            found: Callable[[bytes], _Hash] = __import__(module).sha256
        except (ImportError, AttributeError):
            continue
        return found
    raise ImportError("this Python has no SHA-256")


sha256 = _load_sha256()
