"""The C library, and the system calls that ``os`` does not provide, each as a function of plain values."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
from collections.abc import Callable

from watchdog_oom.lean_typing import Any

# linux/openat2.h
RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_PLAIN = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS
RESOLVE_CONFINED = RESOLVE_PLAIN | RESOLVE_NO_XDEV

OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_RENAME_NOREPLACE = 1  # linux/fs.h
_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
_FALLOC_FL_KEEP_SIZE = 1  # linux/falloc.h
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4  # linux/mman.h
_SYS_OPENAT2 = 437  # the same on every architecture
_SYS_PROCESS_MRELEASE = 448  # asm-generic/unistd.h, the same on every architecture but alpha
_SYS_KCMP = {"x86_64": 312, "aarch64": 272}
_KCMP_FILES, _KCMP_FS = 2, 3  # linux/kcmp.h
_SYS_RENAMEAT2 = {"x86_64": 316, "aarch64": 276}
_SYS_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "ppc64le": 273, "s390x": 282}
_IOPRIO_WHO_PROCESS = 1  # linux/ioprio.h
_IOPRIO_IDLE = 3 << 13
_ATTEMPTS = 3
_AT_FDCWD = -100  # linux/fcntl.h
_AT_STATX_DONT_SYNC = 0x4000
_STATX_BYTES = 256  # linux/stat.h: struct statx, and where in it stx_dev_major and stx_dev_minor stand
_STATX_DEVICE_AT = 136
_STATX_DEVICE = struct.Struct("=II")

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def openat2(path: str, flags: int, *, dir_fd: int, resolve: int = RESOLVE_CONFINED) -> int:
    """Open a relative path below ``dir_fd`` under the given restrictions, openat2(2); raises OSError.

    A refused symlink is ELOOP, a refused mount or an escape is EXDEV. If the kernel (before 5.6) or a system call
    filter does not provide the call, ``open_walking`` enforces the same restrictions.
    """
    how = struct.pack("=QQQ", flags | os.O_CLOEXEC, 0, resolve)
    for _ in range(_ATTEMPTS):
        fd: int = _libc.syscall(ctypes.c_long(_SYS_OPENAT2), ctypes.c_int(dir_fd), os.fsencode(path), how,
                                ctypes.c_size_t(len(how)))
        if fd >= 0:
            return fd
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EPERM):  # a filter returns EPERM; so does O_NOATIME, and then again below
            return open_walking(path, flags, dir_fd=dir_fd, resolve=resolve)
        if code not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(code, os.strerror(code), path)


def open_walking(path: str, flags: int, *, dir_fd: int, resolve: int = RESOLVE_CONFINED) -> int:
    """openat2 as far as it is used here, by openat(2): one component after the other, following no symlink.

    Mounts are distinguished by mount id (proc(5), fdinfo), since a bind mount of the same filesystem keeps st_dev.
    """
    parts = path.split("/")
    if path.startswith("/") or ".." in parts or not path:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)
    here = os.dup(dir_fd)
    try:
        for at, part in enumerate(parts):
            last = at == len(parts) - 1
            step = os.open(part, (flags if last else os.O_PATH | os.O_DIRECTORY) | os.O_NOFOLLOW | os.O_CLOEXEC,
                           dir_fd=here)
            os.close(here)
            here = step
            if resolve & RESOLVE_NO_XDEV:
                _refuse_other_mount(here, dir_fd)
    except OSError:
        os.close(here)
        raise
    return here


def open_directory(name: str, dir_fd: int) -> int:
    """Open a directory below ``dir_fd`` for reading: no symlink, no other mount, and without changing its atime if
    permitted (O_NOATIME is only for the owner and root, open(2))."""
    try:
        return openat2(name, OPEN_DIRECTORY | os.O_NOATIME, dir_fd=dir_fd)
    except PermissionError:
        return openat2(name, OPEN_DIRECTORY, dir_fd=dir_fd)


def mount_id(fd: int) -> int:
    """The id of the mount through which the descriptor was opened, the first field of mountinfo (proc(5), fdinfo)."""
    info = os.open(f"/proc/self/fdinfo/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for line in os.read(info, 4096).splitlines():
            if line.startswith(b"mnt_id:"):
                return int(line.split()[1])
    finally:
        os.close(info)
    return -1


def device_of(path: str) -> int:
    """The device of the filesystem that holds what ``path`` leads to, read without asking that filesystem: no field is
    requested, and nothing is fetched (statx(2), AT_STATX_DONT_SYNC). A FUSE server is not contacted, so it can refuse
    nothing. A network filesystem may still block while the path is followed. Raises OSError, ENOSYS where there is no
    statx."""
    if not hasattr(_libc, "statx"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)
    answer = ctypes.create_string_buffer(_STATX_BYTES)
    _checked(_libc.statx, path, ctypes.c_int(_AT_FDCWD), os.fsencode(path), ctypes.c_int(_AT_STATX_DONT_SYNC),
             ctypes.c_uint(0), answer)
    return os.makedev(*_STATX_DEVICE.unpack_from(answer, _STATX_DEVICE_AT))


def rename_without_replacing(source: str, target: str, *, source_dir_fd: int, target_dir_fd: int) -> None:
    """renameat2(2) with RENAME_NOREPLACE; raises FileExistsError when the target's name is taken, OSError with EINVAL
    where the filesystem does not know the flag (NFS)."""
    _renameat2(source, target, source_dir_fd, target_dir_fd, _RENAME_NOREPLACE)


def exchange(source: str, target: str) -> None:
    """renameat2(2) with RENAME_EXCHANGE: each gets the other's name at once. Raises FileNotFoundError when one is not
    there, OSError with EINVAL where the filesystem does not know the flag."""
    _renameat2(source, target, _AT_FDCWD, _AT_FDCWD, _RENAME_EXCHANGE)


def _renameat2(source: str, target: str, source_dir_fd: int, target_dir_fd: int, flags: int) -> None:
    arguments = (source_dir_fd, os.fsencode(source), target_dir_fd, os.fsencode(target), flags)
    if hasattr(_libc, "renameat2"):
        _checked(_libc.renameat2, source, *arguments)
        return
    number = _SYS_RENAMEAT2.get(os.uname().machine)
    if number is None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), source)
    _checked(_libc.syscall, source, ctypes.c_long(number), *arguments)


def fallocate(fd: int, offset_bytes: int, length_bytes: int) -> None:
    """Reserve disk space without changing the file's size, fallocate(2) with FALLOC_FL_KEEP_SIZE; raises OSError."""
    _checked(_libc.fallocate64 if hasattr(_libc, "fallocate64") else _libc.fallocate, None, ctypes.c_int(fd),
             ctypes.c_int(_FALLOC_FL_KEEP_SIZE), ctypes.c_int64(offset_bytes), ctypes.c_int64(length_bytes))


