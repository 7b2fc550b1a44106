"""Reads what `strace -f -y` wrote: system calls with the files they were about, and when each began and ended."""

import re
from dataclasses import dataclass
from pathlib import Path

COMMAND = ("-D", "-f", "-y", "--seccomp-bpf", "-s", "32", "-e", "signal=none")
WRITES = ("write", "writev", "pwrite64", "pwritev", "sendto", "sendmsg")
SYNCS = ("fsync", "fdatasync")
LINKS = ("link", "linkat", "rename", "renameat", "renameat2")

_LINE = re.compile(r"^(?P<thread>\d+)\s+(?P<call>.*)$")
_WHOLE = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
_BEGUN = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<arguments>.*)\)\s+= (?P<result>-?\d+)")
_FIRST_FILE = re.compile(r"^\d+<(?P<path>[^>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Call:
    """One system call that succeeded. `begun` and `ended` are places in the trace: what lies between may overlap it."""

    name: str
    arguments: str
    begun: int
    ended: int

    @property
    def file(self) -> str:
        """What its first argument, a descriptor, is open on."""
        found = _FIRST_FILE.match(self.arguments)
        return found["path"] if found else ""

    @property
    def quoted(self) -> list[str]:
        """Its strings: the old name and the new one, of a link."""
        return _QUOTED.findall(self.arguments)


def command(strace: str, log: Path) -> list[str]:
    """What runs another command traced. The traced one is the child that was started, strace its grandchild."""
    return [strace, *COMMAND, "-e", f"trace={','.join((*WRITES, *SYNCS, *LINKS))}", "-o", str(log)]


def read(text: str) -> list[Call]:
    """The calls that succeeded, in the order in which they began."""
    calls: list[Call] = []
    unfinished: dict[str, tuple[str, int]] = {}
    for place, line in enumerate(text.splitlines()):
        found = _LINE.match(line)
        if found is None:
            continue
        thread, call = found["thread"], found["call"]
        if begun := _BEGUN.match(call):
            unfinished[thread] = (begun["arguments"], place)
        elif resumed := _RESUMED.match(call):
            arguments, since = unfinished.pop(thread, ("", place))
            calls += _succeeded(resumed, arguments + resumed["arguments"], since, place)
        elif whole := _WHOLE.match(call):
            calls += _succeeded(whole, whole["arguments"], place, place)
    return sorted(calls, key=lambda call: call.begun)


def _succeeded(found: re.Match[str], arguments: str, begun: int, ended: int) -> list[Call]:
    return [Call(found["name"], arguments, begun, ended)] if int(found["result"]) >= 0 else []
