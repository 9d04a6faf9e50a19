"""Real connections to a control socket, polled as the loop does it; the time is the caller's."""

from __future__ import annotations

import os
import select
import socket
import stat
from pathlib import Path

import pytest

from tests.daemon.control.conftest import Clients
from watchdog_oom.core.requests import Ruling
from watchdog_oom.daemon.control.listener import MOST_CALLERS, MOST_WAKEUPS, WAKEUPS_PER_SECOND, ControlSocket

NOW = 1000.0


def readable(control: ControlSocket) -> bool:
    """Whether it would wake the loop."""
    return bool(select.select([control], [], [], 0)[0])


def heard(control: ControlSocket, now: float) -> bytes | None:
    """The request that is taken, if one is, and is refused."""
    taken = control.take(now)
    if taken is None:
        return None
    taken[0].end(Ruling("no", 1))
    return taken[1]


def test_the_socket_is_root_s_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        control = ControlSocket(str(tmp_path))
        assert os.umask(0) == 0, "and the umask is as it was"
    finally:
        os.umask(before)
    mode = (tmp_path / "control").stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    control.close()
    assert not (tmp_path / "control").exists()


def test_one_that_was_left_over_is_replaced(tmp_path: Path, client: Clients) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "control"))
    control = ControlSocket(str(tmp_path))
    client().send(b"x\n")
    assert heard(control, NOW) == b"x"
    control.close()


def test_a_runtime_directory_may_have_a_longer_path_than_an_address(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    ControlSocket(str(deep)).close()


def test_a_request_comes_with_who_asks_and_is_answered(control: ControlSocket, client: Clients) -> None:
    asking = client()
    asking.send(b'{"v": 1}\n')
    assert readable(control)
    taken = control.take(NOW)
    assert taken is not None
    caller, line = taken
    assert (line, caller.pid, caller.uid) == (b'{"v": 1}', os.getpid(), os.geteuid())
    caller.progress("soon")
    caller.end(Ruling("done", 1, "limit.x", ("limit.x",)), ("a fault",))
    assert asking.told() == [{"v": 1, "progress": "soon"}, {
        "v": 1, "exit": 1, "words": "done", "rule": "limit.x", "names": ["limit.x"], "faults": ["a fault"]}]


def test_one_request_is_taken_at_a_time(control: ControlSocket, client: Clients) -> None:
    for number in range(3):
        client().send(b"%d\n" % number)
    assert [heard(control, NOW) for _ in range(4)] == [b"0", b"1", b"2", None]


@pytest.mark.parametrize(("sent", "words"), [
    (b"x" * 5000, "at most 4096 bytes"), (b"x" * 5000 + b"\n", "at most 4096 bytes"),
    (b"one\ntwo\n", "a connection is for one request")])
def test_what_is_no_request_gets_one_line_and_is_closed(control: ControlSocket, client: Clients, sent: bytes,
                                                        words: str) -> None:
    asking = client()
    asking.send(sent)
    assert control.take(NOW) is None
    (told,) = asking.told()
    assert told["exit"] == 2 and words in str(told["words"])
    assert [words in why for _, why in control.unclear] == [True]
    assert not control.busy


def test_half_a_request_is_no_request(control: ControlSocket, client: Clients) -> None:
    asking = client()
    asking.send(b'{"v": 1')
    assert control.take(NOW) is None
    asking.socket.shutdown(socket.SHUT_WR)
    assert control.take(NOW) is None
    assert [told["words"] for told in asking.told()] == ["the request ended in the middle"]


@pytest.mark.parametrize("drops", [b"", b"x"])
def test_whoever_is_silent_or_slow_is_sent_away_after_two_seconds(control: ControlSocket, client: Clients,
                                                                  drops: bytes) -> None:
    asking = client()
    for moment in (0.0, 0.5, 1.0, 1.5, 1.9, 2.1):
        asking.send(drops)
        assert control.take(NOW + moment) is None
        assert control.busy is (moment < 2)
    assert [told["words"] for told in asking.told()] == ["no whole request came within 2s"]


def test_those_for_whom_there_is_no_room_are_told_so(control: ControlSocket, client: Clients) -> None:
    crowd = [client() for _ in range(MOST_CALLERS + 3)]
    assert control.take(NOW) is None
    assert [told["words"] for one in crowd[MOST_CALLERS:] for told in one.told()] == [
        "too many requests at a time; ask again"] * 3
    control.take(NOW + 3)
    client().send(b"x\n")
    assert heard(control, NOW + 4) == b"x"


def test_a_storm_of_requests_wakes_the_loop_a_few_times_and_then_four_times_a_second(
        control: ControlSocket, client: Clients) -> None:
    wakeups = 0
    for hundredth in range(1000):
        if readable(control) or hundredth % 25 == 0:
            client().send(b"x\n")
        woken = readable(control)
        wakeups += woken
        if woken or (control.busy and hundredth % 25 == 0):
            heard(control, NOW + hundredth / 100)
            client().send(b"x\n")
    assert wakeups <= MOST_WAKEUPS + WAKEUPS_PER_SECOND * 10 + 1
    assert wakeups >= WAKEUPS_PER_SECOND * 9, "and whoever asks is heard"


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_another_user_is_refused_by_the_kernel_and_if_the_socket_were_open_by_the_daemon(
        control: ControlSocket, tmp_path: Path) -> None:
    for directory in (tmp_path, *tmp_path.parents):
        if directory.stat().st_uid == 0 and len(directory.parts) > 2:
            directory.chmod(0o755)
    assert asked_by_nobody(control, tmp_path) == b"[Errno 13] Permission denied"
    (tmp_path / "control").chmod(0o666)
    assert b'"exit": 3' in asked_by_nobody(control, tmp_path)
    assert [uid for _, uid in control.strangers] == [65534]
    assert not control.busy


def asked_by_nobody(control: ControlSocket, runtime: Path) -> bytes:
    """What an ordinary user hears who asks."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            with socket.socket(socket.AF_UNIX) as asking:
                asking.connect(str(runtime / "control"))
                os.write(writing, b"c")
                os.write(writing, asking.recv(4096))
        except OSError as error:
            os.write(writing, str(error).partition(":")[0].encode())
        finally:
            os._exit(0)
    os.close(writing)
    heard = os.read(reading, 1)
    if heard == b"c":
        assert control.take(NOW) is None
        heard = b""
    os.waitpid(child, 0)
    heard += os.read(reading, 4096)
    os.close(reading)
    return heard


def test_whoever_does_not_listen_loses_the_connection(control: ControlSocket, client: Clients) -> None:
    client().send(b"x\n")
    taken = control.take(NOW)
    assert taken is not None
    for _ in range(10_000):
        taken[0].progress("x" * 1000)
        if taken[0].gone:
            return
    raise AssertionError("it would have taken everything that it was told")


def test_who_hangs_up_is_forgotten(control: ControlSocket, client: Clients) -> None:
    client().close()
    control.take(NOW)
    assert not control.busy and not readable(control)
