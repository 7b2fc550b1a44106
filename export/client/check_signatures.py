"""Checks what signs a release: `release.json.sig`, its proof from the ledger, and the state that came with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from corpus.errors import BadRelease, WrongManifest
from export.client import contents as layout
from export.client import pins, proofs
from export.client.contents import Contents
from export.client.files import read_regular
from export.client.findings import Findings
from export.client.proofs import Keys
from export.client.state import (
    LARGEST_STATE_BYTES,
    LARGEST_TOMBSTONES_BYTES,
    State,
    of_release,
    read_state,
    read_tombstones,
)

LARGEST_SIGNATURE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Signed:
    """The key that was checked against, whether anybody vouched for it, and the tombstones of this revision's clips."""

    key: bytes | None = None
    trusted: bool = False
    tombstones: Mapping[str, str] = field(default_factory=dict)


def check_signatures(
    directory: Path, contents: Contents | None, trust: bytes | None, pins_file: Path | None, findings: Findings
) -> Signed:
    """Adds what is wrong to the findings. A key that nobody vouched for is taken from the release itself."""
    pinned = trust or _pinned(directory, pins_file, findings)
    state = _state(directory, pinned, findings)
    tombstones: Mapping[str, str] = {}
    if state is not None:
        tombstones = _tombstones(directory, contents, state, findings)
    if contents is None:
        return Signed(pinned, pinned is not None, tombstones)
    raw = read_regular(directory / layout.SIGNATURE, LARGEST_SIGNATURE_BYTES)
    if raw is None:
        findings.add(layout.SIGNATURE, "is not there: nothing says whose release this is")
        return Signed(pinned, pinned is not None, tombstones)
    try:
        manifest = read_regular(directory / layout.MANIFEST, layout.LARGEST_MANIFEST_BYTES) or b""
        key: bytes | None = check_release_signature(raw, contents, manifest, _keys(raw, pinned, state))
    except WrongManifest as error:
        findings.add(layout.MANIFEST, str(error))
        key = pinned
    except BadRelease as error:
        findings.add(layout.SIGNATURE, str(error))
        key = pinned
    return Signed(pinned or key, pinned is not None, tombstones)


def check_release_signature(raw: bytes, contents: Contents, manifest: bytes, keys: Keys) -> bytes:
    """The key that signed this release.json and the ledger's entry about it. Raises `BadRelease`."""
    told = proofs.read_signed(raw, proofs.RELEASE, keys)
    _, signature = proofs.take_apart(raw, proofs.RELEASE)
    manifest_sha256 = sha256(manifest).hexdigest()
    if told.get("manifest_sha256") != manifest_sha256:
        raise WrongManifest(f"has been changed: it is not the one that {layout.SIGNATURE} signs")
    told_of = (told.get("name"), told.get("version"), told.get("revision"))
    if told_of != (contents.name, contents.version, contents.revision):
        raise BadRelease(f"is of {told_of}, and not of this revision")
    expected = {
        "kind": "release",
        "name": contents.name,
        "version": contents.version,
        "revision": contents.revision,
        "consent_root": contents.consent_root,
        "manifest_sha256": manifest_sha256,
    }
    try:
        ledger = told["ledger"]
        head = proofs.read_signed(proofs.canonical(ledger["head"]), proofs.TREE_HEAD, keys)
        leaf = proofs.leaf_hash(ledger["salt"], ledger["entry"])
        proven = proofs.includes(leaf, ledger["index"], head["size"], ledger["path"], head["root"])
        entry = ledger["entry"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRelease(f"has no proof from the ledger that can be understood: {error!r}") from error
    if not proven or entry != expected:
        raise BadRelease("has a proof that does not show this release in the ledger")
    return keys[signature["key_id"]]


def _keys(raw: bytes, pinned: bytes | None, state: State | None) -> dict[str, bytes]:
    if pinned is not None:
        return {**(state.keys if state else {}), proofs.key_id(pinned): pinned}
    told, _ = proofs.take_apart(raw, proofs.RELEASE)
    key = proofs.parse_key(str(told.get("public_key")))
    return {proofs.key_id(key): key, **(state.keys if state else {})}


def _pinned(directory: Path, pins_file: Path | None, findings: Findings) -> bytes | None:
    try:
        folder = pins.pinned_in(directory)
        user = pins.pinned_by_user(pins_file, folder.server, folder.name) if folder else None
        pin = pins.joined(folder, user)
    except BadRelease as error:
        findings.add(layout.PULLED, str(error))
        return None
    return pin.public_key if pin else None


def _state(directory: Path, pinned: bytes | None, findings: Findings) -> State | None:
    raw = read_regular(directory / layout.STATE, LARGEST_STATE_BYTES)
    if raw is None:
        if (directory / layout.PULLED).exists():
            findings.add(layout.STATE, "is not there, and this folder was pulled with one")
        return None
    try:
        return read_state(raw, pinned)
    except BadRelease as error:
        findings.add(layout.STATE, str(error))
        return None


def _tombstones(directory: Path, contents: Contents | None, state: State, findings: Findings) -> Mapping[str, str]:
    raw = read_regular(directory / layout.TOMBSTONES, LARGEST_TOMBSTONES_BYTES)
    if raw is None:
        findings.add(layout.TOMBSTONES, "is not there")
        return {}
    try:
        stones = read_tombstones(raw, state)
        if contents is not None and contents.name != state.name:
            raise BadRelease(f"is of {state.name}")
    except BadRelease as error:
        findings.add(layout.TOMBSTONES, str(error))
        return {}
    return of_release(stones, contents.version, contents.revision) if contents else {}
