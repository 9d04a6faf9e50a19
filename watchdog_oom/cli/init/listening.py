"""On which TCP ports processes accept connections, from /proc/net/tcp and their open files (proc_pid_net(5)).

Of another host (``--proc``) psutil would not know it; parsing is separate from reading.
"""

from __future__ import annotations

import ipaddress
import os
import struct
from collections.abc import Iterator, Mapping

from watchdog_oom.cli.init.host_facts import Listening
from watchdog_oom.host.processes.procfs import read_whole

_LISTEN = b"0A"
_MOST_BYTES = 8 << 20
_MOST_FILES = 4096


def parse_listening(content: bytes) -> Iterator[tuple[int, Listening]]:
    """The inode of each listening socket with where it listens; lines that make no sense are skipped."""
    for line in content.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 10 or fields[3] != _LISTEN:
            continue
        try:
            address, port = fields[1].split(b":")
            yield int(fields[9]), Listening(int(port, 16), _address(bytes.fromhex(address.decode("ascii"))))
        except (ValueError, struct.error):
            continue


def _address(raw: bytes) -> str:
    """From words in this machine's byte order; empty for all addresses. An IPv4 address may be written as IPv6."""
    words = struct.unpack(f"={len(raw) // 4}I", raw)
    address = ipaddress.ip_address(struct.pack(f">{len(words)}I", *words))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "" if address.is_unspecified else str(address)


def read_listening(proc: str) -> Mapping[int, Listening]:
    """By inode, of the host's own network namespace."""
    found: dict[int, Listening] = {}
    for name in ("tcp", "tcp6"):
        found.update(parse_listening(read_whole(f"{proc}/net/{name}", _MOST_BYTES) or b""))
    return found


def ports_of(proc: str, pid: int, sockets: Mapping[int, Listening]) -> tuple[Listening, ...]:
    """The sockets among the process's open files; none if those may not be read."""
    folder = f"{proc}/{pid}/fd"
    try:
        names = os.listdir(folder)[:_MOST_FILES]
    except OSError:
        return ()
    found = set()
    for name in names:
        try:
            target = os.readlink(f"{folder}/{name}")
        except OSError:
            continue
        inode = target.removeprefix("socket:[").removesuffix("]")
        if target.startswith("socket:[") and inode.isdecimal() and int(inode) in sockets:
            found.add(sockets[int(inode)])
    return tuple(sorted(found, key=lambda one: (one.port, one.address)))
