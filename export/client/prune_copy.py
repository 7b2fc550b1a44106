"""Brings a local copy up to the newest tombstones: those that its server has, or those that lie in the folder."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from corpus.errors import BadRelease
from corpus.words import utc_now
from export.client import contents as layout
from export.client import pins, standing
from export.client.files import read_regular
from export.client.prune import Pruned, apply_tombstones, contents_of
from export.client.pull import PATIENCE
from export.client.server import Patience, ReleaseServer
from export.client.state import (
    LARGEST_STATE_BYTES,
    LARGEST_TOMBSTONES_BYTES,
    State,
    read_state,
    read_tombstones,
)


@dataclass(frozen=True, slots=True)
class PrunedCopy:
    """What was removed, and how the version stands. `reported` is whether the server took note of it."""

    name: str
    version: str
    state: str
    clips: tuple[str, ...]
    archives: tuple[str, ...]
    serial: int
    reported: bool


def prune_copy(
    directory: Path,
    server: str | None = None,
    token: str | None = None,
    *,
    pins_file: Path | None = None,
    patience: Patience = PATIENCE,
    clock: Callable[[], datetime] = utc_now,
) -> PrunedCopy:
    """Done again, or taken up after it was broken off, it finds what is left.

    Raises `BadRelease` for a folder that holds no release, or tombstones that nobody trusted has signed.
    """
    holds = contents_of(directory)
    if holds is None:
        raise BadRelease(f"{directory} holds no release.")
    if server is not None:
        with ReleaseServer(server, token or "", patience) as source:
            held = standing.remembered(directory, pins_file, server, holds.name)
            now = standing.ask(source, directory, holds.name, held, None, clock())
            gone = now.keep_and_apply(directory, pins_file, server, held)
            reported = now.settle(source, directory, pins_file, server, held)
        return _told(directory, now.state, gone, reported=reported)
    folder = pins.pinned_in(directory)
    pin = pins.joined(folder, pins.pinned_by_user(pins_file, folder.server, folder.name) if folder else None)
    state = read_state(_read(directory / layout.STATE, LARGEST_STATE_BYTES), pin.public_key if pin else None)
    stones = read_tombstones(_read(directory / layout.TOMBSTONES, LARGEST_TOMBSTONES_BYTES), state)
    if state.name != holds.name:
        raise BadRelease(f"{layout.STATE} is of {state.name}, and the folder holds {holds.name}.")
    return _told(directory, state, apply_tombstones(directory, holds.version, stones), reported=False)


def _told(directory: Path, state: State, gone: Pruned, *, reported: bool) -> PrunedCopy:
    holds = contents_of(directory)
    assert holds is not None
    version = state.versions.get(holds.version)
    stands = version.state if version else "unknown"
    return PrunedCopy(holds.name, holds.version, stands, gone.clips, gone.archives, state.serial, reported)


def _read(path: Path, at_most_bytes: int) -> bytes:
    raw = read_regular(path, at_most_bytes)
    if raw is None:
        raise BadRelease(f"{path.name} is not there: give --server, and it is fetched.")
    return raw
