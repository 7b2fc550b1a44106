"""Files that hold a secret: mode 0600, durable before anything rests on them, never written over."""

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
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)
