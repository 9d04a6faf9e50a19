"""How long until the daemon is READY, has read its policies again, and the commands have answered."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from bench.crowd import crowd, room_for
from bench.daemons import Ears, Home, daemon, here, home, python, running, warm_up
from bench.machine import interpreter
from bench.rounds import in_turn, timed
from bench.table import Table, ratio, spread

ROUNDS = 7
CROWDS = (0, 1_000)
POLICY_FILES = 50
HOW = ("{rounds} rounds in turn: median (smallest–largest), everything compiled and in the page cache. READY is the "
       "sd_notify message; the policy is mail-server.toml, which names a spool. The commands run on the benchmarks' "
       "own interpreter, where click and rich are installed.")


def run() -> tuple[Table, ...]:
    warm_up()
    rows: list[tuple[str, ...]] = []
    for count in CROWDS:
        if room_for(count):
            with crowd(count):
                rows += _measure(count)
    columns = ("what", "more processes", "ms", "× bare python")
    return (Table("startup", columns, tuple(rows), (HOW.format(rounds=ROUNDS),)),)


def _measure(count: int) -> list[tuple[str, ...]]:
    with home() as made, home() as many, home() as watched, running(daemon(watched), ready=True):
        for number in range(POLICY_FILES - 1):
            (many.path / "policies" / f"more-{number}.toml").write_text(_policy(number))
        command = "from watchdog_oom.cli import main; main()"
        policies = ["--policies", str(made.path / "policies")]
        contestants = {
            "bare python3": lambda: timed(lambda: _finish([interpreter(), "-I", "-S", "-c", "pass"])),
            "imports of the daemon": lambda: timed(lambda: _finish(python("import watchdog_oom.daemon.loop"))),
            "exec to READY": lambda: _to_ready(made),
            f"exec to READY, {POLICY_FILES} policy files": lambda: _to_ready(many),
            f"reload of {POLICY_FILES} policy files": lambda: _reload(many),
            "watchdog-oom check": lambda: timed(lambda: _finish(here(command, "check", *policies))),
            "watchdog-oom plan": lambda: timed(lambda: _finish(here(command, "plan", *policies))),
            "watchdog-oom check --no-host": lambda: timed(
                lambda: _finish(here(command, "check", "--no-host", *policies))),
            "watchdog-oom status": lambda: timed(lambda: _finish(here(command, "status", *_whose(watched)))),
            "watchdog-oom audit -n 50": lambda: timed(lambda: _finish(
                here(command, "audit", "-n", "50", "--log", str(watched.path / "log")))),
            "watchdog-oom --help": lambda: timed(lambda: _finish(here(command, "--help"))),
            "completion of a command": lambda: timed(lambda: _finish(here(command), **_typed("watchdog-oom ", 1))),
            "completion of a rule": lambda: timed(
                lambda: _finish(here(command), **_typed("watchdog-oom audit --rule l", 3)))}
        took = in_turn(contestants, ROUNDS)
    return [(name, f"{count:,}", spread(values, digits=0), ratio(values, took["bare python3"]))
            for name, values in took.items()]


def _policy(number: int) -> str:
    return (f'[process.p{number}]\nexe = "/opt/service-{number}/bin/*"\n\n'
            f'[limit.p{number}]\nprocess = "p{number}"\nrss = "{number + 100}MiB"\nruntime = "20min"\n')


def _whose(made: Home) -> list[str]:
    return ["--runtime", str(made.path / "runtime"), "--log", str(made.path / "log")]


def _typed(line: str, word: int) -> dict[str, str]:
    """What bash tells the command that completes the word of that number."""
    return {"_WATCHDOG_OOM_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(word)}


def _finish(argv: list[str], **environment: str) -> None:
    """Run a command to its end. Status 1 is an answer too: there are warnings, or something would be done."""
    done = subprocess.run(argv, check=False, capture_output=True, cwd="/", env=os.environ | environment)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(argv[-4:])}: {done.stderr.decode(errors='replace')[-2000:]}")


def _to_ready(made: Home) -> float:
    with Ears() as ears:
        began = time.perf_counter()
        process = _start(made, ears)
        try:
            ears.wait_for(b"READY=1")
            return (time.perf_counter() - began) * 1000
        finally:
            process.terminate()
            process.wait()


def _reload(made: Home) -> float:
    """From SIGHUP until the new policy is in force."""
    with Ears() as ears:
        process = _start(made, ears)
        try:
            ears.wait_for(b"READY=1")
            began = time.perf_counter()
            process.send_signal(signal.SIGHUP)
            ears.wait_for(b"READY=1")
            return (time.perf_counter() - began) * 1000
        finally:
            process.terminate()
            process.wait()


def _start(made: Home, ears: Ears) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.Popen(daemon(made), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, cwd="/", env=environment | {"NOTIFY_SOCKET": ears.address})
