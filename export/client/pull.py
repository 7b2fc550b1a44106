"""Pulls a release into a folder, ready to train on: resumes, verifies every file, and leaves the clips loose.

`release.json` gets its name last: a folder that has it was pulled to its end. Until then everything that is whole
stays, so that a second pull takes up where the first was broken off. A pull of what is there does nothing but look.
"""

import errno
import os
import re
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from corpus.errors import (
    BadRelease,
    LoanwordError,
    NotEnoughSpace,
    OtherReleaseHere,
    UnknownRelease,
)
from corpus.words import utc_now
from export.client import contents as layout
from export.client import standing
from export.client.check_signatures import LARGEST_SIGNATURE_BYTES, check_release_signature
from export.client.contents import Contents, FileEntry
from export.client.files import read_regular, sha256_of
from export.client.server import Cancelled, Patience, ReleaseServer
from export.client.standing import Standing
from export.client.state import State, VersionState
from export.client.unpack import Digests, lie_loose, read_digests, unpack
from export.client.verify import VerifyReport, verify

DOWNLOADS_AT_ONCE = 3
STATES_IN_ONE_PULL = 3
"""How often a pull begins again because something was withdrawn while it ran."""
BLOCK_ROUNDING = 1.05
"""What many small files take on a disk beyond their bytes."""

PATIENCE = Patience()
_WANTED = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})(?:@([a-z0-9][a-z0-9._-]{0,63}))?")


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How many of the release's bytes are here, those found here included, and the file that came last."""

    done_bytes: int
    total_bytes: int
    path: str


OnProgress = Callable[[PullProgress], None]
"""Called from several threads, one at a time."""
OnWithdrawn = Callable[[tuple[str, ...], bool], None]
"""Is told at once which clips were removed from the folder, and whether the server took note: the pull may fail yet."""


@dataclass(frozen=True, slots=True)
class PullSummary:
    """What a pull did. `report` is of the folder as it is now; `downloaded_bytes` is 0 where all was here.

    `withdrawn` names the clips that were here and had been withdrawn since: they are gone. `key` is the operator's, and
    `key_is_new` where it was pinned just now: compare its fingerprint with what the operator publishes.
    """

    name: str
    version: str
    revision: int
    directory: Path
    clips: Mapping[str, int]
    files: int
    downloaded_bytes: int
    withdrawn: tuple[str, ...]
    serial: int
    key: bytes
    key_is_new: bool
    report: VerifyReport


