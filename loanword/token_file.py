"""Where a client keeps its tokens, and what it sent with them.

One private file for each server and use, in the person's own configuration.
"""

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from corpus.errors import Unauthenticated

MADE_BY = {"account": "loanword sign-in --scope pull", "device": "loanword device pair"}
"""What keeps the token of each use."""


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file of mode 0600 with one token in it."""

    path: Path
    made_by: str

    @classmethod
    def of(cls, server: str, use: str) -> "TokenFile":
        """`use` is `account` or `device`. Lies under `$XDG_CONFIG_HOME/loanword`, or `~/.config/loanword`."""
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        host = re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(server).netloc or server)
        return cls(base / "loanword" / f"{host}.{use}-token", MADE_BY[use])

    def write(self, token: str) -> Path:
        """Replaces what was there; never readable by others, not for a moment."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
        return fresh.replace(self.path)

    def read(self) -> str:
        """Raises `Unauthenticated`, naming what to run."""
        try:
            return self.path.read_text().strip()
        except FileNotFoundError as error:
            raise Unauthenticated(f"There is no token in {self.path}: run `{self.made_by}` first.") from error

    def sent_with(self, token: str) -> Path:
        """Where to note what was sent with this token: a device that is paired anew begins anew. Makes the folder."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.path.with_suffix(f".{hashlib.sha256(token.encode()).hexdigest()[:16]}.sent")
