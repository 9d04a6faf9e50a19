"""Files that a command writes for others to read: whoever reads one sees all of the old or all of the new."""

from __future__ import annotations

import os
from contextlib import suppress


def replace_text(path: str, text: str) -> None:
    """As ``replace_whole``, in UTF-8. Raises OSError."""
    replace_whole(path, text.encode("utf-8"))


def replace_whole(path: str, content: bytes) -> None:
    """Write a new file, which everybody may read, and rename it into place. The directory may be another user's: what
    lies in the way, a link, a pipe or a file of his own, is not written to, followed or kept. Raises OSError."""
    new = f"{path}.new"
    with suppress(FileNotFoundError):
        os.unlink(new)
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        with open(fd, "wb") as file:
            os.fchmod(fd, 0o644)
            file.write(content)
        os.rename(new, path)
    except OSError:
        with suppress(OSError):
            os.unlink(new)
        raise
