"""Files that a command writes for others to read: whoever reads one sees all of the old or all of the new."""

from __future__ import annotations

import os


def replace_text(path: str, text: str) -> None:
    """Write a new file and rename it into place; a link in the way is not followed. Raises OSError."""
    fd = os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with open(fd, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(f"{path}.new", path)
