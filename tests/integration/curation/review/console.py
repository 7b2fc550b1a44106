"""What the tests of the review console share: a curator at the API, and a withdrawal slipped in at a given moment."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from httpx2 import Response
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.keys import Keyring
from corpus.object_store import DirectoryStore
from corpus.sealed import place
from corpus.tables import Alignment, Label, Review
from corpus.vault import Vault
from corpus.web.app import build_app
from corpus.words import AccountId, ClipId, Role, Scope
from curation.personal_data.find import find
from curation.personal_spans import proposed
from curation.review import api
from tests.factories import Lender, make_account, make_clip, make_hypothesis, make_token, tone, voice_key


@dataclass(frozen=True)
class Curator:
    """A curator who speaks to the API with a token."""

    account_id: AccountId
    client: TestClient
    headers: dict[str, str]

    def next(self) -> Response:
        return self.client.get("/v1/review/next", headers=self.headers)

    def hear(self, clip_id: str, **headers: str) -> Response:
        return self.client.get(f"/v1/review/clips/{clip_id}/audio", headers={**self.headers, **headers})

    def accept(self, clip_id: str, transcript: str = "turn on the lights") -> Response:
        return self.judge(clip_id, {"decision": "accept", "transcript": transcript})

    def reject(self, clip_id: str, reason: str = "cut_off") -> Response:
        return self.judge(clip_id, {"decision": "reject", "reason": reason})

    def judge(self, clip_id: str, body: object) -> Response:
        return self.client.post(f"/v1/review/clips/{clip_id}", json=body, headers=self.headers)


def curator_at(house: Collaborators, account_id: AccountId | None = None) -> Curator:
    account_id = account_id or make_account(house, role=Role.CURATOR)
    token = make_token(house, account_id, Scope.REVIEW)
    client = TestClient(build_app(house, [api.router]), follow_redirects=False)
    return Curator(account_id, client, {"Authorization": f"Bearer {token}"})


class EventfulStore(DirectoryStore):
    """A store in which something happens each time an object has been opened, before its bytes are handed on."""

    def __init__(self, directory: str, happening: Callable[[], None]) -> None:
        super().__init__(Path(directory))
        self._happening = happening

    def open(self, key: str, offset: int = 0) -> BinaryIO:
        file = super().open(key, offset)
        self._happening()
        return file


def when_a_recording_is_read(house: Collaborators, happening: Callable[[], None]) -> Collaborators:
    return replace(house, vault=Vault(EventfulStore(house.settings.resolved_object_store(), happening)))


def when_a_key_is_unwrapped(house: Collaborators, happening: Callable[[], None]) -> Collaborators:
    keys = EventfulStore(house.settings.resolved_key_store(), happening)
    return replace(house, keyring=Keyring(house.master, keys))


def once(act: Callable[[], None]) -> Callable[[], None]:
    """The act, the first time only."""
    left = [act]

    def happen() -> None:
        if left:
            left.pop()()

    return happen


def rows_of(house: Collaborators, clip_id: ClipId) -> tuple[int, int]:
    """How many reviews and labels the clip has."""
    with house.database.reading() as session:
        return (
            session.query(Review).filter_by(clip_id=clip_id).count(),
            session.query(Label).filter_by(clip_id=clip_id).count(),
        )


SAID = "call me on four one five five five five two six seven one okay"
WORD_S = 0.25


def flagged_clip(house: Collaborators, lender: Lender, *, said: str = SAID, aligned: bool = True) -> ClipId:
    """A clip whose words last a quarter of a second each, as the worker leaves it."""
    words, key = said.split(), voice_key(house, lender.account_id)
    clip_id = make_clip(house, lender, pcm=tone(duration_s=WORD_S * len(words)), transcript=said)
    make_hypothesis(house, lender, clip_id, said)
    times = [[word, at * WORD_S, (at + 1) * WORD_S, 0.9] for at, word in enumerate(words)]
    with house.database.writing() as session:
        session.add_all(proposed(key, clip_id, words, found, house.clock()) for found in find(said, "en-US"))
        if aligned:
            sealed = key.seal(json.dumps(times).encode(), place("alignments.words", clip_id))
            session.add(Alignment(clip_id=clip_id, version=1, score=0, worst=0, words=sealed, at=house.clock()))
    return clip_id
