"""An ordinary user: a child that has given up root."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from click.testing import Result


def told_to_nobody(command: Callable[[], Result]) -> tuple[int, str]:
    """Exit status and output of a command that an ordinary user runs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            result = command()
            os.write(writing, json.dumps((result.exit_code, result.output)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    code, told = json.loads(os.read(reading, 1 << 16))
    os.close(reading)
    return code, told
