"""What processes owe each other: children that do not outlive us, and memory that never reaches a disk.

On Linux the kernel ends a child when its parent dies, however it dies.
"""

import os
import resource
import sys
from collections.abc import Sequence

# What the child is until it becomes the command. Run by an interpreter of its own, as Python advises against a
# `preexec_fn` in a process with threads.
_LAUNCH = """
import ctypes, os, signal, sys
parent, command = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
if os.getppid() == parent:
    os.execv(command[0], command)
"""


def keep_no_core_dumps() -> None:
    """Plaintext audio is in this process's memory, and must not reach a disk when it crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ends_with_parent(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` (its first word a path) and receives SIGTERM when this process ends."""
    return [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), *command]
