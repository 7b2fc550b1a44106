"""Somebody at the pages: signed in by cookie, sending forms as their browser would."""

import re
from dataclasses import dataclass

from httpx2 import Response
from starlette.testclient import TestClient

from corpus.collaborators import Collaborators
from corpus.web import pages, sessions
from corpus.web.app import build_app
from corpus.web.dependencies import SESSION_COOKIE
from corpus.words import AccountId, Scope
from ingest.app import routes
from tests.factories import make_token

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ORIGIN = FORM | {"Origin": "http://testserver"}
ELSEWHERE = FORM | {"Origin": "https://elsewhere.example"}


@dataclass(frozen=True)
class Visitor:
    """A browser without JavaScript."""

    client: TestClient

    def get(self, address: str, **headers: str) -> Response:
        return self.client.get(address, headers=headers)

    def send(self, address: str, **fields: str) -> Response:
        return self.client.post(address, data=fields, headers=ORIGIN)

    def send_from_elsewhere(self, address: str, **fields: str) -> Response:
        return self.client.post(address, data=fields, headers=ELSEWHERE)


def visitor(house: Collaborators, account_id: AccountId | None = None) -> Visitor:
    """Who is signed in, or nobody in particular."""
    client = TestClient(build_app(house, [sessions.router, pages.router, routes()]), follow_redirects=False)
    if account_id is not None:
        client.cookies.set(SESSION_COOKIE, make_token(house, account_id, Scope.ACCOUNT))
    return Visitor(client)


def words_of(answer: Response) -> str:
    """A page's text, tags and runs of space taken out."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