def pull(
    wanted: str,
    directory: Path,
    server: str,
    token: str,
    on_progress: OnProgress = lambda _progress: None,
    keep_archives: bool = False,
    *,
    on_withdrawn: OnWithdrawn = lambda _clips, _reported: None,
    patience: Patience = PATIENCE,
    pins_file: Path | None = None,
    trust: bytes | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> PullSummary:
    """Pulls `NAME` (its current version) or `NAME@VERSION`. Verifies what is there at the end, and reports it.

    The key that signs the release is pinned at the first pull, in the folder and in `pins_file`; `trust` is one that
    is known already. What was withdrawn since the last pull is removed first, and reported to the server before
    anything else can fail; the newest state is acknowledged at the end.

    Raises `Unauthenticated`, `Forbidden`, `UnknownRelease`, `ReleaseSuperseded`, `ReleaseWithdrawn`, `BadRelease`,
    `UntrustedKey`, `StaleState`, `NotEnoughSpace`, `OtherReleaseHere`, `Misconfigured` (the address), or
    `ServerUnavailable` when patience has run out. What came until then is kept.
    """
    asked = _WANTED.fullmatch(wanted)
    if asked is None:
        raise UnknownRelease(f"{wanted!r} is no release: write NAME, or NAME@VERSION.")
    name, version = asked[1], asked[2]
    with ReleaseServer(server, token, patience) as source, _room_explained():
        _check_folder(directory, name)
        held = standing.remembered(directory, pins_file, server, name)
        withdrawn: set[str] = set()
        downloaded_bytes = 0
        for _ in range(STATES_IN_ONE_PULL):
            now = standing.ask(source, directory, name, held, trust, clock())
            if directory.exists() and any(directory.iterdir()):  # what is withdrawn goes, whatever comes of this pull
                gone = now.keep_and_apply(directory, pins_file, server, held).clips
                reported = bool(_held_in(directory)) and _reported(now, source)
                if gone:
                    withdrawn |= {*gone}
                    on_withdrawn(gone, reported)
            chosen = now.choose(name, version)
            _check_same_version(directory, now.state, chosen.version, server)
            raw, signature, contents = _manifest(source, now, name, chosen)
            withdrawn |= {*now.keep_and_apply(directory, pins_file, server, held).clips}
            whole = _here_already(directory, raw, contents, keep_archives, now.state.signed_by)
            if whole is None:
                task = _Pull(source, directory, raw, signature, contents, keep_archives, _Tally(contents, on_progress))
                task.run()
                downloaded_bytes += task.tally.downloaded_bytes
            report = whole or verify(directory, trust=now.state.signed_by)
            if standing.serial_now(source, name) == now.state.serial:
                break
        if report.sound:
            now.settle(source, directory, pins_file, server, held)
    return PullSummary(
        contents.name,
        contents.version,
        contents.revision,
        directory,
        report.clips,
        report.files,
        downloaded_bytes,
        tuple(sorted(withdrawn)),
        now.state.serial,
        now.state.signed_by,
        held is None and trust is None,
        report,
    )


def _reported(now: Standing, source: ReleaseServer) -> bool:
    """Nothing that stands in the way of the report ends the pull: the next one reports again."""
    try:
        return now.report(source)
    except LoanwordError:
        return False


# What to pull


def _manifest(source: ReleaseServer, now: Standing, name: str, chosen: VersionState) -> tuple[bytes, bytes, Contents]:
    """release.json and its signature, both checked against the signed state."""
    folder = f"{name}/{chosen.version}/files"
    raw = source.read(f"{folder}/{layout.MANIFEST}", layout.LARGEST_MANIFEST_BYTES)
    if sha256(raw).hexdigest() != chosen.manifest_sha256:
        raise BadRelease(f"{layout.MANIFEST} is not the one that {layout.STATE} names.")
    try:
        contents = layout.parse_contents(raw)
    except BadRelease as error:
        raise BadRelease(f"{layout.MANIFEST} {error}") from error
    if (contents.name, contents.version) != (name, chosen.version):
        raise BadRelease(
            f"{layout.MANIFEST} is that of {contents.name} {contents.version}, not of {name} {chosen.version}."
        )
    signature = source.read(f"{folder}/{layout.SIGNATURE}", LARGEST_SIGNATURE_BYTES)
    try:
        check_release_signature(signature, contents, raw, now.state.keys)
    except BadRelease as error:
        raise type(error)(f"{layout.SIGNATURE} {error}") from error
    return raw, signature, contents


# What is here already


def _check_folder(directory: Path, name: str) -> None:
    """Raises `OtherReleaseHere` where it holds something that is no release, or one of another name."""
    known = (layout.MANIFEST, _part(directory / layout.MANIFEST).name, layout.PULLED, f"{layout.PULLED}.part")
    if directory.exists() and any(directory.iterdir()) and not any((directory / each).exists() for each in known):
        raise OtherReleaseHere(f"{directory} is not empty, and holds no release: choose another folder.")
    for found in _held_in(directory):
        if found.name != name:
            raise OtherReleaseHere(f"{directory} holds {found.name} {found.version}: choose another folder.")


def _check_same_version(directory: Path, state: State, version: str, server: str) -> None:
    """Raises `OtherReleaseHere` where it holds another version than the current one, which is to be pulled."""
    for found in _held_in(directory):
        if found.version == version:
            continue
        stands = state.versions.get(found.version)
        prune = f"`loanword prune {shlex.quote(str(directory))} --server {server}`"
        raise OtherReleaseHere(
            f"{directory} holds {found.name} {found.version}, and the current version is {version}: pull it into "
            "another folder. "
            + (
                f"While you use {found.version}, {prune} removes from it what is withdrawn."
                if stands and stands.state != "revoked"
                else f"{found.version} is revoked: use it no more, and delete it."
            )
        )


def _held_in(directory: Path) -> list[Contents]:
    """What it holds, and what was begun there. What is damaged is left out: it is replaced."""
    held = []
    for path in (directory / layout.MANIFEST, _part(directory / layout.MANIFEST)):
        raw = read_regular(path, layout.LARGEST_MANIFEST_BYTES)
        if raw is not None:
            with suppress(BadRelease):
                held.append(layout.parse_contents(raw))
    return held


def _here_already(
    directory: Path, raw: bytes, contents: Contents, keep_archives: bool, key: bytes
) -> VerifyReport | None:
    """The report where the folder holds the revision, whole.

    An earlier revision of the same version is what this one is made from: what is sound of it stays.
    """
    finished, begun = directory / layout.MANIFEST, _part(directory / layout.MANIFEST)
    if read_regular(finished, len(raw)) == raw:
        report = verify(directory, trust=key)
        lacks_archives = keep_archives and not all((directory / each.path).exists() for each in contents.archives())
        if report.sound and not lacks_archives:
            return report
    if finished.exists():
        finished.replace(begun)  # not whole: it is taken up again, and what is sound of it stays
    return None


# Pulling


@dataclass(slots=True)
class _Tally:
    """Counts bytes for the progress."""

    contents: Contents
    on_progress: OnProgress
    downloaded_bytes: int = 0
    _of: dict[str, int] = field(default_factory=dict)
    _done_bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def has(self, path: str, done_bytes: int, *, downloaded: bool = False) -> None:
        with self._lock:
            before = self._of.get(path, 0)
            self._of[path] = done_bytes
            self._done_bytes += done_bytes - before
            if downloaded:
                self.downloaded_bytes += max(0, done_bytes - before)
            total_bytes = sum(entry.size_bytes for entry in self.contents.files.values())
            self.on_progress(PullProgress(self._done_bytes, total_bytes, path))


@dataclass(slots=True)
class _Pull:
    source: ReleaseServer
    directory: Path
    raw_manifest: bytes
    signature: bytes
    contents: Contents
    keep_archives: bool
    tally: _Tally

    def run(self) -> None:
        self._check_room()
        (self.directory / layout.ARCHIVES).mkdir(parents=True, exist_ok=True)
        _part(self.directory / layout.MANIFEST).write_bytes(self.raw_manifest)
        self._fetch_sums()
        self._in_parallel([(self._fetch, (entry,)) for entry in self.contents.beside_archives()])
        digests = read_digests(self.directory)
        archives = self.contents.archives()
        if strange := sorted(digests.keys() - {each.path for each in archives}):
            raise BadRelease(f"{layout.CLIPS} names an archive that is no file of this release: {strange[0]!r}")
        self._in_parallel([(self._fetch_clips, (entry, digests.get(entry.path, {}))) for entry in archives])
        self._forget_other_archives()
        if not self.keep_archives:
            with suppress(OSError):  # not empty: `verify` names what is there
                (self.directory / layout.ARCHIVES).rmdir()
        signature = self.directory / layout.SIGNATURE
        _part(signature).write_bytes(self.signature)
        _part(signature).replace(signature)
        _part(self.directory / layout.MANIFEST).replace(self.directory / layout.MANIFEST)

    def _check_room(self) -> None:
        """An archive and its clips lie beside one another until it is removed."""
        sizes = sorted(entry.size_bytes for entry in self.contents.archives())
        beside = sizes if self.keep_archives else sizes[-DOWNLOADS_AT_ONCE:]
        wanted = sum(entry.size_bytes for entry in self.contents.files.values()) + sum(beside)
        self.directory.mkdir(parents=True, exist_ok=True)
        needed_bytes = int(wanted * BLOCK_ROUNDING) - _bytes_under(self.directory)
        free_bytes = shutil.disk_usage(self.directory).free
        if needed_bytes > free_bytes:
            raise NotEnoughSpace(
                f"{self.contents.name} {self.contents.version} needs {needed_bytes:,} bytes more, "
                f"and there are {free_bytes:,} free at {self.directory}."
            )

    def _in_parallel(self, tasks: "list[tuple[Callable[..., None], tuple[object, ...]]]") -> None:
        """Runs them a few at a time; the first failure ends the others."""
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            try:
                futures = [pool.submit(task, *arguments) for task, arguments in tasks]
                done, _ = wait(futures, return_when=FIRST_EXCEPTION)
                failures = [error for future in done if (error := future.exception())]
            except BaseException:
                self.source.cancel()
                pool.shutdown(cancel_futures=True)
                raise
            if failures:
                self.source.cancel()
                pool.shutdown(cancel_futures=True)
                raise next((error for error in failures if not isinstance(error, Cancelled)), failures[0])

    def _fetch_sums(self) -> None:
        path = self.directory / layout.SUMS
        raw = self.source.read(self._url(layout.SUMS), layout.LARGEST_MANIFEST_BYTES)
        expected = {entry.path: entry.sha256 for entry in self.contents.files.values()}
        expected[layout.MANIFEST] = sha256(self.raw_manifest).hexdigest()
        try:
            if layout.parse_sums(raw) != expected:
                raise BadRelease(f"does not agree with {layout.MANIFEST}.")
        except BadRelease as error:
            raise BadRelease(f"{layout.SUMS} {error}") from error
        _part(path).write_bytes(raw)
        _part(path).replace(path)

    def _fetch(self, entry: FileEntry) -> None:
        path = self.directory / entry.path
        if sha256_of(path) == (entry.size_bytes, entry.sha256):
            self.tally.has(entry.path, entry.size_bytes)
            return
        self.tally.has(entry.path, _size_bytes(_part(path)))

        def on_bytes(done_bytes: int) -> None:
            self.tally.has(entry.path, done_bytes, downloaded=True)

        self.source.download(self._url(entry.path), entry, _part(path), on_bytes)
        _part(path).replace(path)

    def _fetch_clips(self, entry: FileEntry, digests: Digests) -> None:
        archive = self.directory / entry.path
        if not self.keep_archives and lie_loose(self.directory, digests):
            self.tally.has(entry.path, entry.size_bytes)
            _part(archive).unlink(missing_ok=True)
        else:
            self._fetch(entry)
            unpack(archive, self.directory, digests)
        if not self.keep_archives:
            archive.unlink(missing_ok=True)

    def _forget_other_archives(self) -> None:
        """Those that an earlier revision had, and this one has no more."""
        for path in (self.directory / layout.ARCHIVES).glob("*"):
            if f"{layout.ARCHIVES}{path.name.removesuffix('.part')}" not in self.contents.files:
                path.unlink()

    def _url(self, path: str) -> str:
        return f"{self.contents.name}/{self.contents.version}/files/{path}"


@contextmanager
def _room_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotEnoughSpace from error
        raise


def _part(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(f"{path.name}.part")


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bytes_under(directory: Path) -> int:
    return sum(
        os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - as os.walk gives them
        for folder, _, names in os.walk(directory)
        for name in names
    )
