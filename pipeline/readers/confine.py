"""The rights a process gives up before it parses untrusted files. Linux; fewer apply elsewhere.

| given up | how | where it applies |
|---|---|---|
| outliving its parent | PR_SET_PDEATHSIG | Linux |
| making or changing files | Landlock | Linux 5.13 |
| files over 64 kB, many descriptors, core files, CPU time | rlimits | everywhere |
| unlimited address space | rlimits | Linux |
| sockets, new programs and processes, signals to others | seccomp | Linux on x86-64 and ARM64 |
| all networks | a network namespace | Linux, where users may create one |

The process can still read the files that its user may read.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import dataclass

FILE_BYTES = 65_536
OPEN_FILES = 256

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
_SECCOMP_MODE_FILTER = 2
_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_CLONE_THREAD = 0x0001_0000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446
# Every right to change the file system that the first version of Landlock knows: write a file,
# remove a folder or file, make a device, folder, file, socket, pipe, block device or link.
_LANDLOCK_CHANGES = 0b1_1111_1111_0010

_ENOSYS, _EPERM = 38, 1
_ALLOW, _ERRNO = 0x7FFF_0000, 0x0005_0000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


@dataclass(frozen=True)
class _Calls:
    """The numbers of system calls on one kind of machine."""

    arch: int  # as the kernel's audit names it
    clone: int
    clone3: int
    signals: tuple[int, ...]  # kill, tgkill: allowed to the process itself only
    # socket, socketpair, connect, bind, execve, execveat, ptrace, process_vm_readv and _writev,
    # tkill, pidfd_send_signal, io_uring_setup; on x86-64 also fork and vfork
    refused: tuple[int, ...]


_CALLS = {
    "x86_64": _Calls(
        *(0xC000_003E, 56, 435, (62, 234)),
        (41, 53, 42, 49, 59, 322, 101, 310, 311, 200, 424, 425, 57, 58),
    ),
    "aarch64": _Calls(
        *(0xC000_00B7, 220, 435, (129, 131)),
        (198, 199, 203, 200, 221, 281, 117, 270, 271, 130, 424, 425),
    ),
}


def confine() -> list[str]:
    """Give up what the table lists, permanently; returns the names of the limits now in force.

    Call this before other threads exist. Never raises: what the system lacks is left out.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write over the limit is an OSError
    if sys.platform != "linux":
        return ["rlimits"]
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Root keeps its user namespace: in a new one it could not read other users' files.
    own_network = libc.unshare(_CLONE_NEWNET) == 0 or (
        os.getuid() != 0 and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    )
    applied = {
        "network namespace": own_network,
        "landlock": _landlock(libc),
        "seccomp": _seccomp(libc),
    }
    return ["rlimits", *(name for name, holds in applied.items() if holds)]


def allow_memory(extra: int) -> None:
    """Let the address space grow by `extra` bytes from its present size; beyond, malloc fails."""
    if sys.platform == "linux":
        with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - called for every file
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + extra, resource.RLIM_INFINITY))


def allow_cpu(seconds: float) -> None:
    """Let the process use this many more CPU seconds before SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def _landlock(libc: ctypes.CDLL) -> bool:
    """Forbid every change of the file system; files that are already open stay open.

    Returns whether the system could enforce it.
    """
    changes = ctypes.c_uint64(_LANDLOCK_CHANGES)
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(changes), ctypes.c_size_t(8), 0)
    if rules < 0:
        return False
    done: int = libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0)
    os.close(rules)
    return done == 0


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _seccomp(libc: ctypes.CDLL) -> bool:
    calls = _CALLS.get(platform.machine())
    if calls is None or sys.maxsize < 2**32:
        return False
    steps = seccomp_filter(calls, os.getpid())
    program = _Program(len(steps) // 8, steps)
    done: int = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return done == 0


def seccomp_filter(calls: _Calls, process: int) -> bytes:
    """Build a classic BPF program: no refused call, no new process (threads only), no signal to
    others than `process`.

    System calls of another architecture, including x32, are all refused. `clone3` fails as if it
    did not exist, so that the C library falls back to `clone`, whose flags the filter can check.
    """
    steps: list[tuple[int, str, str, int]] = [
        (_LOAD, "", "", _ARCH),
        (_EQUAL, "", "refuse", calls.arch),
        (_LOAD, "", "", _NUMBER),
        (_AT_LEAST, "refuse", "", 0x4000_0000),
        *((_EQUAL, "refuse", "", number) for number in calls.refused),
        *((_EQUAL, "signal", "", number) for number in calls.signals),
        (_EQUAL, "unknown", "", calls.clone3),
        (_EQUAL, "", "allow", calls.clone),
        (_LOAD, "", "", _FIRST_ARGUMENT),
        (_ANY_BIT, "allow", "refuse", _CLONE_THREAD),
    ]
    labels = {"signal": len(steps)}
    steps += [(_LOAD, "", "", _FIRST_ARGUMENT), (_EQUAL, "allow", "refuse", process)]
    for label, answer in (
        ("unknown", _ERRNO | _ENOSYS),
        ("refuse", _ERRNO | _EPERM),
        ("allow", _ALLOW),
    ):
        labels[label] = len(steps)
        steps.append((_RETURN, "", "", answer))
    packed = []
    for at, (code, yes, no, value) in enumerate(steps):
        jumps = (labels[to] - at - 1 if to else 0 for to in (yes, no))
        packed.append(struct.pack("=HBBI", code, *jumps, value))
    return b"".join(packed)
