"""What ``init`` saw of a host, as values: all that a first policy is made from."""

from __future__ import annotations

from collections.abc import Mapping

from watchdog_oom.core.memory import Memory
from watchdog_oom.core.model import SpoolState
from watchdog_oom.lean_dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Listening:
    """A TCP socket that accepts connections; the address is empty for all addresses of the host."""

    port: int
    address: str = ""

    @property
    def probe(self) -> str:
        """How the host itself reaches it, as a probe is written."""
        host = self.address or "127.0.0.1"
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SeenProcess:
    """One process of the host itself; ``None``: could not be read, or is not so. ``unit`` is a service of the system's
    manager, ``own_unit`` whatever unit it is in. ``own_users``: in a user namespace that its unit was given
    (PrivateUsers= of systemd.exec(5)). All texts are whatever the process chose."""

    pid: int
    ppid: int
    comm: str
    rss_bytes: int
    exe: str | None = None
    user: str | None = None
    cmdline: str | None = None
    own_unit: str | None = None
    listens: tuple[Listening, ...] = ()
    own_users: bool = False

    @property
    def unit(self) -> str | None:
        """The service that it runs in: no scope, and no user's manager, which runs what that user likes."""
        unit = self.own_unit
        return unit if unit is not None and unit.endswith(".service") and not unit.startswith("user@") else None


@dataclass(frozen=True, slots=True)
class SeenHost:
    """The host at one moment. ``installed`` are paths of known programs that are there, ``spools`` the known
    directories that are there, ``init_scripts`` those of a host without systemd, ``unread`` what could not be read."""

    name: str
    distribution: str
    has_systemd: bool
    memory: Memory | None
    processes: tuple[SeenProcess, ...]
    installed: frozenset[str] = frozenset()
    spools: Mapping[str, SpoolState] = field(default_factory=dict)
    init_scripts: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
