"""Everything that a request could leave behind: files, objects, rows, temporary files."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.tables import Table, Utterance
from tests.factories import Lender

Found = dict[str, object]
DATABASE_FILES = ("loanword.db", "loanword.db-wal", "loanword.db-shm")


@dataclass(frozen=True)
class Traces:
    """Takes stock of the house: every file with its bytes, and every row of every table."""

    house: Collaborators
    temporary: Path

    def now(self) -> Found:
        return self.files() | self.rows()

    def files(self) -> Found:
        """The home, its store and keys among it, the temporary folder, and SQLite's own folder but for the database."""
        home = self.house.settings.home
        roots = {home, self.temporary, home.parent / "database"}
        files = [path for root in roots for path in root.rglob("*") if path.is_file()]
        return {str(path): path.read_bytes() for path in files if path.name not in DATABASE_FILES}

    def rows(self) -> Found:
        with self.house.database.reading() as session:
            return {
                f"{name} {index}": tuple(row)
                for name, table in Table.metadata.tables.items()
                for index, row in enumerate(session.execute(select(table).order_by(*table.primary_key.columns)))
            }

    def holds(self, content: bytes) -> bool:
        """Whether these bytes stand in any file, the database's own included (SQLite)."""
        home = self.house.settings.home
        roots = (home, self.temporary, home.parent / "database")
        return any(content in path.read_bytes() for root in roots for path in root.rglob("*") if path.is_file())

    def objects(self) -> list[str]:
        return [info.key for info in self.house.store.list("voices/")]

    def utterances(self) -> int:
        with self.house.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Utterance)) or 0


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def send(api: TestClient, lender: Lender, body: bytes, query: str = "", **headers: str) -> "Answer":
    """`POST /v1/utterances`, header names with underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = api.post(f"/v1/utterances{query}", content=body, headers=bearer(lender.device_token) | named)
    return Answer(answer.status_code, answer.json(), dict(answer.headers))


@dataclass(frozen=True)
class Answer:
    """What a request got."""

    status: int
    json: dict[str, str]
    headers: dict[str, str]

    @property
    def problem(self) -> str:
        return self.json.get("type", "").removeprefix("urn:loanword:problem:")