def idle_io_priority() -> None:
    """Let the disk serve this process only when nobody else wants it, ioprio_set(2); raises OSError."""
    number = _SYS_IOPRIO_SET.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    _checked(_libc.syscall, None, ctypes.c_long(number), ctypes.c_int(_IOPRIO_WHO_PROCESS), ctypes.c_int(0),
             ctypes.c_int(_IOPRIO_IDLE))


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that forked it ends, prctl(2), PR_SET_PDEATHSIG.

    A change of credentials clears the setting, so call this after it. Exits immediately if the parent is already gone.
    """
    _checked(_libc.prctl, None, ctypes.c_int(_PR_SET_PDEATHSIG), ctypes.c_ulong(signal.SIGKILL), ctypes.c_ulong(0),
             ctypes.c_ulong(0), ctypes.c_ulong(0))
    if os.getppid() != parent_pid:
        os._exit(1)


def keep_capabilities_to_itself() -> None:
    """No program that this process starts from now on gets a capability from it, prctl(2), PR_CAP_AMBIENT; it keeps its
    own. A process of root has none of this kind. Raises OSError."""
    _checked(_libc.prctl, None, ctypes.c_int(_PR_CAP_AMBIENT), ctypes.c_ulong(_PR_CAP_AMBIENT_CLEAR_ALL),
             ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0))


def lock_memory() -> bool:
    """mlockall(2), only of touched pages if the kernel supports that (4.4), which saves about 4.5 MB; else of all."""
    return any(_libc.mlockall(flags) == 0 for flags in (_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT,
                                                        _MCL_CURRENT | _MCL_FUTURE))


def release_memory(pidfd: int) -> bool:
    """Free the memory of a killed process, process_mrelease(2); returns whether that was done."""
    return bool(_libc.syscall(ctypes.c_long(_SYS_PROCESS_MRELEASE), ctypes.c_int(pidfd), ctypes.c_uint(0)) == 0)


def share_files(one: int, other: int) -> bool:
    """Whether two threads have the same open files, and the same working and root directory, kcmp(2). False also where
    that cannot be told: on other architectures, without CONFIG_KCMP, or when one of them has ended."""
    number = _SYS_KCMP.get(os.uname().machine)
    return number is not None and all(
        _libc.syscall(ctypes.c_long(number), ctypes.c_int(one), ctypes.c_int(other), ctypes.c_int(kind),
                      ctypes.c_ulong(0), ctypes.c_ulong(0)) == 0 for kind in (_KCMP_FILES, _KCMP_FS))


def inotify_open() -> int:
    """A new instance of inotify(7) that never blocks; raises OSError if the kernel's limit is reached (EMFILE)."""
    fd: int = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


def inotify_add(fd: int, path: str, mask: int) -> int | None:
    """The number of the watch on that path, inotify_add_watch(2); ``None`` if the kernel refuses."""
    watch: int = _libc.inotify_add_watch(ctypes.c_int(fd), os.fsencode(path), ctypes.c_uint32(mask))
    return watch if watch >= 0 else None


def inotify_remove(fd: int, watch: int) -> None:
    """End a watch, inotify_rm_watch(2); a watch that has already ended is no error."""
    _libc.inotify_rm_watch(ctypes.c_int(fd), ctypes.c_int(watch))


def _refuse_other_mount(fd: int, dir_fd: int) -> None:
    if mount_id(fd) != mount_id(dir_fd):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))


def _checked(function: Callable[..., int], name: str | None, *arguments: Any) -> None:
    if function(*arguments) == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), name)
