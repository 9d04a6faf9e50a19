"""The entry point of watchdog-oomd, the shell around the core. The loop is in ``loop.py``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from watchdog_oom import __version__
from watchdog_oom.errors import NotPermittedError, WatchdogError, place_of


def main(argv: Sequence[str] | None = None) -> None:
    """The entry point: errors become one line and an exit status, never a traceback."""
    sys.exit(_run(sys.argv[1:] if argv is None else argv))


def _run(argv: Sequence[str]) -> int:
    # Imported late, so that importing one module of this package (``watchdog-oom`` does) does not load all of them.
    from watchdog_oom.daemon import options
    from watchdog_oom.daemon.console import fill_standard_descriptors
    fill_standard_descriptors()
    try:
        asked = options.parse(argv)
        if asked.help or asked.version:
            sys.stdout.write(options.HELP if asked.help else f"watchdog-oomd {__version__}\n")
            return 0
        from watchdog_oom.daemon.loop import Daemon
        os.umask(0o022)
        Daemon(asked).run()
    except WatchdogError as error:
        _tell(*str(error).splitlines())
        return error.exit_status
    except PermissionError as error:
        _tell(f"{error.filename}: {error.strerror}; run as root, or name other directories")
        return NotPermittedError.exit_status
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _tell(f"cannot run: {where}{error.strerror} ({place_of(error)})")
        return WatchdogError.exit_status
    except Exception as error:  # noqa: BLE001 - without descriptors or memory an import fails in many ways
        _tell(f"cannot run: {type(error).__name__}: {error} ({place_of(error)})")
        return WatchdogError.exit_status
    return 0


def _tell(*lines: str) -> None:
    """On standard error, without waiting for a reader."""
    from watchdog_oom.daemon.console import Console
    console = Console()
    for line in lines:
        console.line(f"watchdog-oomd: {line}")
    console.close()
