"""What a decoding process gives up before it meets a recording: files, sockets, children, memory, rank, core dumps.

It acts on the calling process, for good. Limits that a platform lacks are left out; the ones on files and memory hold
on every POSIX system.
"""

import contextlib
import ctypes
import math
import os
import resource
import signal
import sys
from datetime import timedelta
from pathlib import Path

MEMORY_HEADROOM_BYTES = 512 << 20
"""Address space that decoding may add to what the libraries take."""

CPU_EACH = timedelta(seconds=10)
"""Processor time that one recording may take."""

_NOBODY = 65534
_STANDARD_STREAMS = 3
_CLONE_NEWNET = 0x4000_0000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38


def die_with_parent() -> None:
    """Call first: what follows takes a quarter of a second, in which the parent may go."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def give_up_everything() -> None:
    """Call after every import and a first use of each library: no file can be opened afterwards, /dev/null neither."""
    mapped_bytes = _mapped_bytes()
    if sys.platform == "linux":
        ctypes.CDLL(None).unshare(_CLONE_NEWNET)  # only root may, and nobody can open a socket below anyway
    if os.geteuid() == 0:
        _become_nobody()
    die_with_parent()  # a change of user cleared it
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _STANDARD_STREAMS),
    ):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (value, value))
    if mapped_bytes is not None:
        most = mapped_bytes + MEMORY_HEADROOM_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def allow_processor_time() -> None:
    """Grants `CPU_EACH` from now on; beyond it the kernel ends the process. The limit counts from the start of it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + CPU_EACH.total_seconds())
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))


def _become_nobody() -> None:
    """Root is above limits on processes, and could raise the others again. A container may forbid the change."""
    with contextlib.suppress(OSError):
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _mapped_bytes() -> int | None:
    """The process's address space, or None where /proc does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    except FileNotFoundError:
        return None
    return int(pages) * resource.getpagesize()
