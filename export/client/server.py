"""Speaks to a server that serves releases: asks, downloads, resumes and retries, and trusts nothing it is told.

A download goes to a file of its own and is believed only once its SHA-256 is the one in the manifest; a server that
sends more than the manifest says is cut off. What a failure means is decided here: worth another try, or not.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import httpx

from corpus.errors import (
    BadRelease,
    Forbidden,
    LoanwordError,
    Misconfigured,
    PullError,
    ReleaseAwaitsRecut,
    ReleaseSuperseded,
    ReleaseWithdrawn,
    ServerUnavailable,
    Unauthenticated,
    UnknownRelease,
)
from export.client.contents import FileEntry
from export.client.files import sha256_of

CONNECT_S = 10.0
SILENCE_S = 30.0
CHUNK_BYTES = 262_144
LARGEST_PROBLEM_BYTES = 65_536
_REFUSALS: Mapping[int, type[LoanwordError]] = {
    403: Forbidden,
    404: UnknownRelease,
    410: ReleaseWithdrawn,
}
_OPEN_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How often in a row a request may fail, and how long to wait: twice as long each time, or as the server asks."""

    attempts: int = 7
    first_pause: timedelta = timedelta(seconds=0.5)
    longest_pause: timedelta = timedelta(seconds=60)


class Cancelled(Exception):
    """This download was broken off because another one failed; that one's error is what the caller gets."""


