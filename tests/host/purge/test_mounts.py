from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchdog_oom.host.purge.mounts import (
    Mount,
    children_with_mounts,
    in_trash,
    parse_mountinfo,
    read_mountinfo,
    remote_points,
)

LINES = (b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"
         b"23 22 0:21 / /var/spool/with\\040space\\134x rw shared:2 master:1 - tmpfs none rw\n"
         b"nonsense\n\n24 22 0:x / /broken rw - ext4 /dev/x rw\n"
         b"25 22 0:44 /export /srv/\xff rw - nfs4 server:/export rw\n")


def test_mountinfo_is_read_with_optional_fields_escapes_and_bytes_that_are_no_text() -> None:
    assert parse_mountinfo(LINES) == (
        Mount(22, os.makedev(254, 0), "/", "ext4"),
        Mount(23, os.makedev(0, 21), "/var/spool/with space\\x", "tmpfs"),
        Mount(25, os.makedev(0, 44), "/srv/\udcff", "nfs4"))


@given(st.binary())
def test_any_bytes_are_read_without_an_error(content: bytes) -> None:
    parse_mountinfo(content)


@pytest.mark.parametrize("device", [b"99999999999:21", b"4096:0", b"0:1048576", b"-1:0", b"1:2:3", b"9" * 5000 + b":1"])
def test_a_device_that_can_be_none_is_a_bad_reading_and_the_next_line_is_read(device: bytes) -> None:
    content = b"22 27 " + device + b" / /proc rw - proc proc rw\n23 1 0:21 / /x rw - tmpfs none rw\n"
    assert parse_mountinfo(content) == (Mount(23, os.makedev(0, 21), "/x", "tmpfs"),)


def test_mounts_inside_trash_are_told_by_the_trash_and_the_entry_that_holds_them() -> None:
    points = ("/a/.watchdog-oom-trash.1.x/entry/deep", "/a/.watchdog-oom-trash.1.x", "/a/other/entry",
              "/a/b/.watchdog-oom-trash.1.x/entry")
    mounts = [Mount(1, 0, point, "ext4") for point in points]
    assert in_trash(mounts, "/a") == {(".watchdog-oom-trash.1.x", "entry")}


def test_this_host_has_a_root_mount() -> None:
    assert any(mount.point == "/" for mount in read_mountinfo())


def test_a_name_counts_as_mounted_when_something_is_mounted_on_it_or_deeper() -> None:
    points = ("/", "/a/spool", "/a/spool/one", "/a/spool/two/x/y", "/a/spoolb/z")
    mounts = [Mount(1, 0, point, "ext4") for point in points]
    assert children_with_mounts(mounts, "/a/spool") == {"one", "two"}


def test_remote_filesystems_are_avoided_but_not_the_one_that_holds_the_spool() -> None:
    mounts = [Mount(1, 0, "/", "virtiofs"), Mount(2, 0, "/srv/nfs", "nfs4"), Mount(3, 0, "/mnt/s", "fuse.sshfs"),
              Mount(4, 0, "/var", "ext4")]
    assert remote_points(mounts, "/var/spool/x") == ("/srv/nfs/", "/mnt/s/")
    assert remote_points(mounts, "/mnt/s/spool") == ("/srv/nfs/",)
