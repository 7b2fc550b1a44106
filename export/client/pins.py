"""What a client remembers of a server's release: whose key signs it, and the newest state that was seen.

Kept twice, so that losing one is noticed: in the folder that was pulled (`pulled.json`), and in the user's own
configuration for each server and name. The larger serial counts, and two keys that differ are for a person to settle.
"""

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from corpus.errors import BadRelease, UntrustedKey
from export.client import contents as layout
from export.client import proofs
from export.client.files import read_regular

LARGEST_PINS_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Pin:
    """The key that is trusted for a name on a server, and the newest serial that was seen and applied."""

    server: str
    name: str
    public_key: bytes
    serial: int


def user_pins_file() -> Path:
    """Where the user's configuration lies: `$XDG_CONFIG_HOME/loanword/pins.json`."""
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "loanword" / "pins.json"


def pinned_in(directory: Path) -> Pin | None:
    """What the folder says it was pulled from; None where it does not. Raises `BadRelease` where it was changed."""
    raw = read_regular(directory / layout.PULLED, LARGEST_PINS_BYTES)
    if raw is None:
        return None
    try:
        told = json.loads(raw)
        if _folder_form(told["server"], told["name"], told["public_key"], told["serial"]) != raw:
            raise BadRelease("has been changed")
        return Pin(told["server"], told["name"], proofs.parse_key(told["public_key"]), int(told["serial"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadRelease("has been changed, and cannot be understood") from error


def pinned_by_user(pins_file: Path | None, server: str, name: str) -> Pin | None:
    """What the user's configuration says of a name on a server."""
    told = _read(pins_file).get(_place(server, name)) if pins_file else None
    if not isinstance(told, dict):
        return None
    return Pin(_normal(server), name, proofs.parse_key(str(told["public_key"])), int(str(told["serial"])))


def joined(folder: Pin | None, user: Pin | None) -> Pin | None:
    """Both memories as one. Raises `UntrustedKey` where they name two keys."""
    if folder is None or user is None:
        return folder or user
    if folder.public_key != user.public_key:
        raise UntrustedKey(
            f"This folder trusts the key {proofs.key_id(folder.public_key)}, and your configuration "
            f"{proofs.key_id(user.public_key)}: ask the operator which is theirs, and remove the other."
        )
    return max(folder, user, key=lambda pin: pin.serial)


def pin(directory: Path, pins_file: Path | None, new: Pin) -> None:
    """Remembers it in both places."""
    text = _folder_form(_normal(new.server), new.name, new.public_key.hex(), new.serial)
    _replace(directory / layout.PULLED, text, 0o644)
    if pins_file is None:
        return
    known = _read(pins_file)
    known[_place(new.server, new.name)] = {"public_key": new.public_key.hex(), "serial": new.serial}
    pins_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _replace(pins_file, json.dumps(known, indent=2, sort_keys=True).encode() + b"\n", 0o600)


def _folder_form(server: str, name: str, public_key: str, serial: int) -> bytes:
    """With a digest of the rest, so that no changed byte goes unseen."""
    told: dict[str, object] = {"name": name, "public_key": public_key, "serial": serial, "server": server}
    return proofs.canonical({**told, "sha256": hashlib.sha256(proofs.canonical(told)).hexdigest()}) + b"\n"


def _place(server: str, name: str) -> str:
    return f"{_normal(server)} {name}"


def _normal(server: str) -> str:
    return server.rstrip("/")


def _read(pins_file: Path) -> dict[str, object]:
    raw = read_regular(pins_file, LARGEST_PINS_BYTES)
    if raw is None:
        return {}
    with suppress(ValueError):
        told = json.loads(raw)
        if isinstance(told, dict):
            return told
    raise BadRelease(f"{pins_file} cannot be understood: mend it, or remove it and pin the key again.")


def _replace(path: Path, content: bytes, mode: int) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.chmod(mode)
    part.replace(path)
