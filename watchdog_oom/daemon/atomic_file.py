"""The daemon's own small files: replaced atomically, so that a reader never sees a partial one; links not followed."""

from __future__ import annotations

import os


def replace_file(path: str, content: bytes, mode: int = 0o600) -> bool:
    """Write a new file and rename it into place; returns whether that succeeded. A symlink is not followed."""
    try:
        fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode)
        try:
            os.fchmod(fd, mode)
            whole = os.write(fd, content) == len(content)  # a full disk may accept only a part
        finally:
            os.close(fd)
        if whole:
            os.rename(f"{path}.new", path)
    except OSError:
        return False
    return whole


def read_own(path: str, most_bytes: int = 1 << 24) -> bytes:
    """The content; a symlink is not followed. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return os.read(fd, most_bytes)
    finally:
        os.close(fd)
