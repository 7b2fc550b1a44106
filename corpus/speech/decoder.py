"""Decodes recordings from strangers in a child process that can do nothing else, to 16 kHz mono PCM.

Recordings and PCM go through pipes and memory, never through a file. One child serves many recordings: starting one
costs as much as decoding a hundred. Plain WAVs need no decoder, and so no child.
"""

import contextlib
import fcntl
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Self

from corpus.audio import RATE_HZ, SAMPLE_BYTES
from corpus.errors import DecoderCrashed, Misconfigured, Undecodable
from corpus.speech import plain_wav
from corpus.speech.canonical import Decoded, Resamplers, canonical
from corpus.speech.frames import (
    LENGTHS,
    BadFrame,
    Header,
    count,
    frame_start,
    parse_header,
    parse_lengths,
    text,
)

CHILD_COMMAND = (sys.executable, "-E", "-P", "-m", "corpus.speech.decode_child")
"""Ignores PYTHON… variables and the working directory, but finds what the parent's interpreter has installed."""

ATTEMPTS = 2
"""A child may die for reasons of its own (memory, an operator), so a recording gets a second one."""

KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""A child frees as much as it takes with each recording: handing pages back to the system and fetching them again costs
a tenth of its time. For the GNU C library; others ignore it."""

_START_S = 60.0
_PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Recording:
    """`pcm` is s16le, 16 kHz, mono, without a header; a recording that is too long is cut off at the limit."""

    pcm: bytes
    source_rate_hz: int
    source_channels: int
    container: str
    codec: str
    too_long: bool

    @property
    def samples(self) -> int:
        return len(self.pcm) // SAMPLE_BYTES


class Decoder:
    """Owns one child at a time. Threads may share it; they then wait for each other.

    `deadline` is for one recording that the child decodes, both attempts together. Close it, or use it as a context
    manager.
    """

    def __init__(
        self,
        *,
        deadline: timedelta = timedelta(seconds=15),
        recordings_per_child: int = 1000,
        child_command: Sequence[str] = CHILD_COMMAND,
    ) -> None:
        self._deadline_s = deadline.total_seconds()
        self._recordings_per_child = recordings_per_child
        self._child_command = child_command
        self._child: _Child | None = None
        self._lock = threading.Lock()
        self._resamplers = Resamplers()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def child_pid(self) -> int | None:
        """The process that has the next recording, or None before the first and after `close`."""
        return self._child.pid if self._child else None

    def decode(self, recording: bytes, max_duration: timedelta) -> Recording:
        """Raises `Undecodable`, `DecoderCrashed`, and `Misconfigured` where no child can be started."""
        max_samples = int(max_duration.total_seconds() * RATE_HZ)
        plain = plain_wav.read(recording)
        with self._lock:
            if plain is not None:
                return _recorded(canonical(plain, max_samples, self._resamplers))
            self._ready_child()  # its start is no fault of the recording, and counts against no deadline
            until = time.monotonic() + self._deadline_s
            for _ in range(ATTEMPTS):
                with contextlib.suppress(_ChildLost, BadFrame):
                    return self._ask(recording, max_samples, until)
                if time.monotonic() >= until:
                    break
        raise DecoderCrashed

    def close(self) -> None:
        with self._lock:
            self._drop_child()

    def _ask(self, recording: bytes, max_samples: int, until: float) -> Recording:
        child = self._ready_child()
        try:
            return _recording(*child.ask(recording, max_samples, until))
        except Undecodable:
            raise
        except BaseException:  # interrupts too: a child left between question and answer would answer the next one
            self._drop_child()
            raise

    def _ready_child(self) -> "_Child":
        child = self._child
        if child is None or child.is_dead() or child.recordings >= self._recordings_per_child:
            self._drop_child()
            child = self._child = _Child(self._child_command)
        return child

    def _drop_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


def _recorded(decoded: Decoded) -> Recording:
    source, pcm = decoded.source, decoded.pcm.astype("<i2", copy=False).tobytes()
    return Recording(pcm, source.rate_hz, source.channels, source.container, source.codec, decoded.too_long)


def _recording(header: Header, pcm: bytes) -> Recording:
    """Raises `Undecodable` where the child says so, `BadFrame` where it makes no sense."""
    if "undecodable" in header:
        raise Undecodable(text(header, "undecodable"))
    if len(pcm) % SAMPLE_BYTES:
        raise BadFrame
    return Recording(
        pcm=pcm,
        source_rate_hz=count(header, "rate_hz"),
        source_channels=count(header, "channels"),
        container=text(header, "container"),
        codec=text(header, "codec"),
        too_long=header.get("too_long") is True,
    )


class _ChildLost(Exception):
    """The child died, or did not answer in time."""


class _Child:
    """One process and its two pipes. Times are seconds of `time.monotonic`."""

    def __init__(self, command: Sequence[str]) -> None:
        self.recordings = 0
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libraries print what the recording makes them print
            bufsize=0,
            cwd="/",
            env=_environment(),
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._pipes = (self._process.stdin, self._process.stdout)
        self._to, self._from = (pipe.fileno() for pipe in self._pipes)
        for pipe in (self._to, self._from):
            os.set_blocking(pipe, False)
            with contextlib.suppress(OSError, AttributeError):  # roomier pipes are only faster
                fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        try:
            self._receive(0, time.monotonic() + _START_S)
        except (_ChildLost, BadFrame) as error:
            self.end()
            raise Misconfigured(f"The decoder's child does not start; `{' '.join(command)}` says why.") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_dead(self) -> bool:
        return self._process.poll() is not None

    def ask(self, recording: bytes, max_samples: int, until: float) -> tuple[Header, bytes]:
        """Raises `_ChildLost` and `BadFrame`."""
        self.recordings += 1
        self._send(frame_start({"max_samples": max_samples}, len(recording)) + recording, until)
        return self._receive(max_samples * SAMPLE_BYTES, until)

    def end(self) -> None:
        self._process.kill()
        for pipe in self._pipes:
            pipe.close()
        self._process.wait()

    def _send(self, data: bytes, until: float) -> None:
        rest = memoryview(data)
        while rest:
            _wait_for(self._to, select.POLLOUT, until)
            try:
                rest = rest[os.write(self._to, rest) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise _ChildLost from error

    def _receive(self, payload_max_bytes: int, until: float) -> tuple[Header, bytes]:
        header_bytes, payload_bytes = parse_lengths(self._read(LENGTHS.size, until), payload_max_bytes)
        header = parse_header(self._read(header_bytes, until))
        return header, self._read(payload_bytes, until)

    def _read(self, size_bytes: int, until: float) -> bytes:
        pieces = []
        while size_bytes:
            _wait_for(self._from, select.POLLIN, until)
            piece = os.read(self._from, size_bytes)
            if not piece:
                raise _ChildLost
            pieces.append(piece)
            size_bytes -= len(piece)
        return b"".join(pieces)


def _wait_for(pipe: int, event: int, until: float) -> None:
    """Raises `_ChildLost` at `until`; returns when the pipe has moved or broken."""
    poll = select.poll()
    poll.register(pipe, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise _ChildLost


def _environment() -> dict[str, str]:
    """Nothing of the parent's but where its interpreter finds its own library."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return kept | {"LC_ALL": "C.UTF-8"} | threads | KEEP_MEMORY
