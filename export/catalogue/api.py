"""The catalogue over HTTP: which releases there are, and their files, for engineers with a token to pull."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from starlette.types import Send

from corpus.collaborators import Collaborators
from corpus.errors import LoanwordError, UnknownRelease
from corpus.web.dependencies import Engineer, With
from corpus.web.ranges import byte_range
from corpus.words import ReleaseState, Split
from export.catalogue import queries
from export.catalogue.queries import ListedRelease
from export.catalogue.serve_file import ServableFile, check_may_be_served, find_file, open_span
from export.recipients import PAPERS, acknowledge, note_pull, note_state
from export.state import current_state, tombstones_csv

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "sig": "application/json",
    "jsonl": "application/jsonl",
    "md": "text/markdown; charset=utf-8",
    "tar": "application/x-tar",
    "txt": "text/plain; charset=utf-8",
}
NO_STORE = {"Cache-Control": "no-store"}
_log = structlog.get_logger()


class VersionAnswer(BaseModel):
    """One version of a release. `manifest_sha256` is the digest of its `release.json`.

    While it `awaits_recut`, its files are not served: a revision without a withdrawn voice is being made.
    """

    version: str
    state: ReleaseState
    published_at: datetime | None
    manifest_sha256: str | None
    revision: int
    awaits_recut: bool
    clips: Mapping[Split, int]
    speakers: Mapping[Split, int]

    @classmethod
    def of(cls, release: ListedRelease) -> "VersionAnswer":
        return cls(**{name: getattr(release, name) for name in cls.model_fields})


class ReleaseAnswer(BaseModel):
    """A release with its versions, newest first; `current` is the one to pull."""

    name: str
    current: str | None
    versions: list[VersionAnswer]


class ReleasesAnswer(BaseModel):
    """All releases, by name, each with its current version alone."""

    releases: list[ReleaseAnswer]


class Acknowledgement(BaseModel):
    """That the tombstones of this state are applied to every copy that the caller has."""

    serial: int = Field(ge=1, le=2**53)


class AcknowledgedAnswer(BaseModel):
    """What was noted, and how many clips of what the caller pulled were withdrawn after that state."""

    serial: int
    withdrawn_since: int


def routes() -> APIRouter:
    """`/v1/releases`: list, show, and pull file by file."""
    router = APIRouter(prefix="/v1/releases", tags=["releases"])

    @router.get("")
    def get_releases(_caller: Engineer, house: With, response: Response) -> ReleasesAnswer:
        response.headers.update(NO_STORE)
        with house.database.reading() as session:
            return ReleasesAnswer(releases=_by_name(queries.listed(session, states=[ReleaseState.CURRENT])))

    @router.get("/{name}")
    def get_release(name: str, _caller: Engineer, house: With, response: Response) -> ReleaseAnswer:
        response.headers.update(NO_STORE)
        with house.database.reading() as session:
            found = _by_name(queries.listed(session, name))
        if not found:
            raise UnknownRelease
        return found[0]

    @router.get("/{name}/state.json", response_class=Response)
    def get_state(name: str, caller: Engineer, house: With) -> Response:
        """How the versions of a name stand: signed, numbered, and to be asked for again before it runs out."""
        state = current_state(house, name)
        note_state(house, caller.account_id, name, state.serial)
        return Response(state.document, media_type="application/json", headers=NO_STORE)

    @router.get("/{name}/tombstones.csv", response_class=Response)
    def get_tombstones(name: str, _caller: Engineer, house: With) -> Response:
        """Every released clip that was withdrawn; the newest state has its digest."""
        return Response(tombstones_csv(house, name), media_type=MEDIA_TYPES["csv"], headers=NO_STORE)

    @router.post("/{name}/acknowledgements")
    def post_acknowledgement(name: str, told: Acknowledgement, caller: Engineer, house: With) -> AcknowledgedAnswer:
        noted = acknowledge(house, caller.account_id, name, told.serial)
        return AcknowledgedAnswer(serial=noted.serial, withdrawn_since=noted.withdrawn_since)

    @router.head("/{name}/{version}/files/{path:path}", include_in_schema=False)
    @router.get("/{name}/{version}/files/{path:path}", response_class=StreamingResponse)
    def get_file(name: str, version: str, path: str, request: Request, caller: Engineer, house: With) -> Response:
        file = find_file(house, name, version, path)
        answer = _file_answer(house, file, request)
        if request.method != "HEAD" and path not in PAPERS:
            note_pull(house, caller.account_id, name, version, file.release_revision)
        return answer

    return router


def _by_name(releases: Iterable[ListedRelease]) -> list[ReleaseAnswer]:
    answers = []
    for name, of_name in groupby(releases, key=lambda release: release.name):
        versions = [VersionAnswer.of(release) for release in of_name]
        current = next((version.version for version in versions if version.state is ReleaseState.CURRENT), None)
        answers.append(ReleaseAnswer(name=name, current=current, versions=versions))
    return answers


def _file_answer(house: Collaborators, file: ServableFile, request: Request) -> Response:
    same_file = request.headers.get("if-range") in (None, file.etag)
    asked = byte_range(request.headers.get("range"), file.size_bytes) if same_file else None
    start, stop = asked or (0, file.size_bytes)
    headers = {
        **NO_STORE,
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "Content-Type": MEDIA_TYPES.get(file.object_key.rpartition(".")[2], "application/octet-stream"),
        "ETag": file.etag,
        "X-Content-Type-Options": "nosniff",
    }
    if asked:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{file.size_bytes}"
    status = 206 if asked else 200
    if request.method == "HEAD":
        check_may_be_served(house, file)
        return Response(status_code=status, headers=headers)
    return BreakableAnswer(open_span(house, file, start, stop), status, headers)


class BreakableAnswer(StreamingResponse):
    """An answer whose source may refuse to go on: it then ends without its end, and the server cuts the connection."""

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        except LoanwordError as error:
            _log.warning("answer broken off", error=type(error).__name__)
