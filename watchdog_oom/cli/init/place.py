"""Where ``init`` puts its policy: a new file, whole or not at all, and never over another."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from watchdog_oom.errors import UsageError
from watchdog_oom.formatting import printable
from watchdog_oom.paths import POLICIES

_FILE_NAME = re.compile(r"[A-Za-z0-9_-]+\.toml")
FILE_MODE, DIRECTORY_MODE = 0o644, 0o755


def checked_target(path: str) -> str:
    """The absolute path of the file to make. Raises UsageError if the daemon would not read a file of that name."""
    name = os.path.basename(path)
    if not _FILE_NAME.fullmatch(name):
        raise UsageError(f"{printable(path)}: a policy is called NAME.toml (letters, digits, - and _), or the daemon "
                         "does not read it")
    return os.path.abspath(path)


def already_there(path: str) -> UsageError:
    """The refusal, with what to do instead."""
    return UsageError(f"{printable(path)}: is there already and stays as it is; --diff shows what would be different, "
                      "or give another name")


@contextmanager
def beside(path: str, text: str) -> Iterator[str]:
    """The text in a file of its own, in the directory in which it shall be; it is gone afterwards. The directory of
    policies is made if it is not there. Raises OSError and UsageError."""
    directory = os.path.dirname(path)
    if directory == POLICIES:
        for made in (os.path.dirname(directory), directory):
            with suppress(FileExistsError):
                os.mkdir(made, DIRECTORY_MODE)
    if not os.path.isdir(directory):
        raise UsageError(f"{printable(directory)}: there is no such directory")
    new = f"{path.removesuffix('.toml')}.new"
    with suppress(FileNotFoundError):
        os.unlink(new)  # of one that was interrupted
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        os.fchmod(fd, FILE_MODE)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(text)
        yield new
    finally:
        with suppress(FileNotFoundError):
            os.unlink(new)


def put(path: str, text: str) -> None:
    """Make the file. Raises UsageError if there is one, and OSError; then nothing has changed."""
    with beside(path, text) as new:
        fd = os.open(new, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        try:
            os.link(new, path)  # unlike a rename, it replaces nothing
        except FileExistsError:
            raise already_there(path) from None


def difference(path: str, text: str) -> str:
    """From the file that is there to the one that would be made, as a unified diff. Raises OSError."""
    with open(path, encoding="utf-8", errors="backslashreplace") as file:
        before = file.read().splitlines()
    lines = difflib.unified_diff(before, text.splitlines(), printable(path), "watchdog-oom init", lineterm="")
    return "".join(f"{line}\n" for line in lines)
