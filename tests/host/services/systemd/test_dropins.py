"""The drop-ins of this boot: seen by both ways of querying a state, and removed without touching other drop-ins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host.services.fake_systemd import FakeSystemd, together, unit
from watchdog_oom.core.model import ServiceState
from watchdog_oom.host.services.systemd.dropins import CONTROL, bound_at_runtime, forget_bounds
from watchdog_oom.host.services.systemd.manager import Systemd
from watchdog_oom.host.services.systemd.systemctl import Systemctl

SHOWN = "Id=a.service\nLoadState=loaded\nActiveState=active\nMemoryHigh=infinity\n"


def over_the_bus(root: Path) -> ServiceState:
    fake = FakeSystemd(root / "run/systemd/private")
    fake.units["a.service"] = unit("a.service")
    bus = Systemd(root=str(root), cgroups=str(root / "cgroup")).bus
    bus.ask(["a"], 100.0)
    found: list[ServiceState | None] = []

    def step() -> bool:
        found.extend(state for _, state in bus.answers(100.0))
        return bool(found)

    together(step, fake)
    bus.close()
    fake.close()
    assert found[0] is not None
    return found[0]


def by_systemctl(root: Path) -> ServiceState:
    return Systemctl(root=str(root)).parse_status("a", 0, SHOWN, 100.0)


@pytest.mark.parametrize(("file", "bound"), [
    ("50-MemoryHigh.conf", True), ("50-MemoryMax.conf", True), ("50-CPUWeight.conf", False), (None, False)])
def test_a_state_tells_whether_the_memory_was_bound_for_this_boot(tmp_path: Path, file: str | None,
                                                                 bound: bool) -> None:
    directory = tmp_path / CONTROL / "a.service.d"
    directory.mkdir(parents=True)
    if file is not None:
        (directory / file).touch()
    assert over_the_bus(tmp_path).bound_at_runtime is bound
    assert by_systemctl(tmp_path).bound_at_runtime is bound


def test_what_is_forgotten_is_gone_with_its_directory_and_forgetting_twice_is_no_trouble(tmp_path: Path) -> None:
    directory = tmp_path / CONTROL / "a.service.d"
    directory.mkdir(parents=True)
    for key in ("MemoryHigh", "MemoryMax"):
        (directory / f"50-{key}.conf").touch()
    assert bound_at_runtime("a", str(tmp_path))
    assert forget_bounds("a", str(tmp_path)) == ""
    assert not directory.exists()
    assert not bound_at_runtime("a", str(tmp_path))
    assert forget_bounds("a", str(tmp_path)) == ""


def test_a_link_in_its_place_is_removed_and_not_followed(tmp_path: Path) -> None:
    directory = tmp_path / CONTROL / "a.service.d"
    directory.mkdir(parents=True)
    (tmp_path / "precious").touch()
    (directory / "50-MemoryHigh.conf").symlink_to(tmp_path / "precious")
    forget_bounds("a.service", str(tmp_path))
    assert (tmp_path / "precious").exists()
