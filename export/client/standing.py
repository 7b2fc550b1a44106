"""How a release stands, as its server says under the pinned key: refused where it is older than what is known here, and
applied to the local copy.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from corpus.errors import (
    BadRelease,
    LoanwordError,
    NotFound,
    ReleaseAwaitsRecut,
    ReleaseSuperseded,
    ReleaseWithdrawn,
    StaleState,
    UnknownRelease,
)
from export.client import contents as layout
from export.client import pins
from export.client.files import read_regular
from export.client.pins import Pin
from export.client.prune import Pruned, apply_tombstones, contents_of
from export.client.server import ReleaseServer
from export.client.state import (
    LARGEST_STATE_BYTES,
    LARGEST_TOMBSTONES_BYTES,
    State,
    Tombstone,
    VersionState,
    peek_serial,
    read_state,
    read_tombstones,
)

ATTEMPTS = 4
"""State and tombstones are asked for one after the other: something may be withdrawn between them."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A name's state and tombstones, both checked, with the bytes that say so."""

    state: State
    raw_state: bytes
    tombstones: tuple[Tombstone, ...]
    raw_tombstones: bytes

    def choose(self, name: str, version: str | None) -> VersionState:
        """The version to pull. Raises where it may not be pulled."""
        current = self.state.current
        if version is None and current is None:
            raise ReleaseWithdrawn(f"No version of {name} may be pulled now: a new one will follow.")
        chosen = current if version is None else self.state.versions.get(version)
        if chosen is None:
            known = f"the current one is {current.version}" if current else "none may be pulled now"
            raise UnknownRelease(f"There is no version {version!r} of {name}: {known}.")
        if chosen.state == "superseded":
            raise ReleaseSuperseded(
                f"{name} {chosen.version} was superseded by {current.version if current else 'another'}: "
                f"pull {name}, into another folder than that of {chosen.version}."
            )
        if chosen.state != "current":
            raise ReleaseWithdrawn
        if chosen.awaits_recut:
            raise ReleaseAwaitsRecut
        return chosen

    def keep_and_apply(self, directory: Path, pins_file: Path | None, server: str, held: Pin | None) -> Pruned:
        """Keeps both files in the folder, then takes what was withdrawn out of what it holds.

        The key is pinned before anything else. The serial is not: only `settle` says that all of it is applied.
        """
        directory.mkdir(parents=True, exist_ok=True)
        serial = held.serial if held else 0
        pins.pin(directory, pins_file, Pin(server, self.state.name, self.state.signed_by, serial))
        for path, content in ((layout.TOMBSTONES, self.raw_tombstones), (layout.STATE, self.raw_state)):
            part = directory / f"{path}.part"
            part.write_bytes(content)
            part.replace(directory / path)
        holds = contents_of(directory)
        if holds is None or holds.name != self.state.name:
            return Pruned((), ())
        return apply_tombstones(directory, holds.version, self.tombstones)

    def settle(
        self, source: ReleaseServer, directory: Path, pins_file: Path | None, server: str, held: Pin | None
    ) -> bool:
        """Remembers that this state is applied, and tells the server so; whether it took note."""
        serial = max(self.state.serial, held.serial if held else 0)
        pins.pin(directory, pins_file, Pin(server, self.state.name, self.state.signed_by, serial))
        return self.report(source)

    def report(self, source: ReleaseServer) -> bool:
        """Tells the server that what was withdrawn is gone from here; whether it took note."""
        try:
            source.tell(f"{self.state.name}/acknowledgements", {"serial": self.state.serial})
        except (NotFound, UnknownRelease):  # what lies here came by another account's token
            return False
        return True


def remembered(directory: Path, pins_file: Path | None, server: str, name: str) -> Pin | None:
    """What the folder and the user's configuration say. Raises `UntrustedKey` where they contradict one another."""
    with _named(layout.PULLED):
        folder = pins.pinned_in(directory)
    if folder is not None and folder.name != name:
        folder = None
    return pins.joined(folder, pins.pinned_by_user(pins_file, server, name))


def ask(
    source: ReleaseServer, directory: Path, name: str, held: Pin | None, trust: bytes | None, now: datetime
) -> Standing:
    """Raises `UntrustedKey`, `StaleState`, or another `BadRelease`."""
    pinned = held.public_key if held else trust
    for attempt in range(ATTEMPTS):
        raw_state = source.read(f"{name}/{layout.STATE}", LARGEST_STATE_BYTES)
        with _named(layout.STATE):
            state = read_state(raw_state, pinned)
            _check(state, name, held, now)
        raw = source.read(f"{name}/{layout.TOMBSTONES}", LARGEST_TOMBSTONES_BYTES)
        try:
            with _named(layout.TOMBSTONES):
                stones = tuple(read_tombstones(raw, state))
                _check_none_lost(directory, state, stones)
                return Standing(state, raw_state, stones, raw)
        except BadRelease:
            if attempt == ATTEMPTS - 1:
                raise
    raise BadRelease  # never reached


def serial_now(source: ReleaseServer, name: str) -> int:
    """Which serial the server is at: it has changed if anything was withdrawn since it was asked before."""
    return peek_serial(source.read(f"{name}/{layout.STATE}", LARGEST_STATE_BYTES))


def _check(state: State, name: str, held: Pin | None, now: datetime) -> None:
    if state.name != name:
        raise BadRelease(f"is of {state.name}")
    if state.expires_at <= now:
        raise StaleState(f"ran out on {state.expires_at:%Y-%m-%d}: the server withholds what happened since")
    if held is not None and state.serial < held.serial:
        raise StaleState(f"has the serial {state.serial}, and {held.serial} was seen before: something is withheld")


def _check_none_lost(directory: Path, state: State, stones: tuple[Tombstone, ...]) -> None:
    """Tombstones are never taken back. What is known here is believed only if it is what a signed state counted."""
    raw_state = read_regular(directory / layout.STATE, LARGEST_STATE_BYTES)
    raw = read_regular(directory / layout.TOMBSTONES, LARGEST_TOMBSTONES_BYTES)
    if raw_state is None or raw is None:
        return
    known: list[Tombstone] = []
    with suppress(BadRelease):
        known = read_tombstones(raw, read_state(raw_state, state.signed_by))
    if lost := set(known) - set(stones):
        raise StaleState(f"lacks {len(lost)} that were there before")


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except BadRelease as error:
        raise _renamed(error, f"{path} {error}") from error


def _renamed(error: LoanwordError, message: str) -> LoanwordError:
    return type(error)(message)
