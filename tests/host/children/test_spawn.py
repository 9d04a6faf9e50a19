"""Child processes: what they drop, what they keep, how they end."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchdog_oom.host.children.spawn import Child, spawn_program, spawn_work

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def ended(child: Child) -> int:
    until(lambda: child.poll() is not None)
    status = child.poll()
    assert status is not None
    return status


def output_of(*argv: str) -> str:
    child = spawn_program(argv)
    ended(child)
    text = child.printed()
    child.close()
    return text


@contextmanager
def shell(script: str, output_dir: str | None = None) -> Iterator[Child]:
    child = spawn_program(("sh", "-c", script), output_dir=output_dir)
    try:
        yield child
    finally:
        child.kill()
        ended(child)
        child.close()


def open_fds() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def own_children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b") ", 1)[1][:1] not in b"ZX"
    except OSError:
        return False


def test_a_program_tells_its_status_and_its_words() -> None:
    with shell("echo said; echo complained >&2; exit 3") as child:
        assert ended(child) == 3
        assert child.printed() == "said\ncomplained"


def test_the_status_can_be_asked_for_again_after_the_end() -> None:
    with shell("exit 4") as child:
        assert [ended(child), child.poll()] == [4, 4]


def test_a_child_reaped_by_something_else_has_an_unknown_status_rather_than_an_error() -> None:
    with shell("exit 0") as child:
        os.waitpid(child.pid, 0)
        assert child.poll() == 255


def test_a_program_that_is_killed_counts_as_shells_count() -> None:
    with shell("kill -SEGV $$") as child:
        assert ended(child) == 128 + signal.SIGSEGV


@pytest.mark.parametrize(("program", "reason"), [
    ("/nonexistent/program", "/nonexistent/program: No such file or directory"),
    ("/etc/passwd", "/etc/passwd: Permission denied"), ("a\0b", "a\0b: ")])
def test_a_program_that_cannot_be_executed_ends_with_127_and_says_why(program: str, reason: str) -> None:
    child = spawn_program((program,))
    assert ended(child) == 127
    assert child.printed().startswith(reason)
    child.close()


def test_undecodable_output_is_escaped() -> None:
    assert output_of("printf", r"caf\351") == r"caf\xe9"


def test_a_program_starts_with_a_clean_environment_and_directory_and_no_input() -> None:
    os.environ["LEAKED_INTO_CHILD"] = "1"
    umask = os.umask(0o077)
    try:
        text = output_of("sh", "-c", "env; pwd; readlink /proc/self/fd/0; umask")
    finally:
        os.umask(umask)
        del os.environ["LEAKED_INTO_CHILD"]
    assert "LEAKED" not in text
    assert text.splitlines()[-3:] == ["/", "/dev/null", "0022"]


def test_a_program_starts_in_its_own_session_with_all_signals_default_and_unblocked() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGTERM})
    ignored = signal.signal(signal.SIGQUIT, signal.SIG_IGN)
    try:
        text = output_of("sh", "-c", "echo $$; ps -o sid= -p $$; cat /proc/self/status")
    finally:
        signal.signal(signal.SIGQUIT, ignored)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    pid, session, *status = text.splitlines()
    assert pid == session.strip()
    reserved = 0b11 << 31  # signals 32 and 33 are the C library's own: no program can set them (nptl(7))
    masks = {line.split(":")[0]: int(line.split()[1], 16) & ~reserved for line in status
             if line.startswith(("SigBlk", "SigIgn"))}
    assert masks == {"SigBlk": 0, "SigIgn": 0}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_handler_of_the_daemon_never_runs_in_its_child() -> None:
    def handler(*_: object) -> None:
        raise AssertionError
    before = signal.signal(signal.SIGTERM, handler)
    try:
        child = spawn_work(lambda _: time.sleep(30))
        signal.pidfd_send_signal(child.pidfd, signal.SIGTERM)
        assert ended(child) == 128 + signal.SIGTERM
        child.close()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_program_inherits_no_descriptor_not_even_an_inheritable_one(tmp_path: Path) -> None:
    leak = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leak, True)
    try:
        # ls itself opens the directory that it lists
        assert output_of("sh", "-c", "ls /proc/self/fd").split() == ["0", "1", "2", "3"]
    finally:
        os.close(leak)


@pytest.mark.root
@needs_root
def test_a_child_has_neither_the_daemons_oom_protection_nor_its_priority() -> None:
    adjustment = Path("/proc/self/oom_score_adj")
    before = adjustment.read_text()
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    try:
        try:
            adjustment.write_text("-1000")
        except PermissionError:  # without CAP_SYS_RESOURCE only a positive value can be tried
            adjustment.write_text("500")
        os.setpriority(os.PRIO_PROCESS, 0, -7)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        text = output_of("sh", "-c", "cat /proc/self/oom_score_adj; nice; ps -o cls= -p $$")
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        adjustment.write_text(before)
    assert text.split() == ["0", "0", "TS"]


def test_limits_stay_as_they_are() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert output_of("sh", "-c", "ulimit -n") == str(soft)


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_flood_of_output_neither_blocks_nor_grows_without_bound(tmp_path: Path, on_disk: bool) -> None:
    script = f"yes | head -c 20000000; touch {tmp_path}/done; sleep 30"
    with shell(script, str(tmp_path) if on_disk else None) as child:
        def trimmed() -> bool:
            child.trim()
            return (tmp_path / "done").exists()
        until(trimmed)
        child.trim()
        assert os.fstat(child.output_fd).st_size <= 1 << 20
        assert child.printed().startswith("y\ny\n")
        assert list(tmp_path.iterdir()) == [tmp_path / "done"]


@pytest.mark.parametrize("on_disk", [True, False])
def test_output_redirected_to_dev_stderr_is_kept_in_order(tmp_path: Path, on_disk: bool) -> None:
    with shell("echo lost; echo why > /dev/stderr; echo after", str(tmp_path) if on_disk else None) as child:
        ended(child)
        assert child.printed() == "why\nafter"


def test_what_keeps_its_starters_output_outlives_the_daemons_interest(tmp_path: Path) -> None:
    go, done = tmp_path / "go", tmp_path / "done"
    child = spawn_program(("sh", "-c", f"(while ! [ -e {go} ]; do sleep 0.02; done; echo still here; touch {done}) &"))
    ended(child)
    child.close()
    go.touch()
    until(done.exists)


def test_a_child_can_be_killed_in_the_very_moment_it_was_forked() -> None:
    for _ in range(20):
        child = spawn_program(("sleep", "30"))
        child.kill()
        assert ended(child) == 128 + signal.SIGKILL
        child.close()


@pytest.mark.parametrize("group", [True, False])
def test_the_process_group_ends_with_the_child_only_if_it_shall(tmp_path: Path, group: bool) -> None:
    written = tmp_path / "pid"
    child = spawn_program(("sh", "-c", f"sleep 30 & echo $! > {written}.new; mv {written}.new {written}; wait"))
    until(written.exists)
    helper = int(written.read_text())
    child.kill(group=group)
    ended(child)
    child.close()
    if group:
        until(lambda: not alive(helper))
    else:
        time.sleep(0.05)
        assert alive(helper)
        os.kill(helper, signal.SIGKILL)


def test_a_reaped_child_is_not_signalled_again() -> None:
    # Its former group lives on, so a late killpg would be seen.
    with shell("sleep 30 & echo $!") as child:
        ended(child)
        helper = int(child.printed())
        child.kill()
        time.sleep(0.05)
        assert alive(helper)
        os.kill(helper, signal.SIGKILL)


def test_no_child_and_no_descriptor_is_left_when_it_cannot_be_watched() -> None:
    free = os.dup(0), os.dup(0)
    os.close(free[0])
    os.close(free[1])
    before, limits = (open_fds(), own_children()), resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[1], limits[1]))
        with pytest.raises(OSError, match="Too many open files"):
            spawn_program(("sleep", "30"))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (open_fds(), own_children()) == before


def test_own_work_answers_through_a_pipe_that_never_blocks_the_reader() -> None:
    def work(pipe: int) -> None:
        os.write(pipe, b"worked")

    child = spawn_work(work)
    assert not os.get_blocking(child.output_fd)
    assert ended(child) == 0
    assert os.read(child.output_fd, 100) == b"worked"
    child.close()


def test_own_work_that_raises_ends_with_status_1() -> None:
    def work(pipe: int) -> None:
        raise RuntimeError
    child = spawn_work(work)
    assert ended(child) == 1
    child.close()


def test_own_work_holds_none_of_the_daemons_locks_but_what_it_is_to_keep(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
    kept = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    own = set(map(int, open_fds()))

    def work(pipe: int) -> None:
        os.fstat(kept)
        os.write(pipe, b"ready")
        time.sleep(30)

    child = spawn_work(work, keep=(kept,))
    try:
        fds = Path(f"/proc/{child.pid}/fd")
        until(lambda: select_readable(child.output_fd))
        held = {int(fd.name): os.readlink(fd) for fd in fds.iterdir() if int(fd.name) > 2}
        assert len(held) == 2
        assert held[kept] == str(tmp_path)
        assert os.readlink(f"/proc/self/fd/{child.output_fd}") in held.values()
        assert lock in own
    finally:
        child.kill()
        ended(child)
        child.close()
        os.close(lock)
        os.close(kept)


def select_readable(fd: int) -> bool:
    try:
        return os.read(fd, 10) == b"ready"
    except BlockingIOError:
        return False
