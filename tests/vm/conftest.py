"""The machine for the cases: the image and the package once a run, a booted guest once a file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vm.guest import Guest, GuestError
from tests.vm.host import alone, build_deb, obstacle
from tests.vm.image import Image, image
from tests.vm.product import Product

HERE = Path(__file__).parent
CASE_SECONDS = 600
RUNNING: list[Guest] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.vm)
            item.add_marker(pytest.mark.root)
            # Booting has its own deadlines.
            item.add_marker(pytest.mark.timeout(CASE_SECONDS, func_only=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None],
                              ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for guest in RUNNING:
            report.sections.append(("console of the guest", guest.console_tail()))
            report.sections.append(("journal of the guest", _journal(guest)))
    return report


def _journal(guest: Guest) -> str:
    try:
        return guest.run("journalctl --no-pager -o short-precise -n 60 -u watchdog-oomd; echo; "
                         "tail -n 40 /var/log/watchdog-oom/audit.jsonl | cut -c 1-400", 30).output
    except GuestError as error:
        return f"(it does not answer: {error})"


@pytest.fixture(scope="session")
def one_at_a_time() -> Iterator[None]:
    why = obstacle()
    if why is not None:
        pytest.skip(why)
    with alone():
        yield


@pytest.fixture(scope="session")
def machine_image(one_at_a_time: None) -> Image:
    return image()


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the tree as it is now."""
    return build_deb(tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def newer_deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same under a later version."""
    return build_deb(tmp_path_factory.mktemp("newer-deb"), "99.0")


@pytest.fixture(scope="session")
def installed(machine_image: Image, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A disk on which apt has installed the package, and what that told."""
    disk = tmp_path_factory.mktemp("disk") / "installed.qcow2"
    with Guest(machine_image, disk=disk) as guest:
        guest.wait_until_up()
        guest.put(deb, f"/root/{deb.name}")
        answer = guest.run(f"DEBIAN_FRONTEND=noninteractive apt-get install -y /root/{deb.name}", 300)
        state = guest.run("systemctl is-active watchdog-oomd; systemctl status --no-pager watchdog-oomd")
        guest.shut_down()
    return {"disk": disk, "apt": answer, "state": state}


@pytest.fixture(scope="module")
def guest(machine_image: Image, installed: dict[str, Any]) -> Iterator[Guest]:
    """A guest with the package installed and the daemon running, booted anew for each file of cases."""
    with Guest(machine_image, backing=installed["disk"]) as booted:
        booted.wait_until_up()
        RUNNING[:] = [booted]
        yield booted
        RUNNING.clear()


@pytest.fixture
def product(guest: Guest) -> Product:
    return Product(guest)


@pytest.fixture(scope="module")
def mariadb(guest: Guest) -> None:
    """MariaDB runs, under all the names that Debian gives it."""
    guest.check("systemctl enable --now mariadb.service")
    guest.until("mariadb-admin ping", 60)
