"""How fast a log of 2 GB is read, and that its length costs no memory: through a pipe, made while it is read."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

from bench.daemons import here
from bench.table import Table

GIB = 1 << 30
LOG_BYTES = 2 * GIB
EARLY_BYTES = LOG_BYTES // 20
REPORT_EVERY_BYTES = 10 << 20
HOW = ("A log of {size:.1f} GB is written into the pipe while it is read. Memory is the reader's high-water mark "
       "(VmHWM) after a twentieth of the log, and at its end. The report is one of a host with {tasks} processes.")
TASKS = 400
_QUIET = (b"Nov 26 03:31:07 mail postfix/smtpd[4711]: connect from unknown[192.0.2.17]\n"
          b"Nov 26 03:31:07 mail amavis[815]: (00815-03) Passed CLEAN {RelayedInbound}, [192.0.2.17]:40122 -> <a@b>\n"
          b"Nov 26 03:31:08 mail kernel: [20401658.918112] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2\n"
          b"Nov 26 03:31:09 mail sshd[17]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)\n")


def run() -> tuple[Table, ...]:
    command = here("from watchdog_oom.cli import main; main()", "diagnose", "-")
    rows = []
    for name, every in (("no report in it", 0), ("a report every 10 MiB", REPORT_EVERY_BYTES)):
        rows.append((name, *_measure(["grep", "-c", "Killed process"], every)[:1], *_measure(command, every)))
    columns = ("log", "grep -c, MB a CPU second", "diagnose, MB a CPU second", "RSS after 5 %, MiB", "at the end, MiB")
    return (Table("diagnose", columns, tuple(rows), (HOW.format(size=LOG_BYTES / 1e9, tasks=TASKS),)),)


def _measure(argv: list[str], report_every: int) -> tuple[str, str, str]:
    reader = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if reader.stdin is None:
        raise SystemExit("no pipe")
    written, early = 0, 0
    for piece in pieces(report_every):
        reader.stdin.write(piece)
        written += len(piece)
        if not early and written >= EARLY_BYTES:
            early = _high_water_kib(reader.pid)
    late = _high_water_kib(reader.pid)
    reader.stdin.close()
    _, _, used = os.wait4(reader.pid, 0)
    reader.returncode = 0  # it is buried
    seconds = used.ru_utime + used.ru_stime
    return f"{written / seconds / 1e6:,.0f}", f"{early / 1024:.0f}", f"{late / 1024:.0f}"


def pieces(report_every: int) -> Iterator[bytes]:
    """The log, a MiB at a time."""
    quiet = _QUIET * ((1 << 20) // len(_QUIET))
    report = _report()
    written = since = 0
    while written < LOG_BYTES:
        piece = quiet
        if report_every and since >= report_every:
            piece, since = quiet + report, 0
        written += len(piece)
        since += len(piece)
        yield piece


def _report() -> bytes:
    """A report of 6.1 with a list of processes, each line with a syslog prefix."""
    tasks = "".join(f"[{pid:7}]    33 {pid:5}    50000     2000   180224     4000             0 apache2\n"
                    for pid in range(1000, 1000 + TASKS))
    text = (
        "mysqld invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0\n"
        "CPU: 1 PID: 4242 Comm: mysqld Not tainted 6.1.0-18-amd64 #1  Debian 6.1.76-1\nMem-Info:\n"
        "active_anon:1203 inactive_anon:831077 isolated_anon:0\n free:12891 free_pcp:61 free_cma:0\n"
        "Node 0 Normal free:36692kB min:36784kB low:45980kB high:55176kB present:4194304kB managed:4010000kB\n"
        "Free swap  = 0kB\nTotal swap = 2097148kB\n1048576 pages RAM\n46076 pages reserved\n"
        "Tasks state (memory values in pages):\n"
        "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n" + tasks +
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
        "task_memcg=/system.slice/mariadb.service,task=mysqld,pid=4242,uid=27\n"
        "Out of memory: Killed process 4242 (mysqld) total-vm:331000kB, anon-rss:206000kB, file-rss:0kB, "
        "shmem-rss:0kB, UID:27 pgtables:900kB oom_score_adj:0\n")
    return "".join(f"Nov 26 03:31:10 mail kernel: [20401660.102] {line}\n" for line in text.splitlines()).encode()


def _high_water_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next((int(line.split()[1]) for line in file if line.startswith("VmHWM:")), 0)
