"""Files that hold a secret: mode 0600, durable before anything rests on them, written over by a rotation alone."""

import os
from pathlib import Path

from corpus.errors import Misconfigured


def read_secret(path: Path, called: str) -> bytes:
    """Raises `Misconfigured` where the file is absent, or readable by others."""
    try:
        mode, secret = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise Misconfigured(f"The {called} {path} cannot be read: `loanword database upgrade` makes one.") from error
    if mode & 0o077:
        raise Misconfigured(f"The {called} {path} can be read by others: `chmod 600` it.")
    return secret


def write_secret(path: Path, secret: bytes) -> None:
    """Raises FileExistsError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    _make_durable(path.parent)


def replace_secret(path: Path, secret: bytes) -> None:
    """Whole or not at all: a crash leaves the old one or the new one."""
    incoming = path.with_name(f"{path.name}.incoming")
    incoming.unlink(missing_ok=True)
    write_secret(incoming, secret)
    move_secret(incoming, path)


def move_secret(source: Path, to: Path) -> None:
    """Puts a secret in the place of another."""
    source.replace(to)
    _make_durable(to.parent)


def _make_durable(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