class ReleaseServer:
    """One server, as one pull uses it; several threads may."""

    def __init__(self, server: str, token: str, patience: Patience) -> None:
        if urlsplit(server).scheme not in ("http", "https") or not urlsplit(server).netloc:
            raise Misconfigured(f"{server!r} is not a server's address: it begins with https:// (or http://).")
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity", "User-Agent": "loanword-pull"}
        self._client = httpx.Client(
            base_url=server.rstrip("/") + "/v1/releases/",
            headers=headers,
            timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
        )
        self._patience = patience
        self._stop = threading.Event()

    def __enter__(self) -> "ReleaseServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def cancel(self) -> None:
        """Ends every download under way, and every wait."""
        self._stop.set()

    def read(self, path: str, at_most_bytes: int) -> bytes:
        """A small answer, whole. `path` is relative to `/v1/releases/`. Raises `BadRelease` for a larger one."""
        content = b""

        def attempt() -> bool:
            nonlocal content
            content = b""
            with self._answer(path, {}) as answer:
                for chunk in answer.iter_raw(CHUNK_BYTES):
                    content += chunk
                    if len(content) > at_most_bytes:
                        raise BadRelease(f"{path} is larger than {at_most_bytes} bytes.")
                self._check_length(answer, len(content))
            return True

        self._persist(attempt, lambda: 0)
        return content

    def tell(self, path: str, content: object) -> None:
        """Posts a small JSON document; what is answered is of no matter. Raises what a refusal means."""
        if self._stop.is_set():
            raise Cancelled
        try:
            with self._client.stream("POST", path, json=content) as answer:
                if answer.status_code not in (200, 201, 204):
                    _explain(answer, self._client.base_url)
        except httpx.HTTPError as error:
            raise _unavailable(f"The server cannot be reached: {str(error) or type(error).__name__}.") from error

    def download(self, path: str, entry: FileEntry, part: Path, on_bytes: Callable[[int], None]) -> None:
        """Completes `part` until it is the file that the manifest names; tells `on_bytes` how many bytes are there.

        Raises `BadRelease` where the server's bytes are others, twice.
        """
        for _ in range(2):
            self._persist(lambda: self._continue(path, entry, part, on_bytes), lambda: _size_bytes(part))
            if sha256_of(part) == (entry.size_bytes, entry.sha256):
                return
            part.unlink(missing_ok=True)
        raise BadRelease(f"{entry.path} has other bytes than {entry.sha256[:12]}…, which the release names.")

    def _persist(self, attempt: Callable[[], bool], progress: Callable[[], int]) -> None:
        """Tries until `attempt` is true. Failures in a row count, and progress between them starts the count anew."""
        failures, reached = 0, progress()
        while True:
            try:
                if attempt():
                    return
            except ServerUnavailable as error:
                failures = 1 if progress() > reached else failures + 1
                reached = progress()
                if failures >= self._patience.attempts:
                    raise
                self._pause(failures, error.retry_after)

    def _pause(self, failures: int, asked: timedelta) -> None:
        doubled = self._patience.first_pause * 2 ** (failures - 1)
        if self._stop.wait(min(max(doubled, asked), self._patience.longest_pause).total_seconds()):
            raise Cancelled

    def _continue(self, path: str, entry: FileEntry, part: Path, on_bytes: Callable[[int], None]) -> bool:
        """One request for what `part` lacks; true when it has its full size."""
        have_bytes = _size_bytes(part)
        if have_bytes > entry.size_bytes:
            part.unlink()
            have_bytes = 0
        if have_bytes == entry.size_bytes and part.exists():
            on_bytes(have_bytes)
            return True
        resume = {"Range": f"bytes={have_bytes}-", "If-Range": f'"{entry.sha256}"'} if have_bytes else {}
        with self._answer(path, resume) as answer:
            if answer.status_code == 206 and not answer.headers.get("content-range", "").startswith(
                f"bytes {have_bytes}-"
            ):
                raise BadRelease(f"The server sent another part of {entry.path} than it was asked for.")
            done_bytes = have_bytes if answer.status_code == 206 else 0
            with os.fdopen(os.open(part, _OPEN_FLAGS, 0o644), "wb", buffering=0) as file:
                file.truncate(done_bytes)
                file.seek(done_bytes)
                for (
                    chunk
                ) in answer.iter_raw():  # as it arrives: a chunk size would cost what was gathered when it breaks
                    done_bytes += len(chunk)
                    if done_bytes > entry.size_bytes:
                        raise BadRelease(f"The server sends more of {entry.path} than its {entry.size_bytes} bytes.")
                    file.write(chunk)
                    on_bytes(done_bytes)
                    if self._stop.is_set():
                        raise Cancelled
        if done_bytes < entry.size_bytes:
            raise _unavailable("The connection ended too early.")
        return True

    @contextmanager
    def _answer(self, path: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        if self._stop.is_set():
            raise Cancelled
        try:
            with self._client.stream("GET", path, headers=dict(headers)) as answer:
                if answer.status_code not in (200, 206):
                    _explain(answer, self._client.base_url)
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise BadRelease("The server compresses what was asked for as it is.")
                yield answer
        except httpx.TransportError as error:
            raise _unavailable(f"The server cannot be reached: {str(error) or type(error).__name__}.") from error
        except httpx.HTTPError as error:
            raise BadRelease(f"The server's answer cannot be understood: {error}.") from error

    def _check_length(self, answer: httpx.Response, read_bytes: int) -> None:
        told = answer.headers.get("content-length", "")
        if told.isdecimal() and int(told) != read_bytes:
            raise _unavailable("The connection ended too early.")


def _explain(answer: httpx.Response, catalogue: httpx.URL) -> NoReturn:
    """Raises what the status means: in the server's words, but where it cannot know what is to be run here."""
    status = answer.status_code
    kind, detail = _problem(answer)
    if status == 429 or status >= 500:
        raise _unavailable(f"The server answered {status}: {detail or 'no reason given'}", _retry_after(answer))
    if status == 410 and kind.endswith(":release-superseded"):
        raise ReleaseSuperseded(detail)
    if status == 410 and kind.endswith(":release-awaits-recut"):
        raise ReleaseAwaitsRecut(detail)
    if status == 401:
        raise Unauthenticated(
            "The server does not accept this token: sign in again with `loanword sign-in --scope pull`."
        )
    if status == 404 and kind.endswith(":unknown-release"):
        address = str(catalogue).rstrip("/")
        raise UnknownRelease(f"There is no such release: `GET {address}`, with your token, lists those to pull.")
    if status in _REFUSALS:
        raise _REFUSALS[status](detail)
    if 300 <= status < 400:
        raise PullError(f"The server sends us elsewhere, to {answer.headers.get('location')!r}: give that address.")
    raise PullError(f"The server answered {status}: {detail or 'no reason given'}")


def _problem(answer: httpx.Response) -> tuple[str, str | None]:
    """The type and detail of a problem+json; a stranger's page tells us nothing."""
    raw = b""
    for chunk in answer.iter_raw(CHUNK_BYTES):
        raw += chunk
        if len(raw) > LARGEST_PROBLEM_BYTES:
            return "", None
    try:
        told = json.loads(raw)
        return str(told["type"]), str(told["detail"])[:500]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "", None


def _retry_after(answer: httpx.Response) -> timedelta:
    told = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(told)) if told.isdecimal() and len(told) < 6 else timedelta(0)


def _unavailable(message: str, retry_after: timedelta = timedelta(0)) -> ServerUnavailable:
    error = ServerUnavailable(message)
    error.retry_after = retry_after
    return error


def _size_bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
