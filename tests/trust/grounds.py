"""The two grounds that a promise is measured on: what comes with Loanword, and what an installation grows to."""

import os
import secrets
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import httpx
from sqlalchemy.engine import make_url

from corpus.collaborators import Collaborators, collaborators
from corpus.database import upgrade
from corpus.keys import MasterKey
from corpus.seaweedfs import SeaweedFS
from corpus.settings import Settings
from corpus.signing import Signer
from corpus.words import Clock, utc_now
from tests.fixtures.databases import DURABLE, OPTIONS, Postgres, postgresql, with_template

EMBEDDED = "SQLite + directory"
GROWN = "PostgreSQL + SeaweedFS"
ANY_NUMBER = 10**9


@dataclass(frozen=True)
class Ground:
    """Where houses can be set up, each empty and with nothing of another's."""

    name: str
    folder: Path
    """All that lies on it but PostgreSQL's own files."""
    servers: tuple[Path, ...]
    """Where its servers keep data, write-ahead logs and logs."""
    _settings: Callable[[Path], Mapping[str, str]] = field(repr=False)
    dump: Callable[[Settings, Path], None] = field(repr=False)
    """Writes all that the database tells, as a backup would."""
    collect_garbage: Callable[[Settings], None] = field(default=lambda _settings: None, repr=False)
    """Has its store do at once what it does in its own time with the bytes of what was deleted."""

    def settings(self) -> Settings:
        """A prepared house: a migrated database, keys, an empty store."""
        home = Path(tempfile.mkdtemp(prefix="house-", dir=self.folder))
        MasterKey.write_new(home / "master.key")
        Signer.write_new(home / "signing.key")
        return Settings(home=home, uploads_per_minute=ANY_NUMBER, **self._settings(home))  # type: ignore[arg-type]

    @contextmanager
    def house(self, clock: Clock = utc_now) -> Iterator[Collaborators]:
        opened = collaborators(self.settings(), clock)
        try:
            yield opened
        finally:
            opened.database.close()


def embedded_ground(folder: Path, template: Path) -> Ground:
    """Over a migrated SQLite database to copy."""

    def settings(home: Path) -> Mapping[str, str]:
        shutil.copyfile(template, home / "loanword.db")
        return {}

    def dump(of: Settings, path: Path) -> None:
        with closing(sqlite3.connect(of.home / "loanword.db")) as connection:
            path.write_text("\n".join(connection.iterdump()), "utf-8", "surrogateescape")

    return Ground(EMBEDDED, folder, (), settings, dump)


def grown_ground(folder: Path, server: Postgres, template: str, store: SeaweedFS) -> Ground:
    """Over a PostgreSQL server, and a store that has a bucket `versioned`, which keeps all versions, and `plain`."""

    def settings(_home: Path) -> Mapping[str, str]:
        name = f"trust_{secrets.token_hex(8)}"
        server.create_database(name, template)
        return {
            "database_url": server.url(name),
            "object_store": f"s3://versioned/{name}",
            "key_store": f"s3://plain/{name}",
            "s3_endpoint_url": store.endpoint_url,
        }

    def dump(of: Settings, path: Path) -> None:
        url = make_url(of.resolved_database_url())
        options = ["-h", str(server.home), "-U", str(url.username), "-f", str(path), str(url.database)]
        subprocess.run([str(server.bin / "pg_dump"), *options], env={"PGPASSWORD": server.password}, check=True)

    def collect_garbage(_of: Settings) -> None:
        """SeaweedFS keeps deleted bytes until a third of a volume is garbage, for which it looks every 15 minutes."""
        address = f"http://127.0.0.1:{store.ports['master.port']}/vol/vacuum"
        httpx.get(address, params={"garbageThreshold": "0.000001"}, timeout=60, trust_env=False).raise_for_status()

    return Ground(GROWN, folder, (server.home, store.directory), settings, dump, collect_garbage)


@contextmanager
def credentials_of(store: SeaweedFS) -> Iterator[None]:
    """In the environment, where boto3 and every process that we start look for them."""
    with patch.dict(os.environ, AWS_ACCESS_KEY_ID=store.access_key, AWS_SECRET_ACCESS_KEY=store.secret_key):
        yield


@contextmanager
def embedded() -> Iterator[Ground]:
    with tempfile.TemporaryDirectory(prefix="loanword-trust-") as folder:
        template = Path(folder) / "template.db"
        upgrade(f"sqlite:///{template}")
        yield embedded_ground(Path(folder), template)


@contextmanager
def grown() -> Iterator[Ground]:
    """With servers of its own; PostgreSQL waits for the disk, as it must where times are measured."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loanword-trust-")))
        server = stack.enter_context(postgresql({**OPTIONS, **DURABLE}))
        store = stack.enter_context(SeaweedFS(folder / "seaweedfs"))
        store.create_bucket("plain")
        store.create_bucket("versioned", versioned=True)
        stack.enter_context(credentials_of(store))
        yield grown_ground(folder, server, with_template(server), store)
